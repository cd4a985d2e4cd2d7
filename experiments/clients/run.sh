#!/usr/bin/env bash
# Real clients and applications against powercut-server, each with a kill -9 in the middle of its work: run.sh [CLIENT...].
# Without one, all. Installs what they need: Debian's packages, and npm's into build/clients.
# Environment: SERVER, the server to ask [build/powercut-server, which is built first]; redis-server itself does as well.
#   RECORD, a folder: what each client says until the kill is kept there as a workload, CLIENT.aof (record.py).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
here=$root/experiments/clients
cd "$root"

all=(redis-cli redis-benchmark hiredis redis-py node-redis ioredis connect-redis prometheus-redis-exporter
  bullmq bull rsmq redlock rate-limiter-flexible redis-py-locks celery rq django-redis)
usage() {
  echo "usage: experiments/clients/run.sh [CLIENT...]; of ${all[*]}" >&2
  exit 2
}
for client in "$@"; do
  [[ " ${all[*]} " == *" $client "* ]] || usage
done
(($# > 0)) || set -- "${all[@]}"

packages=(redis-tools)
modules=no
for client in "$@"; do
  case $client in
    hiredis) packages+=(gcc libc6-dev libhiredis-dev) ;;
    redis-py | redis-py-locks) packages+=(python3-redis) ;;
    celery) packages+=(python3-celery python3-redis) ;;
    rq) packages+=(python3-rq) ;;
    django-redis) packages+=(python3-django-redis) ;;
    prometheus-redis-exporter) packages+=(prometheus-redis-exporter curl) ;;
    node-redis | ioredis | connect-redis | bullmq | bull | rsmq | redlock | rate-limiter-flexible) modules=yes ;;
  esac
done
scenarios/setup.sh "${packages[@]}"
if [[ -z ${SERVER:-} ]]; then
  scenarios/build.sh powercut-server
  SERVER=$root/build/powercut-server
fi
export SERVER

export CLIENTS_MODULES=$root/build/clients
if [[ $modules == yes ]] && ! cmp -s "$here/package-lock.json" "$CLIENTS_MODULES/package-lock.json"; then
  command -v npm >/dev/null || scenarios/setup.sh nodejs npm
  mkdir -p "$CLIENTS_MODULES"
  cp "$here/package.json" "$CLIENTS_MODULES"
  cp "$here/package-lock.json" "$CLIENTS_MODULES/wanted.json"
  mv "$CLIENTS_MODULES/wanted.json" "$CLIENTS_MODULES/package-lock.json"
  npm ci --prefix "$CLIENTS_MODULES" --no-audit --no-fund --ignore-scripts >"$CLIENTS_MODULES/npm.log" 2>&1 || {
    rm "$CLIENTS_MODULES/package-lock.json"
    tail -n 5 "$CLIENTS_MODULES/npm.log" >&2
    exit 1
  }
fi

work=$(mktemp -d)
export CLIENTS_DIR=$work/none
finish() {
  if [[ -e $CLIENTS_DIR/pid ]]; then kill -9 "$(cat "$CLIENTS_DIR/pid")" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The client's script: it prints a line of what it did, or on standard error what was not right.
talk() {
  case $1 in
    redis-cli) "$here/redis_cli.sh" ;;
    redis-benchmark) "$here/redis_benchmark.sh" ;;
    hiredis)
      gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -O1 -o "$CLIENTS_DIR/hiredis" "$here/hiredis.c" -lhiredis
      "$CLIENTS_DIR/hiredis"
      ;;
    redis-py | redis-py-locks) /usr/bin/python3 "$here/${1//-/_}.py" ;;
    celery) /usr/bin/python3 "$here/celery_tasks.py" ;;
    rq) /usr/bin/python3 "$here/rq_jobs.py" ;;
    django-redis) /usr/bin/python3 "$here/django_cache.py" ;;
    prometheus-redis-exporter) "$here/redis_exporter.sh" ;;
    *) node "$here/${1//-/_}.mjs" ;;
  esac
}

export PYTHONDONTWRITEBYTECODE=1
failed=0
for client in "$@"; do
  export CLIENTS_DIR=$work/$client
  mkdir "$CLIENTS_DIR"
  CLIENTS_PORT=$(free_port)
  export CLIENTS_PORT CLIENTS_KILL="$here/server.sh kill"
  "$here/server.sh" start
  if [[ -n ${RECORD:-} ]]; then
    mkdir -p "$RECORD"
    "$here/record.py" "$CLIENTS_PORT" "$RECORD/$client.aof" &
  fi
  ok=yes
  talk "$client" || ok=no
  "$here/server.sh" stop || ok=no
  rm "$CLIENTS_DIR/pid"
  if [[ $ok == no ]]; then
    echo "$client: failed; the server's last words: $(tail -n 2 "$CLIENTS_DIR/log" | tr '\n' ' ')" >&2
    failed=1
  fi
done
exit $failed
