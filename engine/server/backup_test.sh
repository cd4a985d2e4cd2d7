# Backups of a running server, and what powercut-restore makes of them: also what it refuses, and that it changes nothing.
# Needs bash alone. usage: backup_test.sh POWERCUT-SERVER POWERCUT-RESTORE POWERCUT-CHECK-AOF
set -u
server=$1
restore=$2
check=$3

source "${BASH_SOURCE[0]%/*}/checks.sh"

# launch DATA OPTIONS...: sets `pid`, and descriptor 9 is a connection.
launch() {
  serve "$server" --dir "$@" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync always --save ""
  exec 9<>"/dev/tcp/127.0.0.1/$port"
}
# The answer, its parts with blanks between.
ask() {
  local line left=1 text=
  printf '%s\r\n' "$1" >&9
  while ((left > 0)); do
    IFS= read -r -t 5 line <&9 || { text+=" nothing" && break; }
    line=${line%$'\r'}
    left=$((left - 1))
    case $line in
      '$-1') text+=" nil" ;;
      '*'*) left=$((left + ${line:1})) ;;
      '$'*)
        IFS= read -r -N $((${line:1} + 2)) -t 5 line <&9
        text+=" ${line%$'\r\n'}"
        ;;
      *) text+=" $line" ;;
    esac
  done
  printf '%s' "${text# }"
}
# What restoring says; `status` is what it ends with.
restored() {
  "$restore" "$@" >"$dir/said" 2>&1
  status=$?
  [ "$(wc -l <"$dir/said")" = 1 ] || fail "$*: more or less than a line: $(cat "$dir/said")"
}
digest() { (cd "$1" && find . -type f -exec cksum {} + | sort -k 3); }

mkdir "$dir/data"
launch "$dir/data" --aof-timestamp-enabled yes --enable-debug-command yes
backups=$dir/data/backups
ask 'SET a 1' >/dev/null
is "begin" "$(ask 'BACKUP START monday')" monday
ask 'SET b 2' >/dev/null
is "a rewrite meanwhile" "$(ask 'BGREWRITEAOF')" "+Background append only file rewriting started"
for _ in $(seq 100); do [[ $(ask 'INFO persistence') == *aof_rewrites:1* ]] && break; sleep 0.02; done
printf 'MULTI\r\nSET c 3\r\nSET d 4\r\nEXEC\r\n' >&9
for _ in 1 2 3 4 5 6; do IFS= read -r -t 5 _ <&9; done
whole=$(ask 'DEBUG DIGEST')
has "sealed" "$(ask 'BACKUP SEAL')" "id monday state sealed from-lsn :0 to-lsn :3"
sealed=$(digest "$backups/monday")
ask 'SET e 5' >/dev/null
ask 'BGREWRITEAOF' >/dev/null
is "begin another" "$(ask 'BACKUP START half')" half
has "it lists what is sealed" "$(ask 'BACKUP LIST')" "id monday"
"$check" "$backups/monday" | grep -q 'whole: up to entry 3' || fail "the check tool: $("$check" "$backups/monday")"

# --- The power is not cut here, but the process is: half a backup goes, a whole one stays as it was ---
restored "$backups/half" --to "$dir/none"
is "half a backup" "$status" 1
has "it says so" "$(cat "$dir/said")" "it is no backup, or one that was never sealed"
launch "$dir/data" --aof-timestamp-enabled yes
[ ! -e "$backups/half" ] || fail "half a backup lies there still"
is "the whole one is as it was" "$(digest "$backups/monday")" "$sealed"

# --- Restoring ---
restored "$backups/monday" --to "$dir/one"
is "restored" "$status $(cat "$dir/said")" "0 restored: up to entry 3 (there are 0 to 3); start powercut-server --dir $dir/one"
restored "$backups/monday" --to "$dir/two" --to-lsn 2
restored "$backups/monday" --to "$dir/now" --to-time "$(date +%s)"
is "now" "$status" 0
echo torn >"$dir/cut-in-the-middle" && mkdir "$dir/again" && mv "$dir/cut-in-the-middle" "$dir/again/temp-dump.rdb"
restored "$backups/monday" --to "$dir/again"
is "once more, where one was cut" "$status" 0
is "nothing was changed" "$(digest "$backups/monday")" "$sealed"

for wrong in "--to-lsn 9:entry 9 is not there: the log has 0 to 3" "--to-time 9:the log does not reach back to 9"; do
  restored "$backups/monday" --to "$dir/none" ${wrong%%:*}
  is "$wrong" "$status" 1
  has "$wrong" "$(cat "$dir/said")" "${wrong#*:}"
done
restored "$dir" --to "$dir/none"
is "a foreign folder" "$status" 1
restored "$backups/monday" --to "$dir/one"
is "a directory that is taken" "$status" 1
[ ! -e "$dir/none" ] || fail "something was half written"
cp -r "$backups/monday" "$dir/damaged"
printf x | dd of="$dir/damaged/appendonly.aof.1.incr.aof" bs=1 seek=60 conv=notrunc 2>/dev/null
restored "$dir/damaged" --to "$dir/none" --to-lsn 1
is "a damaged one" "$status" 3
has "it says where" "$(cat "$dir/said")" "appendonly.aof.1.incr.aof offset"
[ ! -e "$dir/none" ] || fail "something was half written"

for place in one again now; do
  launch "$dir/$place" --enable-debug-command yes
  is "the digest of $place" "$(ask 'DEBUG DIGEST')" "$whole"
done
launch "$dir/two"
is "up to an entry" "$(ask 'MGET a b c')" "1 2 nil"
exit $failed
