#!/usr/bin/python3
"""Kills of the server process: clients that write over sockets, rewrites and checkpoints beside them, SIGKILL at a random
moment, a start in the same directory, and what is there compared with what was acknowledged.

A kill takes nothing that was handed to the kernel, and no reply leaves before that: under each policy every acknowledged
write must be there. What was under way may be: the writes of each client as far as some point, whole transactions, and of
all clients together a prefix of the one order that the log has.

usage: experiments/clients/kills.py [--kills N] [--policy NAME,...] [--seed N] [--server PROGRAM]
"""

import argparse
import copy
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

CLIENTS = 4  # client c has the databases c + 1 and c + 9; what they do together is in database 0


class Gone(Exception):
    """The server closed the connection."""


class Connection:
    """As much of RESP2 as is asked here."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.bytes = self.socket.makefile("rb")

    def send(self, commands):
        out = []
        for words in commands:
            out.append(b"*%d\r\n" % len(words))
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                out.append(b"$%d\r\n%s\r\n" % (len(word), word))
        try:
            self.socket.sendall(b"".join(out))
        except OSError as error:
            raise Gone from error

    def receive(self):
        try:
            line = self.bytes.readline()
            if not line.endswith(b"\r\n"):
                raise Gone
            kind, rest = line[:1], line[1:-2]
            if kind == b"-":
                return RuntimeError(rest.decode())
            if kind == b"+":
                return rest
            if kind == b":":
                return int(rest)
            size = int(rest)
            if kind == b"*":
                return [self.receive() for _ in range(size)]
            if size < 0:
                return None
            text = self.bytes.read(size + 2)
            if len(text) < size + 2:
                raise Gone
            return text[:-2]
        except OSError as error:
            raise Gone from error

    def ask(self, *words):
        self.send([words])
        return self.receive()

    def ask_all(self, commands):
        self.send(commands)
        return [self.receive() for _ in commands]


# --- What a client's two databases hold: {key: (value, expiry in ms or None)} each; the first letter says the type ---

def apply(model, words):
    """One request, done to the model. Only requests that cannot fail are made."""
    name, own = words[0], model[0]
    if name == "FLUSHDB":
        own.clear()
    elif name == "SWAPDB":
        model.reverse()
    if len(words) < 2 or name == "SWAPDB":
        return
    key = words[1]
    value, expiry = own.pop(key, (None, None))
    more = words[2:]
    if name == "SET":
        value, expiry = more[0], (more[2] if len(more) > 1 else None)
    elif name == "APPEND":
        value = (value or b"") + more[0]
    elif name == "INCRBY":
        value = b"%d" % (int(value or 0) + more[0])
    elif name == "HSET":
        value = {**(value or {}), more[0]: more[1]}
    elif name == "HDEL" and value:
        value = {field: one for field, one in value.items() if field != more[0]}
    elif name == "RPUSH":
        value = (value or []) + list(more)
    elif name == "LPUSH":
        value = list(reversed(more)) + (value or [])
    elif name == "LPOP":
        value = (value or [])[1:]
    elif name == "LTRIM":
        value = (value or [])[:more[1] + 1]
    elif name == "SADD":
        value = (value or frozenset()) | set(more)
    elif name == "SREM" and value:
        value = value - set(more)
    elif name == "ZADD":
        value = {**(value or {}), more[1]: float(more[0])}
    elif name == "ZREM" and value:
        value = {member: score for member, score in value.items() if member != more[0]}
    elif name == "PEXPIREAT":
        expiry = more[0]
    elif name == "PERSIST":
        expiry = None
    elif name in ("DEL", "UNLINK"):
        value = None
    elif name == "RENAME":
        own[more[0]] = (value, expiry)
        value = None
    elif name == "MOVE" and value is not None and key not in model[1]:
        model[1][key] = (value, expiry)
        value = None
    if value or isinstance(value, bytes):
        own[key] = (value, expiry)


def some_bytes(choose):
    size = choose.choices([8, 100, 3000, 200000], [60, 30, 9, 1])[0]
    return choose.randbytes(choose.randrange(1, size + 1))


def some_request(choose, model):
    letter = choose.choice("sschhlltz")
    key = letter + str(choose.randrange(5))
    small = choose.randbytes(2).hex().encode()
    there = [key for key in model[0] if key[0] != "e"]
    dice = choose.random()
    if dice < 0.05:
        return ("SET", f"e{choose.randrange(9)}", small, "PXAT", int(time.time() * 1000) + choose.randrange(20, 2000))
    if dice < 0.15 and there:
        key = choose.choice(there)
        return choose.choice([("DEL", key), ("UNLINK", key), ("PERSIST", key), ("RENAME", key, key[0] + "r"), ("MOVE", key, None),
                              ("PEXPIREAT", key, choose.randrange(9000000000000, 9999999999999))])
    if dice < 0.155:
        return ("FLUSHDB",)
    if dice < 0.165:
        return ("SWAPDB", None, None)
    if letter == "c":
        return ("INCRBY", key, choose.randrange(-100, 100))
    of_type = {"s": [("SET", key, some_bytes(choose)), ("APPEND", key, small)],
               "h": [("HSET", key, small[:2], some_bytes(choose)), ("HDEL", key, small[:2])],
               "l": [("RPUSH", key, small, some_bytes(choose)), ("LPUSH", key, small, b"x"), ("LPOP", key), ("LTRIM", key, 0, 20)],
               "t": [("SADD", key, small, small[:2]), ("SREM", key, small[:2])],
               "z": [("ZADD", key, choose.randrange(1000) / 4, small[:3]), ("ZREM", key, small[:3])]}
    return choose.choice(of_type[letter])


class Client:
    """Writes, and remembers in which order, and how far it was acknowledged."""

    def __init__(self, number):
        self.number = number
        self.held = [{}, {}]  # what was there when this life began

    def begin(self, choose, rewrites):
        self.choose = choose
        self.rewrites = rewrites
        self.now = copy.deepcopy(self.held)
        self.units = []  # lists of requests, each whole or not at all
        self.together = []  # which of them are transactions
        self.acked = 0
        self.places = {}  # in the order of all: place -> the number of the unit
        self.wrong = None

    def sent(self, words):
        """With the databases, which the model does not know by number."""
        own, other = self.number + 1, self.number + 9
        return {"SWAPDB": ("SWAPDB", own, other), "MOVE": ("MOVE", words[1] if len(words) > 1 else None, other)}.get(words[0], words)

    def live(self, port):
        try:
            connection = Connection(port)
            connection.ask("SELECT", self.number + 1)
            while True:
                self.talk(connection)
        except (Gone, OSError):
            pass

    def talk(self, connection):
        """A pipeline: requests alone, and transactions that also say when they were in the order of all."""
        batch, commands = [], []
        for _ in range(self.choose.choice([1, 1, 2, 16])):
            together = self.choose.random() < 0.3
            unit = []
            for _ in range(self.choose.randrange(1, 5) if together else 1):
                words = some_request(self.choose, self.now)
                apply(self.now, words)
                unit.append(words)
            requests = [self.sent(words) for words in unit]
            if together:
                name = f"{self.number}:{len(self.units) + len(batch)}"
                requests = [("MULTI",), *requests, ("SELECT", 0), ("RPUSH", "order", name), ("SELECT", self.number + 1), ("EXEC",)]
            batch.append((unit, len(requests), together))
            commands += requests
        beside = self.choose.random() if self.rewrites else 1
        extra = [("BGREWRITEAOF",)] if beside < 0.01 else [("BGSAVE",)] if beside < 0.015 else []
        self.units += [unit for unit, _, _ in batch]
        self.together += [together for _, _, together in batch]
        connection.send(commands + extra)
        for _, size, together in batch:
            replies = [connection.receive() for _ in range(size)]
            for reply in replies + (replies[-1] if together else []):
                if isinstance(reply, RuntimeError) and not self.wrong:
                    self.wrong = f"client {self.number} is told: {reply}"
            if together and not self.wrong:
                self.places[replies[-1][-2] - 1] = self.acked
            self.acked += 1
        for _ in extra:
            connection.receive()  # may say that one is under way

    def judge(self, found, wall_ms):
        """After how many units, of those that were acknowledged and those that were sent, it looks like this."""
        def alive(databases):
            return [{key: one for key, one in database.items() if one[1] is None or one[1] > wall_ms} for database in databases]

        found, fitting = alive(found), []
        model = copy.deepcopy(self.held)
        for done in range(len(self.units) + 1):
            if done >= self.acked and alive(model) == found:
                self.held = copy.deepcopy(model)
                fitting.append(done)
            if done < len(self.units):
                for words in self.units[done]:
                    apply(model, words)
        return fitting


def read_databases(connection, client):
    read = {"s": ("GET",), "c": ("GET",), "e": ("GET",), "h": ("HGETALL",), "l": ("LRANGE", 0, -1), "t": ("SMEMBERS",),
            "z": ("ZRANGE", 0, -1, "WITHSCORES")}
    found = []
    for number in (client.number + 1, client.number + 9):
        connection.ask("SELECT", number)
        keys = [key.decode() for key in connection.ask("KEYS", "*")]
        values = connection.ask_all([(read[key[0]][0], key, *read[key[0]][1:]) for key in keys])
        expiries = connection.ask_all([("PEXPIRETIME", key) for key in keys])
        database = {}
        for key, value, expiry in zip(keys, values, expiries):
            if value is None or value == [] or expiry == -2:
                continue  # it expired while this was read
            if key[0] == "h":
                value = dict(zip(value[::2], value[1::2]))
            elif key[0] == "z":
                value = {member: float(score) for member, score in zip(value[::2], value[1::2])}
            elif key[0] == "t":
                value = frozenset(value)
            database[key] = (value, None if expiry == -1 else expiry)
        found.append(database)
    return found


# --- The server ---

class Server:
    def __init__(self, program, policy):
        self.program, self.policy = program, policy
        self.directory = tempfile.mkdtemp(prefix="powercut_kills_")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None

    def launch(self, more):
        self.log = open(os.path.join(self.directory, "log"), "ab")
        data = os.path.join(self.directory, "data")
        os.makedirs(data, exist_ok=True)
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", data, "--databases", "32", "--save", "",
             "--appendonly", "yes", "--appendfsync", self.policy, "--auto-aof-rewrite-percentage", "50",
             "--auto-aof-rewrite-min-size", "200kb", *more], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def connect(self):
        """When it is ready; None if it ends before, or takes a minute."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                connection = Connection(self.port)
                if connection.ask("PING") == b"PONG":
                    return connection
            except (Gone, OSError):
                pass
            time.sleep(0.002)
        return None

    def kill(self):
        if self.process.poll() is not None:
            return False
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def files(self):
        """Of the log: what no manifest names yet, as in the middle of a rewrite; and what the manifest says."""
        try:
            folder = os.path.join(self.directory, "data", "appendonlydir")
            listed = b"".join(open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder) if name.endswith(".manifest"))
            return [name for name in os.listdir(folder) if ".aof" in name and not name.endswith((".manifest", ".orphan"))
                    and name.encode() not in listed], listed
        except OSError:
            return [], b""

    def lose(self):
        """The planted loss: the newer half of the newest log is cut off, as if a reply had left before its write."""
        folder = os.path.join(self.directory, "data", "appendonlydir")
        newest = max((name for name in os.listdir(folder) if name.endswith(".incr.aof")), key=lambda name: int(name.split(".")[-3]))
        os.truncate(os.path.join(folder, newest), os.path.getsize(os.path.join(folder, newest)) // 2)

    def last_words(self):
        with open(os.path.join(self.directory, "log"), errors="replace") as log:
            return " | ".join(log.read().strip().split("\n")[-2:])


class Campaign:
    def __init__(self, program, policy, seed):
        self.policy, self.seed = policy, seed
        self.server = Server(program, policy)
        self.clients = [Client(number) for number in range(CLIENTS)]
        self.acked = self.under_load = self.while_starting = self.unfinished = 0

    def order(self, connection, done):
        """Of all clients together: what is there is a prefix of the log's one order."""
        connection.ask("SELECT", 0)
        order = [name.decode() for name in connection.ask("LRANGE", "order", 0, -1)]
        for client, fitting in zip(self.clients, done):
            mine = [int(name.split(":")[1]) for name in order if name.startswith(f"{client.number}:")]
            wanted = [[number for number in range(units) if client.together[number]] for units in fitting]
            if mine not in wanted:
                return f"transactions of client {client.number} are not those that go with its state"
            for place, number in client.places.items():
                if place >= len(order) or order[place] != f"{client.number}:{number}":
                    return f"transaction {number} of client {client.number} is not at its place"
        return None

    def life(self, number, lose=False):
        """One life and the start behind it. What promise was broken, or None."""
        choose = random.Random(f"{self.seed} {self.policy} {number}")
        options = ["--io-uring", choose.choice(["yes", "no"])]
        early = not lose and choose.random() < 1 / 6
        for client in self.clients:
            client.begin(random.Random(choose.random()), rewrites=not lose)
        self.server.launch(options + (["--auto-aof-rewrite-percentage", "0"] if lose else []))
        if early:
            time.sleep(choose.random() * 0.04)
            self.while_starting += 1
        else:
            connection = self.server.connect()
            if connection is None:
                return f"it does not start: {self.server.last_words()}"
            connection.ask("DEL", "order")
            threads = [threading.Thread(target=client.live, args=(self.server.port,)) for client in self.clients]
            for thread in threads:
                thread.start()
            time.sleep(0.2 if lose else choose.random() ** 2 * 0.6)
        if not self.server.kill():
            return f"it ended by itself: {self.server.last_words()}"
        if not early:
            for thread in threads:
                thread.join()
        acked = sum(client.acked for client in self.clients)
        self.acked += acked
        self.under_load += acked > 0
        self.unfinished += len(self.server.files()[0]) > 0
        if lose:
            self.server.lose()
        return self.recover(options, not early)

    def recover(self, options, worked):
        self.server.launch(options)
        connection = self.server.connect()
        if connection is None:
            return f"it does not start: {self.server.last_words()}"
        broken, done = None, []
        for client in self.clients:
            found = read_databases(connection, client)
            done.append(client.judge(found, int(time.time() * 1000)))
            if client.wrong or not done[-1]:
                broken = broken or client.wrong or (
                    f"client {client.number}: {client.acked} writes acknowledged, {len(client.units)} sent, and what is there "
                    "is none of the states from the one to the other")
        broken = broken or (worked and self.order(connection, done)) or None
        self.server.kill()  # a start that nobody wrote behind: it is found once more by the next one
        return broken

    def rewrites(self):
        names = self.server.files()[1].split()
        return max([int(name.split(b".")[-3]) for name in names if name.endswith(b".base.rdb")], default=0)

    def end(self, keep):
        self.server.kill()
        if keep:
            print(f"kills: the directory is kept: {self.server.directory}", file=sys.stderr)
        else:
            shutil.rmtree(self.server.directory)


POLICIES = ["always", "everysec", "no"]


def policies(text):
    names = text.split(",")
    for name in names:
        if name not in POLICIES:
            raise argparse.ArgumentTypeError(f"{name} is none of {' '.join(POLICIES)}")
    return names


def at_least_one(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("--kills", type=at_least_one, default=200, help="of each policy")
    parser.add_argument("--policy", type=policies, default=POLICIES, help="with commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", default=os.path.join(root, "build", "powercut-server"))
    arguments = parser.parse_args()
    failed = False
    for policy in arguments.policy:
        # Before anything counts, a loss has to be found.
        canary = Campaign(arguments.server, policy, arguments.seed)
        found = canary.life(0, lose=True)
        canary.end(False)
        if not found or "is none of the states" not in found:
            print(f"{policy}: a planted loss is not found: {found}", file=sys.stderr)
            sys.exit(4)
        campaign = Campaign(arguments.server, policy, arguments.seed)
        broken, kills = None, 0
        while kills < arguments.kills and not broken:
            broken = campaign.life(kills)
            kills += 1
        print(f"{policy}: {kills} kills, {campaign.under_load} under load, {campaign.while_starting} of a start, "
              f"{campaign.unfinished} in a rewrite; {campaign.rewrites()} rewrites, "
              f"{campaign.acked} writes acknowledged: " + (f"BROKEN by kill {kills}: {broken}" if broken else "none was lost"),
              flush=True)
        campaign.end(bool(broken))
        failed = failed or bool(broken)
    sys.exit(1 if failed else 0)


main()
