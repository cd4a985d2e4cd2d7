// node-redis: what its users do, in RESP3, which it speaks by itself.
import { Steps, killServer, load, port, socket, within } from './steps.mjs';

const { BasicClientSideCache, RESP_TYPES, WatchError, createClient, createClientPool } = load('redis');
const steps = new Steps('node-redis', 'redis');
const same = steps.same.bind(steps);
const url = `redis://127.0.0.1:${port}`;

// A client that says nothing of lost connections: it comes back by itself.
async function connect(options = {}) {
  return createClient({ url, ...options }).on('error', () => {}).connect();
}
const db = await connect();

async function strings() {
  same('set', await db.set('s', '1', { expiration: { type: 'EX', value: 1000 } }), 'OK');
  same('set nx', await db.set('s', '2', { condition: 'NX' }), null);
  same('set get', await db.set('s', '2', { GET: true, expiration: 'KEEPTTL' }), '1');
  same('ttl is kept', (await db.ttl('s')) > 990, true);
  same('getex', [await db.getEx('s', { type: 'PERSIST' }), await db.ttl('s')], ['2', -1]);
  same('incr', [await db.incr('n'), await db.incrBy('n', 41), await db.incrByFloat('n', 0.5)], [1, 42, '42.5']);
  same('mset', [await db.mSet({ a: '1', b: '2' }), await db.mGet(['a', 'b', 'none'])], ['OK', ['1', '2', null]]);
  same('append', [await db.append('a', '23'), await db.getRange('a', 0, 1), await db.getDel('b')], [3, '12', '2']);
  same('bits', [await db.setBit('bits', 7, 1), await db.bitCount('bits'), await db.bitOp('NOT', 'inverse', 'bits')], [0, 1, 1]);
  const bytes = db.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const value = Buffer.alloc(1 << 20, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  await db.set('bytes', value);
  same('a megabyte of any bytes', (await bytes.get('bytes')).equals(value), true);
}

async function collections() {
  same('hset', [await db.hSet('h', { f: '1', g: '2' }), await db.hGetAll('h')], [2, { f: '1', g: '2' }]);
  same('hincrby', [await db.hIncrBy('h', 'f', 9), await db.hmGet('h', ['f', 'none'])], [10, ['10', null]]);
  same('hrandfield', await db.hRandFieldCountWithValues('h', 5).then((all) => all.length), 2);
  same('rpush', [await db.rPush('l', ['b', 'c', 'd']), await db.lPush('l', 'a')], [3, 4]);
  same('lrange', [await db.lRange('l', 0, -1), await db.lPos('l', 'c')], [['a', 'b', 'c', 'd'], 2]);
  same('lmove', [await db.lMove('l', 'other', 'LEFT', 'RIGHT'), await db.rPopCount('l', 2)], ['a', ['d', 'c']]);
  same('sort', [await db.rPush('numbers', ['3', '1', '2']), await db.sort('numbers')], [3, ['1', '2', '3']]);
  same('sadd', [await db.sAdd('t', ['a', 'b', 'c']), await db.sAdd('u', ['b', 'c', 'd'])], [3, 3]);
  same('algebra', [(await db.sInter(['t', 'u'])).sort(), await db.sUnionStore('v', ['t', 'u'])], [['b', 'c'], 4]);
  same('smismember', await db.smIsMember('t', ['a', 'd']), [1, 0]);
  same('zadd', await db.zAdd('z', [{ score: 1, value: 'a' }, { score: 2.5, value: 'b' }, { score: -Infinity, value: 'c' }]), 3);
  same('zincrby', await db.zIncrBy('z', 1, 'b'), 3.5);
  same('zrange', await db.zRangeWithScores('z', 0, -1),
    [{ value: 'c', score: -Infinity }, { value: 'a', score: 1 }, { value: 'b', score: 3.5 }]);
  same('zrangebyscore', await db.zRange('z', 0, 2, { BY: 'SCORE' }), ['a']);
  same('zmpop', await db.zmPop('z', 'MIN'), { key: 'z', members: [{ value: 'c', score: -Infinity }] });
  same('zunionstore', [await db.zUnionStore('y', ['z', 'v']), await db.zScore('y', 'none')], [4, null]);
}

async function keys() {
  await Promise.all(Array.from({ length: 5000 }, (_, i) => db.set(`p${i}`, String(i))));
  const seen = new Set();
  for await (const some of db.scanIterator({ MATCH: 'p*', COUNT: 500 })) for (const key of some) seen.add(key);
  same('a scan of what a pipeline wrote', seen.size, 5000);
  await db.hSet('big', Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, String(i)])));
  let fields = 0;
  for await (const some of db.hScanIterator('big')) fields += some.length;
  same('a scan of a hash', fields, 1000);
  same('expire', [await db.expire('a', 500), await db.expire('a', 100, 'GT'), await db.persist('a')], [1, 0, 1]);
  same('expiretime', [await db.pExpireAt('a', 9999999999999), await db.pExpireTime('a')], [1, 9999999999999]);
  await db.set('soon', 'x', { expiration: { type: 'PX', value: 30 } });
  same('it expires', await within(async () => (await db.exists('soon')) === 0), true);
  const payload = await db.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).dump('big');
  same('dump and restore', [await db.restore('copy', 0, payload), await db.hLen('copy')], ['OK', 1000]);
  same('copy, rename, move', [await db.copy('h', 'h2'), await db.rename('h2', 'h3'), await db.move('h3', 5)], [1, 'OK', 1]);
  same('type, encoding', [await db.type('z'), await db.objectEncoding('numbers').then((one) => typeof one)], ['zset', 'string']);
  same('unlink, touch', [await db.unlink(['copy', 'none']), await db.touch(['a', 's'])], [1, 2]);
}

