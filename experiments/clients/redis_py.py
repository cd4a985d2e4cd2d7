"""redis-py: what its users do, of every family that the server has."""

import asyncio
import threading

import redis
import redis.asyncio

from steps import PORT, SOCKET, Steps, kill_server

steps = Steps(f"redis-py {redis.__version__}")
same = steps.same
db = redis.Redis(port=PORT, decode_responses=True)


def strings():
    same("set", db.set("s", "1", ex=1000), True)
    same("set nx", db.set("s", "2", nx=True), None)
    same("set get", db.set("s", "2", get=True, keepttl=True), "1")
    same("ttl is kept", 990 < db.ttl("s") <= 1000, True)
    same("getex", db.getex("s", persist=True), "2")
    same("ttl", db.ttl("s"), -1)
    same("incr", [db.incr("n"), db.incrby("n", 41), db.decr("n"), db.incrbyfloat("n", 0.5)], [1, 42, 41, 41.5])
    same("mset", db.mset({"a": "1", "b": "2"}), True)
    same("mget", db.mget("a", "b", "none"), ["1", "2", None])
    same("append", [db.append("a", "23"), db.strlen("a"), db.getrange("a", 0, 1)], [3, 3, "12"])
    same("bits", [db.setbit("bits", 7, 1), db.bitcount("bits"), db.bitop("not", "inverse", "bits")], [0, 1, 1])
    same("lcs", db.lcs("a", "s"), "2")
    binary = redis.Redis(port=PORT)
    value = bytes(range(256)) * 4000
    same("a megabyte of any bytes", [binary.set(b"\x00\r\n", value), binary.get(b"\x00\r\n") == value], [True, True])
    same("getdel", db.set("gone", "x") and db.getdel("gone"), "x")
    same("it is gone", db.exists("gone"), 0)


def hashes():
    same("hset", db.hset("h", mapping={"f": "1", "g": "2"}), 2)
    same("hgetall", db.hgetall("h"), {"f": "1", "g": "2"})
    same("hincrby", [db.hincrby("h", "f", 9), db.hincrbyfloat("h", "g", 0.25)], [10, 2.25])
    same("hmget", db.hmget("h", "f", "none"), ["10", None])
    same("hrandfield", sorted(db.hrandfield("h", 2)), ["f", "g"])
    db.hset("big", mapping={f"field{i}": i for i in range(1000)})
    same("hscan_iter", len(dict(db.hscan_iter("big"))), 1000)


def lists():
    same("rpush", db.rpush("l", "b", "c", "d", "e"), 4)
    same("lpush", db.lpush("l", "a"), 5)
    same("linsert", db.linsert("l", "before", "c", "x"), 6)
    same("lrange", db.lrange("l", 0, -1), ["a", "b", "x", "c", "d", "e"])
    same("lpos", db.lpos("l", "x"), 2)
    same("lmove", db.lmove("l", "other", "LEFT", "RIGHT"), "a")
    same("lmpop", db.lmpop(1, "l", direction="RIGHT", count=2), ["l", ["e", "d"]])
    same("ltrim", db.ltrim("l", 0, 1) and db.lrange("l", 0, -1), ["b", "x"])
    db.rpush("numbers", 3, 1, 2)
    same("sort", db.sort("numbers", desc=True), ["3", "2", "1"])
    same("sort store", db.sort("numbers", store="sorted"), 3)


def sets():
    same("sadd", [db.sadd("t", "a", "b", "c"), db.sadd("u", "b", "c", "d")], [3, 3])
    same("algebra", [db.sinter("t", "u"), db.sdiff("t", "u")], [{"b", "c"}, {"a"}])
    same("sunionstore", db.sunionstore("v", "t", "u"), 4)
    same("sintercard", db.sintercard(2, ["t", "u"]), 2)
    same("smismember", db.smismember("t", ["a", "d"]), [1, 0])
    same("spop", db.spop("t", 3) and db.exists("t"), 0)
    db.sadd("many", *range(2000))
    same("sscan_iter", len(set(db.sscan_iter("many", count=100))), 2000)


