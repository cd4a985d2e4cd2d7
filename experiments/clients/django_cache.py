"""django-redis: Django's cache, its sessions and its locks; over the death of the server."""

import threading
import time

import django
import redis
from django.conf import settings

from steps import PORT, Steps, under_kill, within


def at(number, **options):
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"redis://127.0.0.1:{PORT}/{number}", "KEY_PREFIX": "app",
            "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient", **options}}


settings.configure(
    CACHES={
        "default": at(1),
        "small": at(2, COMPRESSOR="django_redis.compressors.zlib.ZlibCompressor", SERIALIZER="django_redis.serializers.json.JSONSerializer"),
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache", INSTALLED_APPS=["django.contrib.sessions"], SECRET_KEY="x", USE_TZ=True)
django.setup()

# Only once Django knows its settings.
import django_redis  # noqa: E402
from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402
from django.core.cache import cache, caches  # noqa: E402

steps = Steps(f"django-redis {'.'.join(map(str, django_redis.VERSION))}")
same = steps.same


def values():
    same("set", [cache.set("a", {"any": ["thing", 1, None]}), cache.get("a")], [True, {"any": ["thing", 1, None]}])
    same("none", [cache.get("none"), cache.get("none", 7), cache.has_key("a"), "none" in cache], [None, 7, True, False])
    same("add", [cache.add("a", 1), cache.add("b", 1), cache.get("b")], [False, True, 1])
    same("nx", [cache.set("b", 2, nx=True), cache.set("b", 2), cache.get("b")], [False, True, 2])
    same("counters", [cache.set("n", 40), cache.incr("n"), cache.incr("n", 2), cache.decr("n")], [True, 41, 43, 42])
    try:
        same("no such counter", cache.incr("none"), None)
    except ValueError:
        same("no such counter", cache.get("none"), None)
    same("many", [cache.set_many({"x": 1, "y": "grüße"}), cache.get_many(["x", "y", "z"])], [None, {"x": 1, "y": "grüße"}])
    same("delete", [cache.delete("x"), cache.delete("x"), cache.delete_many(["y", "z"])], [True, False, 1])
    same("get or set", [cache.get_or_set("g", lambda: 5), cache.get_or_set("g", 6)], [5, 5])
    same("versions", [cache.set("v", 1, version=1), cache.incr_version("v"), cache.get("v"), cache.get("v", version=2)], [True, 2, None, 1])
    small = caches["small"]
    same("compressed", [small.set("long", "x" * 10000), small.get("long") == "x" * 10000], [True, True])
    raw = redis.Redis(port=PORT, db=2)
    same("it is small", raw.strlen("app:1:long") < 1000, True)


def times():
    cache.set("t", 1, timeout=100)
    same("ttl", [99 <= cache.ttl("t") <= 100, cache.ttl("none"), cache.ttl("a") <= 300], [True, 0, True])
    same("persist", [cache.persist("t"), cache.ttl("t")], [True, None])
    same("expire", [cache.expire("t", 50), cache.pexpire("t", 40000), 39000 < cache.pttl("t") <= 40000], [True, True, True])
    same("touch", [cache.touch("t", 200), cache.ttl("t") > 190, cache.touch("none", 1)], [True, True, False])
    cache.set("soon", 1, timeout=1)
    same("it expires", within(lambda: cache.get("soon") is None), True)
    same("no time at all", [cache.set("t", 1, timeout=0), cache.get("t")], [True, None])
    for n in range(100):
        cache.set(f"p{n}", n, timeout=None)
    same("keys", [len(cache.keys("p*")), len(list(cache.iter_keys("p*", itersize=7))), cache.ttl("p1")], [100, 100, None])
    same("by a pattern", [cache.delete_pattern("p*", itersize=10), cache.keys("p*")], [100, []])


def locks():
    with cache.lock("door", timeout=10):
        same("a lock", cache.lock("door", timeout=10).acquire(blocking=False), False)
    same("and out", cache.lock("door", timeout=600).acquire(blocking=False), True)


def sessions():
    session = SessionStore()
    session["cart"] = ["apple"]
    session.create()
    again = SessionStore(session.session_key)
    same("a session", [again["cart"], again.exists(session.session_key)], [["apple"], True])
    again["cart"] = ["apple", "pear"]
    again.set_expiry(5000)
    again.save()
    session = SessionStore(session.session_key)
    same("saved", [session["cart"], 4900 < cache.ttl("django.contrib.sessions.cache" + session.session_key) <= 5000], [["apple", "pear"], True])
    session.cycle_key()
    same("another name", [session["cart"], again.exists(again.session_key)], [["apple", "pear"], False])
    session.flush()
    same("flushed", session.exists(session.session_key or "none"), False)


def killed():
    acked, counted, asked, visitors = {}, [0] * 4, [0] * 4, {}
    cache.set("kept", "value", timeout=5000)
    for lane in range(4):
        cache.set(f"count:{lane}", 0, timeout=None)

    def work(lane):
        n = asked[lane]
        asked[lane] += 1
        try:
            cache.set(f"value:{lane}", n, timeout=5000)
            acked[lane] = n
            counted[lane] = cache.incr(f"count:{lane}")
            visitor = SessionStore(visitors[lane][0] if lane in visitors else None)
            seen = visitor.get("visits", 0)
            visitor["visits"] = seen + 1
            visitor.save()
            visitors[lane] = (visitor.session_key, seen + 1)
        except (redis.ConnectionError, django_redis.exceptions.ConnectionInterrupted):
            time.sleep(0.02)

    same("the server starts again", under_kill(4, lambda: min(asked) > 50, work), True)
    same("what was acknowledged", [lane for lane in range(4) if not acked[lane] <= cache.get(f"value:{lane}") < asked[lane]], [])
    same("what was counted", [lane for lane in range(4) if not counted[lane] <= cache.get(f"count:{lane}") <= asked[lane]], [])
    same("no session began anew", [key for key, seen in visitors.values() if SessionStore(key)["visits"] < seen], [])
    same("all else", [cache.get("kept"), 4900 < cache.ttl("kept") <= 5000, caches["small"].get("long") == "x" * 10000], ["value", True, True])
    same("a lock that was held", [cache.lock("door", timeout=10).acquire(blocking=False), 500 < cache.ttl("door") <= 600], [False, True])
    same("and it goes on", [cache.set("a", 2), cache.get("a"), cache.clear(), cache.get("a")], [True, 2, None, None])


for part in (values, times, locks, sessions, killed):
    part()
steps.end()
