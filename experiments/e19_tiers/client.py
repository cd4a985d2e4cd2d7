#!/usr/bin/env python3
"""One client of a store with tiers, one request at a time but for `fill`:

client.py PORT fill KEYS          sets key:0 ... of 1,000 B each, half of it text that does not compress
client.py PORT each KEYS COUNT SEED   asks COUNT of them, no one twice; prints the median and the 99th percentile, in us
client.py PORT zipf KEYS COUNT SEED   asks by Zipf's law (skew 0.99), twice COUNT: the second half counts
client.py PORT figures NAME...    lines of INFO persistence, with commas between; 0 for what is not there
"""
import bisect
import itertools
import random
import socket
import sys
import time

PIPELINE = 500


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def bulk(self, request):
        self.socket.sendall(request)
        head = self.file.readline()
        if head[:1] != b"$":
            sys.exit("client.py: the server answers " + head.decode().strip())
        return self.file.read(int(head[1:]) + 2)


def fill(server, keys):
    for first in range(0, keys, PIPELINE):
        names = range(first, min(first + PIPELINE, keys))
        out = []
        for n in names:
            noise = b"%0500x" % random.Random(n).getrandbits(2000)
            out.append(b"*3\r\n$3\r\nSET\r\n$%d\r\nkey:%d\r\n$1000\r\n%s%s\r\n" % (4 + len(str(n)), n, noise, b"x" * 500))
        server.socket.sendall(b"".join(out))
        for _ in names:
            if server.file.readline() != b"+OK\r\n":
                sys.exit("client.py: a SET failed")


def asked(server, names, since=0):
    waits = []
    for n in names:
        request = b"GET key:%d\r\n" % n
        begin = time.perf_counter_ns()
        server.bulk(request)
        waits.append((time.perf_counter_ns() - begin) / 1000)
    waits = sorted(waits[since:])
    print(f"{waits[len(waits) // 2]:.1f},{waits[len(waits) * 99 // 100]:.1f}")


def main():
    server, verb, rest = Connection(int(sys.argv[1])), sys.argv[2], sys.argv[3:]
    if verb == "fill":
        fill(server, int(rest[0]))
    elif verb == "figures":
        lines = dict(line.split(":", 1) for line in server.bulk(b"INFO persistence\r\n").decode().split("\r\n") if ":" in line)
        print(",".join(lines.get(name, "0") for name in rest))
    else:
        keys, count, draw = int(rest[0]), int(rest[1]), random.Random(int(rest[2]))
        if verb == "each":
            asked(server, draw.sample(range(keys), count))
        else:
            order = draw.sample(range(keys), keys)  # which key is the first, the second, ...
            weights = list(itertools.accumulate(1 / rank**0.99 for rank in range(1, keys + 1)))
            names = [order[bisect.bisect(weights, draw.random() * weights[-1])] for _ in range(2 * count)]
            asked(server, names, count)


main()
