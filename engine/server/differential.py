#!/usr/bin/env python3
"""The same random requests to powercut-server and to a redis-server, and their replies compared.

usage: differential.py POWERCUT-SERVER REDIS-SERVER [--count N] [--seed S]

RESP2 and RESP3 in turn, tracking in every third stretch. Beside the client two others wait for what it brings, and one
listens: what they were given, every keyspace event and every invalidation is compared, in order. What has no order is sorted;
what draws at random is held to how much it gives. Encodings are not compared: in Redis they depend on what a value once
was. At the end of each stretch every key is compared. The requests are in differential.txt.
Status 1 at the first difference, with as few requests as lead there.
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

KEYS = [b"a", b"b", b"c", b"d", b"e", b""]
WORDS = [b"x", b"y", b"z", b"1", b"2", b"-7", b"3.5", b"10", b"hello", b"\x00\xff\r\n", b"", b"9223372036854775807", b"1e3", b"inf"]
NUMBERS = [b"0", b"1", b"-1", b"2", b"5", b"-100", b"100", b"9223372036854775807", b"x", b"1.5"]
TIMES = [b"100000", b"90000", b"0", b"-5", b"x"]  # none that ends meanwhile
PLACES = [b"13.361389", b"15.087269", b"38.115556", b"37.502669", b"0", b"-85.05112878", b"85.05112878", b"180", b"-180", b"14", b"-120.5", b"60", b"91", b"x"]
LENGTHS = [b"0", b"1", b"50", b"200", b"5000", b"20000", b"inf", b"-1", b"x"]
UNITS = [b"m", b"KM", b"ft", b"mi", b"yd"]
FIELDS = [b"u1", b"u8", b"i5", b"i16", b"u63", b"i64", b"u64", b"x"]
OFFSETS = [b"0", b"1", b"7", b"100", b"#1", b"#9", b"-1", b"#x"]
IDS = [b"1-1", b"1-2", b"1-3", b"1-4", b"2-0", b"2", b"0", b"3-1", b"9", b"1-x", b"18446744073709551615"]
ENDS = [b"-", b"+", b"(1-1", b"(2", b"1-3", b"2", b"0", b"9", b"(", b"18446744073709551615-18446744073709551615"]
SCORES = [b"0", b"1", b"-1", b"2.5", b"1e10", b"inf", b"-inf", b"nan", b"(1", b"[a", b"-", b"+"]

SCRIPTS = [
    b"redis.call('SET', KEYS[1], ARGV[1]) redis.call('RPUSH', KEYS[2], ARGV[1], ARGV[2]) return redis.call('LRANGE', KEYS[2], 0, -1)",
    b"local r = redis.pcall('LPOP', KEYS[1]) if type(r) == 'table' then return r.err end redis.call('SADD', KEYS[2], ARGV[1]) return r",
    b"redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return redis.call('NOSUCH')",
    b"redis.setresp(3) return {redis.call('GET', KEYS[1]), redis.call('EXISTS', KEYS[2]), tostring(1.5), 2.9, true, false, {ok = 'x'}}",
    b"return cjson.encode(cjson.decode('[1,2.5,\"x\",{\"k\":null}]'))",
    b"return {cmsgpack.unpack(cmsgpack.pack({1, ARGV[1], {a = 2}}))}",
    b"return {struct.unpack('>I2hs', struct.pack('>I2hs', 513, -7, ARGV[1]))}",
    b"return bit.tohex(bit.bxor(bit.lshift(5, 3), 1023), 4) .. redis.sha1hex(ARGV[1])",
    b"math.randomseed(tonumber(ARGV[2]) or 7) return {math.random(1000), math.random(1000), tostring(math.random())}",
    b"if redis.call('EXISTS', KEYS[1]) == 0 then return redis.status_reply('NONE') end return redis.error_reply('SOME ' .. redis.call('TYPE', KEYS[1]).ok)",
    b"redis.call('SELECT', 1) redis.call('INCR', KEYS[1]) return redis.call('DBSIZE')",
    b"x = 1",
    b"return nosuch",
    b"return 1 +",
    b"#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 1)",
    b"local t = {} for k in pairs(redis) do t[#t + 1] = k end table.sort(t) return t[1] .. #KEYS .. #ARGV .. type(_G)",
    b"error({err = 'MY words'})",
    b"return {map = {a = 1}, set = 1}",
    b"return pcall(redis.call, 'INCR', KEYS[1])",
]
LIBRARIES = [b"#!lua name=lib%d\nredis.register_function('f%d', function(keys, args) redis.call('SET', keys[1], args[1] .. '%d') return redis.call('EXISTS', keys[2]) end)\nredis.register_function{function_name='g%d', callback=function() return %d end, flags={'no-writes'}}" % (n, n, v, n, v)
             for n in range(2) for v in range(2)] + [b"#!lua name=bad\nx", b"#!lua name=lib0\nredis.register_function('f1', function() end)", b"none"]

LONG_WORDS = [b"l" * 64, b"m" * 65, b"long" * 30, b"\x01" * 300, b"v" * 9000]
KINDS = {"k": KEYS, "w": WORDS, "L": LONG_WORDS, "n": NUMBERS, "t": TIMES, "s": SCORES, "p": PLACES, "l": LENGTHS, "u": UNITS,
         "f": FIELDS, "o": OFFSETS, "i": IDS, "e": ENDS, "E": SCRIPTS, "Y": LIBRARIES,
         "D": [hashlib.sha1(script).hexdigest().encode() for script in SCRIPTS]}

UNORDERED = {b"SMEMBERS", b"SPOP", b"SINTER", b"SUNION", b"SDIFF", b"HGETALL", b"HKEYS", b"HVALS", b"KEYS", b"SCAN",
             b"SSCAN", b"HSCAN", b"ZSCAN",
             b"ACL", b"PUBSUB", b"FUNCTION"}
DRAWN = {b"RANDOMKEY", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER"}


# Spoiled, these would wait for long, show what is compressed in another way, or ask what keys a request has that is none.
AS_THEY_ARE = {b"DUMP", b"BLOCK", b"BLPOP", b"BRPOP", b"BLMOVE", b"BRPOPLPUSH", b"BLMPOP", b"BZPOPMIN", b"BZPOPMAX", b"BZMPOP",
               b"GETKEYS", b"GETKEYSANDFLAGS"}


class Failure(Exception):
    """An error reply."""


class Connection:
    def __init__(self, port):
        for attempt in range(100):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                if attempt == 99:
                    raise
                time.sleep(0.05)
        self.file = self.socket.makefile("rb")

    def send(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def reply(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind in b"$=":
            if rest == b"-1":
                return None
            return self.file.read(int(rest) + 2)[:-2]
        if kind in b"*>~":
            if rest == b"-1":
                return None
            items = [self.reply() for _ in range(int(rest))]
            return sorted(items, key=repr) if kind == b"~" else items
        if kind == b"%":
            return sorted(((self.reply(), self.reply()) for _ in range(int(rest))), key=repr)
        if kind == b"_":
            return None
        if kind == b"-":
            return Failure(rest)
        if kind == b",":
            return float(rest)
        return (kind, rest)


SHOWN = re.compile(rb"'.*'|(argument|option) .*", re.S)  # an argument that an error shows; Redis ends it at a byte of zero
TEN_THOUSAND = {b"TTL": 1, b"PTTL": 1000, b"EXPIRETIME": 1, b"PEXPIRETIME": 1000}


def unordered(reply):
    return sorted(map(unordered, reply), key=repr) if isinstance(reply, (list, tuple)) else repr(reply)


def comparable(request, reply):
    name = request[0].upper()
    if isinstance(reply, Failure):
        return ("error", SHOWN.sub(b"...", reply.args[0]) if b"\x00\xff\r\n" in request else reply.args[0])
    if isinstance(reply, list):
        if name in DRAWN:
            return len(reply)
        if name.endswith(b"SCAN"):
            return [reply[0], unordered(reply[1])]  # a cursor, and a page
        if name == b"XPENDING" and len(request) > 3:
            return [[one[0], one[1], one[3]] for one in reply]  # the other is a time
        if name in UNORDERED or name in (b"SORT", b"SORT_RO") and b"BY" in request:
            return unordered(reply)
        return [comparable((b"",), one) for one in reply]
    if name in DRAWN:
        return reply is None
    if name in TEN_THOUSAND and reply[0] == b":":  # none of TIMES is nearer to another, and seconds pass between the two
        return round(int(reply[1]) / TEN_THOUSAND[name], -4)
    return reply


def read_grammar():
    """Families of requests, as lists of words, and how often each is drawn."""
    families, weights = [], []
    with open(os.path.join(os.path.dirname(__file__), "differential.txt")) as file:
        for line in file:
            if line.startswith("["):
                weights.append(int(line.strip("[]\n").split()[-1]))
                families.append([])
            elif line.strip() and not line.startswith("#"):
                families[-1].append(line.split())
    return families, weights


def draw(rng, word):
    return rng.choice(KINDS[word]) if word in KINDS else word.encode()


def request_of(rng, grammar):
    request = []
    families, weights = grammar
    for word in rng.choice(rng.choices(families, weights)[0]):
        many = len(word) == 2 and word[1] == "*" and word[0] in KINDS
        for _ in range(rng.randint(1, 4) if many else 1):
            request.append(draw(rng, word[0] if many else word))
    if len(request) > 1 and rng.random() < 0.04 and not AS_THEY_ARE & set(request):
        spoil(rng, request)
    return request


def spoil(rng, request):
    """One argument is missing, is there twice, or is another's."""
    at = rng.randrange(1, len(request))
    how = rng.randrange(3)
    if how == 0:
        del request[at]
    elif how == 1:
        request.insert(at, request[at])
    else:
        request[at] = rng.choice(request[1:])


