"""What differential.py asks: the words, and the grammar of requests."""

import hashlib

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
CHANNELS = [b"news", b"other", b"x", b"__keyspace@0__:a", b"__keyevent@0__:del"]
PATTERNS = [b"n*", b"__key*__:*", b"__keyspace@?__:[ab]", b"*", b"[^n]*", b"x\\"]
EVENTS = [b"KEA", b"KEAn", b"Kg$lsz", b"Eht", b"AKE", b"", b"q"]
WAITS = [b"0.01", b"0.001", b"-1", b"x", b"nan", b"inf", b"1e30"]
RULES = [b"on", b"off", b"nopass", b">pw", b"<pw", b"resetpass", b"~a*", b"%R~b", b"%W~c", b"allkeys", b"resetkeys", b"&news", b"allchannels", b"resetchannels",
         b"+get", b"+set", b"-set", b"+@read", b"-@write", b"+@all", b"-@all", b"allcommands", b"nocommands", b"+config|get", b"-client|kill", b"+select|0",
         b"(+get ~a)", b"(+@write %W~b)", b"clearselectors", b"reset", b"+nosuch", b"-@nosuch", b"(", b"x", b"+@pubsub", b"-debug"]
CATEGORIES = [b"read", b"write", b"keyspace", b"string", b"list", b"hash", b"set", b"sortedset", b"stream", b"geo", b"bitmap", b"hyperloglog", b"pubsub",
              b"scripting", b"transaction", b"blocking", b"connection", b"dangerous", b"fast", b"slow", b"admin", b"nosuch"]
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
    b"return {redis.call('BLPOP', KEYS[1], KEYS[2], 0)}",
    b"redis.call('XADD', KEYS[1], '5-*', 'f', ARGV[1]) redis.call('XGROUP', 'CREATE', KEYS[1], 'g', '0') return redis.call('XLEN', KEYS[1])",
    b"redis.call('PUBLISH', 'news', ARGV[1]) redis.call('SPUBLISH', 'x', ARGV[2]) return redis.call('LPUSH', KEYS[1], ARGV[1], ARGV[2])",
    b"redis.setresp(3) local r = redis.call('HGETALL', KEYS[1]) local n = 0 for _ in pairs(r.map) do n = n + 1 end return n",
    b"redis.setresp(3) local r = redis.call('ZSCORE', KEYS[1], ARGV[1]) return r and r.double and tostring(r.double) or false",
    b"redis.setresp(3) return redis.call('SMEMBERS', KEYS[1])",
    b"redis.setresp(3) return {double = tonumber(ARGV[2]) or 0.5}",
    b"return {big_number = '123456789012345678901234567890'}",
    b"return {1, 2, nil, 4}",
    b"return {err = 'SOME error'}",
    b"return {ok = ARGV[1]}",
    b"return redis.error_reply(ARGV[1])",
    b"return {-0.0, 1e15, 2^53, 1/0 == math.huge, string.format('%.17g', 0.1), #ARGV[1]}",
    b"return redis.call('GEOSEARCH', KEYS[1], 'FROMLONLAT', '15', '37', 'BYRADIUS', '200', 'km', 'ASC')",
    b"local ok, e = pcall(redis.call, 'SUBSCRIBE', 'x') return type(e) == 'table' and e.err or e",
    b"local r = redis.pcall('SET', KEYS[1]) return r.err",
    b"return redis.call('DUMP', KEYS[1]) == redis.call('DUMP', KEYS[1])",
    b"local t = cjson.decode(ARGV[1]) return cjson.encode({t})",
    b"return {pcall(cjson.decode, ARGV[1])}",
    b"return cjson.encode({[1] = 1.5, [2] = 'x', [3] = {}}) .. cjson.encode({a = cjson.null})",
    b"return {pcall(cmsgpack.unpack, ARGV[1])}",
    b"return {struct.size('>hI4d'), struct.unpack('<i8', struct.pack('<i8', -5)), pcall(struct.unpack, 'I4', ARGV[1])}",
    b"redis.call('EXPIRE', KEYS[1], 1000) redis.call('PERSIST', KEYS[1]) redis.call('RENAME', KEYS[1], KEYS[2]) return redis.call('TTL', KEYS[2])",
    b"redis.call('FLUSHDB') redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('DBSIZE')",
    b"return {redis.call('TYPE', KEYS[1]), redis.call('PING'), redis.call('ECHO', ARGV[1])}",
    b"redis.log(redis.LOG_DEBUG, 'x') return {redis.REDIS_VERSION_NUM > 7 * 65536, redis.acl_check_cmd('SET', KEYS[1], ARGV[1])}",
    b"return redis.call('EVAL', 'return 1', 0)",
    b"#!lua flags=allow-stale,no-cluster\nreturn KEYS",
    b"#!lua flags=nosuch\nreturn 1",
    b"#!js\nreturn 1",
    b"return tostring(ARGV):sub(1, 6) .. tostring(nil) .. type(unpack) .. type(loadstring) .. tostring(print) .. tostring(os.clock() >= 0) .. tostring(os.time)",
]
LIBRARIES = [b"#!lua name=lib%d\nredis.register_function('f%d', function(keys, args) redis.call('SET', keys[1], args[1] .. '%d') return redis.call('EXISTS', keys[2]) end)\nredis.register_function{function_name='g%d', callback=function() return %d end, flags={'no-writes'}}" % (n, n, v, n, v)
             for n in range(2) for v in range(2)] + [b"#!lua name=bad\nx", b"#!lua name=lib0\nredis.register_function('f1', function() end)", b"none"]

