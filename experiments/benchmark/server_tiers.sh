#!/usr/bin/env bash
# What a cold tier costs and saves: memory of the process, and how long a GET takes whose value is in memory, and whose is not,
# with all values in memory, half and a tenth of them. Then a start behind a rewrite. Prints a table; two minutes. What the
# page cache holds is not the disk's: below its size a value that is away costs a read of it, and LZ4.
# usage: experiments/benchmark/server_tiers.sh
#   KEYS=N  so many, of 1,000 B each [200000]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root"
keys=${KEYS:-200000}
port=7400
scenarios/setup.sh redis-tools python3
scenarios/build.sh powercut-server

mkdir -p build
work=$(mktemp -d build/server-tiers-XXXXXX)
source experiments/common/servers.sh

start() {  # BYTES: of the hot tier; 0: no tiers
  if (($1 == 0)); then
    serve powercut --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
  else
    serve powercut --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0 --cold-tier-path cold --hot-tier-size "$1"
  fi
  await
}

# drive fill|read: fills; or reads 20,000 keys, nine of ten from the last twentieth, and prints percentiles in us.
drive() {
  python3 - "$port" "$keys" "$1" <<'PYTHON'
import random, socket, sys, time
port, keys, what = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
s = socket.create_connection(("127.0.0.1", port))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
f = s.makefile("rb")
rng = random.Random(1)
if what == "fill":
    for first in range(0, keys, 500):
        out = b""
        for n in range(first, min(first + 500, keys)):
            value = "".join(rng.choices("0123456789abcdef", k=500)) + "x" * 500
            out += f"SET key:{n} {value}\r\n".encode()
        s.sendall(out)
        for _ in range(first, min(first + 500, keys)):
            assert f.readline() == b"+OK\r\n"
    sys.exit()
def came_back():
    s.sendall(b"INFO persistence\r\n")
    text = f.read(int(f.readline()[1:]) + 2).decode()
    return int(next((l.split(":")[1] for l in text.split("\r\n") if l.startswith("cold_came_back:")), 0))
near, far = [], []
for _ in range(20000):
    last = rng.random() < 0.9
    n = rng.randrange(keys - keys // 20, keys) if last else rng.randrange(keys)
    begin = time.perf_counter()
    s.sendall(f"GET key:{n}\r\n".encode())
    f.read(int(f.readline()[1:]) + 2)
    (near if last else far).append((time.perf_counter() - begin) * 1e6)
def of(times, share):
    return sorted(times)[int(len(times) * share)]
print(f"{of(near, .5):.0f} | {of(near, .99):.0f} | {of(far, .5):.0f} | {of(far, .99):.0f} | {came_back()}")
PYTHON
}

echo "$keys keys of 1,000 B, $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)"
echo
echo '| values in memory | memory, MB | often: GET median, us | 99th | seldom: median | 99th | came back | start, ms |'
echo '|---|---|---|---|---|---|---|---|'
for part in all 2 10; do
  fresh
  hot=0
  [[ $part == all ]] || hot=$((keys * 1000 / part))
  start "$hot"
  drive fill
  sleep 3
  memory=$(($(memory_kb) / 1024))
  times=$(drive read)
  ask bgrewriteaof >/dev/null
  sleep 0.5
  while busy; do sleep 0.1; done
  stop
  begin=$(date +%s%N)
  start "$hot"
  took=$((($(date +%s%N) - begin) / 1000000))
  stop
  [[ $part == all ]] && name=all || name="1 of $part"
  echo "| $name | $memory | $times | $took |"
done
