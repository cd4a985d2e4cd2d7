#!/usr/bin/env python3
"""The same random requests to powercut-server and to a redis-server, and their replies compared.

usage: differential.py POWERCUT-SERVER REDIS-SERVER [--count N] [--seed S]

RESP2 and RESP3 in turn. What has no order is sorted; of an error the first word counts, since texts are for people; what
draws at random is held to how much it gives. Encodings are not compared: in
Redis they depend on what a value once was. At the end of each stretch every key is compared.
Status 1 at the first difference, with the requests that led there.
"""

import argparse
import hashlib
import os
import random
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

# What stands for an argument: k key, w word, n number, s score, t seconds, p longitude or latitude, l length, u unit, f type
# and o offset of a bit field, i ID of a stream's entry, e end of a range of these, E a script, D the digest of one, Y a library;
# anything else is itself (`lex` a sorted set of one score: among several, an order of names is none); `*` behind: one to four of them.
GRAMMAR = """
SET k w;SET k w EX t;SET k w NX;SET k w XX GET;SET k w KEEPTTL;SET k w GET;SETNX k w;SETEX k t w;GET k;GETSET k w;GETDEL k
GETEX k;GETEX k PERSIST;MSET k w k w;MSETNX k w k w;MGET k*;INCR k;DECR k;INCRBY k n;DECRBY k n;INCRBYFLOAT k w;APPEND k w
STRLEN k;GETRANGE k n n;SETRANGE k 3 w;SUBSTR k n n;LCS k k;LCS k k LEN;SETBIT k 7 1;SETBIT k n 1;GETBIT k n;BITCOUNT k
BITCOUNT k n n;BITPOS k 1;BITPOS k 0 n n;BITOP AND k k k;BITOP NOT k k
BITFIELD k GET f o;BITFIELD k SET f o n;BITFIELD k INCRBY f o n GET f o;BITFIELD k OVERFLOW SAT INCRBY f o n SET f o n;BITFIELD k
BITFIELD k OVERFLOW FAIL INCRBY f o n SET f o n OVERFLOW WRAP SET f o n;BITFIELD_RO k GET f o;BITFIELD_RO k SET f o n
PFADD k;PFADD k w*;PFADD k w*;PFCOUNT k;PFCOUNT k k;PFMERGE k k;PFMERGE k k*;PFDEBUG DECODE k;PFDEBUG ENCODING k;PFDEBUG TODENSE k;PFDEBUG GETREG k
DEL k*;UNLINK k*;EXISTS k*;TYPE k;RENAME k k;RENAMENX k k;COPY k k;COPY k k REPLACE;PERSIST k;TTL k;EXPIRE k t;EXPIRE k 100 NX
EXPIREAT k 33177117420;EXPIRETIME k;PEXPIREAT k 33177117420000 GT;TOUCH k*;DBSIZE;SELECT 1;SELECT 0;MOVE k 1;SWAPDB 0 1;FLUSHDB
LPUSH k w*;RPUSH k w*;LPUSHX k w;RPUSHX k w*;LPOP k;RPOP k;LPOP k n;RPOP k 2;LLEN k;LRANGE k n n;LINDEX k n;LSET k n w
LINSERT k BEFORE w w;LREM k n w;LTRIM k n n;RPOPLPUSH k k;LMOVE k k LEFT RIGHT;LPOS k w;LPOS k w RANK -1 COUNT 0;LMPOP 2 k k LEFT
SADD k w*;SREM k w*;SISMEMBER k w;SMISMEMBER k w*;SCARD k;SMEMBERS k;SINTER k k;SUNION k k;SDIFF k k;SINTERCARD 2 k k LIMIT n
SINTERSTORE k k k;SUNIONSTORE k k k;SDIFFSTORE k k k;SMOVE k k w
HSET k w w;HSET k w w w w;HSETNX k w w;HGET k w;HMGET k w*;HMSET k w w;HDEL k w*;HLEN k;HEXISTS k w;HSTRLEN k w;HINCRBY k w n
HINCRBYFLOAT k w w;HGETALL k;HKEYS k;HVALS k
ZADD k s w;ZADD lex 0 w 0 w 0 w;ZADD k NX s w s w;ZADD k XX GT CH s w;ZADD k INCR s w;ZINCRBY k s w;ZREM k w*;ZCARD k;ZSCORE k w;ZMSCORE k w*;ZRANK k w
ZREVRANK k w;ZRANGE k n n;ZRANGE k n n WITHSCORES;ZRANGE k s s BYSCORE LIMIT 0 n;ZRANGE lex s s BYLEX;ZREVRANGE k n n WITHSCORES
ZRANGEBYSCORE k s s WITHSCORES;ZREVRANGEBYSCORE k s s;ZRANGEBYLEX lex s s;ZCOUNT k s s;ZLEXCOUNT lex s s;ZPOPMIN k;ZPOPMAX k n
ZREMRANGEBYRANK k n n;ZREMRANGEBYSCORE k s s;ZREMRANGEBYLEX lex s s;ZUNIONSTORE k 2 k k;ZINTERSTORE k 2 k k WEIGHTS 2 n;ZDIFF 2 k k WITHSCORES
ZINTER 2 k k;ZUNION 2 k k WITHSCORES AGGREGATE MAX;ZRANGESTORE k k n n;ZMPOP 1 k MIN COUNT n;ZINTERCARD 2 k k;ZDIFFSTORE k 2 k k
GEOADD k p p w;GEOADD k p p w p p w;GEOADD k NX CH p p w;GEOADD k XX p p w;GEOPOS k w*;GEOHASH k w*;GEODIST k w w;GEODIST k w w u
GEOSEARCH k FROMLONLAT p p BYRADIUS l u WITHDIST WITHHASH WITHCOORD;GEOSEARCH k FROMMEMBER w BYBOX l l u WITHCOORD;GEOSEARCH k BYBOX l l u FROMLONLAT p p
GEOSEARCH k FROMMEMBER w BYRADIUS l u COUNT n ANY;GEORADIUS k p p l u WITHDIST;GEORADIUS k p p l u STORE k;GEORADIUSBYMEMBER k w l u
GEORADIUSBYMEMBER k w l u STOREDIST k;GEORADIUS_RO k p p l u WITHHASH;GEORADIUSBYMEMBER_RO k w l u STORE k;GEOSEARCHSTORE k k FROMLONLAT p p BYRADIUS l u
GEOSEARCHSTORE k k FROMMEMBER w BYBOX l l u STOREDIST;GEOSEARCHSTORE k k FROMMEMBER w BYRADIUS l u ASC
XADD k i w w;XADD k 1-* w w;XADD k 2-* w w w w;XADD k NOMKSTREAM 1-* w w;XADD k MAXLEN n 1-* w w;XADD k MAXLEN ~ 2 LIMIT n 2-* w w;XADD k MINID = i 2-* w w
XADD k 1-* f w;XADD k 1-* f w;XADD k MINID ~ i 1-* f w;XADD k i w;XLEN k;XRANGE k e e;XRANGE k - + COUNT n;XREVRANGE k e e;XREVRANGE k + - COUNT n;XDEL k i*
XTRIM k MAXLEN n;XTRIM k MAXLEN ~ n;XTRIM k MAXLEN ~ n LIMIT n;XTRIM k MINID i;XTRIM k MINID ~ i;XTRIM k n;XSETID k i;XSETID k i ENTRIESADDED n MAXDELETEDID i
CONFIG SET stream-node-max-entries 2;CONFIG SET stream-node-max-entries 100;CONFIG SET stream-node-max-bytes 60;CONFIG SET stream-node-max-bytes 4096
XREAD STREAMS k i;XREAD COUNT n STREAMS k k i $;XREAD STREAMS k k i;XREAD STREAMS k >;XREAD BLOCK 1 STREAMS k i;XINFO STREAM k;XINFO STREAM k;XINFO GROUPS k;XINFO STREAM k w
XGROUP CREATE k g i MKSTREAM;XGROUP CREATE k g 0 MKSTREAM;XGROUP CREATE k g $;XGROUP CREATE k h i ENTRIESREAD n;XGROUP SETID k g i;XGROUP SETID k g e ENTRIESREAD n
XGROUP DESTROY k g;XGROUP CREATECONSUMER k g w;XGROUP DELCONSUMER k g w;XGROUP SETID k g;XREADGROUP GROUP g w STREAMS k >;XREADGROUP GROUP g w COUNT n STREAMS k >
XREADGROUP GROUP g x COUNT 2 STREAMS k >;XREADGROUP GROUP g y COUNT 2 STREAMS k >;XREADGROUP GROUP g x NOACK COUNT 1 STREAMS k >;XREADGROUP GROUP g x STREAMS k i
XREADGROUP GROUP g x STREAMS k k > 0;XREADGROUP GROUP h w BLOCK 1 STREAMS k >;XREADGROUP GROUP g x STREAMS k $;XACK k g i*;XPENDING k g;XPENDING k g e e n;XPENDING k g - + 9 x
XPENDING k g IDLE 100000 - + 9;XPENDING k g -;XCLAIM k g y 0 i*;XCLAIM k g x 0 i* JUSTID;XCLAIM k g x 0 i FORCE RETRYCOUNT n;XCLAIM k g y 0 i TIME 5 LASTID i;XCLAIM k g x 100000 i i
XCLAIM k g x 0 i w;XAUTOCLAIM k g y 0 e;XAUTOCLAIM k g x 0 0 COUNT n;XAUTOCLAIM k g y 0 - COUNT 2 JUSTID;XAUTOCLAIM k g y 100000 0
SORT_RO k;SORT_RO k BY nosort GET #;SORT_RO k STORE k
SORT k;SORT k ALPHA DESC LIMIT 0 n;SORT k STORE k;SORT k BY nosort GET #;KEYS *;KEYS a;RANDOMKEY;SRANDMEMBER k;SRANDMEMBER k n;HRANDFIELD k n
ZRANDMEMBER k n;SCAN 0 COUNT 1000;SSCAN k 0 COUNT 1000;HSCAN k 0 COUNT 1000;ZSCAN k 0 COUNT 1000
EVAL E 2 k k w n;EVAL E 2 k k w n;EVAL E 2 k k w n;EVAL_RO E 2 k k w n;EVALSHA D 2 k k w n;EVALSHA_RO D 2 k k w n;EVAL E n k;SCRIPT EXISTS D D;SCRIPT LOAD E
FUNCTION LOAD Y;FUNCTION LOAD REPLACE Y;FCALL f0 2 k k w;FCALL f1 2 k k w;FCALL_RO g0 0;FCALL g1 0;FCALL_RO f0 2 k k w;FUNCTION DELETE lib0;FUNCTION STATS
MULTI;EXEC;DISCARD;WATCH k;UNWATCH;ECHO w;PING;PING w;NOTACOMMAND w;GET;SET k;TYPE;LPUSH k;OBJECT FREQ k
""".replace("\n", ";").split(";")
GRAMMAR = [line.split() for line in GRAMMAR if line]
UNORDERED = {b"SMEMBERS", b"SPOP", b"SINTER", b"SUNION", b"SDIFF", b"HGETALL", b"HKEYS", b"HVALS", b"KEYS", b"SCAN", b"SSCAN", b"HSCAN", b"ZSCAN"}
DRAWN = {b"RANDOMKEY", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER"}


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

    def ask(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))
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