async function transactions() {
  same('multi', await db.multi().set('m', '1').incr('m').hGetAll('h').zScore('z', 'b').exec(), ['OK', 2, { f: '10', g: '2' }, 3.5]);
  await steps.refused('an error in it', '1 commands failed', () => db.multi().set('m', '5').lPush('m', '1').exec());
  same('the rest of it', await db.get('m'), '5');
  const other = await connect();
  await db.watch('m');
  await other.set('m', '6');
  same('watched', await db.multi().set('m', '7').exec().catch((error) => error instanceof WatchError), true);
  const pool = await createClientPool({ url }, { maximum: 8 }).on('error', () => {}).connect();
  const raise = () => pool.execute(async (one) => {
    for (;;) {
      await one.watch('m');
      const balance = Number(await one.get('m'));
      try {
        return await one.multi().set('m', String(balance + 10)).exec();
      } catch (error) {
        if (!(error instanceof WatchError)) throw error;
      }
    }
  });
  await Promise.all(Array.from({ length: 8 }, raise));
  same('eight who watch the same', await other.get('m'), '86');
  await pool.close();
  await other.close();
}

async function told() {
  const listener = await connect();
  const heard = [];
  await listener.subscribe('news', (message, channel) => heard.push([channel, message]));
  await listener.pSubscribe('ne*', (message) => heard.push(['ne*', message]));
  same('publish', [await db.publish('news', 'one'), await db.publish('none', '')], [2, 0]);
  same('messages', [await within(() => heard.length === 2), heard.sort()], [true, [['ne*', 'one'], ['news', 'one']]]);
  same('requests of a subscriber', await listener.get('a'), '123');
  same('pubsub', [await db.pubSubChannels(), (await db.pubSubNumSub(['news'])).news], [['news'], 1]);
  await listener.unsubscribe();
  await listener.pUnsubscribe();
  await listener.close();

  const cache = new BasicClientSideCache();
  const cached = await connect({ clientSideCache: cache });
  same('a cache', [await cached.get('m'), await cached.get('m'), cache.stats().hitCount], ['86', '86', 1]);
  await db.set('m', '87');
  same('invalidated', await within(async () => (await cached.get('m')) === '87'), true);
  await cached.close();

  const lines = [];
  const monitor = await connect();
  await monitor.monitor((line) => lines.push(String(line)));
  await db.set('m', '88');
  same('monitor', await within(() => lines.some((line) => line.includes('"SET" "m" "88"'))), true);
  await monitor.destroy();
}

