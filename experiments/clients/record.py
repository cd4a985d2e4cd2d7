#!/usr/bin/python3
"""What the clients of a server say, as a workload: record.py PORT FILE

Listens with MONITOR until the connection ends, such as when the server is killed, and writes requests as an AOF has them, in
the order in which they were executed; a transaction stands together. What only concerns a connection, or asks about the
server, is left out. A script is written as the transaction of the commands that it ran, or as EVAL in our words, where we have
some. This machine's name and the place of this tree are not.
"""

import hashlib
import os
import re
import socket
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")).encode()
HOST = socket.gethostname().encode()
LEFT_OUT = {"auth", "client", "cluster", "command", "config", "debug", "echo", "function", "hello", "info", "latency", "memory", "monitor", "ping",
            "psubscribe", "punsubscribe", "quit", "script", "select", "ssubscribe", "subscribe", "sunsubscribe", "time", "unsubscribe", "wait"}
# Scripts of libraries, by digest, as we would write them: the same commands, the same reply.
IN_OUR_WORDS = {
    "a1de965f42e177aa339706bd580f049065eca79a": b"""local count, step, seconds = KEYS[1], ARGV[1], ARGV[2]
redis.call('SET', count, '0', 'NX', 'EX', seconds)
local used = redis.call('INCRBY', count, step)
local left = redis.call('PTTL', count)
if left == -1 then
  redis.call('EXPIRE', count, seconds)
  left = seconds * 1000
end
return {used, left}
""",  # rate-limiter-flexible 11.4.0
}
SCRIPTS = {"eval", "evalsha", "eval_ro", "evalsha_ro"}
ESCAPED = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b"}
LINE = re.compile(r'\+(\d+)\.\d+ \[(\d+) ([^\]]*)\] (.*)', re.S)
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)


def plain(word):
    """As it was before MONITOR wrote it in quotes."""
    parts = re.split(r"\\(x..|.)", word)
    unescaped = [bytes([int(part[1:], 16)]) if len(part) == 3 and part[0] == "x" else ESCAPED.get(part, part.encode("latin-1")) for part in parts[1::2]]
    literal = [part.encode("latin-1") for part in parts[::2]]
    return b"".join(a + b for a, b in zip(literal, [*unescaped, b""]))


def request(words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Recording:
    def __init__(self, file):
        self.file = file
        self.db = None
        self.open = {}  # by client: the transaction that it has begun
        self.script = None  # (db, what it ran), while it is not known whether more follows
        self.begun = False

    def write(self, db, requests):
        if db != self.db:
            self.file.write(request([b"SELECT", db]))
            self.db = db
        self.file.write(b"".join(map(request, requests)))

    def end_script(self):
        if self.script is None:
            return
        (db, client, ran), self.script = self.script, None
        if client in self.open:
            self.open[client] += ran
        elif ran:
            self.write(db, [[b"MULTI"], *ran, [b"EXEC"]])

    def hear(self, line):
        match = LINE.fullmatch(line)
        if match is None:
            return
        seconds, db, client, rest = match.groups()
        words = [plain(word).replace(ROOT, b"/app").replace(b"@" + HOST, b"@host") for word in WORD.findall(rest)]
        db = db.encode()
        name = words[0].decode("latin-1").lower()
        if not self.begun:
            self.file.write(b"#TS:%s\r\n" % seconds.encode())
            self.begun = True
        if client == "lua":
            if self.script is not None and name not in LEFT_OUT:
                self.script[2].append(words)
            return
        self.end_script()
        if name in LEFT_OUT:
            return
        if name in SCRIPTS:
            words = self.of_script(name, words)
            if words is None:
                self.script = (db, client, [])
                return
        self.take(db, client, name, words)

    def of_script(self, name, words):
        """EVAL in our words; None: it is written as what it does."""
        digest = words[1].decode("latin-1").lower() if name.startswith("evalsha") else hashlib.sha1(words[1]).hexdigest()
        text = IN_OUR_WORDS.get(digest)
        return None if text is None else [name.replace("sha", "").encode(), text, *words[2:]]

    def take(self, db, client, name, words):
        if name == "multi":
            self.open[client] = [words]
        elif client not in self.open:
            self.write(db, [words])
        elif name == "discard":
            del self.open[client]
        else:
            self.open[client].append(words)
            if name == "exec":
                self.write(db, self.open.pop(client))


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: record.py PORT FILE")
    heard = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    heard.sendall(b"MONITOR\r\n")
    with open(sys.argv[2], "wb") as file:
        recording = Recording(file)
        rest = ""
        while True:
            try:
                more = heard.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return
            *lines, rest = (rest + more.decode("latin-1")).split("\r\n")
            for line in lines:
                recording.hear(line)


if __name__ == "__main__":
    main()