# What stands for an argument: k key, w word, n number, s score, t seconds, p longitude or latitude, l length, u unit, f type
# and o offset of a bit field, i ID of a stream's entry, e end of a range of these, E a script, D the digest of one, Y a library;
# b seconds to wait, c a channel, P a pattern of them, v which events of keys are told, R a rule of a user, G a category of commands, M a whole request;
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
FUNCTION LIST;FUNCTION LIST LIBRARYNAME lib0 WITHCODE;FUNCTION LIST LIBRARYNAME w;FUNCTION KILL;FUNCTION RESTORE w;SCRIPT KILL;SCRIPT FLUSH;SCRIPT FLUSH w;SCRIPT DEBUG w
MULTI;EXEC;DISCARD;WATCH k;UNWATCH;ECHO w;PING;PING w;NOTACOMMAND w;GET;SET k;TYPE;LPUSH k;OBJECT FREQ k
MULTI;EXEC;EXEC;PSETEX k t w;PEXPIRE k 100000;PEXPIRE k t NX;PTTL k;PEXPIRETIME k;SPOP k 100;SPOP k 0;SPOP k x;ZREVRANGEBYLEX lex s s;FLUSHALL ASYNC;FLUSHALL w
BLPOP k b;BLPOP k k b;BRPOP k k b;BRPOPLPUSH k k b;BLMOVE k k LEFT RIGHT b;BLMPOP b 2 k k LEFT COUNT n;BZPOPMIN k b;BZPOPMAX k k b;BZMPOP b 2 k k MIN COUNT n
BLMPOP b n k LEFT;BLMOVE k k w RIGHT b;XREAD BLOCK 1 COUNT 1 STREAMS k $;XREAD BLOCK -1 STREAMS k 0;RPUSH k w*;RPUSH k w*;LPUSH k w;ZADD k s w s w;XADD k 2-* f w
PUBLISH c w;PUBLISH c w;PUBLISH c w;SPUBLISH c w;SPUBLISH c w;PUBSUB CHANNELS;PUBSUB CHANNELS P;PUBSUB NUMSUB c c;PUBSUB NUMSUB;PUBSUB NUMPAT;PUBSUB SHARDCHANNELS
PUBSUB SHARDNUMSUB c;CONFIG SET notify-keyspace-events v;CONFIG SET notify-keyspace-events KEA;CONFIG GET notify-keyspace-events
COMMAND GETKEYS M;COMMAND GETKEYS M;COMMAND GETKEYSANDFLAGS M;COMMAND GETKEYS w;COMMAND LIST FILTERBY ACLCAT G;COMMAND LIST FILTERBY PATTERN xa*
ACL SETUSER ann R*;ACL SETUSER ann R*;ACL GETUSER ann;ACL SETUSER bob R*;ACL GETUSER bob;ACL LIST;ACL USERS;ACL WHOAMI;ACL CAT;ACL CAT G;ACL DELUSER ann;ACL DRYRUN ann M;ACL DRYRUN bob M
ACL DRYRUN w M;ACL SETUSER bob;AUTH ann pw;AUTH w;AUTH default w;AUTH default w;RESET;ACL GENPASS n;ACL DELUSER default
CLIENT SETNAME w;CLIENT GETNAME;CLIENT NO-EVICT w;CLIENT NO-EVICT ON;CLIENT TRACKINGINFO;CLIENT GETREDIR;CLIENT UNBLOCK 99999999;CLIENT UNBLOCK x;CLIENT KILL ID 99999999
CLIENT KILL w;CLIENT KILL TYPE w;CLIENT CACHING YES;CLIENT REPLY w;CLIENT UNPAUSE;CLIENT PAUSE x;CLIENT TRACKING w;CLIENT TRACKING ON PREFIX a;CLIENT LIST ID 99999999
HELLO w;HELLO 9;HELLO 3 AUTH w w;HELLO 2 w;HELLO 3 SETNAME;MEMORY USAGE k;MEMORY USAGE k SAMPLES n;OBJECT IDLETIME k;OBJECT w k;WAIT 0 0;WAIT n 1;ROLE;TIME;LASTSAVE
LATENCY RESET;LATENCY LATEST;LATENCY HISTORY w;SLOWLOG RESET;SLOWLOG GET x;CONFIG SET w w;CONFIG GET
CONFIG SET hash-max-listpack-entries n;CONFIG SET list-max-listpack-size n;CONFIG SET set-max-intset-entries n;CONFIG SET zset-max-listpack-entries n;CONFIG SET hll-sparse-max-bytes n
CONFIG RESETSTAT;DEBUG w;RESTORE k t w;RESTORE k 0 w REPLACE;DUMP nosuchkey;LCS k k IDX;LCS k k IDX MINMATCHLEN n WITHMATCHLEN;SINTERCARD n k k;BITCOUNT k n n BIT;BITPOS k 1 n n BIT
EXPIRE k t GT;EXPIRE k t XX;GETEX k EX t;GETEX k PXAT 33177117420000;SET k w EXAT 33177117420;SET k w PX t NX GET;HRANDFIELD k n WITHVALUES;ZRANDMEMBER k n WITHSCORES;SORT k BY x* GET x* DESC
XINFO CONSUMERS k g;XINFO CONSUMERS k w;XGROUP w k g;XINFO w k;ZADD k LT CH s w;ZADD k NX GT s w;ZRANGEBYSCORE k s s LIMIT n n;ZREVRANGE k n n;ZUNIONSTORE k n k;ZINTERCARD 2 k k LIMIT n
LPOS k w COUNT n MAXLEN n;LMPOP n k LEFT;LMPOP 1 k RIGHT COUNT n;ZMPOP 2 k k MAX;SMISMEMBER k;MGET;HSET k w;COPY k k DB 1;COPY k k DB n REPLACE;SCAN 0 TYPE w COUNT 1000;SCAN 0 MATCH a* COUNT 1000
""".replace("\n", ";").split(";")
GRAMMAR = [line.split() for line in GRAMMAR if line]

# What a client asks that waits as long as it must.
WAITING = """
BLPOP k 0;BLPOP k k k 0;BRPOP k k 0;BRPOPLPUSH k k 0;BLMOVE k k RIGHT LEFT 0;BLMOVE k k LEFT LEFT 0;BLMPOP 0 2 k k RIGHT COUNT n;BZPOPMIN k 0;BZPOPMIN k k 0;BZPOPMAX k 0
BZMPOP 0 2 k k MAX COUNT n;BZMPOP 0 1 k MIN;XREAD BLOCK 0 STREAMS k k $ i;XREAD BLOCK 0 STREAMS k $;XREADGROUP GROUP g x BLOCK 0 STREAMS k >;XREADGROUP GROUP g y BLOCK 0 COUNT n STREAMS k >
XREADGROUP GROUP g z BLOCK 0 NOACK STREAMS k k > >;SELECT 1;SELECT 0;RPUSH k w
""".replace("\n", ";").split(";")
WAITING = [line.split() for line in WAITING if line]

# What a client asks that listens. While it is subscribed in RESP2, it may ask for little else.
LISTENING = """
SUBSCRIBE c*;SUBSCRIBE c;PSUBSCRIBE P*;PSUBSCRIBE P;PSUBSCRIBE __key*__:*;SSUBSCRIBE c*;UNSUBSCRIBE c;PUNSUBSCRIBE P;SUNSUBSCRIBE c;UNSUBSCRIBE;PUNSUBSCRIBE;SUNSUBSCRIBE;PING;PING w
SUBSCRIBE;GET k;MGET k*;HGETALL k;LRANGE k 0 -1;PUBLISH c w;CLIENT TRACKINGINFO;CLIENT GETREDIR;CLIENT CACHING YES;CLIENT CACHING NO;CLIENT TRACKING OFF;RESET;MULTI;EXEC
CLIENT TRACKING ON;CLIENT TRACKING ON;CLIENT TRACKING ON BCAST;CLIENT TRACKING ON BCAST PREFIX a PREFIX d;CLIENT TRACKING ON BCAST PREFIX a PREFIX ab;CLIENT TRACKING ON OPTIN
CLIENT TRACKING ON OPTOUT;CLIENT TRACKING ON NOLOOP;SET k w
""".replace("\n", ";").split(";")
LISTENING = [line.split() for line in LISTENING if line]

LISTS = {"k": KEYS, "w": WORDS, "n": NUMBERS, "t": TIMES, "s": SCORES, "p": PLACES, "l": LENGTHS, "u": UNITS, "f": FIELDS, "o": OFFSETS, "i": IDS, "e": ENDS,
         "b": WAITS, "c": CHANNELS, "P": PATTERNS, "v": EVENTS, "R": RULES, "G": CATEGORIES, "E": SCRIPTS, "Y": LIBRARIES}


def draw(rng, word):
    """One argument; of `M` several."""
    if word == "M":
        return request_of(rng, GRAMMAR)
    if word == "D":
        return [hashlib.sha1(rng.choice(SCRIPTS)).hexdigest().encode()]
    return [rng.choice(LISTS[word])] if word in LISTS else [word.encode()]


def request_of(rng, grammar):
    request = []
    for word in rng.choice(grammar):
        many = word.endswith("*") and word[:-1] in LISTS
        for _ in range(rng.randint(1, 4) if many else 1):
            request += draw(rng, word[:-1] if many else word)
    return request
