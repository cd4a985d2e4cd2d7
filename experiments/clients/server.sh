#!/usr/bin/env bash
# The server that the clients' scripts talk to: server.sh start|kill|stop. `kill` is kill -9 and a start behind it, in the
# same directory, on the same port; it returns when the server answers again.
# Environment: SERVER, the program; CLIENTS_DIR, where its data, log and socket are; CLIENTS_PORT.
set -euo pipefail

answers() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$CLIENTS_PORT" || return 1
  printf 'PING\r\n' >&3
  IFS= read -r -t 2 line <&3 || line=
  exec 3>&-
  [[ $line == +PONG* ]]
} 2>/dev/null

start() {
  mkdir -p "$CLIENTS_DIR/data"
  setsid "$SERVER" --port "$CLIENTS_PORT" --bind 127.0.0.1 --unixsocket "$CLIENTS_DIR/socket" --dir "$CLIENTS_DIR/data" \
    --save "" --appendonly yes --appendfsync always --enable-debug-command local \
    </dev/null >>"$CLIENTS_DIR/log" 2>&1 &
  local pid=$!
  echo $pid >"$CLIENTS_DIR/pid"
  for _ in $(seq 400); do
    if answers; then return; fi
    kill -0 $pid 2>/dev/null || break
    sleep 0.02
  done
  echo "clients: $SERVER does not start: $(tail -n 3 "$CLIENTS_DIR/log")" >&2
  exit 1
}

# gone PID: it has ended within ten seconds. A parent that does not wait for it may leave its entry behind.
gone() {
  for _ in $(seq 500); do
    if [[ $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) != [^ZX]* ]]; then return; fi
    sleep 0.02
  done
  return 1
}

case $1 in
  start) start ;;
  kill)
    kill -9 "$(cat "$CLIENTS_DIR/pid")"
    start
    ;;
  stop)
    pid=$(cat "$CLIENTS_DIR/pid")
    kill "$pid" || { echo "clients: the server has ended by itself" >&2; exit 1; }
    gone "$pid" || { kill -9 "$pid"; echo "clients: the server does not end" >&2; exit 1; }
    ;;
  *) echo "usage: server.sh start|kill|stop" >&2; exit 2 ;;
esac
