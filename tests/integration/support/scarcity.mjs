// SPDX-License-Identifier: Apache-2.0
// A server that is refused memory, or what it asks the kernel for, now and then: what it may do then,
// and what must never happen. Needs a build with SSE_SERVER_FAULTS (src/base/fault.h).
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { backend } from './backend.mjs';
import { connect } from './client.mjs';
import { newHost } from './host.mjs';
import { MULTIPART, multipart } from './multipart.mjs';
import { KEY, serverBinary } from './server.mjs';
import { startTarget } from './target.mjs';
import { eventually, within } from './wait.mjs';

// enum fault_area, in its order.
const AREAS = ['own', 'json', 'tls', 'h2', 'store', 'http'];
// enum call of tests/support/scarce_calls.c, in its order.
const CALLS = ['accept', 'open', 'write', 'pwrite', 'sync', 'recv', 'send', 'epoll', 'socket', 'connect'];
const STORES = ['store', 'open', 'pwrite', 'sync']; // what closes the store, which is opened anew
const FINE = [200, 500, 502, 503, 504, 507]; // what is no fault of the client's
// src/base/mem.c; and libev, where it says so itself when the kernel does not let it watch its own pipe.
const LAST_WORDS = /^out of memory: \d+ bytes refused$|Assertion .*libev: pipe_w not active/m;
// OpenSSL 3.0 itself leaks some bytes, and follows NULL, where it has no memory for its first tables.
const OPENSSL_AT_START = /SEGV on unknown address[^]*libcrypto[^]*server\/commands\.c/;

// So many values from 1 to the last, evenly; FAULT_SWEEP=<n> says how many instead.
export function spread(count, last) {
  const values = Math.max(1, Math.min(Number(process.env.FAULT_SWEEP ?? count), last));
  return Array.from({ length: values }, (_, i) => 1 + Math.floor(i * last / values));
}

export async function hasFaults() {
  return (await readFile(serverBinary())).includes('FAULT_MEMORY');
}

// A file that the server maps: for each name the numbers passed, from, to and, of calls, an errno (0: they hang).
class Table {
  constructor(names, numbers) {
    this.names = names;
    this.numbers = numbers;
  }

  async open(path) {
    this.path = path;
    this.file = await open(path, 'w+');
    await this.file.write(Buffer.alloc(this.names.length * this.numbers * 8));
  }

  #at(name, number) {
    return (this.names.indexOf(name) * this.numbers + number) * 8;
  }

  async passed(name) {
    const { buffer } = await this.file.read(Buffer.alloc(8), 0, 8, this.#at(name, 0));
    return Number(buffer.readBigUInt64LE());
  }

  async #set(name, number, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    await this.file.write(bytes, 0, 8, this.#at(name, number));
  }

  // The n-th from now on (from 1), and so many in all.
  async refuse(name, n, count, errno) {
    const from = await this.passed(name) + n - 1;
    await this.#set(name, 1, from);
    if (errno !== undefined) {
      await this.#set(name, 3, errno);
    }
    await this.#set(name, 2, from + count);
  }

  relent(name) {
    return this.#set(name, 2, 0);
  }
}

// What was sent, and what was said of it.
class Ledger {
  sent = 0;
  promised = new Set(); // answered 200, for somebody who is away
  problems = [];
  report = { tried: 0, deaths: 0, refused: 0, broken: 0, failedStarts: 0 };

  next() {
    this.sent += 1;
    return `m-${this.sent}`;
  }

  // An answer, or none: the session has ended.
  async note(what, request) {
    let answer;
    try {
      answer = await within(what, request());
    } catch (error) {
      this.report.broken += 1;
      if (/^waited/.test(error.message)) {
        this.problems.push(`${what}: ${error.message}`);
      }
      return null;
    }
    if (!FINE.includes(answer.status)) {
      this.problems.push(`${what}: answered ${answer.status} ${answer.text ?? ''}`);
    }
    this.report.refused += answer.status === 200 ? 0 : 1;
    return answer.status === 200 ? answer : null;
  }
}

// One of everything, each on sessions of its own, so that one that ends takes no other with it.
async function exercise(server, ledger) {
  const base = '/sse/demo';
  const message = (userId, more) => ({ event: 'tick', data: { text: 'x'.repeat(300) }, userId, ...more });
  const onSession = async (what, act) => {
    const client = await ledger.note(`${what}: a session`, async () => {
      const made = await connect(server.origin);
      return { status: 200, made };
    });
    if (client) {
      await act(client.made);
      await client.made.close();
    }
  };
  const authorized = { authorization: `Bearer ${KEY}` };

  await onSession('page', async (page) => {
    const stream = await ledger.note('connect', () => page.connect({ userId: 'here' }));
    await onSession('office', async (office) => {
      const send = (what, body) => ledger.note(what, () => office.postJson(`${base}/send`, body, authorized));
      await send('send', message('here'));
      const id = ledger.next();
      if (await send('send with qos', message('away', { qos: 1, id }))) {
        ledger.promised.add(id);
      }
      const other = `h-${id}`;
      await send('send with qos to who is there', message('here', { qos: 1, id: other }));
      if (stream) {
        await ledger.note('ack', () => page.postJson(`${base}/connect/ack.do`, { connectionId: stream.id, ids: [other] }));
      }
      await ledger.note('messages', () => office.get(`${base}/messages?pageSize=5`, authorized));
    });
    if (stream) {
      const parts = multipart([{ name: 'file', fileName: 'f', data: randomBytes(40_000) }]);
      await ledger.note('upload', () => page.post(`${base}/connect/upload/u.do?connectionId=${stream.id}`, parts, { 'content-type': MULTIPART }));
      await ledger.note('message', () => page.postJson(`${base}/connect/message/m.do?connectionId=${stream.id}`, { a: 1 }));
    }
  });
}

