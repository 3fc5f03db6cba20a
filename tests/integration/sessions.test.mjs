// SPDX-License-Identifier: Apache-2.0
// Sessions of one address (limits.addressSessions), and what happens when descriptors are scarce.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { run } from './support/run.mjs';
import { serverBinary, startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const DESCRIPTORS = 256;
const REFUSED = 'sse_server_address_sessions_refused_total';
const EVICTED = 'sse_server_sessions_evicted_total';

// A server without TLS, for sessions that cost little. Its time stands still: no session has been idle
// for so long that it may go, the office's among them, until a test says so.
async function withServer(variables, use, { descriptors } = {}) {
  const listeners = { SSE_SERVER_LISTENERS_0_ADDRESS: '127.0.0.1:0', SSE_SERVER_LISTENERS_0_TLS: 'false' };
  const limited = descriptors === undefined ? {}
    : { binary: 'bash', args: ['-c', `ulimit -n ${descriptors}; exec "$0"`, serverBinary()] };
  const server = await startServer({ listen: null, ...limited, variables: { ...listeners, ...variables } });
  const office = await backend(server);
  try {
    await server.stopClock();
    await use(server, office);
  } finally {
    await office.close();
    await server.stop();
  }
}

const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('000000040000000000', 'hex')]);

// One session that asks for nothing; says first what the octets are. kept: whether it was let in.
async function idle(port, localAddress, octets = PREFACE) {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  socket.write(octets);
  const kept = await within('the first octets or the end', new Promise((resolve) => {
    socket.on('data', () => resolve(true)).on('close', () => resolve(false));
  }));
  socket.resume();
  return { socket, kept };
}

const idleMany = (count, ...where) => Promise.all(Array.from({ length: count }, () => idle(...where)));

const kept = (sessions) => sessions.filter((session) => session.kept && !session.socket.closed).length;

const leave = (sessions) => sessions.forEach(({ socket }) => socket.destroy());

async function serve(server, localAddress) {
  const client = await connect(server.origin, { localAddress });
  assert.equal((await client.get('/health/live')).status, 200);
  return client;
}

const openStream = async (server, localAddress, userId) => {
  const page = await connect(server.origin, { localAddress });
  return { page, stream: await page.connect({ userId, listeners: 'news' }) };
};

// All of them hear what is said now.
async function hear(office, readers, data) {
  await office.send({ all: true, event: 'news', data: JSON.stringify(data) });
  for (const { stream } of readers) {
    assert.equal(await stream.next('news'), data);
  }
}

test('one address leaves descriptors to the others', () => withServer({}, async (server, office) => {
  const reader = await openStream(server, '127.0.0.1', 'eve');
  const crowd = await idleMany(DESCRIPTORS, server.port, '127.0.0.1');
  assert.ok(kept(crowd) <= DESCRIPTORS / 4 + 1, `${kept(crowd)} were let in`);
  assert.ok(await office.metric(REFUSED) > 0);
  const others = [await serve(server, '127.0.0.2'), await serve(server, '127.0.0.3')];
  await hear(office, [reader], 'one');
  assert.equal(await office.metric('sse_server_accept_errors_total'), 0);
  leave(crowd);
  await Promise.all([reader.page, ...others].map((client) => client.close()));
}, { descriptors: DESCRIPTORS }));

test('many addresses leave some as well, and no event stream goes for a newcomer', () => withServer({}, async (server, office) => {
  const readers = await Promise.all(Array.from({ length: 8 }, (_, i) => openStream(server, `127.0.1.${i + 1}`, `reader${i}`)));
  const crowds = [];
  for (let i = 0; i < 8; i++) {
    crowds.push(...await idleMany(DESCRIPTORS / 8, server.port, `127.0.1.${i + 1}`));
  }
  for (let i = 0; i < 8; i++) {
    const newcomer = await openStream(server, `127.0.2.${i + 1}`, `newcomer${i}`);
    readers.push(newcomer);
  }
  assert.ok(await office.metric(EVICTED) > 0);
  assert.equal(await office.metric('sse_server_accept_errors_total'), 0);
  await hear(office, readers, 'all');
  leave(crowds);
  await Promise.all(readers.map(({ page }) => page.close()));
}, { descriptors: DESCRIPTORS }));

test('an address that has its limit loses its own idle session, the oldest first', () => withServer({
  SSE_SERVER_WORKERS: '1', SSE_SERVER_LIMITS_ADDRESS_SESSIONS: '4',
}, async (server, office) => {
  const reader = await openStream(server, '127.0.0.5', 'ann');
  const first = await idle(server.port, '127.0.0.5');
  const others = await idleMany(2, server.port, '127.0.0.5');
  // Not before it has been idle for a second: until then who comes is refused.
  const newcomer = await server.asTimePasses('a slot', async () => {
    const session = await idle(server.port, '127.0.0.5');
    return session.kept && session;
  });
  await eventually('its end', () => first.socket.closed);
  assert.equal(kept([...others, newcomer]), 3);
  await hear(office, [reader], 'still here');
  assert.equal(await office.metric(EVICTED), 1);
  leave([...others, newcomer]);
  await reader.page.close();
}));

