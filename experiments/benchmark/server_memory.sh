#!/usr/bin/env bash
# Memory an object, powercut-server beside redis-server: 100,000 objects of each shape, and how much more the process takes
# with them, its allocator's rounding and all. No times, so other work on the machine does not matter.
# usage: experiments/benchmark/server_memory.sh
#   OBJECTS=N  so many of each [100000]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root"
objects=${OBJECTS:-100000}
[[ $objects =~ ^[1-9][0-9]*$ ]] || { echo "server_memory.sh: OBJECTS is $objects, which is no number of objects" >&2; exit 2; }
port=7401
scenarios/setup.sh redis-server redis-tools python3
scenarios/build.sh powercut-server

mkdir -p build
work=$(mktemp -d build/server-memory-XXXXXX)
source experiments/common/servers.sh

shapes=(
  "a string of 10 B" "a string of 64 B" "a string of 1,000 B" "a number"
  "a list of 10" "a list of 500" "a hash of 10 fields" "a hash of 200 fields"
  "a hash of 500 fields" "a set of 10 numbers" "a set of 500 numbers" "a set of 10 members" "a set of 200 members"
  "a sorted set of 10" "a sorted set of 200" "a sorted set of 10 long members" "a sorted set of 200 long members"
  "a stream of 10" "a stream of 200"
)

# The commands that make them, as the protocol has them.
commands() {  # SHAPE COUNT
  python3 - "$1" "$2" <<'PYTHON'
import sys
shape, count = sys.argv[1], int(sys.argv[2])
words = shape.split()
many = int(words[4] if words[1] == "sorted" else words[3]) if words[1] != "string" and words[1] != "number" else 0
out = sys.stdout.buffer
def say(*parts):
    out.write(b"*%d\r\n" % len(parts))
    for part in parts:
        part = str(part).encode()
        out.write(b"$%d\r\n%s\r\n" % (len(part), part))
for i in range(count):
    key = f"object:{i:08d}"
    if shape == "a number":
        say("SET", key, i)
    elif words[1] == "string":
        say("SET", key, "x" * int(words[3].replace(",", "")))
    elif words[1] == "list":
        say("RPUSH", key, *(f"item{n:04d}" for n in range(many)))
    elif words[1] == "hash":
        say("HSET", key, *(part for n in range(many) for part in (f"field{n}", f"value{n:03d}")))
    elif shape.endswith("numbers"):
        say("SADD", key, *(1000 + i % 1000 + n for n in range(many)))
    elif words[1] == "set":
        say("SADD", key, *(f"member{n:03d}" for n in range(many)))
    elif words[1] == "stream":
        for n in range(many):
            say("XADD", key, f"{1700000000000 + 7 * n}-0", "field", f"value{n:03d}")
    elif shape.endswith("long members"):
        say("ZADD", key, *(part for n in range(many) for part in (1700000000000 + 7 * n, f"a member of some length {n:06d}")))
    else:
        say("ZADD", key, *(part for n in range(many) for part in (n, f"member{n:03d}")))
PYTHON
}

bytes_an_object() {  # SERVER SHAPE COUNT
  local empty
  fresh
  serve "$1" --appendonly no
  await
  empty=$(memory_kb)
  commands "$2" "$3" | ask --pipe >/dev/null
  [[ $(ask dbsize) == "$3" ]] || { echo "server_memory.sh: $1 has not taken $3 times $2: $(ask dbsize)" >&2; exit 1; }
  echo $((($(memory_kb) - empty) * 1024 / $3))
  stop
}

echo "$(redis-server --version | cut -d' ' -f1-3), Linux $(uname -r), $objects objects of each (a tenth where they are large)"
echo
echo '| what | ours / Redis | ours | Redis |'
echo '|---|---|---|---|'
for shape in "${shapes[@]}"; do
  count=$objects
  [[ $shape != *00* ]] || count=$((objects / 10))
  ours=$(bytes_an_object powercut "$shape" $count)
  redis=$(bytes_an_object redis "$shape" $count)
  awk -v shape="$shape" -v ours="$ours" -v redis="$redis" 'BEGIN { printf "| %s | %.2f | %d B | %d B |\n", shape, ours / redis, ours, redis }'
done
