// redlock: locks by scripts, which end by themselves.
import { Steps, load, pause, port, underKill, within } from './steps.mjs';

const Redlock = load('redlock');
const { Redis } = load('ioredis');
const steps = new Steps('redlock', 'redlock');
const same = steps.same.bind(steps);

const db = new Redis({ port }).on('error', () => {});
const patient = new Redlock([db], { retryCount: 500, retryDelay: 5, retryJitter: 5 }).on('clientError', () => {});
const hasty = new Redlock([db], { retryCount: 0 }).on('clientError', () => {});
const taken = (what) => steps.refused('it is taken', 'Exceeded', () => hasty.lock(what, 1000));

async function ordinary() {
  const lock = await hasty.lock('door', 10000);
  await taken('door');
  same('for so long', [(await db.pttl('door')) > 9000, lock.expiration > Date.now() + 9000], [true, true]);
  const longer = await lock.extend(60000);
  same('longer', (await db.pttl('door')) > 50000, true);
  await longer.unlock();
  same('open', await db.exists('door'), 0);
  await steps.refused('not twice', 'Unable to fully release', () => longer.unlock());
  const both = await hasty.lock(['door', 'window'], 10000);
  await taken('window');
  await taken(['gate', 'window']);
  same('all or nothing', await db.exists('gate'), 0);
  await both.unlock();
  same('both are open', await db.exists('door', 'window'), 0);
  await hasty.lock('door', 50);
  same('it ends by itself', await within(async () => (await db.exists('door')) === 0), true);
  const held = await hasty.lock('door', 10000);
  await db.set('door', 'another');
  await steps.refused('lost', 'Exceeded', () => held.extend(1000));
  await db.del('door');
}

// Read, wait a little, write: right only if nobody comes between.
async function one_more() {
  const n = Number(await db.get('n'));
  await pause(1);
  await db.set('n', n + 1);
}

async function together() {
  await Promise.all(Array.from({ length: 20 }, async () => {
    const lock = await patient.lock('counter', 10000);
    await one_more();
    await lock.unlock();
  }));
  same('twenty who count', await db.get('n'), '20');
}

async function killed() {
  const kept = [];
  const opened = [];
  let counted = 20;
  let inside = 0;
  let most = 0;
  let number = 0;
  await underKill(6, () => counted > 50 && kept.length > 50 && opened.length > 50, async (lane) => {
    try {
      if (lane < 3) {
        const lock = await patient.lock('counter', 30000);
        most = Math.max(most, ++inside);
        await one_more();
        ++counted;
        --inside;
        await lock.unlock();
      } else {
        const name = `lock ${++number}`;
        const lock = await hasty.lock(name, 600000);
        if (number % 2 === 0) {
          kept.push(name);
        } else {
          await lock.unlock();
          opened.push(name);
        }
      }
    } catch {
      await pause(20);
    }
  });
  same('one at a time', most, 1);
  same('none was lost on the way', Number(await db.get('n')), counted);
  for (const name of kept) same('it is held', await db.exists(name), 1);
  same('for so long', (await Promise.all(kept.map((name) => db.pttl(name)))).every((ms) => ms > 500000), true);
  same('what was opened is open', await db.exists(...opened), 0);
  await taken(kept[0]);
  await (await hasty.lock(opened[0], 1000)).unlock();
}

for (const part of [ordinary, together, killed]) await part();
await db.quit();
steps.end();