test('the limit holds over all workers, and for half of a session too', () => withServer({
  SSE_SERVER_WORKERS: '4', SSE_SERVER_LIMITS_ADDRESS_SESSIONS: '10',
}, async (server, office) => {
  const silent = Array.from({ length: 40 }, () => net.connect({ port: server.port, host: '127.0.0.1', localAddress: '127.0.0.6' }));
  silent.forEach((socket) => socket.resume().on('error', () => {}));
  await eventually('the refusals', async () => (await office.metric(REFUSED)) === 30);
  await eventually('their ends', () => silent.filter(({ closed }) => closed).length === 30);
  silent.forEach((socket) => socket.destroy());
}));

test('trusted proxies and admin listeners are apart from that', () => withServer({
  SSE_SERVER_LIMITS_ADDRESS_SESSIONS: '3',
  SSE_SERVER_TRUSTED_PROXIES: '127.0.0.7',
  SSE_SERVER_LISTENERS_0_ROLE: 'public',
  SSE_SERVER_LISTENERS_1_ADDRESS: '127.0.0.1:0',
  SSE_SERVER_LISTENERS_1_TLS: 'false',
  SSE_SERVER_LISTENERS_1_ROLE: 'admin',
}, async (server) => {
  const [pages, admin] = server.listeners;
  const proxy = await idleMany(20, pages.port, '127.0.0.7');
  assert.equal(kept(proxy), 20);
  const clients = await idleMany(20, pages.port, '127.0.0.8');
  assert.equal(kept(clients), 3);
  // The pages of an address take nothing of what its back ends may have.
  const backEnds = await idleMany(20, admin.port, '127.0.0.8');
  assert.equal(kept(backEnds), 3);
  leave([...proxy, ...clients, ...backEnds]);
}));

test('behind a proxy that says who its clients are, they are counted', () => withServer({
  SSE_SERVER_LIMITS_ADDRESS_SESSIONS: '3',
  SSE_SERVER_LISTENERS_1_ADDRESS: '127.0.0.1:0',
  SSE_SERVER_LISTENERS_1_TLS: 'false',
  SSE_SERVER_LISTENERS_1_PROXY_PROTOCOL: 'true',
  SSE_SERVER_LISTENERS_1_PROXY_FROM: '127.0.0.1',
}, async (server) => {
  const [, proxied] = server.listeners;
  const from = (address, family = 'TCP4') => Buffer.concat([
    Buffer.from(`PROXY ${family} ${address} ${family === 'TCP4' ? '198.51.100.7' : '2001:db8::7'} 56324 443\r\n`), PREFACE]);
  const come = (octets, count) => idleMany(count, proxied.port, '127.0.0.1', octets);
  const one = await come(from('192.0.2.1'), 8);
  const other = await come(from('192.0.2.2'), 2);
  const six = [...await come(from('2001:db8:0:1::1', 'TCP6'), 2), ...await come(from('2001:db8:0:1::2', 'TCP6'), 4)];
  const neighbour = await come(from('2001:db8:0:2::1', 'TCP6'), 1);
  const checks = await come(Buffer.concat([Buffer.from('PROXY UNKNOWN\r\n'), PREFACE]), 8);
  assert.deepEqual([one, other, six, neighbour, checks].map(kept), [3, 2, 3, 1, 8]);
  leave([...one, ...other, ...six, ...neighbour, ...checks]);
}));

async function setDescriptors(server, count) {
  await run('prlimit', ['--pid', `${server.pid}`, `--nofile=${count}:`]);
}

test('without a descriptor who is there is served, and others come in as soon as there is one', () => withServer({
  SSE_SERVER_WORKERS: '1',
  SSE_SERVER_LISTENERS_0_ROLE: 'admin',
  SSE_SERVER_LISTENERS_1_ADDRESS: '127.0.0.1:0',
  SSE_SERVER_LISTENERS_1_TLS: 'false',
}, async (server, office) => {
  await server.startClock();
  const [, pages] = server.listeners;
  const readers = await Promise.all([1, 2, 3].map((i) => openStream(pages, '127.0.0.1', `reader${i}`)));
  await setDescriptors(server, 8);
  const waiting = openStream(pages, '127.0.0.2', 'newcomer');
  await eventually('accept() to fail', () => office.metric('sse_server_accept_errors_total'));
  const turns = await office.metric('sse_server_loop_turns_total');
  const errors = await office.metric('sse_server_accept_errors_total');
  await eventually('it to fail again', async () => (await office.metric('sse_server_accept_errors_total')) > errors + 2);
  // Ten a second are ours, some are the questions': a loop that spins has thousands.
  const asked = (await office.metric('sse_server_loop_turns_total')) - turns;
  assert.ok(asked < 5000, `${asked} turns`);
  await hear(office, readers, 'there');
  await setDescriptors(server, DESCRIPTORS);
  readers.push(await within('the newcomer', waiting));
  await Promise.all(readers.map(({ page }) => page.close()));
}));
