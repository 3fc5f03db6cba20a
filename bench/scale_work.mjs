// SPDX-License-Identifier: Apache-2.0
// What bench/scale makes a server do. Each work starts a server of its own and returns figures.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as passing } from 'node:timers/promises';

import { connect } from '../tests/integration/support/client.mjs';
import { MULTIPART, multipart } from '../tests/integration/support/multipart.mjs';
import { KEY } from '../tests/integration/support/server.mjs';
import { Probe } from './scale_probe.mjs';

const BASE = '/sse/demo/connect';
// By then it is known that nothing is stored; before, the store is asked about each page that comes.
const STORE_MS = 1000;
const CANCEL = 8; // RFC 9113 7
// nghttp2 ends a session that has reset more than a thousand streams, and 33 more each second.
const RESETS = 900;
const PAGES = 90; // of a session, at a time,
const AT_ONCE = 8; // and as many sessions
const IDLE_MS = 5000;

async function withProbe(options, use) {
  const probe = await Probe.start(options);
  try {
    return await use(probe);
  } finally {
    await probe.end();
  }
}

// sse-load says 'step' before it opens its publisher, before its events and after them, and waits.
class Load {
  #lines;
  #child;

  constructor(binary, probe, args) {
    this.#child = spawn('taskset', ['-c', '1', binary, '--address', `127.0.0.1:${probe.server.port}`,
      '--key', KEY, '--timeout', '3600', '--steps', '--json', '-', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async untilStep() {
    const { value } = await this.#lines.next();
    if (value !== 'step') {
      throw new Error(`sse-load said '${value}'`);
    }
  }

  goOn() {
    this.#child.stdin.write('\n');
  }

  async end() {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  async result() {
    let text = '';
    for (let line = await this.#lines.next(); !line.done; line = await this.#lines.next()) {
      text += line.value;
    }
    const report = JSON.parse(text);
    if (!report.good) {
      throw new Error(`not all came as it should: ${text}`);
    }
    return report.results.at(-1);
  }
}

// With its publisher at the last worker: worker 0 owns the service, and who asks it has one way less.
async function placedLoad(probe, options, args) {
  for (;;) {
    const load = new Load(options.load, probe, ['--sessions', String(options.sessions), '--warmup', '100', ...args]);
    await load.untilStep();
    const before = await probe.byWorker('sse_server_sessions');
    load.goOn();
    await load.untilStep();
    const after = await probe.byWorker('sse_server_sessions');
    if (after.at(-1) > before.at(-1)) {
      return load;
    }
    await load.end();
    await probe.untilAlone();
  }
}

async function traffic(options, args, of) {
  return withProbe(options, async (probe) => {
    const load = await placedLoad(probe, options, args);
    const { done } = await probe.during(async () => {
      load.goOn();
      await load.untilStep();
    });
    load.goOn();
    return of(done, await load.result());
  });
}

// Per message that was sent; writes: per event that was delivered.
const perMessage = (done, { messages, delivered, eventsPerSecond }) => ({
  'CPU, µs a message': done.cpuUs / messages,
  'waits of workers a message': done.waits / messages,
  'preemptions of workers a message': done.preemptions / messages,
  'threads woken a message': done.wakes / messages,
  'messages between threads a message': done.messages / messages,
  'turns a message': done.turns / messages,
  'writes an event': done.writes / delivered,
  'events a second': eventsPerSecond,
});

const perEvent = (done, result) => {
  const { 'CPU, µs a message': cpu, ...others } = perMessage(done, result);
  return { 'CPU, µs an event': cpu * result.messages / result.delivered, ...others };
};

const unicast = (options, args) => traffic(options, ['--scenario', 'unicast', '--in-flight', '32',
  '--messages', String(options.messages), ...args], perMessage);

// A session with each worker. The kernel chooses whose a connection becomes.
async function sessionWithEach(probe, wanted) {
  const sessions = [];
  while (wanted.some((worker) => !sessions[worker])) {
    const before = await probe.byWorker('sse_server_sessions');
    const session = await connect(probe.server.origin);
    await session.get('/health/live');
    const after = await probe.byWorker('sse_server_sessions');
    const worker = after.findIndex((count, n) => count > before[n]);
    if (sessions[worker] || !wanted.includes(worker)) {
      await session.close();
    } else {
      sessions[worker] = session;
    }
  }
  return sessions;
}

const everyWorker = ({ workers }) => Array.from({ length: workers }, (_, n) => n);

// Messages between threads, and threads woken, for one operation after the other.
function operations(options) {
  return withProbe(options, async (probe) => {
    await passing(STORE_MS);
    const sessions = await sessionWithEach(probe, everyWorker(options));
    const count = Math.ceil(options.operations / sessions.length);
    const pages = sessions.flatMap((session, worker) => (
      Array.from({ length: Math.min(count, PAGES) }, (_, n) => ({ session, user: `u${worker}-${n}` }))));
    const figures = {};
    const each = async (name, act) => {
      const { done } = await probe.during(async () => {
        for (const page of pages) {
          await act(page);
        }
      });
      figures[`${name}: messages between threads`] = done.messages / pages.length;
      figures[`${name}: threads woken`] = done.wakes / pages.length;
    };
    const must = async (answer) => {
      const { status, text } = await answer;
      if (status !== 200) {
        throw new Error(`${status}: ${text}`);
      }
    };
    const on = ({ user, stream }, path) => `${BASE}/${path}?userId=${user}&connectionId=${stream.id}`;
    const key = ({ user }, of) => ({ 'idempotency-key': `${of}-${user}` });
    await each('connect', async (page) => {
      page.stream = await page.session.connect({ userId: page.user, clientId: `c${page.user}`, listeners: 'load' });
      if (page.stream.status !== 200) {
        throw new Error(`connect was answered with ${page.stream.status}`);
      }
    });
    const send = ({ session }, to) => must(session.postJson('/sse/demo/send', { event: 'load', data: 'x', ...to }, probe.office.authorized));
    await each('send to a user', (page) => send(page, { userId: page.user }));
    await each('send to all', (page) => send(page, { all: true }));
    await each('listener', (page) => must(page.session.postJson(`${BASE}/addListener.do`,
      { connectionId: page.stream.id, listener: ['other'] })));
    await each('message', (page) => must(page.session.postJson(on(page, 'message/ping.do'), {})));
    await each('message with a key', (page) => must(page.session.postJson(on(page, 'message/ping.do'), {}, key(page, 'm'))));
    await each('upload with a key', (page) => must(page.session.post(on(page, 'upload/x.do'),
      multipart([{ name: 'f', fileName: 'f', data: 'd' }]), { 'content-type': MULTIPART, ...key(page, 'u') })));
    await each('disconnect', ({ stream }) => stream.close());
    return figures;
  });
}

// Nothing is there, and nothing happens.
function idle(options) {
  return withProbe(options, async (probe) => {
    const { done } = await probe.during(() => new Promise((resolve) => { setTimeout(resolve, IDLE_MS); }));
    return {
      'waits of workers a second': done.waits * 1000 / IDLE_MS,
      'turns a second': done.turns * 1000 / IDLE_MS,
      'CPU, µs a second': done.cpuUs * 1000 / IDLE_MS,
    };
  });
}

// A page's stream opens, is told so, and ends; the next one knows the id that it saw last.
function comeAndGo({ session }, user, lastId) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': `${BASE}?userId=${user}&clientId=c${user}&listeners=load`,
      ...(lastId ? { 'last-event-id': lastId } : {}) }, { endStream: true });
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', ({ ':status': status }) => {
      if (status !== 200) {
        reject(new Error(`connect was answered with ${status}`));
      }
    });
    stream.on('data', (part) => {
      text += part;
      if (text.includes('connect-finish') && text.endsWith('\n\n')) {
        stream.close(CANCEL);
      }
    });
    stream.on('error', reject);
    stream.on('close', () => resolve(text.match(/^id: ?(\S+)$/m)?.[1]));
  });
}