def comparable(request, reply):
    if isinstance(reply, Failure):
        return ("error", reply.args[0].split(b" ")[0])
    if isinstance(reply, list):
        name = request[0].upper()
        if name in DRAWN:
            return len(reply)
        if name in UNORDERED and reply and isinstance(reply[-1], list):
            return [reply[0], sorted(map(repr, reply[1]))]  # a cursor, and a page
        if name == b"XPENDING" and len(request) > 3:
            return [[one[0], one[1], one[3]] for one in reply]  # the other is a time
        if name in UNORDERED or b"nosort" in request:
            return sorted(map(repr, reply))
        return [comparable((b"",), one) for one in reply]
    if request[0].upper() in DRAWN:
        return reply is None
    if request[0].upper() == b"TTL" and reply[0] == b":":
        return min(int(reply[1]), 1)  # a second may end between the two
    return reply


def draw(rng, word):
    if word == "k":
        return rng.choice(KEYS)
    if word == "w":
        return rng.choice(WORDS)
    if word == "n":
        return rng.choice(NUMBERS)
    if word == "t":
        return rng.choice(TIMES)
    if word == "s":
        return rng.choice(SCORES)
    if word in ("p", "l", "u", "f", "o", "i", "e"):
        return rng.choice({"p": PLACES, "l": LENGTHS, "u": UNITS, "f": FIELDS, "o": OFFSETS, "i": IDS, "e": ENDS}[word])
    if word in ("E", "D"):
        script = rng.choice(SCRIPTS)
        return script if word == "E" else hashlib.sha1(script).hexdigest().encode()
    if word == "Y":
        return rng.choice(LIBRARIES)
    return word.encode()


