// SPDX-License-Identifier: Apache-2.0
// What bench/scale looks at: a server's threads in /proc, and its counters.
import { readFile, readdir } from 'node:fs/promises';

import { backend } from '../tests/integration/support/backend.mjs';
import { startServer } from '../tests/integration/support/server.mjs';

const NO_LIMIT = '1000000';
const COUNTERS = {
  writes: 'sse_server_writes_total',
  messages: 'sse_server_loop_messages_total',
  turns: 'sse_server_loop_turns_total',
};

const KINDS = ['cpuUs', 'waits', 'preemptions', 'wakes', 'writes', 'messages', 'turns'];
const MOST_LOOKS = 100;

async function thread(pid, id) {
  const of = (name) => readFile(`/proc/${pid}/task/${id}/${name}`, 'utf8');
  const [name, times, status] = await Promise.all(['comm', 'schedstat', 'status'].map(of));
  const count = (key) => Number(status.match(new RegExp(`^${key}_ctxt_switches:\\s+(\\d+)`, 'm'))[1]);
  return { name: name.trim(), cpuUs: Number(times.split(' ')[0]) / 1000, waits: count('voluntary'), preemptions: count('nonvoluntary') };
}

async function threads(pid) {
  const ids = await readdir(`/proc/${pid}/task`);
  return Promise.all(ids.map((id) => thread(pid, id)));
}

// The calls of write(): those that wake another thread, and those to files. Sockets have send().
async function writesToFiles(pid) {
  return Number((await readFile(`/proc/${pid}/io`, 'utf8')).match(/^syscw: (\d+)$/m)[1]);
}

const sum = (rows, key) => rows.reduce((all, row) => all + row[key], 0);

// One server on one processor, and who asks it.
export class Probe {
  static async start({ binary, workers }) {
    const server = await startServer({
      binary: 'taskset',
      args: ['-c', '0', binary],
      variables: {
        SSE_SERVER_WORKERS: String(workers),
        SSE_SERVER_SERVICES_0_SESSION_CONNECTIONS: '100',
        SSE_SERVER_LIMITS_ADDRESS_SESSIONS: NO_LIMIT,
        SSE_SERVER_LIMITS_CLIENT_RESETS_BURST: NO_LIMIT,
        // Sessions may wait for their turn, and clients may be slow.
        SSE_SERVER_LIMITS_IDLE_TIMEOUT: '1h',
        SSE_SERVER_LIMITS_PING_INTERVAL: '1h',
      },
    });
    return new Probe(server, workers, await backend(server));
  }

  constructor(server, workers, office) {
    Object.assign(this, { server, workers, office });
  }

  async #counters() {
    const { text } = await this.office.get('/metrics');
    const counters = {};
    for (const line of text.split('\n').filter((each) => each.startsWith('sse_server_'))) {
      const name = line.match(/^[a-z_]+/)[0];
      counters[name] = (counters[name] ?? 0) + Number(line.split(' ').at(-1));
    }
    return counters;
  }

  // By worker, of one metric with a series for each.
  async byWorker(name) {
    const { text } = await this.office.get('/metrics');
    const series = [...text.matchAll(new RegExp(`^${name}\\{worker="(\\d+)"\\} (\\S+)$`, 'mg'))];
    return series.sort(([, one], [, other]) => one - other).map(([, , value]) => Number(value));
  }

  // Of those who asked, nobody is left but ourselves.
  async untilAlone() {
    while ((await this.byWorker('sse_server_sessions')).reduce((all, count) => all + count) > 1) {
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  // Counters first: what the question itself costs is then in neither of two looks at the threads.
  async look() {
    const counters = await this.#counters();
    const all = await threads(this.server.pid);
    const workers = all.filter(({ name }) => name.startsWith('worker-'));
    return {
      cpuUs: sum(all, 'cpuUs'),
      waits: sum(workers, 'waits'),
      preemptions: sum(workers, 'preemptions'),
      wakes: await writesToFiles(this.server.pid),
      byThread: Object.fromEntries(all.map(({ name, cpuUs }) => [name, cpuUs])),
      // A program from before a counter has none.
      ...Object.fromEntries(Object.entries(COUNTERS).map(([key, name]) => [key, counters[name]])),
    };
  }

  // Asks until nothing is on its way between threads any more. How often it had to.
  async #settle() {
    let { messages } = await this.look();
    for (let asked = 1; ; asked++) {
      const next = await this.look();
      const more = next.messages - messages;
      this.quiet = Math.min(this.quiet ?? more, more);
      if (Number.isNaN(more) || more === this.quiet || asked === MOST_LOOKS) {
        return asked + 1;
      }
      messages = next.messages;
    }
  }

  // What work() made the server do, without what the looks themselves cost.
  async during(work) {
    await this.#settle();
    const first = await this.look();
    const before = await this.look();
    const result = await work();
    const looks = await this.#settle() + 1;
    const after = await this.look();
    const cost = (of) => of(after) - of(before) - looks * (of(before) - of(first));
    const done = Object.fromEntries(KINDS.map((key) => [key, cost((look) => look[key])]));
    const byThread = Object.fromEntries(Object.keys(before.byThread).map((name) => (
      [name, cost((look) => look.byThread[name] ?? 0)])));
    return { done: { ...done, byThread }, result };
  }

  async end() {
    await this.office.close();
    await this.server.kill();
    await this.server.forget();
  }
}
