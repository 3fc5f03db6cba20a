// SPDX-License-Identifier: Apache-2.0
// What bench/hostile runs.
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { setImmediate as tick, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { connect } from '../tests/integration/support/client.mjs';
import { GOAWAY, rawSession } from '../tests/integration/support/raw_h2.mjs';
import { startServer } from '../tests/integration/support/server.mjs';
import { waysIn } from '../tests/integration/support/ways_in.mjs';

const MIB = 1024 * 1024;
const ATTACKERS = 4;
const SESSIONS = 32; // of each way: until a MiB has come, at the most so many
const RECORD_MORE = 22; // octets of TLS around those of a record
const RECORD_MOST = 16384;
const { values } = parseArgs({ options: {
  ways: { type: 'string', default: '' },
  mib: { type: 'string', default: '3' },
  beside: { type: 'string' },
  seconds: { type: 'string', default: '5' },
  attack: { type: 'string' }, // of a child: the port
} });

function start(variables = {}) {
  return startServer({ variables: { SSE_SERVER_WORKERS: '1', ...variables } });
}

async function end(server) {
  await server.kill();
  await server.forget();
}

// All threads of the process, in milliseconds.
async function cpuOf(pid) {
  const threads = await readdir(`/proc/${pid}/task`);
  const spent = await Promise.all(threads.map(async (thread) => (
    Number((await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ')[0]))));
  return spent.reduce((sum, each) => sum + each, 0) / 1e6;
}

async function writeOctets(session, octets) {
  for (let at = 0; at < octets.length && !session.closed; at++) {
    session.write(octets.subarray(at, at + 1));
    await tick(); // else they share a record
  }
}

// Until so many octets have gone, or the server has had enough. How many have left this process, TLS
// included: each piece is a record of its own, or each octet.
async function send(session, way, most) {
  const { socket } = session;
  const before = socket.bytesWritten;
  let records = 0;
  for (let n = 0; !session.closed && socket.bytesWritten - before + records * RECORD_MORE < most; n++) {
    const piece = way.make(n);
    records += way.octets ? piece.length : Math.ceil(piece.length / RECORD_MOST);
    await (way.octets ? writeOctets(session, piece) : session.flood(1, () => piece));
    await tick(); // what the server has done is seen only then
  }
  const octets = socket.bytesWritten - socket.writableLength - before;
  return octets + RECORD_MORE * (way.octets ? octets : records);
}

// Until the server has nothing to do.
async function rest(server) {
  for (let n = 0, spent = -1; n < 200; n++) {
    const now = await cpuOf(server.pid);
    if (now === spent) {
      return;
    }
    spent = now;
    await sleep(20);
  }
}

// Until it has closed, or has come to the end of what was sent.
const settle = (session, server) => (session.closed ? undefined : rest(server));

// So many sessions with what comes before the attack; the CPU for each of them.
async function openAll(server, way) {
  const before = await cpuOf(server.pid);
  const sessions = [];
  while (sessions.length < SESSIONS) {
    const session = await rawSession(server, way.session);
    await way.begin?.(session);
    sessions.push(session);
  }
  await rest(server);
  return { sessions, each: (await cpuOf(server.pid) - before) / SESSIONS };
}

async function closeAll(server, sessions) {
  sessions.forEach(({ socket }) => socket.destroy());
  await rest(server);
}

async function attack(server, way, sessions) {
  let octets = 0;
  let used = 0;
  for (const session of sessions) {
    octets += await send(session, way, Number(values.mib) * MIB);
    await settle(session, server);
    used++;
    if (octets >= MIB) {
      break;
    }
  }
  return { octets, used, isClosed: Boolean(sessions[used - 1].closed) };
}

// What a connection costs that only opens, begins and goes, and what the attack costs beyond that.
async function measure(way) {
  const server = await start({
    SSE_SERVER_LIMITS_ADDRESS_SESSIONS: '1000000',
    SSE_SERVER_LIMITS_HANDSHAKES_PER_ADDRESS: '10000',
    ...(way.drains ? { SSE_SERVER_DRAIN_TIME: '1h' } : {}),
  });
  try {
    await closeAll(server, (await openAll(server, way)).sessions); // memory, tables, keys
    const idle = await openAll(server, way);
    const goes = await cpuOf(server.pid);
    await closeAll(server, idle.sessions);
    const alone = { opened: idle.each, ended: (await cpuOf(server.pid) - goes) / SESSIONS };
    const { sessions } = await openAll(server, way);
    if (way.drains) {
      server.signal('SIGTERM');
      await Promise.all(sessions.map((session) => session.saw('GOAWAY', ({ type }) => type === GOAWAY)));
      await rest(server);
    }
    const before = await cpuOf(server.pid);
    const { octets, used, isClosed } = await attack(server, way, sessions);
    const spent = (await cpuOf(server.pid) - before) / used;
    sessions.forEach(({ socket }) => socket.destroy());
    return { alone, octets: octets / used, spent, beyond: Math.max(0, spent - (isClosed ? alone.ended : 0)), isClosed };
  } finally {
    await end(server);
  }
}

function row(...cells) {
  console.log(`| ${cells.join(' | ')} |`);
}

async function table() {
  row('way in', 'KiB a connection', 'ms CPU for it', 'of these for its end', 'ms a MiB', 'closed', 'its opening, ms');
  row(...Array(7).fill('---'));
  for (const way of waysIn.filter(({ what }) => what.includes(values.ways))) {
    const { alone, octets, spent, beyond, isClosed } = await measure(way);
    row(way.what, (octets / 1024).toFixed(0), spent.toFixed(2), isClosed ? alone.ended.toFixed(2) : '-',
      (beyond / (octets / MIB)).toFixed(1), isClosed ? 'yes' : 'no', alone.opened.toFixed(2));
  }
}

// A child: attacks for ever, on a new connection whenever the server has had enough. It runs here and
// not elsewhere: what it computes must not take the processors of the server and of the client.
async function attackForEver() {
  setPriority(constants.priority.PRIORITY_LOW);
  const way = waysIn.find(({ what }) => what === values.ways);
  for (;;) {
    try {
      const session = await rawSession({ port: Number(values.attack) }, way.session);
      await way.begin?.(session);
      await send(session, way, Infinity);
      session.socket.destroy();
    } catch {
      await sleep(10);
    }
  }
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

async function latencies(client, seconds) {
  const found = [];
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    const begun = performance.now();
    await client.get('/health/live');
    found.push(performance.now() - begun);
    await sleep(2);
  }
  return found.sort((a, b) => a - b);
}

async function beside(what) {
  const server = await start();
  const children = [];
  try {
    const client = await connect(server.origin);
    const alone = await latencies(client, 1);
    while (children.length < ATTACKERS) {
      children.push(spawn(process.execPath, [process.argv[1], '--ways', what, '--attack', String(server.port)],
        { stdio: 'inherit' }));
    }
    await sleep(1000);
    const before = await cpuOf(server.pid);
    const found = await latencies(client, Number(values.seconds));
    const spent = await cpuOf(server.pid) - before;
    row(what, ...[quantile(alone, 0.99), quantile(found, 0.5), quantile(found, 0.99)].map((ms) => ms.toFixed(2)),
      (spent / (Number(values.seconds) * 10)).toFixed(0));
    await client.close();
  } finally {
    await Promise.all(children.map((child) => {
      child.kill('SIGKILL');
      return once(child, 'exit');
    }));
    await end(server);
  }
}

if (values.attack) {
  await attackForEver();
} else if (values.beside !== undefined) {
  row('4 attackers by', 'alone: p99 ms', 'beside them: p50 ms', 'p99 ms', 'server\'s CPU, %');
  row(...Array(5).fill('---'));
  for (const way of waysIn.filter(({ what, drains }) => what.includes(values.beside) && !drains)) {
    await beside(way.what);
  }
} else {
  await table();
}
