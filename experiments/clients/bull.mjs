// Bull: queues of jobs, taken by BRPOPLPUSH, told by channels.
import { Steps, load, pause, port, underKill, within } from './steps.mjs';

const Queue = load('bull');
const steps = new Steps('bull', 'bull');
const same = steps.same.bind(steps);

const open = [];
const queue = (name, options = {}) => {
  const one = new Queue(name, {
    redis: { host: '127.0.0.1', port, maxRetriesPerRequest: null },
    settings: { lockDuration: 2000, stalledInterval: 1000, drainDelay: 1, maxStalledCount: 10 },
    ...options,
  });
  open.push(one.on('error', () => {}));
  return one;
};

async function ordinary() {
  const mail = queue('mail');
  mail.setMaxListeners(200);  // who wait for fifty jobs at once
  const seen = [];
  const told = [];
  queue('mail').on('global:completed', (id, result) => told.push([id, result]));
  await open.at(-1).isReady();
  const job = await mail.add({ to: 'one', text: 'grüße' });
  same('waiting', [await mail.getWaitingCount(), (await mail.getJob(job.id)).data.text], [1, 'grüße']);
  mail.process(async (each) => {
    seen.push(each.data.to);
    if (each.data.to === 'nobody' && each.attemptsMade < 2) throw new Error('no such house');
    await each.progress(50);
    await each.log('at the door');
    return each.data.to.length;
  });
  same('done', await job.finished(), 3);
  same('told', [await within(() => told.length === 1), told], [true, [[job.id, '3']]]);
  same('what it said', [(await mail.getJobLogs(job.id)).logs, (await mail.getJob(job.id)).progress()], [['at the door'], 50]);
  const many = await mail.addBulk(Array.from({ length: 50 }, (_, i) => ({ data: { to: `house ${i}` } })));
  await Promise.all(many.map((each) => each.finished()));
  same('fifty at once', seen.length, 51);
  const again = await mail.add({ to: 'nobody' }, { attempts: 3, backoff: 20 });
  same('a third attempt', [await again.finished(), seen.filter((to) => to === 'nobody').length], [6, 3]);
  const lost = await mail.add({ to: 'nobody' });
  same('fails', await lost.finished().catch((error) => error.message), 'no such house');
  const counts = await mail.getJobCounts();
  same('counts', [counts.completed, counts.failed, counts.waiting, counts.delayed], [52, 1, 0, 0]);
  await mail.pause();
  for (const [to, priority] of [['low', 9], ['high', 1], ['middle', 5]]) await mail.add({ to }, { priority });
  same('paused', [await mail.isPaused(), await mail.getPausedCount()], [true, 3]);
  seen.length = 0;
  await mail.resume();
  same('by priority', [await within(() => seen.length === 3), seen], [true, ['high', 'middle', 'low']]);
  const late = await mail.add({ to: 'late' }, { delay: 200 });
  same('delayed', [await late.getState(), await mail.getDelayedCount()], ['delayed', 1]);
  same('after a while', [await late.finished(), seen.at(-1)], [4, 'late']);
  await mail.add({ to: 'clock' }, { repeat: { every: 100 } });
  same('again and again', await within(() => seen.filter((to) => to === 'clock').length >= 3), true);
  const [repeated] = await mail.getRepeatableJobs();
  await mail.removeRepeatableByKey(repeated.key);
  same('no more', [(await mail.getRepeatableJobs()).length, await within(async () => (await mail.getDelayedCount()) === 0)], [0, true]);
  const [failed] = await mail.getFailed();
  await failed.remove();
  same('removed', await mail.getFailedCount(), 0);
  await mail.pause(true);
  await mail.add({ to: 'kept' });
  await mail.empty();
  same('emptied', await mail.count(), 0);
  same('cleaned', (await mail.clean(0, 'completed')).length > 50, true);
}

async function limited() {
  const slow = queue('slow', { limiter: { max: 2, duration: 300 } });
  const at = [];
  slow.process(async () => at.push(performance.now()));
  await slow.addBulk(Array.from({ length: 6 }, (_, n) => ({ data: { n } })));
  same('all of them', await within(() => at.length === 6), true);
  same('two at a time', at[4] - at[0] > 400, true);
}

async function killed() {
  const work = queue('work');
  const runs = new Map();
  const finished = new Set();
  for (const each of [work, queue('work')]) {
    each.on('completed', (job) => finished.add(job.id));
    each.process(4, async (job) => {
      runs.set(job.id, (runs.get(job.id) ?? 0) + 1);
      await pause(2);
    });
  }
  const acked = [];
  let next = 0;
  const enough = () => acked.length > 200 && finished.size > 50;
  await underKill(8, enough, async () => {
    const id = `job-${next++}`;
    // One that is sent again is the same job. Bull passes on what a server says that still loads.
    while (!(await work.add({ id }, { jobId: id }).catch(() => null))) await pause(20);
    acked.push(id);
  });
  const already = new Map([...finished].map((id) => [id, runs.get(id)]));
  same('all is worked off', await within(async () => (await work.count()) + (await work.getActiveCount()) === 0), true);
  same('no job was lost', acked.filter((id) => !runs.has(id)), []);
  same('nor begun again once it was done', [...already].filter(([id, times]) => runs.get(id) !== times), []);
  same('each is done', [await work.getCompletedCount(), await work.getFailedCount()], [next, 0]);
  await work.pause();
  same('and it goes on', await (await work.add({ last: true })).getState(), 'paused');
}

for (const part of [ordinary, limited, killed]) await part();
await Promise.all(open.map((one) => one.close(true)));
steps.end();
