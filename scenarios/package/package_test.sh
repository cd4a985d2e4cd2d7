#!/usr/bin/env bash
# The packages install into an empty root, run there, complete what is typed, let others build an engine of
# their own, and are removed without a trace: package_test.sh BUILD VERSION
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=$1 version=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "package: $*" >&2
  exit 1
}

(cd "$build" && cpack -B "$work/debs" >"$work/log" 2>&1) || { tail -n 20 "$work/log" >&2; fail "cpack"; }
shopt -s nullglob
debs=("$work"/debs/*.deb)
((${#debs[@]} == 3)) || fail "not three packages: ${debs[*]}"

# An empty root: dpkg keeps its own account there, and touches nothing else. What the packages depend on is
# not in it, and the programs find it on this system.
root=$work/root
mkdir -p "$root/var/lib/dpkg/"{updates,info}
: >"$root/var/lib/dpkg/status"
before=$(cd "$root" && find . -path ./var -prune -o -print | sort)
dpkg=(dpkg --root="$root" --log=/dev/null --force-not-root --force-depends --force-script-chrootless)
"${dpkg[@]}" -i "${debs[@]}" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "dpkg -i"; }

for deb in "${debs[@]}"; do
  [[ $(dpkg-deb -f "$deb" Version) == "$version"* ]] || fail "the version of $deb"
  [[ -n $(dpkg-deb -f "$deb" Depends) ]] || fail "$deb depends on nothing"
  ! dpkg-deb -c "$deb" | awk '{print $6}' | grep -v '^\./usr/\|^\./$' || fail "$deb has files outside of /usr"
done
bin=$root/usr/bin
cd "$work"
# Where files must be handed over, the library is found as it was installed.
mkdir recorded
"$build/refuse" "$bin/powercut" record -o t.trace --dir recorded -- sh -c 'echo 1 >recorded/a' >out 2>&1 || fail "record: $(cat out)"
for program in powercut powercut-server powercut-check-aof powercut-check-rdb powercut-restore; do
  "$bin/$program" --help >out || fail "$program --help"
  MANPATH=$root/usr/share/man man --warnings "$program" 2>&1 >page | grep . && fail "the page of $program"
  [[ -s page ]] || fail "the page of $program is empty"
done
"$bin/powercut" sweep --workload web-shop --ops 20 --seeds 50 >out || fail "a sweep with a recorded workload"
grep -q 'all promises held' out || fail "what the sweep says"
for verb in $("$bin/powercut" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  [[ -s $root/usr/share/man/man1/powercut-$verb.1.gz ]] || fail "no page of $verb"
done

# --- Completion, as each shell would ask for it ---
complete_bash() {  # words... the last one is being typed
  bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _powercut; printf "%s\n" "${COMPREPLY[@]}"' \
    - "$root/usr/share/bash-completion/completions/powercut" "$@"
}
has() {  # what, words...
  local what=$1
  shift
  complete_bash "$@" | grep -xF -- "$what" >/dev/null || fail "bash completes no $what in: $*"
}
has sweep powercut sw
has --persona powercut sweep --per
has xfs powercut sweep --persona x
has ext4-ordered,xfs powercut sweep --persona ext4-ordered,x
has everysec powercut explore --policy every
has web-shop powercut run --workload web
has cover-read-late powercut sweep --mutant cover
has ack-first,cover-read-late powercut zoo --mutant ack-first,cover
has power-cut powercut run --faults pow
has personas powercut list per
has broken powercut merge --expect b
fish=$root/usr/share/fish/vendor_completions.d/powercut.fish
zsh=$root/usr/share/zsh/vendor-completions/_powercut
for name in xfs everysec web-shop cover-read-late no-sync:segment.commit; do
  grep -qF -- "$name" "$fish" || fail "fish: no $name"
  grep -qF -- "${name//:/\\:}" "$zsh" || fail "zsh: no $name"
done
zsh -n "$zsh" || fail "zsh does not read its completion"
fish --no-config -c "source $fish; complete -C 'powercut sweep --mutant cover'" >out || fail "fish"
grep -q '^cover-read-late' out || fail "fish completes no mutant"

# --- An engine of somebody else's ---
mkdir consumer
cp "$source"/experiments/toy_log/{main.cc,toy_log.cc,toy_log.h} consumer
sed -i 's|"experiments/toy_log/|"|' consumer/*
cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(consumer CXX)
find_package(powercut REQUIRED)
add_executable(toy_log main.cc toy_log.cc)
target_link_libraries(toy_log PRIVATE powercut::scenarios_cli)
END
# --root: the headers are those of the package, not of the tree.
cmake -S consumer -B consumer/build -DCMAKE_BUILD_TYPE=Release -Dpowercut_DIR="$(dirname "$(find "$root" -name powercut-config.cmake)")" \
  >"$work/log" 2>&1 && cmake --build consumer/build >>"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "an engine of one's own does not build"; }
! grep -rqF "$source/" consumer/build/CMakeFiles --include=*.make --include=*.ninja || fail "it was built from the tree"
consumer/build/toy_log list targets | grep -q toy || fail "it is not among the targets"

# --- And removed ---
"${dpkg[@]}" --purge powercut powercut-server libpowercut-dev >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "dpkg --purge"; }
after=$(cd "$root" && find . -path ./var -prune -o -print | sort)
[[ $after == "$before" ]] || fail "left behind: $(comm -13 <(echo "$before") <(echo "$after") | tr '\n' ' ')"