async function aboutTheServer() {
  same('ping', [await db.ping(), await db.echo('hello')], ['PONG', 'hello']);
  same('hello', (await db.hello()).proto, 3);
  same('info', (await db.info('persistence')).includes('aof_enabled:1'), true);
  same('config', [await db.configSet('slowlog-max-len', '64'), await db.configGet('slowlog-max*')], ['OK', { 'slowlog-max-len': '64' }]);
  same('client', [await db.clientSetName('me'), (await db.clientInfo()).name], ['OK', 'me']);
  await steps.refused('a wrong type', 'WRONGTYPE', () => db.lPush('h', '1'));
  await steps.refused('no such command', 'ERR unknown command', () => db.sendCommand(['NOTHING']));
  same('command', (await db.commandCount()) > 100, true);
  same('acl', await db.aclWhoAmI(), 'default');
  same('memory', (await db.memoryUsage('big')) > 1000, true);
  same('bgrewriteaof', typeof (await db.bgRewriteAof()), 'string');
  await db.configSet('requirepass', 'secret');
  await steps.refused('no password', 'NOAUTH', () => createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {}).connect());
  const unix = await connect({ url: undefined, socket: { path: socket }, password: 'secret', database: 5 });
  same('a password, a unix socket', await unix.hLen('h3'), 2);
  await unix.configSet('requirepass', '');
  await unix.close();
}

// All that is there, by reading it.
async function picture() {
  const seen = {};
  const read = { string: (key) => db.get(key), list: (key) => db.lRange(key, 0, -1), hash: (key) => db.hGetAll(key),
    set: async (key) => (await db.sMembers(key)).sort(), zset: (key) => db.zRangeWithScores(key, 0, -1) };
  for (const number of [5, 0]) {
    await db.select(number);
    for await (const some of db.scanIterator({ COUNT: 1000 }))
      for (const key of some) seen[`${number} ${key}`] = [await read[await db.type(key)](key), await db.pExpireTime(key)];
  }
  return seen;
}

async function killed() {
  const listener = await connect();
  const heard = [];
  await listener.subscribe('news', (message) => heard.push(message));
  const before = await picture();
  // No queue of what could not be sent: what is not acknowledged is an error.
  const writer = await connect({ disableOfflineQueue: true });
  let acked = 0;
  let killing = null;
  try {
    for (; acked < 1000000; ++acked) {
      await writer.multi().rPush('flight', String(acked)).set('flight:last', String(acked)).exec();
      if (acked === 300) killing = killServer();
    }
  } catch { /* the connection is gone */ }
  same('it was killed in the middle', acked > 300 && acked < 1000000, true);
  await killing;
  // The one that was under way may be there, or not: whole or not at all.
  const flight = await db.lRange('flight', 0, -1);
  same('what was acknowledged', flight.slice(0, acked), Array.from({ length: acked }, (_, i) => String(i)));
  same('and no more than was asked', flight.length - acked <= 1, true);
  same('both or none', await db.get('flight:last'), flight.at(-1));
  await db.del(['flight', 'flight:last']);
  const after = await picture();
  same('keys', Object.keys(after).sort(), Object.keys(before).sort());
  same('values and expiries', after, before);
  same('it listens again', await within(async () => (await db.publish('news', 'again')) === 1 && heard.length > 0), true);
  same('it writes again', await within(() => writer.set('s', 'again').catch(() => null)), 'OK');
  await listener.destroy();
  await writer.destroy();
}

for (const work of [strings, collections, keys, transactions, told, aboutTheServer, killed]) await work();
await db.close();
steps.end();