def sorted_sets():
    same("zadd", db.zadd("z", {"a": 1, "b": 2.5, "c": float("-inf")}), 3)
    same("zadd gt", db.zadd("z", {"a": 9}, gt=True, ch=True), 1)
    same("zincrby", db.zincrby("z", 1, "b"), 3.5)
    same("zrange", db.zrange("z", 0, -1, withscores=True), [("c", float("-inf")), ("b", 3.5), ("a", 9.0)])
    same("zrangebyscore", db.zrange("z", 0, 10, byscore=True), ["b", "a"])
    same("zrank", [db.zrank("z", "a"), db.zrevrank("z", "a"), db.zscore("z", "none")], [2, 0, None])
    same("zmpop", db.zmpop(1, ["z"], min=True), ["z", [["c", "-inf"]]])
    same("zunionstore", db.zunionstore("y", {"z": 2, "v": 1}), 4)
    same("zscan_iter", len(dict(db.zscan_iter("y"))), 4)


def keys():
    same("scan_iter", set(db.scan_iter("s*", count=3)), {"s", "sorted"})
    same("scan_iter of a type", set(db.scan_iter(_type="zset")), {"z", "y"})
    same("expire", [db.expire("b", 500), db.expire("b", 100, gt=True), db.persist("b")], [True, False, True])
    same("expiretime", [db.pexpireat("a", 9999999999999), db.pexpiretime("a")], [True, 9999999999999])
    db.set("soon", "x", px=30)
    while db.exists("soon"):
        pass
    same("it expires", db.get("soon"), None)
    same("dump and restore", [db.restore("copy", 0, redis.Redis(port=PORT).dump("big")), db.hlen("copy")], ["OK", 1000])
    same("copy", db.copy("h", "h2") and db.hgetall("h2"), db.hgetall("h"))
    same("rename", [db.rename("h2", "h3"), db.type("h3")], [True, "hash"])
    same("move", [db.move("h3", 5), db.exists("h3")], [True, 0])
    same("object", [db.object("encoding", "s"), db.object("encoding", "none"), db.memory_usage("big") > 1000],
         ["int", None, True])
    same("unlink and touch", [db.unlink("copy", "none"), db.touch("a", "b")], [1, 2])


