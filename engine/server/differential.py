#!/usr/bin/env python3
"""The same random requests to powercut-server and to a redis-server, and their replies compared.

usage: differential.py POWERCUT-SERVER REDIS-SERVER [--count N] [--seed S]

One client asks; three wait for keys without end; one listens: to channels, to events of keys, to changes of what it has
read. After each request all that these were told is compared as well. RESP2 and RESP3 in turn. What has no order is
sorted; of an error the first word counts, since texts are for people; what draws at random is held to how much it gives.
Encodings are not compared: in Redis they depend on what a value once was. Now and then each server restores what the
other one dumped. At the end of each stretch every key is compared. What is asked: differential_words.py.
Status 1 at the first difference, with the requests that led there.
"""

import argparse
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from differential_words import GRAMMAR, KEYS, LISTENING, WAITING, request_of

UNORDERED = {b"SMEMBERS", b"SPOP", b"SINTER", b"SUNION", b"SDIFF", b"HGETALL", b"HKEYS", b"HVALS", b"KEYS", b"PUBSUB", b"FUNCTION", b"ACL"}
PAGES = {b"SCAN", b"SSCAN", b"HSCAN", b"ZSCAN"}
DRAWN = {b"RANDOMKEY", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER", b"TIME", b"LASTSAVE", b"MEMORY"}
STORES = {b"SORT", b"ZUNIONSTORE", b"ZINTERSTORE", b"ZDIFFSTORE", b"ZRANGESTORE", b"GEOSEARCHSTORE", b"GEORADIUS", b"GEORADIUSBYMEMBER"}
STRETCH = 400
WAITERS = 3


class Failure(Exception):
    """An error reply."""


class Cut(Exception):
    """The rest of a reply has not come yet."""


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
        self.bytes = b""
        self.at = 0

    def send(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def reply(self):
        while True:
            begin = self.at
            try:
                reply = self.parse()
                self.bytes, self.at = self.bytes[self.at:], 0
                return reply
            except Cut:
                self.at = begin
                self.receive()

    def receive(self):
        more = self.socket.recv(1 << 16)
        if not more:
            raise ConnectionError("the server closed the connection")
        self.bytes += more

    def told(self):
        """All that has come by now."""
        while select.select([self.socket], [], [], 0)[0]:
            self.receive()
        replies = []
        while self.bytes:
            replies.append(self.reply())
        return replies

    def line(self):
        end = self.bytes.find(b"\r\n", self.at)
        if end < 0:
            raise Cut
        line, self.at = self.bytes[self.at:end], end + 2
        return line

    def parse(self):
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind in b"$=":
            if rest == b"-1":
                return None
            begin = self.at
            self.at += int(rest) + 2
            if self.at > len(self.bytes):
                raise Cut
            return self.bytes[begin:self.at - 2]
        if kind in b"*>~":
            if rest == b"-1":
                return None
            items = [self.parse() for _ in range(int(rest))]
            return sorted(items, key=repr) if kind == b"~" else items
        if kind == b"%":
            return sorted(((self.parse(), self.parse()) for _ in range(int(rest))), key=repr)
        if kind == b"_":
            return None
        if kind == b"-":
            return Failure(rest)
        if kind == b",":
            return float(rest)
        return (kind, rest)


def without_order(reply):
    return sorted(map(without_order, reply), key=repr) if isinstance(reply, (list, tuple)) else reply


def comparable(request, reply):
    if isinstance(reply, Failure):
        return ("error", reply.args[0].split(b" ")[0])
    name, verb = (word.upper() for word in (*request, b"")[:2])
    if (name, verb) == (b"ACL", b"GENPASS"):
        return len(reply)
    if name in DRAWN or (name, verb) in ((b"OBJECT", b"IDLETIME"), (b"OBJECT", b"REFCOUNT")):
        return len(reply) if isinstance(reply, list) else reply is None
    if name == b"HELLO":
        return "welcome"
    if isinstance(reply, list):
        reply = [comparable((b"",), one) for one in reply]
        if name in PAGES:
            return [reply[0], sorted(map(repr, reply[1]))]
        if name == b"XPENDING" and len(request) > 3:
            return [[one[0], one[1], one[3]] for one in reply]  # the other is a time
        if (name, verb) == (b"XINFO", b"CONSUMERS"):
            return [[one for one in consumer if b"idle" not in one] if isinstance(consumer[0], tuple) else consumer[:4] for consumer in reply]
        if name in UNORDERED or b"nosort" in request or (name, verb) in ((b"COMMAND", b"LIST"), (b"CLIENT", b"TRACKINGINFO")):
            return without_order(reply)
        return reply
    if name in (b"TTL", b"PTTL") and reply[0] == b":":
        return min(int(reply[1]), 1)  # time passes between the two
    return reply


class Transaction:
    """What MULTI has queued: EXEC's replies are those of these requests."""

    def __init__(self):
        self.queued = None

    def comparable(self, request, reply):
        name = request[0].upper()
        if name == b"EXEC" and isinstance(reply, list) and self.queued is not None:
            answer = [comparable(*pair) for pair in zip(self.queued, reply)]
        else:
            answer = comparable(request, reply)
        if name == b"MULTI" and not isinstance(reply, Failure):
            self.queued = []
        elif name in (b"EXEC", b"DISCARD", b"RESET"):
            self.queued = None
        elif reply == (b"+", b"QUEUED"):
            self.queued.append(request)
        return answer


class Server:
    """One of the two, and all who talk to it."""

    def __init__(self, port):
        self.port = port
        self.main, self.control, self.listener = (Connection(port) for _ in range(3))
        self.waiters = [Connection(port) for _ in range(WAITERS)]
        self.ids = [one.ask(b"CLIENT", b"ID")[1] for one in self.waiters]
        self.transaction = Transaction()

    def begin(self, protocol):
        self.transaction = Transaction()
        for one in (self.control, self.main, self.listener, *self.waiters):
            one.ask(b"RESET")
            one.ask(b"HELLO", protocol)
        for words in ([b"FLUSHALL"], [b"FUNCTION", b"FLUSH"], [b"ACL", b"DELUSER", b"ann", b"bob"], [b"CONFIG", b"SET", b"notify-keyspace-events", b""]):
            self.control.ask(*words)

    def ask(self, request):
        try:
            return self.main.ask(*request)
        except ConnectionError:  # such as after a user who deletes himself
            self.main = Connection(self.port)
            return "the connection was closed"

    def blocked(self):
        return int(self.control.ask(b"INFO", b"clients").split(b"blocked_clients:")[1].split(b"\r")[0])

    def lets_wait(self, i, request):
        """Returns when it waits, or was answered: who waits first is not left to chance."""
        before = self.blocked()
        self.waiters[i].send(*request)
        while self.blocked() == before and not select.select([self.waiters[i].socket], [], [], 0)[0]:
            pass

    def told(self):
        """What those were told who do not ask. Whoever is told something is, before another client is answered."""
        self.control.ask(b"PING")
        return [one.told() for one in (*self.waiters, self.listener)]


def in_order(messages):
    """One message to several patterns, and the keys that have changed, come in any order."""
    groups = []
    for message in messages:
        kind = message[0] if isinstance(message, list) and message else None
        payload = ("key", kind) if kind == b"invalidate" else message[-2:] if kind in (b"message", b"pmessage") else None
        if payload is not None and groups and groups[-1][0] == payload:
            groups[-1][1].append(message)
        else:
            groups.append((payload, [message]))
    sorted_groups = [sorted(map(repr, group)) for _, group in groups]
    return [message for group in sorted_groups for message in group]


def heard(asked, request, messages):
    """What the listener heard when that was asked, perhaps by itself."""
    messages = [comparable((b"",), one) for one in messages]
    # XREADGROUP and XCLAIM that make a consumer tell nothing of that here.
    messages = [one for one in messages if b"createconsumer" not in repr(one).encode()]
    # SWAPDB tells those who track that all they know may be wrong; in Redis nobody is told.
    if asked[0].upper() in (b"SWAPDB", b"EXEC"):
        messages = [one for one in messages if one != [b"invalidate", None]]
    if request is not None:
        if request[0].upper() == b"CLIENT":
            messages = [comparable(request, one) for one in messages]
        # Who asks and is told something by that finds the reply first here, and last in Redis.
        messages.sort(key=lambda one: isinstance(one, list) and bool(one) and one[0] in (b"message", b"pmessage", b"invalidate"))
    messages.sort(key=lambda one: isinstance(one, list) and one[:1] == [b"invalidate"])  # here among the first, in Redis the last
    if request is not None and len(request) == 1 and request[0].endswith(b"UNSUBSCRIBE"):
        return [sorted(repr(one[:2]) for one in messages), sorted(repr(one[2:]) for one in messages)]
    return in_order(messages)


class Comparison:
    def __init__(self, rng, ports):
        self.rng = rng
        self.servers = [Server(port) for port in ports]
        self.history = []
        self.waiting = [None] * WAITERS  # the request of each that waits
        ours, theirs = (set(server.main.ask(b"COMMAND", b"LIST", b"FILTERBY", b"PATTERN", b"*")) for server in self.servers)
        self.absent = set(map(repr, theirs - ours))

    def differ(self, what, ours, theirs):
        print("differential: a reply differs; what led there:", file=sys.stderr)
        for who, request in self.history[-40:]:
            print(f"    {who:9}", " ".join(repr(word)[1:] for word in request), file=sys.stderr)
        print("what:     ", what, file=sys.stderr)
        if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
            ours, theirs = zip(*((n, pair) for n, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]))
        print("powercut: ", ours, file=sys.stderr)
        print("redis:    ", theirs, file=sys.stderr)
        return False

    def same(self, what, got):
        return got[0] == got[1] or self.differ(what, *got)

    def others_were_told(self, request=None):
        """`request`: the listener's own, whose answer is among it."""
        told = [server.told() for server in self.servers]
        for _ in range(50):  # the system may have been slow to deliver
            if [list(map(len, one)) for one in told] == [list(map(len, told[0]))] * 2:
                break
            time.sleep(0.01)
            told = [[old + new for old, new in zip(one, server.told())] for one, server in zip(told, self.servers)]
        for i in range(WAITERS):
            got = [[comparable(self.waiting[i] or (b"",), reply) for reply in one[i]] for one in told]
            if not self.same(f"what waiter {i} was told", got):
                return False
            if told[0][i]:
                self.waiting[i] = None
        return self.same("what the listener was told", [heard(self.history[-1][1], request, one[-1]) for one in told])

    def asks(self):
        request = request_of(self.rng, GRAMMAR)
        waited_for = any(self.waiting)
        name = request[0].upper()
        # What is otherwise than in Redis, and said in README.md: a key of another type that a store overwrites wakes who
        # waits for it; what a transaction, or an XADD that trims, adds to a stream and takes away wakes nobody.
        if waited_for and (name in STORES or (name == b"XADD" and {b"MAXLEN", b"MINID"} & set(request)) or (self.servers[0].transaction.queued is not None and name in (b"XDEL", b"XTRIM"))):
            return True
        self.history.append(("asks", request))
        got = [server.transaction.comparable(request, server.ask(request)) for server in self.servers]
        if name in (b"COMMAND", b"ACL", b"EXEC") and isinstance(got[1], list):
            got[1] = self.present(got[1])
        return self.same("the reply", got) and self.others_were_told()

    def present(self, names):
        """Without the commands that are not here."""
        return [self.present(one) for one in names if repr(one) not in self.absent] if isinstance(names, list) else names

    def waits(self):
        free = [i for i in range(WAITERS) if self.waiting[i] is None]
        if not free:
            return self.wakes()
        i = self.rng.choice(free)
        request = request_of(self.rng, WAITING)
        self.waiting[i] = request
        self.history.append((f"waiter {i}", request))
        for server in self.servers:
            server.lets_wait(i, request)
        return self.others_were_told()

    def wakes(self):
        busy = [i for i in range(WAITERS) if self.waiting[i] is not None]
        if not busy:
            return True
        i = self.rng.choice(busy)
        how = self.rng.choice(([], [b"ERROR"], [b"TIMEOUT"]))
        self.history.append((f"waiter {i}", [b"is unblocked", *how]))
        got = [server.control.ask(b"CLIENT", b"UNBLOCK", server.ids[i], *how) for server in self.servers]
        return self.same("CLIENT UNBLOCK", got) and self.others_were_told()

    def listens(self):
        request = request_of(self.rng, LISTENING)
        self.history.append(("listener", request))
        for server in self.servers:
            server.listener.send(*request)
            while not select.select([server.listener.socket], [], [], 0.2)[0]:
                pass
        return self.others_were_told(request)

    def exchange(self):
        """Each restores what the other one dumped."""
        source, target = self.rng.choice(KEYS), self.rng.choice(KEYS)
        self.history.append(("control", [b"RESTORE", target, b"from the other's", source]))
        dumped = [server.control.ask(b"DUMP", source) for server in self.servers]
        if not self.same("is there something to dump?", [one is None for one in dumped]):
            return False
        if dumped[0] is None or any(self.waiting):
            return True
        got = [server.control.ask(b"RESTORE", target, b"0", payload, b"REPLACE") for server, payload in zip(self.servers, reversed(dumped))]
        return self.same("RESTORE", got) and self.others_were_told()

    def contents(self):
        for server in self.servers:
            server.main.ask(b"DISCARD")
            server.main.ask(b"RESET")
        for db in (b"0", b"1"):
            for server in self.servers:
                server.main.ask(b"SELECT", db)
            for key in [*KEYS, b"lex"]:
                if not self.same(f"the contents of {key!r} in {db.decode()}", [contents_of(server.main, key) for server in self.servers]):
                    return False
        return True

    def stretch(self, length, protocol):
        self.history = []
        while any(self.waiting):
            if not self.wakes():
                return False
        for server in self.servers:
            server.begin(protocol)
        for _ in range(length):
            step = self.rng.choices((self.asks, self.waits, self.wakes, self.listens, self.exchange), (60, 6, 1, 3, 1))[0]
            if not step():
                return False
        return self.contents()


def contents_of(connection, key):
    kind = connection.ask(b"TYPE", key)
    reads = {
        b"string": [(b"GET", key)], b"list": [(b"LRANGE", key, b"0", b"-1")], b"set": [(b"SMEMBERS", key)],
        b"hash": [(b"HGETALL", key)], b"zset": [(b"ZRANGE", key, b"0", b"-1", b"WITHSCORES")],
        b"stream": [(b"XINFO", b"STREAM", key), (b"XRANGE", key, b"-", b"+"), (b"XINFO", b"GROUPS", key)],
    }.get(kind[1])
    if reads is None:
        return kind
    ttl = connection.ask(b"TTL", key)
    return (kind, [comparable(read, connection.ask(*read)) for read in reads], min(int(ttl[1]), 1))


def compare(rng, count, ports):
    comparison = Comparison(rng, ports)
    stretches = 0
    for begin in range(0, count, STRETCH):
        if not comparison.stretch(min(count - begin, STRETCH), b"%d" % (2 + stretches % 2)):
            return 1
        stretches += 1
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
                [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "no"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return compare(random.Random(options.seed), options.count, ports)
    finally:
        for process in started:
            process.kill()
            process.wait()
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