def request_of(rng):
    request = []
    for word in rng.choice(GRAMMAR):
        many = word.endswith("*") and word != "*"
        for _ in range(rng.randint(1, 4) if many else 1):
            request.append(draw(rng, word[:-1] if many else word))
    return request


def contents(connection, key):
    kind = connection.ask(b"TYPE", key)
    read = {
        b"string": (b"GET", key), b"list": (b"LRANGE", key, b"0", b"-1"), b"set": (b"SMEMBERS", key),
        b"hash": (b"HGETALL", key), b"zset": (b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"),
        b"stream": (b"XINFO", b"STREAM", key),
    }.get(kind[1])
    if read is None:
        return kind
    ttl = connection.ask(b"TTL", key)
    return (kind, comparable(read, connection.ask(*read)), min(int(ttl[1]), 1))


def differ(history, request, ours, theirs):
    print("differential: a reply differs; what led there:", file=sys.stderr)
    for past in history[-40:]:
        print("   ", " ".join(repr(word)[1:] for word in past), file=sys.stderr)
    print("asked:    ", " ".join(repr(word)[1:] for word in request), file=sys.stderr)
    print("powercut: ", ours, file=sys.stderr)
    print("redis:    ", theirs, file=sys.stderr)
    return 1


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


def compare(rng, count, ports):
    ours, theirs = (Connection(port) for port in ports)
    left = count
    stretch = 0
    while left > 0:
        history = []
        transactions = [Transaction(), Transaction()]
        protocol = b"%d" % (2 + stretch % 2)
        stretch += 1
        for connection in (ours, theirs):
            connection.ask(b"RESET")
            connection.ask(b"HELLO", protocol)
            connection.ask(b"FLUSHALL")
            connection.ask(b"FUNCTION", b"FLUSH")
        for _ in range(min(left, 400)):
            request = request_of(rng)
            got = [transaction.comparable(request, connection.ask(*request))
                   for transaction, connection in zip(transactions, (ours, theirs))]
            history.append(request)
            if got[0] != got[1]:
                return differ(history, request, *got)
        left -= 400
        for connection in (ours, theirs):
            connection.ask(b"DISCARD")
        for db in (b"0", b"1"):
            for connection in (ours, theirs):
                connection.ask(b"SELECT", db)
            for key in KEYS + [b"lex"]:
                got = [contents(connection, key) for connection in (ours, theirs)]
                if got[0] != got[1]:
                    return differ(history, [b"the contents of", key], *got)
    print(f"differential: {count} requests, {stretch} stretches: no difference")
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