def transactions():
    with db.pipeline() as pipe:
        same("multi", pipe.set("m", 1).incr("m").get("m").execute(), [True, 2, "2"])
    with db.pipeline(transaction=False) as pipe:
        for i in range(5000):
            pipe.set(f"p{i}", i)
        same("a pipeline", pipe.execute(), [True] * 5000)
    with db.pipeline() as pipe:
        pipe.set("m", 5).lpush("m", 1)
        steps.fails("an error in a transaction", redis.ResponseError, pipe.execute)
    same("the rest of it", db.get("m"), "5")
    with db.pipeline() as pipe:
        pipe.watch("m")
        db.set("m", 6)
        pipe.multi()
        pipe.set("m", 7)
        steps.fails("watched", redis.WatchError, pipe.execute)

    def raise_balance(pipe):
        balance = int(pipe.get("m"))
        pipe.multi()
        pipe.set("m", balance + 10)

    threads = [threading.Thread(target=db.transaction, args=(raise_balance, "m")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same("eight who watch the same", db.get("m"), "86")


def told():
    heard = []
    arrived = threading.Event()

    def hear(message):
        heard.append((message["type"], message["channel"], message["data"]))
        if len(heard) == 3:
            arrived.set()

    listener = db.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(**{"news": hear, "other": hear})
    listener.psubscribe(**{"ne*": hear})
    thread = listener.run_in_thread(sleep_time=0.01)
    while db.pubsub_numpat() == 0:
        pass
    same("publish", [db.publish("news", "one"), db.publish("other", "two"), db.publish("none", "")], [2, 1, 0])
    arrived.wait(10)
    same("messages", sorted(heard), [("message", "news", "one"), ("message", "other", "two"), ("pmessage", "news", "one")])
    same("pubsub", [sorted(db.pubsub_channels()), db.pubsub_numsub("news")], [["news", "other"], [("news", 1)]])
    thread.stop()
    thread.join()
    listener.close()

    # Tracking in RESP2: another connection is told.
    ear = db.pubsub(ignore_subscribe_messages=True)
    ear.execute_command("CLIENT", "ID")
    ear_id = ear.parse_response()
    ear.subscribe("__redis__:invalidate")
    reader = redis.Redis(port=PORT, single_connection_client=True, decode_responses=True)
    same("tracking", reader.client_tracking_on(clientid=ear_id), "OK")
    reader.get("m")
    db.set("m", 1)
    message = None
    while message is None:
        message = ear.get_message(timeout=5)
    same("invalidated", message["data"], ["m"])
    ear.close()

    with db.monitor() as monitor:
        db.set("m", "watched")
        same("monitor", monitor.next_command()["command"], "SET m watched")


def about_the_server():
    same("ping", [db.ping(), db.echo("hello")], [True, "hello"])
    info = db.info()
    same("info", [info["aof_enabled"], info["db0"]["keys"] == db.dbsize(), info["redis_version"][:2]], [1, True, "7."])
    same("config", [db.config_set("slowlog-max-len", 64), db.config_get("slowlog*len")], [True, {"slowlog-max-len": "64"}])
    same("client", [db.client_setname("me"), db.client_getname(), db.client_info()["name"]], [True, "me", "me"])
    same("client list", len([one for one in db.client_list() if one["name"] == "me"]), 1)
    steps.fails("no such command", redis.ResponseError, lambda: db.execute_command("nothing"))
    steps.fails("a wrong type", redis.ResponseError, lambda: db.incr("h"))
    same("slowlog", [db.config_set("slowlog-log-slower-than", 0), db.get("m") is not None,
                     any(b"GET m" in one["command"] or "GET m" in str(one["command"]) for one in db.slowlog_get(20))],
         [True, True, True])
    db.config_set("slowlog-log-slower-than", 10000)
    same("command", db.command_count() > 100, True)
    same("acl", [db.acl_whoami(), db.acl_users()], ["default", ["default"]])
    same("bgrewriteaof", db.bgrewriteaof(), True)
    saved = db.lastsave()
    same("save", db.save() and db.lastsave() >= saved, True)
    same("time", abs(db.time()[0] - db.info("server")["server_time_usec"] // 1000000) < 5, True)
    db.config_set("requirepass", "secret")
    steps.fails("no password", redis.AuthenticationError, lambda: redis.Redis(port=PORT).ping())
    same("a password, a unix socket", redis.from_url(f"unix://:secret@{SOCKET}?db=5").hlen("h3"), 2)
    redis.Redis(port=PORT, password="secret").config_set("requirepass", "")


async def with_asyncio():
    async with redis.asyncio.Redis(port=PORT, decode_responses=True, max_connections=50) as many:
        same("fifty at once", sorted(await asyncio.gather(*(many.incr("together") for _ in range(50)))), list(range(1, 51)))
        async with many.pipeline(transaction=True) as pipe:
            same("multi by asyncio", await pipe.incr("together").get("together").execute(), [51, "51"])
        found = 0
        async for _ in many.scan_iter("p*", count=1000):
            found += 1
        same("scan by asyncio", found, 5000)
        async with many.pubsub() as listener:
            await listener.subscribe("news")
            await listener.get_message(timeout=5)
            await many.publish("news", "hello")
            same("a message by asyncio", (await listener.get_message(timeout=5))["data"], "hello")


def picture():
    """All that is there, by reading it."""
    seen = {}
    for number in (0, 5):
        raw = redis.Redis(port=PORT, db=number)
        read = {b"string": raw.get, b"list": lambda key: raw.lrange(key, 0, -1), b"hash": raw.hgetall,
                b"set": raw.smembers, b"zset": lambda key: raw.zrange(key, 0, -1, withscores=True)}
        for key in raw.scan_iter(count=1000):
            seen[number, key] = (read[raw.type(key)](key), raw.pexpiretime(key))
    return seen


def killed():
    before = picture()
    acked = 0
    killing = None
    try:
        while acked < 1000000:
            with db.pipeline() as pipe:
                pipe.rpush("flight", acked).set("flight:last", acked).execute()
            acked += 1
            if acked == 300:
                killing = kill_server()
    except redis.ConnectionError:
        pass
    same("the server starts again", killing.wait(60), 0)
    same("it was killed in the middle", 300 <= acked < 1000000, True)
    # The one that was under way may be there, or not: whole or not at all.
    flight = [int(one) for one in db.lrange("flight", 0, -1)]
    same("what was acknowledged", flight[:acked], list(range(acked)))
    same("and no more than was asked", len(flight) - acked in (0, 1), True)
    same("both or none", int(db.get("flight:last")), flight[-1])
    db.delete("flight", "flight:last")
    after = picture()
    same("keys", sorted(after), sorted(before))
    same("values and expiries", [key for key in before if before[key] != after[key]], [])
    same("and it goes on", db.set("s", "again"), True)


for work in (strings, hashes, lists, sets, sorted_sets, keys, transactions, told, about_the_server):
    work()
asyncio.run(with_asyncio())
killed()
steps.end()
