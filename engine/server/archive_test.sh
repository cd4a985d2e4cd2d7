#!/usr/bin/env bash
# A running server whose values lie in memory, on the disk and in an object store: ten times what may be in memory, most of it
# archived; kill -9, and all is had; the store out of reach, and the rest is served; a start that is refused in one line; a
# backup. The object store is s3_server.py, which verifies signatures, or with S3RVER=NODE_MODULE that module of npm:
# @20minutes/s3rver, which does so too (s3rver itself looks at the key alone).
# usage: archive_test.sh POWERCUT-SERVER POWERCUT-RESTORE POWERCUT-CHECK-RDB. Needs python3.
set -u
server=$1
restore=$2
check_rdb=$3
here=${BASH_SOURCE[0]%/*}

source "$here/checks.sh"

keys=500
s3_pid=
# Begins the object store, with what it had; sets `endpoint`.
begin_s3() {
  if [ -n "${S3RVER:-}" ]; then
    mkdir -p "$dir/s3"
    : >"$dir/s3.log"
    node -e '
      const S3rver = require(process.argv[1]);
      new S3rver({ address: "127.0.0.1", port: 0, directory: process.argv[2], silent: true,
        configureBuckets: [{ name: "bucket" }] }).run()
        .then(({ port }) => console.log(`listening on 127.0.0.1:${port}`));
    ' "$(realpath "$S3RVER")" "$dir/s3" >"$dir/s3.log" 2>&1 &
    s3_pid=$!
    pids+=("$s3_pid")
    for _ in $(seq 400); do
      s3_port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$dir/s3.log")
      [ -n "$s3_port" ] && break
      sleep 0.05
    done
    export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER
  else
    /usr/bin/python3 "$here/s3_server.py" "$dir/s3.port" 2>"$dir/s3.log" &
    s3_pid=$!
    pids+=("$s3_pid")
    for _ in $(seq 400); do
      [ -s "$dir/s3.port" ] && break
      sleep 0.05
    done
    s3_port=$(cat "$dir/s3.port")
    export AWS_ACCESS_KEY_ID=tester AWS_SECRET_ACCESS_KEY=secret
  fi
  [ -n "$s3_port" ] || { fail "no object store: $(cat "$dir/s3.log")" && exit 1; }
  endpoint=http://127.0.0.1:$s3_port
}
# Nobody answers there; and somebody again.
stop_s3() { kill -STOP "$s3_pid"; }
resume_s3() { kill -CONT "$s3_pid"; }

# Sets `words`: the command line.
command_line() {
  words=("$server" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync always --save ''
    --cold-tier-path cold --hot-tier-size 80kb --cold-tier-size "${cold_size:-150kb}" --archive-after 0
    --archive-url "${url:-s3://bucket/one/store}" --archive-endpoint "$endpoint" "$@")
}
# launch OPTIONS...: on the data that are there; sets `pid` and `port`.
launch() {
  command_line "$@"
  serve "${words[@]}"
}
# refusal OPTIONS...: what a start says; sets `status`.
refusal() {
  command_line "$@"
  refused=$(timeout 60 "${words[@]}" 2>&1)
  status=$?
}
until_is() {
  for _ in $(seq 600); do
    [ "$(figure "$1")" "$2" "$3" ] && return 0
    sleep 0.05
  done
  fail "$1 is $(figure "$1"), not $2 $3: $(tail -5 "$dir/log")"
}
talk() {
  /usr/bin/python3 - "$port" "$keys" "$1" <<'END'
import random, socket, sys
port, keys, what = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
s = socket.create_connection(("127.0.0.1", port))
f = s.makefile("rb")
def value(n): return random.Random(n).randbytes(500).hex()
bad = 0
for n in range(keys):
    if what == "fill":
        s.sendall(f"SET key:{n} {value(n)}\r\n".encode())
        assert f.readline() == b"+OK\r\n"
    else:
        s.sendall(f"GET key:{n}\r\n".encode())
        head = f.readline()
        body = f.read(1002)[:-2] if head == b"$1000\r\n" else head
        bad += body.decode() != value(n)
print(bad)
END
}

mkdir "$dir/data"
begin_s3
# --- More than may be in memory, and on the disk ---
launch
is "filled" "$(talk fill)" 0
until_is cold_values -ge $((keys * 7 / 10))
until_is archive_segments -ge 1
ask BGREWRITEAOF >/dev/null
until_is aof_rewrite_in_progress = 0
is "all are there" "$(ask DBSIZE)" ":$keys"
is "the archive takes" "$(figure archive_last_status)" ok
is "all are had" "$(talk check)" 0

# --- kill -9: keys come up, values stay where they are ---
launch
[ "$(figure archive_segments)" -ge 1 ] || fail "a start knows of nothing in the archive"
is "after a kill" "$(talk check)" 0
is "of one" "$(ask 'APPEND key:1 more')" ":1004"
is "gone" "$(ask 'DEL key:2')" ":1"

# --- A backup has the values themselves ---
has "begun" "$(ask 'BACKUP START one')" one
has "sealed" "$(ask 'BACKUP SEAL')" one
has "restored" "$("$restore" "$dir/data/backups/one" --to "$dir/restored" 2>&1)" "restored: up to entry"
has "as plain" "$("$check_rdb" "$dir/restored/dump.rdb" 2>&1)" "$((keys - 1)) keys"

# --- Nobody answers: the rest is served, one client's wait is nobody else's ---
cold_size=1 launch
until_is archive_bytes -ge 200000
ask BGREWRITEAOF >/dev/null
until_is aof_rewrite_in_progress = 0
stop_s3
launch
has "a start says so" "$(cat "$dir/log")" "the archive is not reached"
is "keys" "$(ask DBSIZE)" ":$((keys - 1))"
is "a write" "$(ask 'SET new 1' 'GET new')" '+OK $1 1'
exec 8<>"/dev/tcp/127.0.0.1/$port"
printf 'GET key:7\r\nGET key:8\r\nGET key:9\r\n' >&8
is "others go on" "$(ask 'GET new')" '$1 1'
resume_s3
exec 8>&-
until_is archive_last_status = ok
is "and none was lost" "$(ask 'STRLEN key:1' 'EXISTS key:2')" ":1004 :0"

# --- What is refused, in one line ---
kill "$pid"
wait "$pid" 2>/dev/null
pid=
url=s3://nobucket/x refusal
has "no such bucket" "$refused" "there is no bucket nobucket"
[ "$status" != 0 ] || fail "it starts without its bucket"
is "in one line" "$(grep -c '^powercut-server: ' <<<"$refused")" 1
url=s3://bucket/other refusal
has "another archive" "$refused" "archive-url is s3://bucket/other"
AWS_ACCESS_KEY_ID=nobody refusal
has "a wrong key" "$refused" AWS_ACCESS_KEY_ID
AWS_SECRET_ACCESS_KEY=wrong refusal
has "a wrong secret" "$refused" SignatureDoesNotMatch
AWS_ACCESS_KEY_ID='' refusal
has "no key" "$refused" "who is asking?"
url=bucket/x refusal
has "no address" "$refused" "s3://BUCKET/PREFIX"
printf '[storage]\ncold_tier_path = "cold"\narchive.url = "bucket/x"\n' >"$dir/p.toml"
has "in TOML" "$("$server" "$dir/p.toml" 2>&1)" "p.toml line 3"
if [ -z "${S3RVER:-}" ]; then
  url=s3://locked/x refusal
  has "no rights" "$refused" "these credentials may not"
fi
case $refused in *secret*) fail "the secret is told: $refused" ;; esac
launch
is "nothing was changed" "$(ask DBSIZE 'STRLEN key:1')" ":$keys :1004"

[ "$failed" = 0 ] && echo "archive: all as it should be"
exit "$failed"