// All by sessions of the last worker: worker 0, which has no session of theirs, owns the service.
function reconnects(options) {
  return withProbe(options, async (probe) => {
    const last = options.workers - 1;
    const sessions = [];
    while (sessions.length < Math.ceil(options.reconnects / RESETS)) {
      sessions.push((await sessionWithEach(probe, [last]))[last]);
    }
    let left = options.reconnects;
    const page = async (session, user, times) => {
      let lastId;
      for (let n = 0; n < times && left > 0; n++) {
        left--;
        lastId = await comeAndGo(session, user, lastId);
      }
    };
    const work = async () => {
      for (let session = sessions.pop(); session; session = sessions.pop()) {
        const name = sessions.length;
        await Promise.all(Array.from({ length: PAGES }, (_, n) => page(session, `u${name}-${n}`, RESETS / PAGES)));
        await session.close();
      }
    };
    const longest = () => probe.byWorker('sse_server_loop_longest_turn_cpu_seconds');
    const before = await longest();
    const { done } = await probe.during(() => Promise.all(Array.from({ length: AT_ONCE }, work)));
    const after = await longest();
    // It is the longest since the start, of which the sessions' handshakes were part.
    const turn = (worker) => (after[worker] > before[worker] ? after[worker] * 1000 : NaN);
    const all = options.reconnects;
    const owner = done.byThread['worker-0'] / all;
    return {
      'CPU, µs a connect and disconnect': done.cpuUs / all,
      'of worker 0, which owns the service': owner,
      'of the worker that has the sessions': done.byThread[`worker-${last}`] / all,
      'waits of workers for each': done.waits / all,
      'threads woken for each': done.wakes / all,
      'messages between threads for each': done.messages / all,
      'longest turn of worker 0, ms of CPU': turn(0),
      'longest turn of the other, ms of CPU': turn(last),
    };
  });
}

export const sections = {
  unicast: { title: (o) => `Unicast to ${o.sessions} users, 32 sends in flight`, run: (o) => unicast(o, []) },
  paced: { title: (o) => `Unicast to ${o.sessions} users, 1,000 a second`,
    run: (o) => unicast({ ...o, messages: Math.ceil(o.messages / 4) }, ['--rate', '1000']) },
  broadcast: { title: (o) => `Broadcast to ${o.sessions} users, saturated`,
    run: (o) => traffic(o, ['--scenario', 'fanout', '--broadcasts', String(o.broadcasts)], perEvent) },
  operations: { title: () => 'One operation after the other', run: operations },
  idle: { title: () => 'Nothing happens', run: idle },
  reconnects: { title: (o) => `${o.reconnects} reconnects, ${RESETS} by a session`, run: reconnects },
};