def contents(connection, key):
    kind = connection.ask(b"TYPE", key)
    read = {
        b"string": (b"GET", key), b"list": (b"LRANGE", key, b"0", b"-1"), b"set": (b"SMEMBERS", key),
        b"hash": (b"HGETALL", key), b"zset": (b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"),
        b"stream": (b"XINFO", b"STREAM", key),
    }.get(kind[1])
    if read is None:
        return kind
    ends = (b"PEXPIRETIME", key)
    return (kind, comparable(read, connection.ask(*read)), comparable(ends, connection.ask(*ends)),
            connection.ask(b"DEBUG", b"DIGEST-VALUE", key))


class Transaction:
    """What MULTI has queued: EXEC's replies are those of these requests."""

    def __init__(self):
        self.queued = None

    def comparable(self, request, reply):
        name = request[0].upper()
        failed = isinstance(reply, Failure)
        if name == b"EXEC" and isinstance(reply, list) and self.queued is not None:
            answer = [comparable(*pair) for pair in zip(self.queued, reply)]
        else:
            answer = comparable(request, reply)
        if reply == (b"+", b"QUEUED"):
            self.queued.append(request)
        elif name == b"MULTI" and not failed:
            self.queued = []
        elif name == b"EXEC" or name in (b"DISCARD", b"RESET") and not failed:
            self.queued = None
        return answer


class Side:
    """One of the two servers, and who talks to it: a client, one who listens, and two who wait for what the client brings."""

    def __init__(self, port):
        self.client, self.control, self.listener = (Connection(port) for _ in range(3))
        self.waiters = [Connection(port) for _ in range(2)]
        self.ids = [waiter.ask(b"CLIENT", b"ID")[1] for waiter in self.waiters]
        self.waiting = [None, None]
        self.marks = 0
        self.control.ask(b"CONFIG", b"SET", b"notify-keyspace-events", b"KEAn")
        self.listener_id = self.listener.ask(b"CLIENT", b"ID")[1]
        for pattern in (b"__keyevent*__:*", b"?", b""):  # the words that PUBLISH draws, and the marks
            self.listener.ask(b"PSUBSCRIBE", pattern)
        self.listener.ask(b"SUBSCRIBE", b"__redis__:invalidate")
        self.listener.ask(b"SUBSCRIBE", b"mark")

    def begin(self, protocol, tracks):
        self.waited()
        self.client.ask(b"RESET")
        self.client.ask(b"HELLO", protocol)
        for request in BEGINNING:
            self.client.ask(*request)
        if tracks:
            self.client.ask(b"CLIENT", b"TRACKING", b"ON", b"REDIRECT", self.listener_id)
        self.heard()
        self.transaction = Transaction()

    def ask(self, request):
        return self.transaction.comparable(request, self.client.ask(*request))

    def wait(self, waiter, request):
        if self.waiting[waiter] is None:
            self.waiters[waiter].send(*request)
            self.waiting[waiter] = request
            self.control.ask(b"PING")  # by now it has been read

    def waited(self):
        """What those who waited were given since; nobody waits after this."""
        given = []
        for waiter, request in enumerate(self.waiting):
            if request is not None:
                self.control.ask(b"CLIENT", b"UNBLOCK", self.ids[waiter])
                given.append((request, comparable(request, self.waiters[waiter].reply())))
        self.waiting = [None, None]
        return given

    def heard(self):
        """What the listener was told since: events and messages, in order; and which keys are invalid."""
        self.marks += 1
        mark = b"%d" % self.marks
        self.control.ask(b"PUBLISH", b"mark", mark)
        told, invalid = [], set()
        while True:
            message = self.listener.reply()
            if message[1] == b"__redis__:invalidate":
                invalid.update([b"everything"] if message[2] is None else message[2])
            elif message[-1] == mark:
                return told, invalid
            else:
                told.append(message[1:])


# Each stretch begins with these.
BEGINNING = [(b"FLUSHALL",), (b"FUNCTION", b"FLUSH"), (b"SCRIPT", b"FLUSH")] + [
    (b"CONFIG", b"SET", name, value) for name, value in (
        (b"hash-max-listpack-entries", b"512"), (b"zset-max-listpack-entries", b"128"), (b"set-max-intset-entries", b"512"),
        (b"list-max-listpack-size", b"-2"), (b"stream-node-max-entries", b"100"), (b"stream-node-max-bytes", b"4096"))]
WAITS = [line.split() for line in (
    "BLPOP k k 0", "BRPOP k 0", "BLMOVE k k LEFT RIGHT 0", "BRPOPLPUSH k k 0", "BLMPOP 0 2 k k RIGHT COUNT 2", "BZPOPMIN k k 0",
    "BZPOPMAX k 0", "BZMPOP 0 2 k k MIN COUNT 2", "XREAD BLOCK 0 STREAMS k $", "XREAD BLOCK 0 COUNT 1 STREAMS k k i $",
    "XREADGROUP GROUP g w BLOCK 0 STREAMS k >")]
STRETCH = 400
LOOK = 8  # requests, and then all is compared that others were given and told meanwhile


def draw_stretch(rng, grammar, requests):
    """Steps: who asks (0 and 1 are those who wait, None is the client), and what."""
    steps = []
    while len(steps) < requests:
        if rng.random() < 0.1:
            steps.append((rng.randrange(2), [draw(rng, word) for word in rng.choice(WAITS)]))
        steps.append((None, request_of(rng, grammar)))
    return steps


def difference(sides, steps, begin, look):
    """What was asked, and what each side answered where that differs; None where nothing does."""
    for side in sides:
        side.begin(*begin)
    swapped, told_before = False, set()
    for number, (waiter, request) in enumerate(steps):
        if waiter is None:
            got = [side.ask(request) for side in sides]
            if got[0] != got[1]:
                return (b" ".join(request), got)
        else:
            for side in sides:
                side.wait(waiter, request)
        if number % look == 0:
            got = [side.waited() for side in sides]
            if got[0] != got[1]:
                return (b"what those who waited were given", got)
            got = [side.heard() for side in sides]
            if got[0][0] != got[1][0]:
                return (b"what was told", [told for told, _ in got])
            swapped |= b"everything" in got[0][1]  # Redis does not tell, and goes on to tell of what was read before
            told_before |= got[0][1]
            if not swapped and not got[1][1] <= told_before:  # to be told too early does no harm
                return (b"which keys were invalid", [invalid for _, invalid in got])
    for side in sides:
        side.waited()
        side.client.ask(b"DISCARD")
    for db in (b"0", b"1"):
        for side in sides:
            side.client.ask(b"SELECT", db)
        for key in KEYS + [b"lex"]:
            got = [contents(side.client, key) for side in sides]
            if got[0] != got[1]:
                return (b"the contents of " + key, got)
    return None


def tell(sides, steps, begin, found):
    """As few steps as still differ."""
    size = len(steps)
    while size > 0:
        at = 0
        while at < len(steps):
            shorter = steps[:at] + steps[at + size:]
            now = difference(sides, shorter, begin, 1)
            if now is not None:
                steps, found = shorter, now
            else:
                at += size
        size //= 2
    print("differential: a reply differs; what led there:", file=sys.stderr)
    for waiter, request in steps:
        print("   ", "" if waiter is None else f"(client {waiter})", *(repr(word)[1:] for word in request), file=sys.stderr)
    print("asked:    ", found[0], file=sys.stderr)
    print("powercut: ", str(found[1][0])[:2000], file=sys.stderr)
    print("redis:    ", str(found[1][1])[:2000], file=sys.stderr)


def compare(rng, count, ports):
    grammar = read_grammar()
    sides = [Side(port) for port in ports]
    stretches = 0
    for left in range(count, 0, -STRETCH):
        begin = (b"%d" % (2 + stretches % 2), stretches % 3 == 0)
        steps = draw_stretch(rng, grammar, min(left, STRETCH))
        stretches += 1
        found = difference(sides, steps, begin, LOOK)
        if found is not None:
            tell(sides, steps, begin, found)
            return 1
    print(f"differential: {count} requests, {stretches} stretches: no difference")
    return 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("powercut")
    parser.add_argument("redis")
    parser.add_argument("--count", type=int, default=40000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    work = tempfile.mkdtemp()
    ports = [free_port(), free_port()]
    started = []
    try:
        for port, program in zip(ports, (options.powercut, options.redis)):
            directory = os.path.join(work, str(port))
            os.mkdir(directory)
            started.append(subprocess.Popen(
                [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "no",
                 "--enable-debug-command", "local"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return compare(random.Random(options.seed), options.count, ports)
    finally:
        for process in started:
            process.kill()
            process.wait()
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
