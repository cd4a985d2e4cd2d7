// ioredis: what its users do.
import { Steps, killServer, load, port, socket, within } from './steps.mjs';

const { Redis } = load('ioredis');
const steps = new Steps('ioredis', 'ioredis');
const same = steps.same.bind(steps);

// A client that says nothing of lost connections: it comes back by itself.
const connect = (options = {}) => new Redis({ port, ...options }).on('error', () => {});
const db = connect();
const results = (replies) => replies.map(([error, reply]) => error?.message ?? reply);

async function strings() {
  same('set', await db.set('s', '1', 'EX', 1000), 'OK');
  same('set nx', await db.set('s', '2', 'NX'), null);
  same('set get', await db.set('s', '2', 'KEEPTTL', 'GET'), '1');
  same('getex', [await db.getex('s', 'PERSIST'), await db.ttl('s')], ['2', -1]);
  same('incr', [await db.incr('n'), await db.incrby('n', 41), await db.incrbyfloat('n', 0.5)], [1, 42, '42.5']);
  same('mset', [await db.mset({ a: 1, b: 2 }), await db.mget('a', 'b', 'none')], ['OK', ['1', '2', null]]);
  same('append', [await db.append('a', '23'), await db.getrange('a', 0, 1), await db.getdel('b')], [3, '12', '2']);
  same('bits', [await db.setbit('bits', 7, 1), await db.bitcount('bits')], [0, 1]);
  const value = Buffer.alloc(1 << 20, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  await db.set('bytes', value);
  same('a megabyte of any bytes', (await db.getBuffer('bytes')).equals(value), true);
}

async function collections() {
  same('hset', [await db.hset('h', { f: 1, g: 2 }), await db.hgetall('h')], [2, { f: '1', g: '2' }]);
  same('hincrby', [await db.hincrby('h', 'f', 9), await db.hmget('h', 'f', 'none')], [10, ['10', null]]);
  same('rpush', [await db.rpush('l', 'b', 'c', 'd'), await db.lpush('l', 'a')], [3, 4]);
  same('lrange', [await db.lrange('l', 0, -1), await db.lpos('l', 'c')], [['a', 'b', 'c', 'd'], 2]);
  same('lmove', [await db.lmove('l', 'other', 'LEFT', 'RIGHT'), await db.rpop('l', 2)], ['a', ['d', 'c']]);
  same('sort', [await db.rpush('numbers', 3, 1, 2), await db.sort('numbers')], [3, ['1', '2', '3']]);
  same('sadd', [await db.sadd('t', 'a', 'b', 'c'), await db.sadd('u', ['b', 'c', 'd'])], [3, 3]);
  same('algebra', [(await db.sinter('t', 'u')).sort(), await db.sunionstore('v', 't', 'u')], [['b', 'c'], 4]);
  same('zadd', await db.zadd('z', 1, 'a', 2.5, 'b', '-inf', 'c'), 3);
  same('zincrby', await db.zincrby('z', 1, 'b'), '3.5');
  same('zrange', await db.zrange('z', 0, -1, 'WITHSCORES'), ['c', '-inf', 'a', '1', 'b', '3.5']);
  same('zrangebyscore', await db.zrangebyscore('z', 0, '(3.5', 'LIMIT', 0, 10), ['a']);
  same('zpopmin', [await db.zpopmin('z'), await db.zscore('z', 'none')], [['c', '-inf'], null]);
}

async function all(stream) {
  const seen = [];
  for await (const some of stream) seen.push(...some);
  return seen;
}

async function keys() {
  const pipeline = db.pipeline();
  for (let i = 0; i < 5000; ++i) pipeline.set(`p${i}`, i);
  same('a pipeline', results(await pipeline.exec()).every((one) => one === 'OK'), true);
  same('a scan', new Set(await all(db.scanStream({ match: 'p*', count: 500 }))).size, 5000);
  await db.hset('big', new Map(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i])));
  await db.sadd('many', Array.from({ length: 2000 }, (_, i) => i));
  same('scans of a hash, a set, a sorted set',
    [(await all(db.hscanStream('big'))).length, new Set(await all(db.sscanStream('many'))).size, (await all(db.zscanStream('z'))).length],
    [2000, 2000, 4]);
  same('expire', [await db.expire('a', 500), await db.pexpireat('a', 9999999999999), await db.pexpiretime('a')], [1, 1, 9999999999999]);
  await db.set('soon', 'x', 'PX', 30);
  same('it expires', await within(async () => (await db.exists('soon')) === 0), true);
  same('dump and restore', [await db.restore('copy', 0, await db.dumpBuffer('big')), await db.hlen('copy')], ['OK', 1000]);
  same('copy, rename, move', [await db.copy('h', 'h2'), await db.rename('h2', 'h3'), await db.move('h3', 5)], [1, 'OK', 1]);
  same('a prefix', [await connect({ keyPrefix: 'pre:' }).set('x', 1), await db.get('pre:x')], ['OK', '1']);
  const own = connect({ enableAutoPipelining: true });
  same('pipelines by themselves', await Promise.all(Array.from({ length: 100 }, (_, i) => own.get(`p${i}`))),
    Array.from({ length: 100 }, (_, i) => String(i)));
  own.disconnect();
}

