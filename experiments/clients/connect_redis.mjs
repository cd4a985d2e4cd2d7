// connect-redis: the sessions of express-session in the store, behind an HTTP server.
import { createServer } from 'node:http';
import { Steps, killServer, load, port } from './steps.mjs';

const session = load('express-session');
const { RedisStore } = load('connect-redis');
const { createClient } = load('redis');
const steps = new Steps('connect-redis', 'connect-redis');
const same = steps.same.bind(steps);

const client = await createClient({ url: `redis://127.0.0.1:${port}` }).on('error', () => {}).connect();
const store = new RedisStore({ client, prefix: 'app:' });
const middleware = session({ store, secret: 'secret', resave: false, saveUninitialized: false, cookie: { maxAge: 3600000 } });

// GET /: how often this session was here before. /leave ends it, /again gives it another name.
const web = createServer((request, response) => middleware(request, response, (error) => {
  const answer = (text) => response.end(String(text));
  response.statusCode = error ? 500 : 200;
  if (error) return answer(error.message);
  if (request.url === '/leave') return request.session.destroy((failed) => answer(failed ?? 'gone'));
  if (request.url === '/again') return request.session.regenerate((failed) => answer(failed ?? 'new'));
  request.session.visits = (request.session.visits ?? 0) + 1;
  request.session.said = 'grüße';
  return answer(request.session.visits);
}));
await new Promise((done) => web.listen(0, '127.0.0.1', done));

class Visitor {
  cookie = '';

  async visit(path = '/') {
    const response = await fetch(`http://127.0.0.1:${web.address().port}${path}`, { headers: { cookie: this.cookie } });
    const given = response.headers.get('set-cookie');
    if (given) this.cookie = given.split(';')[0];
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    return text;
  }
}
const of = (method, ...words) => new Promise((done, failed) =>
  store[method](...words, (error, value) => (error ? failed(error) : done(value))));

const one = new Visitor();
const other = new Visitor();
same('a session', [await one.visit(), await one.visit(), await one.visit(), await other.visit()], ['1', '2', '3', '1']);
const [id] = (await of('all')).filter((each) => each.visits === 3).map((each) => each.id);
same('what is stored', JSON.parse(await client.get(`app:${id}`)).said, 'grüße');
same('how long', [(await client.ttl(`app:${id}`)) > 3500, (await client.ttl(`app:${id}`)) <= 3600], [true, true]);
same('how many', [await of('length'), (await of('ids')).includes(id)], [2, true]);
await client.expire(`app:${id}`, 10);
await of('touch', id, await of('get', id));
same('touched', (await client.ttl(`app:${id}`)) > 3500, true);
same('another name', [await other.visit('/again'), await other.visit(), await of('length')], ['new', '1', 2]);
same('it leaves', [await other.visit('/leave'), await other.visit(), await of('length')], ['gone', '1', 2]);
await of('set', 'brief', { cookie: { expires: new Date(Date.now() + 1000) }, visits: 1 });
same('a brief one', (await of('get', 'brief')).visits, 1);
await new Promise((done) => setTimeout(done, 1100));
same('has gone', await of('get', 'brief'), null);

// Visitors come and come, and the server is killed under them.
const crowd = Array.from({ length: 8 }, () => ({ visitor: new Visitor(), seen: 0 }));
let until = 0;
const coming = crowd.map(async (each) => {
  while (until === 0 || performance.now() < until) {
    // The session is stored before the answer goes. While the server is away the client waits for it.
    try {
      each.seen = Number(await each.visitor.visit());
    } catch {
      // It was under way: it may count, or not.
      await new Promise((done) => setTimeout(done, 20));
    }
  }
});
await new Promise((done) => setTimeout(done, 300));
const before = crowd.map((each) => each.seen);
await killServer();
until = performance.now() + 300;
await Promise.all(coming);
same('visits before', before.every((seen) => seen > 0), true);
same('no session was begun anew', crowd.every((each, i) => each.seen >= before[i]), true);
for (const each of crowd) each.next = Number(await each.visitor.visit());
same('nor after it', crowd.filter((each) => each.next < each.seen + 1).length, 0);
same('those who did not come meanwhile', [await one.visit(), await other.visit()], ['4', '2']);
same('all sessions', await of('length'), 10);
await of('clear');
same('clear', [await of('length'), await one.visit()], [0, '1']);
web.close();
await client.close();
steps.end();