// Whoever comes afterwards is served.
async function probe(server) {
  const office = await backend(server);
  await office.query('counts');
  await office.close();
}

// What a server with the preloaded module (tests/support/scarce_calls.c) is refused, and its variables.
export async function callTable(path, calls) {
  const table = new Table(CALLS, 4);
  await table.open(path);
  return { table, variables: { FAULT_CALLS: path, LD_PRELOAD: calls, ASAN_OPTIONS: 'verify_asan_link_order=0' } };
}

export class Sweep {
  ledger = new Ledger();

  // calls: the preloaded module (tests/support/scarce_calls.c); without it memory is what lacks.
  constructor(calls) {
    this.calls = calls;
    this.table = calls ? new Table(CALLS, 4) : new Table(AREAS, 3);
  }

  async start() {
    this.directory = await mkdtemp(join(tmpdir(), 'scarcity-'));
    await this.table.open(join(this.directory, 'table'));
    this.target = await startTarget();
    this.target.answer = () => ({ status: 200, json: null, headers: { connection: 'close' } });
    this.host = await newHost({
      variables: {
        ...(this.calls
          ? { FAULT_CALLS: this.table.path, LD_PRELOAD: this.calls, ASAN_OPTIONS: 'verify_asan_link_order=0' }
          : { FAULT_MEMORY: this.table.path }),
        SSE_SERVER_WORKERS: '1',
        SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: this.target.url('/message'),
        SSE_SERVER_SERVICES_0_QOS_ACK_TIMEOUT: '1h',
        SSE_SERVER_SERVICES_0_LIMITS_USER_UPLOAD_FILES: '0',
      },
    });
    await this.host.start();
  }

  // Alive, or ended where that is said.
  async #lookAtEnd(what) {
    const { server } = this.host;
    try {
      await probe(server);
      return;
    } catch (error) {
      await within('the server to end', server.end).catch(() => {
        throw new Error(`${what}: it lives, and serves nobody: ${error.message}`);
      });
    }
    const { code, signal } = await server.end;
    if (signal !== 'SIGABRT' || !LAST_WORDS.test(server.output) || server.hasComplained) {
      this.ledger.problems.push(`${what}: the server ended with ${signal ?? code}:\n${server.output.slice(-3000)}`);
    }
    this.ledger.report.deaths += 1;
    await this.host.start();
  }

  // Refuses each n in turn, while one of everything is done.
  async run(area, numbers, count = 1, errno = undefined) {
    for (const n of numbers) {
      await this.table.refuse(area, n, count, errno);
      await exercise(this.host.server, this.ledger);
      await this.table.relent(area);
      this.ledger.report.tried += 1;
      await this.#lookAtEnd(`${area} ${n}+${count}`);
      if (STORES.includes(area)) {
        await this.host.server.advance(2000, 1000);
      }
    }
  }

  // How many allocations one of everything takes.
  async measure(area) {
    const before = await this.table.passed(area);
    await exercise(this.host.server, this.ledger);
    return await this.table.passed(area) - before;
  }

  // The same of the start: it comes up, or says why it does not.
  async runStart(area, numbers) {
    const suppressions = join(this.directory, 'suppressions');
    await writeFile(suppressions, 'leak:libcrypto.so\n');
    for (const n of numbers) {
      await this.host.server.stop();
      await this.table.refuse(area, n, 1);
      try {
        await this.host.start(area === 'tls' ? { LSAN_OPTIONS: `suppressions=${suppressions}:print_suppressions=0` } : {});
      } catch (error) {
        this.ledger.report.failedStarts += 1;
        const isOurs = !(area === 'tls' && OPENSSL_AT_START.test(error.message));
        if (isOurs && (error.hasComplained || /SIGSEGV|SIGBUS/.test(error.message))) {
          this.ledger.problems.push(`start, ${area} ${n}: ${error.message}`);
        }
        await this.table.relent(area);
        await this.host.start();
      }
      await this.table.relent(area);
      this.ledger.report.tried += 1;
    }
  }

  async measureStart(area) {
    const before = await this.table.passed(area);
    await this.host.restart();
    return await this.table.passed(area) - before;
  }

  // With all the memory that there is: what was promised is there.
  async finish() {
    const server = await this.host.restart();
    const office = await backend(server);
    const shown = async (query) => {
      const ids = [];
      for (let page = 1; ; page++) {
        const { list } = await office.query(`messages?userId=away&pageSize=1000&pageNum=${page}${query}`);
        ids.push(...list.map(({ id }) => id));
        if (list.length < 1000) {
          return ids;
        }
      }
    };
    const stored = await shown('');
    const aside = await shown('&unreadable=true');
    const page = await connect(server.origin);
    const away = await page.connect({ userId: 'away' });
    const got = () => new Set(away.named('tick').map(({ id }) => id));
    await eventually('all that is stored', async () => got().size >= Math.min(stored.length, 1000));
    const there = new Set([...stored, ...aside]);
    const lost = [...this.ledger.promised].filter((id) => !there.has(id));
    await Promise.all([page.close(), office.close()]);
    return { ...this.ledger.report, promised: this.ledger.promised.size, aside: aside.length, delivered: got().size, lost };
  }

  async close() {
    try {
      await this.host.close();
    } finally {
      await this.target.close();
      await this.table.file.close();
      await rm(this.directory, { recursive: true });
    }
  }
}
