// SPDX-License-Identifier: Apache-2.0
// What bench/soak runs.
import { fork } from 'node:child_process';
import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { backend } from '../tests/integration/support/backend.mjs';
import { startServer } from '../tests/integration/support/server.mjs';

const READERS = 8;
const REMEMBERED = 2000;
const HISTORY_S = 5;
const MIB = 1 << 20;
// What the file may have: 300 bytes for each message that is remembered (none is stored at the end), a
// third more, and what stays free for the next ones. The log: SQLite's, and one transaction.
const FILE_BOUND = REMEMBERED * 300 * 4 / 3 + 2 * MIB;
const LOG_BOUND = 16 * MIB;
const GROWTH = 1.5;

const { values } = parseArgs({ options: {
  short: { type: 'boolean', default: false },
  minutes: { type: 'string' },
  warmup: { type: 'string' },
} });
const seconds = 60 * Number(values.minutes ?? (values.short ? 1 : 20));
const warmup = Number(values.warmup ?? (values.short ? 10 : 60));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const random = (most) => Math.floor(Math.random() * most);

const server = await startServer({ variables: {
  SSE_SERVER_SERVICES_0_QOS_REMEMBERED: String(REMEMBERED),
  SSE_SERVER_SERVICES_0_HISTORY_TIME: `${HISTORY_S}s`,
  SSE_SERVER_SERVICES_0_IDEMPOTENCY_KEYS: '1000',
  SSE_SERVER_LIMITS_ADDRESS_SESSIONS: '1000000',
} });
const directory = join(server.stateDirectory, 'demo');
const problems = [];
const counts = {};
const awaited = new Map(); // orders that nobody has had yet: when they were answered
let sent = 0;
let repeated = 0;
const received = new Set();

function note({ got, problems: theirs, counts: more }) {
  for (const id of got) {
    repeated += received.has(id) ? 1 : 0;
    received.add(id);
    awaited.delete(id);
  }
  problems.push(...theirs);
  for (const [what, by] of Object.entries(more)) {
    counts[what] = (counts[what] ?? 0) + by;
  }
}

class Crowd {
  constructor(role, count) {
    this.process = fork(new URL('soak_crowd.mjs', import.meta.url), [role, server.origin, String(count)]);
    this.process.on('message', note);
  }

  async rest(ms) {
    this.process.kill('SIGSTOP');
    await sleep(ms);
    this.process.kill('SIGCONT');
  }

  async end() {
    this.process.kill('SIGCONT');
    await sleep(500); // for what it has to say
    this.process.kill('SIGKILL');
  }
}

// The back end: what is stored for readers, for people who never come, and what goes to everybody.
class Sender {
  isOver = false;
  #turn = 0;

  async run(office) {
    while (!this.isOver) {
      const began = Date.now();
      try {
        await this.#send(office);
      } catch (error) {
        problems.push(`back end: ${error.message}`);
        await sleep(1000);
      }
      await sleep(Math.max(0, 50 - (Date.now() - began)));
    }
  }

  async #send(office) {
    const turn = this.#turn++;
    const orders = Array.from({ length: 10 }, (_, i) => {
      const id = `order-${turn}-${i}-${process.pid}-${this.salt ??= Date.now()}`;
      return { event: 'order', qos: 1, id, userId: `reader-${random(READERS)}`, data: { check: `check ${id}` } };
    });
    orders.forEach(({ id }) => awaited.set(id, Date.now()));
    await office.send([
      ...orders,
      { event: 'order', qos: 1, ttl: 2, userId: `away-${turn}-${process.pid}`, data: 'for nobody' },
      { event: 'news', channel: 'news', data: { n: Sender.news = (Sender.news ?? -1) + 1 } },
      { event: 'bulk', channel: 'bulk', data: 'x'.repeat(random(16_000)) },
    ]);
    sent += orders.length;
  }
}

async function memory() {
  const text = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(text.match(/^VmRSS:\s+(\d+) kB/m)[1]) * 1024;
}

const sizeOf = (path) => stat(path).then(({ size }) => size, () => 0);

// As the application would, whose they are.
async function takeUploads() {
  const uploads = join(directory, 'uploads');
  for (const name of await readdir(uploads).catch(() => [])) {
    await unlink(join(uploads, name));
    counts.uploads = (counts.uploads ?? 0) + 1;
  }
}

async function measure(office) {
  const metric = (name) => office.metric(`sse_server_${name}`);
  const names = await readdir(server.stateDirectory, { recursive: true });
  return {
    memory: await memory(),
    descriptors: (await readdir(`/proc/${server.pid}/fd`)).length,
    file: await sizeOf(join(directory, 'messages.sqlite')),
    log: await sizeOf(join(directory, 'messages.sqlite-wal')),
    files: names.length,
    connections: await metric('connections'),
    stored: await metric('qos_copies'),
    remembered: await metric('qos_remembered'),
    history: await metric('history_events'),
    clients: await metric('clients'),
  };
}