async function transactions() {
  same('multi', results(await db.multi().set('m', 1).incr('m').hgetall('h').exec()), ['OK', 2, { f: '10', g: '2' }]);
  same('an error in it', results(await db.multi().set('m', 5).lpush('m', 1).get('m').exec()),
    ['OK', 'WRONGTYPE Operation against a key holding the wrong kind of value', '5']);
  await steps.refused('a wrong command in it', 'EXECABORT', () => db.multi().set('m').set('m', 6).exec());
  await db.multi({ pipeline: false });
  same('without a pipeline', [await db.set('m', 7), results(await db.exec())], ['QUEUED', ['OK']]);
  const other = connect();
  await db.watch('m');
  await other.set('m', 8);
  same('watched', await db.multi().set('m', 9).exec(), null);
  same('what the other set', await db.get('m'), '8');
  other.disconnect();
}

async function told() {
  const listener = connect();
  const heard = [];
  listener.on('message', (channel, message) => heard.push([channel, message]));
  listener.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  same('subscribe', [await listener.subscribe('news', 'other'), await listener.psubscribe('ne*')], [2, 3]);
  same('publish', [await db.publish('news', 'one'), await db.publish('none', '')], [2, 0]);
  same('messages', [await within(() => heard.length === 2), heard.sort()], [true, [['ne*', 'news', 'one'], ['news', 'one']]]);
  same('pubsub', [(await db.pubsub('CHANNELS')).sort(), await db.pubsub('NUMSUB', 'news')], [['news', 'other'], ['news', 1]]);
  await listener.unsubscribe('news', 'other');
  await listener.punsubscribe('ne*');
  same('and then', await listener.get('a'), '123');
  listener.disconnect();

  const monitor = await db.monitor();
  const lines = [];
  monitor.on('monitor', (time, words) => lines.push(words.join(' ')));
  await db.set('m', 'seen');
  same('monitor', await within(() => lines.includes('set m seen')), true);
  monitor.disconnect();
}

async function aboutTheServer() {
  same('ping', [await db.ping(), await db.ping('hello')], ['PONG', 'hello']);
  same('info', (await db.info('persistence')).includes('aof_enabled:1'), true);
  same('config', [await db.config('SET', 'slowlog-max-len', 64), await db.config('GET', 'slowlog-max*')], ['OK', ['slowlog-max-len', '64']]);
  same('client', [await db.client('SETNAME', 'me'), await db.client('GETNAME')], ['OK', 'me']);
  await steps.refused('a wrong type', 'WRONGTYPE', () => db.lpush('h', 1));
  await steps.refused('no such command', 'ERR unknown command', () => db.call('nothing'));
  same('any command', await db.call('GETRANGE', 'a', '0', '1'), '12');
  same('bgrewriteaof', typeof (await db.bgrewriteaof()), 'string');
  await db.config('SET', 'requirepass', 'secret');
  const stranger = new Redis({ port, retryStrategy: null, enableReadyCheck: false }).on('error', () => {});
  await steps.refused('no password', 'NOAUTH', () => stranger.get('a'));
  stranger.disconnect();
  const unix = connect({ path: socket, password: 'secret', db: 5 });
  same('a password, a unix socket', await unix.hlen('h3'), 2);
  await unix.config('SET', 'requirepass', '');
  unix.disconnect();
}

// All that is there, by reading it.
async function picture() {
  const seen = {};
  const read = { string: (key) => db.getBuffer(key), list: (key) => db.lrange(key, 0, -1), hash: (key) => db.hgetall(key),
    set: async (key) => (await db.smembers(key)).sort(), zset: (key) => db.zrange(key, 0, -1, 'WITHSCORES') };
  for (const number of [5, 0]) {
    await db.select(number);
    for (const key of await all(db.scanStream({ count: 1000 })))
      seen[`${number} ${key}`] = [await read[await db.type(key)](key), await db.pexpiretime(key)];
  }
  return seen;
}

async function killed() {
  const listener = connect();
  const heard = [];
  listener.on('message', (channel, message) => heard.push(message));
  await listener.subscribe('news');
  const before = await picture();
  // What is not acknowledged is an error, not sent once more.
  const writer = connect({ maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false });
  let acked = 0;
  let killing = null;
  try {
    for (; acked < 1000000; ++acked) {
      await writer.multi().rpush('flight', acked).set('flight:last', acked).exec();
      if (acked === 300) killing = killServer();
    }
  } catch { /* the connection is gone */ }
  same('it was killed in the middle', acked > 300 && acked < 1000000, true);
  writer.disconnect();
  await killing;
  // The one that was under way may be there, or not: whole or not at all.
  const flight = await db.lrange('flight', 0, -1);
  same('what was acknowledged', flight.slice(0, acked), Array.from({ length: acked }, (_, i) => String(i)));
  same('and no more than was asked', flight.length - acked <= 1, true);
  same('both or none', await db.get('flight:last'), flight.at(-1));
  await db.del('flight', 'flight:last');
  const after = await picture();
  same('keys', Object.keys(after).sort(), Object.keys(before).sort());
  same('values and expiries', after, before);
  same('it listens again', await within(async () => (await db.publish('news', 'again')) === 1 && heard.length > 0), true);
  same('it writes again', await db.set('s', 'again'), 'OK');
  listener.disconnect();
}

for (const work of [strings, collections, keys, transactions, told, aboutTheServer, killed]) await work();
await db.quit();
steps.end();
