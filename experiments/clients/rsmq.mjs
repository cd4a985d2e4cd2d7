// rsmq: queues whose messages are invisible while somebody works on them.
import { Steps, load, pause, port, underKill, within } from './steps.mjs';

const RSMQ = load('rsmq');
const steps = new Steps('rsmq', 'rsmq');
const same = steps.same.bind(steps);

const rsmq = new RSMQ({ host: '127.0.0.1', port, ns: 'rsmq', realtime: true });
const qname = 'jobs';

async function ordinary() {
  same('a queue', await rsmq.createQueueAsync({ qname, vt: 30 }), 1);
  await steps.refused('once', 'Queue exists', () => rsmq.createQueueAsync({ qname }));
  const id = await rsmq.sendMessageAsync({ qname, message: 'grüße' });
  same('an ID', [typeof id, id.length], ['string', 32]);
  const got = await rsmq.receiveMessageAsync({ qname });
  same('received', [got.id, got.message, got.rc], [id, 'grüße', 1]);
  same('invisible', await rsmq.receiveMessageAsync({ qname }), {});
  same('visible again', await rsmq.changeMessageVisibilityAsync({ qname, id, vt: 0 }), 1);
  same('a second time', (await rsmq.receiveMessageAsync({ qname })).rc, 2);
  same('deleted', [await rsmq.deleteMessageAsync({ qname, id }), await rsmq.deleteMessageAsync({ qname, id })], [1, 0]);
  await rsmq.sendMessageAsync({ qname, message: 'late', delay: 1 });
  await rsmq.sendMessageAsync({ qname, message: 'first' });
  same('popped', [(await rsmq.popMessageAsync({ qname })).message, await rsmq.popMessageAsync({ qname })], ['first', {}]);
  let late;
  same('delayed', await within(async () => (late ??= (await rsmq.popMessageAsync({ qname })).message)), 'late');
  const about = await rsmq.getQueueAttributesAsync({ qname });
  same('attributes', [about.vt, about.msgs, about.totalsent, about.totalrecv], [30, 0, 3, 4]);
  same('changed', (await rsmq.setQueueAttributesAsync({ qname, vt: 1 })).vt, 1);
  same('queues', await rsmq.listQueuesAsync(), [qname]);
  await rsmq.createQueueAsync({ qname: 'other' });
  same('a queue less', [await rsmq.deleteQueueAsync({ qname: 'other' }), await rsmq.listQueuesAsync()], [1, [qname]]);
  await steps.refused('no such queue', 'Queue not found', () => rsmq.sendMessageAsync({ qname: 'other', message: 'x' }));
}

async function killed() {
  const acked = new Map();
  const received = new Map();
  const deleted = new Set();
  const again = [];
  let next = 0;
  // Half of them send, half take and delete; what was under way is not acknowledged, and an error.
  await underKill(8, () => acked.size > 200 && deleted.size > 100, async (lane) => {
    try {
      if (lane % 2 === 0) {
        const message = `message ${next++}`;
        acked.set(message, await rsmq.sendMessageAsync({ qname, message }));
      } else {
        const got = await rsmq.receiveMessageAsync({ qname });
        if (got.id === undefined) return await pause(1);
        if (deleted.has(got.message)) again.push(got.message);
        received.set(got.message, got.id);
        if (await rsmq.deleteMessageAsync({ qname, id: got.id })) deleted.add(got.message);
      }
    } catch {
      await pause(20);
    }
  });
  const drained = await within(async () => {
    const got = await rsmq.receiveMessageAsync({ qname });
    if (got.id !== undefined) {
      if (deleted.has(got.message)) again.push(got.message);
      received.set(got.message, got.id);
      await rsmq.deleteMessageAsync({ qname, id: got.id });
      return false;
    }
    return (await rsmq.getQueueAttributesAsync({ qname })).msgs === 0;
  });
  same('all is taken', drained, true);
  same('no message was lost', [...acked].filter(([message, id]) => received.get(message) !== id), []);
  same('nor came again once it was deleted', again, []);
  same('and it goes on', (await rsmq.sendMessageAsync({ qname, message: 'x' })).length, 32);
}

for (const part of [ordinary, killed]) await part();
await rsmq.quit();
steps.end();
