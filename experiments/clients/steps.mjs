// Steps that are counted, and a server that is killed between them.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { isDeepStrictEqual, inspect } from 'node:util';

export const port = Number(process.env.CLIENTS_PORT);
export const socket = `${process.env.CLIENTS_DIR}/socket`;

// The modules stand in build/, not beside these scripts.
export const load = createRequire(`${process.env.CLIENTS_MODULES}/package.json`);

export class Steps {
  count = 0;
  failed = false;

  // CLIENT and its MODULE, whose version is shown.
  constructor(client, module) {
    this.client = `${client} ${versionOf(module)}`;
  }
  same(what, got, wanted) {
    ++this.count;
    if (isDeepStrictEqual(plain(got), plain(wanted))) return;
    this.failed = true;
    console.error(`${this.client}: ${what}: ${inspect(got)} instead of ${inspect(wanted)}`);
  }
  // The call is refused, and the reason begins with these words.
  async refused(what, words, call) {
    const said = await call().then((got) => got, (error) => error);
    this.same(what, said instanceof Error && said.message.startsWith(words) ? words : said, words);
  }
  end() {
    if (!this.failed)
      console.log(`${this.client}: ${this.count} steps, a kill -9 between, nothing acknowledged was lost`);
    process.exit(this.failed ? 1 : 0);
  }
}

// The server is killed in a moment; resolves when it answers again.
export function killServer() {
  const [script, verb] = process.env.CLIENTS_KILL.split(' ');
  return new Promise((resolve, reject) => {
    spawn(script, [verb], { stdio: 'inherit' }).on('exit', (status) =>
      status === 0 ? resolve() : reject(new Error('the server does not start again')));
  });
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// In each of so many lanes `work(lane)` is done again and again until `enough()` has been done, while the server is killed
// then, and for a moment after.
export async function underKill(lanes, enough, work) {
  let until = 0;
  const going = Array.from({ length: lanes }, async (_, lane) => {
    while (until === 0 || performance.now() < until) await work(lane);
  });
  while (!enough()) await pause(20);
  await killServer();
  until = performance.now() + 300;
  await Promise.all(going);
}

// What `holds` comes to within ten seconds.
export async function within(holds) {
  for (let tries = 0; tries < 500 && !(await holds()); ++tries) await pause(20);
  return holds();
}

function versionOf(module) {
  return load(`${process.env.CLIENTS_MODULES}/node_modules/${module}/package.json`).version;
}

// Libraries make objects without a prototype.
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value) || value instanceof Map || value instanceof Set)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
