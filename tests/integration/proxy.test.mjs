// SPDX-License-Identifier: Apache-2.0
// Clients behind a proxy that says with a PROXY header who they are.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { endWithFile } from './support/leftovers.mjs';
import { freePort } from './support/port.mjs';
import { startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const HAPROXY = '/usr/sbin/haproxy';
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V1 = 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n';

function number16(value) {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value);
  return octets;
}

const tlv = (type, value) => Buffer.concat([Buffer.from([type]), number16(value.length), Buffer.from(value)]);

function v2(command, family, ...parts) {
  const rest = Buffer.concat(parts);
  return Buffer.concat([SIGNATURE, Buffer.from([0x20 | command, family]), number16(rest.length), rest]);
}

const ADDRESSES_V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'), Buffer.from('20010db8000000000000000000000001', 'hex'),
  number16(56324), number16(443)]);
const CLIENT_TLS = tlv(0x20, Buffer.concat([
  Buffer.from([1, 0, 0, 0, 1]), tlv(0x21, 'TLSv1.2'), tlv(0x23, 'ECDHE-RSA-AES128-GCM-SHA256')]));

const LISTENERS = [
  { PROXY_PROTOCOL: 'false' },
  { PROXY_PROTOCOL: 'true' },
  { PROXY_PROTOCOL: 'true', TLS: 'false' },
  { PROXY_PROTOCOL: 'true', PROXY_FROM: '127.0.0.2, ::1' },
];

let server;
let office;
let plain;
let proxied;
let cleartext;
let restricted;

before(async () => {
  const variables = LISTENERS.flatMap((listener, n) => Object.entries({ ADDRESS: '127.0.0.1:0', ...listener })
    .map(([name, value]) => [`SSE_SERVER_LISTENERS_${n}_${name}`, value]));
  server = await startServer({ listen: null, variables: Object.fromEntries(variables) });
  [plain, proxied, cleartext, restricted] = server.listeners;
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

async function open({ port }, header, localAddress = '127.0.0.1') {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  await within('a connection', once(socket, 'connect'));
  socket.write(header);
  return socket;
}

// An HTTP/2 session behind the header, over TLS where the listener has it.
async function connectBehind(listener, header, localAddress) {
  const socket = await open(listener, header, localAddress);
  const secure = { socket, ALPNProtocols: ['h2'], servername: 'localhost', rejectUnauthorized: false };
  const createConnection = () => (listener.scheme === 'https' ? tls.connect(secure) : socket);
  return connect(listener.origin, { createConnection });
}

async function shown(client) {
  const stream = await client.connect({ userId: '7' });
  const { list: [connection] } = await office.query(`connections?id=${stream.id}`);
  await client.close();
  return connection;
}

// What the server has not read makes its close a reset.
async function closed(socket) {
  socket.resume().on('error', () => {});
  await within('the server to close', new Promise((resolve) => {
    socket.once('close', resolve);
  }));
}

test('version 1 before TLS', async () => {
  const connection = await shown(await connectBehind(proxied, V1));
  assert.equal(connection.requestIp, '192.0.2.1');
  assert.match(connection.requestTls, /^TLSv1\.3 TLS_\w+$/);
});

test('version 2 before cleartext, by a proxy that has ended TLS', async () => {
  const connection = await shown(await connectBehind(cleartext, v2(1, 0x21, ADDRESSES_V6, CLIENT_TLS)));
  assert.equal(connection.requestIp, '2001:db8::7');
  assert.equal(connection.requestTls, 'TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256');
});

test('a proxy that speaks for itself, or does not know', async () => {
  for (const header of [v2(0, 0), v2(1, 0), 'PROXY UNKNOWN\r\n']) {
    const connection = await shown(await connectBehind(cleartext, header));
    assert.equal(connection.requestIp, '127.0.0.1');
    assert.equal(connection.requestTls, null);
  }
});

test('no header, or half of one', async () => {
  const before = await office.metric('sse_server_proxy_failures_total');
  await closed(await open(proxied, Buffer.from('1603010200010001fc0303', 'hex')));
  await closed(await open(cleartext, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
  const socket = await open(proxied, V1.slice(0, 20));
  socket.end();
  await closed(socket);
  assert.equal(await office.metric('sse_server_proxy_failures_total') - before, 3);
});

test('nothing at all', async () => {
  await server.meanwhile(closed(await open(proxied, V1.slice(0, -1))));
  assert.equal(await office.metric('sse_server_proxy_timeouts_total'), 1);
});

test('a header that is not expected is bad TLS', async () => {
  const before = await office.metric('sse_server_handshake_failures_total');
  await closed(await open(plain, V1));
  assert.equal(await office.metric('sse_server_handshake_failures_total') - before, 1);
});

test('a listener for certain proxies', async () => {
  await closed(await open(restricted, V1));
  assert.equal(await office.metric('sse_server_proxy_refusals_total'), 1);
  const connection = await shown(await connectBehind(restricted, V1, '127.0.0.2'));
  assert.equal(connection.requestIp, '192.0.2.1');
});

test('HAProxy that passes TLS through', { skip: !existsSync(HAPROXY) }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sse-haproxy-'));
  const port = await freePort();
  await writeFile(join(directory, 'haproxy.cfg'), `
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen push
  bind 127.0.0.1:${port}
  server push 127.0.0.1:${proxied.port} send-proxy-v2
`);
  const haproxy = endWithFile(spawn(HAPROXY, ['-db', '-q', '-f', join(directory, 'haproxy.cfg')], { stdio: 'inherit' }));
  try {
    const client = await eventually('HAProxy', () => (
      connect(`https://127.0.0.1:${port}`, { localAddress: '127.0.0.3' }).catch(() => null)));
    const connection = await shown(client);
    assert.equal(connection.requestIp, '127.0.0.3');
    assert.match(connection.requestTls, /^TLSv1\.3 TLS_\w+$/);
  } finally {
    haproxy.kill();
    await once(haproxy, 'close');
    await rm(directory, { recursive: true });
  }
});