function row(cells, widths) {
  console.log(`| ${cells.map((cell, i) => String(cell).padEnd(widths[i])).join(' | ')} |`);
}

const SAMPLE = [6, 8, 5, 7, 7, 6, 7, 7, 8, 8];
const began = Date.now();

function showSample(sample) {
  const mib = (bytes) => (bytes / MIB).toFixed(1);
  row([Math.round((Date.now() - began) / 1000), mib(sample.memory), sample.descriptors, mib(sample.file),
    mib(sample.log), sample.stored, sample.remembered, sample.history, sent, counts.visits ?? 0], SAMPLE);
}

// All of it at once, for so many seconds.
async function load(office, forSeconds) {
  const crowds = [new Crowd('readers', READERS), new Crowd('slow', 10), new Crowd('churn', 4)];
  const sender = new Sender();
  const sending = sender.run(office);
  const until = Date.now() + 1000 * forSeconds;
  let next = Date.now();
  while (Date.now() < until) {
    // A page that is put away for a moment, or a computer that sleeps.
    if (Math.random() < 0.1) {
      await crowds[random(2)].rest(random(forSeconds > 300 ? 40_000 : 4000));
    }
    await sleep(1000);
    await takeUploads();
    if (Date.now() >= next) {
      showSample(await measure(office));
      next = Date.now() + 1000 * Math.max(5, forSeconds / 20);
    }
  }
  sender.isOver = true;
  await sending;
  await Promise.all(crowds.slice(1).map((crowd) => crowd.end()));
  for (let waited = 0; awaited.size > 0 && waited < 60; waited++) {
    await sleep(1000);
  }
  await sleep(2000); // for the last acknowledgements
  await crowds[0].end();
  await takeUploads();
}

// Everybody has gone: until what has an age has gone as well, and memory is given back.
async function settle(office) {
  let least = Infinity;
  let sample;
  for (let waited = 0; waited < 60; waited++) {
    await sleep(1000);
    sample = await measure(office);
    if (waited > HISTORY_S + 5 && sample.history === 0 && sample.stored === 0 && sample.connections === 0) {
      least = Math.min(least, sample.memory);
      if (waited > 30) {
        break;
      }
    }
  }
  showSample(sample);
  return { ...sample, memory: Math.min(least, sample.memory) };
}

console.log(`${seconds} s after ${warmup} s to warm up; ${process.env.SSE_SERVER_BINARY}`);
row(['second', 'RSS MiB', 'fds', 'file MiB', 'log MiB', 'stored', 'ended', 'history', 'orders', 'visits'], SAMPLE);
const office = await backend(server);
await load(office, warmup);
const base = await settle(office);
await load(office, seconds);
const end = await settle(office);
await office.close();
await server.stop().catch((error) => problems.push(error.message));

const checks = [
  ['RSS, MiB', (base.memory / MIB).toFixed(1), (end.memory / MIB).toFixed(1),
    `${GROWTH} times the base`, end.memory <= GROWTH * base.memory],
  ['descriptors', base.descriptors, end.descriptors, 'the base', end.descriptors <= base.descriptors],
  ['store, MiB', (base.file / MIB).toFixed(1), (end.file / MIB).toFixed(1), (FILE_BOUND / MIB).toFixed(1),
    end.file <= FILE_BOUND],
  ['its log, MiB', (base.log / MIB).toFixed(1), (end.log / MIB).toFixed(1), LOG_BOUND / MIB, end.log <= LOG_BOUND],
  ['messages remembered', base.remembered, end.remembered, REMEMBERED, end.remembered <= REMEMBERED],
  ['messages stored', base.stored, end.stored, 0, end.stored === 0],
  ['events of the history', base.history, end.history, 0, end.history === 0],
  ['connections', base.connections, end.connections, 0, end.connections === 0],
  ['clients known', base.clients, end.clients, 0, end.clients === 0],
  ['files', base.files, end.files, 'the base', end.files <= base.files],
  ['orders lost', '', awaited.size, 0, awaited.size === 0],
  ['other problems', '', problems.length, 0, problems.length === 0],
];
const CHECK = [22, 8, 8, 18, 6];
console.log(`\n${sent} orders, ${repeated} of them came twice; ${JSON.stringify(counts)}\n`);
row(['what', 'base', 'end', 'bound', ''], CHECK);
row(['---', '---', '---', '---', '---'], CHECK);
for (const [what, atBase, atEnd, bound, isGood] of checks) {
  row([what, atBase, atEnd, bound, isGood ? 'ok' : 'FAILED'], CHECK);
}
[...new Set(problems)].slice(0, 20).forEach((text) => console.log(text));
const isGood = checks.every((check) => check[4]);
console.log(isGood ? '\nNothing stays.' : '\nFAILED');
process.exit(isGood ? 0 : 1);
