#!/usr/bin/env python3
"""Looks keys up as a cache does, and counts what is found: trace.py PORT REQUESTS KEYS VALUE_BYTES SKEW SEED.

Keys are drawn by Zipf's law; what is not there is set. Prints the share of look-ups that found their key, over the
second half: the first fills the cache.
"""
import bisect
import itertools
import random
import socket
import sys

PIPELINE = 64


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.file = self.socket.makefile("rb")

    def send(self, commands):
        out = []
        for words in commands:
            out.append(b"*%d\r\n" % len(words))
            out.extend(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self.socket.sendall(b"".join(out))

    def reply(self):
        line = self.file.readline()
        if line[:1] == b"-":
            sys.exit("trace.py: the server answers " + line.decode().strip())
        if line[:1] == b"$" and line != b"$-1\r\n":
            return self.file.read(int(line[1:]) + 2)[:-2]
        return None


def main():
    port, requests, keys, value_bytes = map(int, sys.argv[1:5])
    skew, seed = float(sys.argv[5]), int(sys.argv[6])
    draw = random.Random(seed)
    weights = list(itertools.accumulate(1 / rank**skew for rank in range(1, keys + 1)))
    server = Connection(port)
    value = b"x" * value_bytes
    asked = found = 0
    for begin in range(0, requests, PIPELINE):
        names = [b"key:%d" % bisect.bisect(weights, draw.random() * weights[-1]) for _ in range(PIPELINE)]
        server.send([(b"GET", name) for name in names])
        missed = [name for name in names if server.reply() is None]
        if begin >= requests // 2:
            asked += len(names)
            found += len(names) - len(missed)
        missed = list(dict.fromkeys(missed))
        server.send([(b"SET", name, value) for name in missed])
        for _ in missed:
            server.reply()
    print(f"{found / asked:.5f}")


main()
