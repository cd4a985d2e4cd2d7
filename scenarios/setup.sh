#!/usr/bin/env bash
# Installs what the build needs and the system lacks, from the distribution's packages.
# Silent and instant when nothing is missing. setup.sh PACKAGE...: these as well.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config ccache
  libboost-context-dev libfmt-dev libcli11-dev nlohmann-json3-dev libxxhash-dev liburing-dev liblzf-dev
  liblua5.1-0-dev lua-cjson-dev lua-bitop-dev libsqlite3-dev libpq-dev postgresql liblz4-dev libtoml11-dev prometheus-cpp-dev libssl-dev libcurl4-openssl-dev openssl python3 libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  libgoogle-perftools-dev gnuplot-nox clang-format
  dpkg-dev man-db zsh fish parallel procps python3-yaml "$@"
)
install=(apt-get install -y --no-install-recommends)

give_up() {  # why, package...
  local why=$1
  shift
  echo "setup: $why; missing packages: $*; to install them: sudo ${install[*]} $*" >&2
  exit 1
}

if [[ -n ${POWERCUT_SKIP_SETUP:-} ]]; then exit 0; fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  give_up "this is no Debian (POWERCUT_SKIP_SETUP=1 if all is installed under other names)" \
    "${packages[@]}"
fi

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exit 0; fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || give_up "not root, and there is no sudo" "${missing[@]}"
  as_root=(sudo)
  [[ -t 0 ]] || as_root=(sudo -n)  # nobody is there to type a password
  "${as_root[@]}" true 2>/dev/null || give_up "sudo was refused" "${missing[@]}"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" \
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 </dev/null >>"$log" 2>&1
}

echo "setup: installing ${missing[*]}" >&2
# An index that is there may be good enough; after a failure it is fetched anew, and once more.
known=$(apt-cache --no-all-versions show "${missing[@]}" 2>/dev/null | grep -c '^Package: ' || true)
for attempt in 1 2 3; do
  if ((attempt > 1 || known < ${#missing[@]})); then apt apt-get update || true; fi
  if apt "${install[@]}" "${missing[@]}"; then exit 0; fi
done
tail -n 5 "$log" >&2
give_up "apt-get failed" "${missing[@]}"
