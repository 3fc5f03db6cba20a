// SPDX-License-Identifier: Apache-2.0
// Handshakes that are never finished do not keep others out, and a burst of honest ones is served.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const PLACES = 16;
const PER_ADDRESS = 4;
const CROWD = 200;
const BURST = 500;
const WAITS = 'sse_server_handshake_waits_total';
const HALF_HELLO = Buffer.from('1603010200010001fc0303', 'hex');

let server;
let office;

before(async () => {
  server = await startServer({
    variables: {
      SSE_SERVER_WORKERS: '1',
      SSE_SERVER_LIMITS_HANDSHAKES: String(PLACES),
      SSE_SERVER_LIMITS_HANDSHAKES_PER_ADDRESS: String(PER_ADDRESS),
      // What is unfinished is to be there for the whole test.
      SSE_SERVER_LIMITS_HANDSHAKE_TIMEOUT: '10m',
    },
  });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

async function stall(localAddress, octets) {
  const socket = net.connect({ port: server.port, host: '127.0.0.1', localAddress });
  socket.resume().on('error', () => {});
  await within('a connection', once(socket, 'connect'));
  socket.write(octets);
  return socket;
}

const stallMany = (count, localAddress, octets) => (
  Promise.all(Array.from({ length: count }, () => stall(localAddress, octets))));

const open = (sockets) => sockets.filter((socket) => !socket.closed).length;

async function serve(localAddress) {
  const client = await connect(server.origin, { localAddress });
  assert.equal((await client.get('/health/live')).status, 200);
  await client.close();
}

test('silent connections of one address need no place', async () => {
  const silent = await stallMany(CROWD, '127.0.0.1', Buffer.alloc(0));
  await serve('127.0.0.2');
  await serve('127.0.0.1');
  assert.equal(open(silent), CROWD);
  silent.forEach((socket) => socket.destroy());
});

test('half handshakes of one address leave places to others', async () => {
  const crowd = await stallMany(CROWD, '127.0.0.1', HALF_HELLO);
  await eventually('a wait for a place', () => office.metric(WAITS));
  await serve('127.0.0.2');
  assert.equal(open(crowd), CROWD);
  assert.equal(await office.metric('sse_server_handshakes_displaced_total'), 0);
  crowd.forEach((socket) => socket.destroy());
});

test('when many addresses have taken all places, those that have stalled give way', async () => {
  const earlier = await office.metric(WAITS);
  const crowds = await Promise.all(['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4', '127.0.1.5'].map((address) => (
    stallMany(2 * PER_ADDRESS, address, HALF_HELLO))));
  const all = earlier + crowds.flat().length - PLACES;
  await eventually('all to be heard', async () => (await office.metric(WAITS)) >= all);
  await serve('127.0.0.2');
  const displaced = await office.metric('sse_server_handshakes_displaced_total');
  assert.ok(displaced > 0);
  await eventually('their end', () => open(crowds.flat()) === crowds.flat().length - displaced);
  crowds.flat().forEach((socket) => socket.destroy());
});

test('a burst of honest clients from one address is served to the last', async () => {
  const displaced = await office.metric('sse_server_handshakes_displaced_total');
  const clients = await Promise.all(Array.from({ length: BURST }, () => connect(server.origin)));
  const answers = await Promise.all(clients.map((client) => client.get('/health/live')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(await office.metric('sse_server_handshakes_displaced_total'), displaced);
  await Promise.all(clients.map((client) => client.close()));
});
