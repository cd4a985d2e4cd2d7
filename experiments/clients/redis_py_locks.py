"""redis-py: its locks, which are scripts, and its listeners, over the death of the server."""

import asyncio
import threading
import time

import redis
import redis.asyncio
from redis.exceptions import LockError, LockNotOwnedError

from steps import PORT, Steps, under_kill, within

steps = Steps(f"redis-py-locks {redis.__version__}")
same = steps.same
db = redis.Redis(port=PORT, decode_responses=True)


def locks():
    lock = db.lock("door", timeout=10)
    same("taken", [lock.acquire(), lock.locked(), lock.owned()], [True, True, True])
    other = db.lock("door", timeout=10)
    same("by one alone", [other.acquire(blocking=False), other.owned()], [False, False])
    same("who waits", other.acquire(blocking_timeout=0.2), False)
    same("longer", [lock.extend(100), 100 < db.ttl("door") <= 110], [True, True])
    same("as at first", [lock.extend(5, replace_ttl=True), db.ttl("door") <= 5, lock.reacquire(), db.ttl("door") > 5], [True] * 4)
    lock.release()
    same("open", [db.exists("door"), other.acquire(blocking=False)], [0, True])
    steps.fails("not his", LockError, lock.release)
    db.set("door", "a thief")
    steps.fails("stolen", LockNotOwnedError, other.release)
    db.delete("door")
    brief = db.lock("door", timeout=0.1)
    same("it ends by itself", [brief.acquire(), within(lambda: not db.exists("door"))], [True, True])
    steps.fails("too late", LockNotOwnedError, brief.release)
    with db.lock("door", timeout=10, sleep=0.001):
        same("with", db.exists("door"), 1)
    same("and out", db.exists("door"), 0)


def count_up(lock):
    """Right only if nobody comes between."""
    with lock:
        n = int(db.get("n") or 0)
        time.sleep(0.001)
        db.set("n", n + 1)


def together():
    threads = [threading.Thread(target=count_up, args=(db.lock("counter", timeout=10, sleep=0.002),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same("twenty who count", db.get("n"), "20")


async def with_asyncio():
    async with redis.asyncio.Redis(port=PORT, decode_responses=True) as many:

        async def count():
            async with many.lock("counter", timeout=10, sleep=0.002):
                n = int(await many.get("m") or 0)
                await asyncio.sleep(0)
                await many.set("m", n + 1)

        await asyncio.gather(*(count() for _ in range(20)))
        same("twenty by asyncio", await many.get("m"), "20")


class Listener:
    """Hears on, whatever becomes of the server: redis-py subscribes again by itself."""

    def __init__(self):
        self.heard = []
        self.pubsub = db.pubsub(ignore_subscribe_messages=True)
        self.pubsub.subscribe("news")
        self.pubsub.psubscribe("event:*", "__keyspace@0__:lock:*")
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while not self.done.is_set():
            try:
                message = self.pubsub.get_message(timeout=0.05)
            except redis.ConnectionError:
                time.sleep(0.02)
                continue
            if message:
                self.heard.append((message["channel"], message["data"]))

    def end(self):
        self.done.set()
        self.thread.join()
        self.pubsub.close()


def killed():
    db.config_set("notify-keyspace-events", "K$g")
    listener = Listener()
    same("they listen", within(lambda: db.publish("news", "hello") == 1 and db.publish("event:1", "x") == 1), True)
    same("and hear", within(lambda: ("news", "hello") in listener.heard and ("event:1", "x") in listener.heard), True)
    kept, opened, counted, number = [], [], [20], [0]
    inside, most = [0], [0]
    mine = [db.lock("counter", timeout=5, sleep=0.002, thread_local=False) for _ in range(3)]

    def count(lane):
        with mine[lane]:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            n = int(db.get("n"))
            db.set("n", n + 1)
            counted[0] = n + 1
            inside[0] -= 1

    def work(lane):
        try:
            if lane < 3:
                count(lane)
                return
            number[0] += 1
            lock = db.lock(f"lock:{number[0]}:{lane}", timeout=600)
            if lock.acquire(blocking=False):
                if number[0] % 2:
                    kept.append((lock, lock.local.token))
                else:
                    lock.release()
                    opened.append(lock)
        except (redis.ConnectionError, LockError):
            # What was under way is not acknowledged. Nobody knows then whether he holds the counter's lock.
            inside[0] = 0
            time.sleep(0.02)

    same("the server starts again", under_kill(6, lambda: counted[0] > 50 and len(kept) > 50 and len(opened) > 50, work), True)
    db.delete("counter")
    same("one at a time", most[0], 1)
    same("none was lost on the way", int(db.get("n")) >= counted[0], True)
    same("what was taken is held", [lock.name for lock, token in kept if db.get(lock.name) != token.decode()], [])
    same("for so long", all(500 < db.ttl(lock.name) <= 600 for lock, _ in kept), True)
    same("what was opened is open", db.exists(*(lock.name for lock in opened)), 0)
    lock, lock.local.token = kept[0]
    lock.release()
    same("his own is opened", db.exists(lock.name), 0)
    same("they listen again", within(lambda: db.publish("news", "again") == 1 and db.publish("event:2", "y") == 1), True)
    same("and hear", within(lambda: ("news", "again") in listener.heard and ("event:2", "y") in listener.heard), True)
    same("events of keys before", ("__keyspace@0__:" + lock.name, "set") in listener.heard, True)
    listener.end()


for part in (locks, together):
    part()
asyncio.run(with_asyncio())
killed()
steps.end()
