// rate-limiter-flexible: points that are used up, counted by a script.
import { Steps, load, pause, port, underKill, within } from './steps.mjs';

const { BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis, RateLimiterUnion } = load('rate-limiter-flexible');
const { Redis } = load('ioredis');
const steps = new Steps('rate-limiter-flexible', 'rate-limiter-flexible');
const same = steps.same.bind(steps);

const db = new Redis({ port }).on('error', () => {});
const limiter = (keyPrefix, options) => new RateLimiterRedis({ storeClient: db, keyPrefix, points: 5, duration: 60, ...options });
const refused = (call) => call.then(() => false, (answer) => (answer instanceof Error ? answer : true));

async function ordinary() {
  const login = limiter('login');
  const first = await login.consume('ann');
  same('a point', [first.remainingPoints, first.consumedPoints, first.isFirstInDuration, first.msBeforeNext > 59000], [4, 1, true, true]);
  same('three more', (await login.consume('ann', 3)).remainingPoints, 1);
  same('too many', await refused(login.consume('ann', 2)), true);
  same('another has his own', (await login.consume('bob')).remainingPoints, 4);
  same('get', [(await login.get('ann')).consumedPoints, await login.get('none')], [6, null]);
  same('reward and penalty', [(await login.reward('bob', 1)).consumedPoints, (await login.penalty('bob', 2)).consumedPoints], [0, 2]);
  same('blocked', [(await login.block('bob', 30)).msBeforeNext, await refused(login.consume('bob'))], [30000, true]);
  same('set', [(await login.set('cid', 4, 30)).consumedPoints, (await login.consume('cid')).remainingPoints], [4, 0]);
  same('delete', [await login.delete('cid'), await login.delete('cid'), await login.get('cid')], [true, false, null]);
  const brief = limiter('brief', { points: 1, duration: 1 });
  same('a second', [(await brief.consume('ann')).remainingPoints, await refused(brief.consume('ann'))], [0, true]);
  let over = false;
  same('is over', await within(async () => (over ||= (await refused(brief.consume('ann'))) === false)), true);
  const strict = limiter('strict', { points: 1, blockDuration: 100 });
  same('whoever asks too often', [(await strict.consume('ann')).remainingPoints, await refused(strict.consume('ann')),
    (await db.pttl('strict:ann')) > 90000], [0, true, true]);
  const both = new RateLimiterUnion(limiter('all', { points: 2 }), limiter('each', { points: 9 }));
  same('of two', [Object.keys(await both.consume('ann', 2)).sort(), await refused(both.consume('ann'))], [['all', 'each'], true]);
  const bursts = new BurstyRateLimiter(limiter('steady', { points: 1, duration: 30 }), limiter('burst', { points: 1, duration: 60 }));
  same('a burst', [(await bursts.consume('ann')).remainingPoints, await refused(bursts.consume('ann')).then(String), await refused(bursts.consume('ann'))],
    [0, 'false', true]);
  const line = new RateLimiterQueue(limiter('line', { points: 2, duration: 1 }), { maxQueueSize: 10 });
  same('in line', await Promise.all([1, 2, 3, 4].map(() => line.removeTokens(1, 'ann'))), [1, 0, 1, 0]);
  same('hundred at once', (await Promise.all(Array.from({ length: 100 }, () => refused(login.consume('dan'))))).filter((no) => !no).length, 5);
}

async function killed() {
  const gate = limiter('gate', { points: 40, duration: 600 });
  const let_in = new Map();
  const asked = new Map();
  let number = 0;
  await underKill(8, () => asked.size > 5, async () => {
    const name = `visitor ${Math.floor(number++ / 60)}`;
    asked.set(name, (asked.get(name) ?? 0) + 1);
    const answer = await refused(gate.consume(name));
    if (answer === false) let_in.set(name, (let_in.get(name) ?? 0) + 1);
    if (answer instanceof Error) await pause(20);
  });
  same('nobody came in more often', [...let_in].filter(([, times]) => times > 40), []);
  const points = new Map();
  for (const name of asked.keys()) points.set(name, (await gate.get(name))?.consumedPoints ?? 0);
  same('what was counted is there', [...let_in].filter(([name, times]) => points.get(name) < times), []);
  same('and no more than was asked', [...points].filter(([name, many]) => many > asked.get(name) + 8), []);
  same('and ends as it should', (await Promise.all([...asked.keys()].map((name) => db.pttl(`gate:${name}`)))).every((ms) => ms > 500000 && ms <= 600000), true);
  same('blocked stays blocked', await refused(limiter('login').consume('ann')), true);
  same('and it goes on', (await gate.consume('last')).remainingPoints, 39);
}

for (const part of [ordinary, killed]) await part();
await db.quit();
steps.end();
