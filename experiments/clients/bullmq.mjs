// BullMQ: queues of jobs, all of them scripts in the server.
import { Steps, load, pause, port, underKill, within } from './steps.mjs';

const { FlowProducer, Queue, QueueEvents, Worker } = load('bullmq');
const steps = new Steps('bullmq', 'bullmq');
const same = steps.same.bind(steps);

const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
const open = [];
const silent = (one) => {
  open.push(one.on('error', () => {}));
  return one;
};
const queue = (name) => silent(new Queue(name, { connection }));
// A job that was under way when its worker lost the server is another's after two seconds.
const worker = (name, work, options = {}) =>
  silent(new Worker(name, work, { connection, lockDuration: 2000, stalledInterval: 1000, drainDelay: 1, ...options }));

async function ordinary() {
  const mail = queue('mail');
  const events = silent(new QueueEvents('mail', { connection })).setMaxListeners(200);
  mail.setMaxListeners(200);  // who wait for fifty jobs at once
  await events.waitUntilReady();
  const job = await mail.add('letter', { to: 'one', text: 'grüße' });
  same('waiting', [await mail.getWaitingCount(), (await mail.getJob(job.id)).data.text], [1, 'grüße']);
  const seen = [];
  const postman = worker('mail', async (each) => {
    seen.push(each.data.to);
    if (each.data.to === 'nobody' && each.attemptsMade < 2) throw new Error('no such house');
    await each.updateProgress(50);
    await each.log('at the door');
    return each.data.to.length;
  });
  same('done', await job.waitUntilFinished(events, 10000), 3);
  same('what it said', [(await mail.getJobLogs(job.id)).logs, (await mail.getJob(job.id)).progress], [['at the door'], 50]);
  const many = await mail.addBulk(Array.from({ length: 50 }, (_, i) => ({ name: 'letter', data: { to: `house ${i}` } })));
  await Promise.all(many.map((each) => each.waitUntilFinished(events, 10000)));
  same('fifty at once', seen.length, 51);
  const again = await mail.add('letter', { to: 'nobody' }, { attempts: 3, backoff: { type: 'fixed', delay: 20 } });
  same('a third attempt', [await again.waitUntilFinished(events, 10000), seen.filter((to) => to === 'nobody').length], [6, 3]);
  const lost = await mail.add('letter', { to: 'nobody' });
  same('fails', await lost.waitUntilFinished(events, 10000).catch((error) => error.message), 'no such house');
  same('counts', await mail.getJobCounts('completed', 'failed', 'waiting', 'delayed'), { completed: 52, failed: 1, waiting: 0, delayed: 0 });
  await lost.retry();
  same('retried', await within(async () => (await mail.getFailedCount()) === 1 && seen.filter((to) => to === 'nobody').length === 5), true);
  await postman.close();

  await mail.pause();
  for (const [to, priority] of [['low', 9], ['high', 1], ['middle', 5]]) await mail.add('letter', { to }, { priority });
  same('paused', [await mail.isPaused(), await mail.getPrioritizedCount()], [true, 3]);
  await mail.resume();
  seen.length = 0;
  const other = worker('mail', async (each) => seen.push(each.data.to));
  same('by priority', [await within(() => seen.length === 3), seen], [true, ['high', 'middle', 'low']]);
  const late = await mail.add('letter', { to: 'late' }, { delay: 200 });
  same('delayed', [await late.getState(), await mail.getDelayedCount()], ['delayed', 1]);
  same('after a while', [await late.waitUntilFinished(events, 10000), seen.at(-1)], [4, 'late']);
  const once = await Promise.all([1, 2, 3].map(() => mail.add('letter', { to: 'once' }, { jobId: 'once' })));
  same('one ID, one job', [await within(() => seen.at(-1) === 'once'), once.length, seen.filter((to) => to === 'once').length], [true, 3, 1]);
  await mail.upsertJobScheduler('clock', { every: 100 }, { name: 'tick', data: { to: 'clock' } });
  same('again and again', await within(() => seen.filter((to) => to === 'clock').length >= 3), true);
  same('the schedulers', [(await mail.getJobSchedulers()).length, await mail.removeJobScheduler('clock')], [1, true]);
  await other.close();
  await mail.add('letter', { to: 'kept' });
  await mail.drain(true);
  same('drained', await mail.count(), 0);
  same('cleaned', (await mail.clean(0, 1000, 'completed')).length > 50, true);
  await mail.obliterate({ force: true });
  same('all gone', [await mail.getCompletedCount(), await mail.getFailedCount()], [0, 0]);
}

// A parent waits for its children, each in a queue of its own.
async function families() {
  const flows = silent(new FlowProducer({ connection }));
  const events = silent(new QueueEvents('parents', { connection }));
  await events.waitUntilReady();
  const tree = await flows.add({
    name: 'sum', queueName: 'parents',
    children: [1, 2, 3].map((n) => ({ name: 'part', data: { n }, queueName: 'children' })),
  });
  same('waits for them', await tree.job.getState(), 'waiting-children');
  const children = worker('children', async (job) => job.data.n * 10);
  const parents = worker('parents', async (job) => Object.values(await job.getChildrenValues()).reduce((a, b) => a + b));
  same('what they came to', await tree.job.waitUntilFinished(events, 10000), 60);
  await Promise.all([children.close(), parents.close()]);
}

async function limited() {
  const slow = queue('slow');
  await slow.addBulk(Array.from({ length: 6 }, (_, n) => ({ name: 'step', data: { n } })));
  const at = [];
  const one = worker('slow', async () => at.push(performance.now()), { limiter: { max: 2, duration: 300 } });
  same('all of them', await within(() => at.length === 6), true);
  same('two at a time', at[4] - at[0] > 400, true);
  await one.close();
}

async function killed() {
  const work = queue('work');
  const runs = new Map();
  const finished = new Set();
  const workers = [1, 2].map(() => worker('work', async (job) => {
    runs.set(job.id, (runs.get(job.id) ?? 0) + 1);
    await pause(2);
  }, { concurrency: 4 }).on('completed', (job) => finished.add(job.id)));
  const acked = [];
  let next = 0;
  const enough = () => acked.length > 200 && finished.size > 50;
  await underKill(8, enough, async () => {
    const id = `job-${next++}`;
    await work.add('do', { id }, { jobId: id });  // one that is sent again is the same job
    acked.push(id);
  });
  const already = new Map([...finished].map((id) => [id, runs.get(id)]));
  const left = async () => (await work.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized'));
  same('all is worked off', await within(async () => (await left()) === 0), true);
  same('no job was lost', acked.filter((id) => !runs.has(id)), []);
  same('nor begun again once it was done', [...already].filter(([id, times]) => runs.get(id) !== times), []);
  same('each is done', [await work.getCompletedCount(), await work.getFailedCount()], [next, 0]);
  await Promise.all(workers.map((each) => each.close()));
  const job = await work.add('do', { last: true });
  same('and it goes on', await job.getState(), 'waiting');
}

for (const part of [ordinary, families, limited, killed]) await part();
await Promise.all(open.map((one) => one.close()));
steps.end();
