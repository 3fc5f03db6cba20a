// SPDX-License-Identifier: Apache-2.0
// Clients that begin something and never go on are let go. Time goes on when they have begun: a slow
// machine is no slow client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';

import { backend } from './support/backend.mjs';
import { connect, readAnswer } from './support/client.mjs';
import { BOUNDARY, MULTIPART } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';
import { within } from './support/wait.mjs';

let server;
let office;
before(async () => {
  server = await startServer({
    stopped: true,
    variables: {
      SSE_SERVER_LIMITS_HANDSHAKE_TIMEOUT: '300ms',
      SSE_SERVER_LIMITS_PREFACE_TIMEOUT: '300ms',
      SSE_SERVER_LIMITS_HEADERS_TIMEOUT: '300ms',
      SSE_SERVER_LIMITS_BODY_IDLE_TIMEOUT: '300ms',
      SSE_SERVER_LIMITS_IDLE_TIMEOUT: '1s',
      SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: '1s',
    },
  });
});
after(() => server.stop());

function closed(socket) {
  socket.resume().on('error', () => {});
  return server.meanwhile(within('the server to close the connection', once(socket, 'close')));
}

test('a connection that says nothing', async () => {
  const socket = net.connect(server.port, '127.0.0.1');
  await within('a connection', once(socket, 'connect'));
  await closed(socket);
});

test('half a ClientHello', async () => {
  const socket = net.connect(server.port, '127.0.0.1');
  socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
  await closed(socket);
});

test('TLS and then nothing', async () => {
  const options = { port: server.port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false };
  const socket = tls.connect(options);
  await within('a handshake', once(socket, 'secureConnect'));
  await closed(socket);
});

test('half a preface', async () => {
  const options = { port: server.port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false };
  const socket = tls.connect(options);
  await within('a handshake', once(socket, 'secureConnect'));
  socket.write('PRI * HTTP/2.0\r\n');
  await closed(socket);
});

test('a session without any stream', async () => {
  const client = await connect(server.origin);
  await server.meanwhile(within('the server to close the session', once(client.session, 'close')));
});

test('half a body, while the session goes on', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: '7' });
  for (const [path, type, start] of [
    ['/sse/demo/connect/upload/docs.do', MULTIPART, `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\nhalf`],
    ['/sse/demo/connect/message/hello.do', 'application/json', '{"half":'],
  ]) {
    const request = page.open('POST', `${path}?userId=7`, { 'content-type': type });
    request.write(start);
    const end = within('the end of the request', readAnswer(request).catch((error) => error));
    const answer = await server.meanwhile(end);
    assert.ok(answer instanceof Error || answer.status === 408 || answer.status === 400, answer.text);
  }
  office = await backend(server);
  assert.equal((await office.send({ event: 'still', data: 1, userId: '7' })).count, 1);
  await stream.next('still');
  await page.close();
  await office.close();
});

test('a quiet stream lives on, kept alive by comments', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: '8' });
  await server.asTimePasses('two comments', () => stream.comments.length >= 2);
  assert.equal(stream.ended, undefined);
  await page.close();
});

// By HTTP/1.1: how far a request gets, and what it is told, if anything.
const HEAD = 'POST /sse/demo/connect/message/hello.do?userId=7 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
for (const [where, octets, status] of [
  ['nothing after the handshake', '', null],
  ['a method', 'POS', 408],
  ['a blank line', '\r\n', 408],
  ['a request line', 'POST / HTTP/1.1\r\n', 408],
  ['header fields', HEAD, 408],
  ['half a body', `${HEAD}Content-Length: 9\r\n\r\n{"a":`, 408],
  ['half a size', `${HEAD}Transfer-Encoding: chunked\r\n\r\n1`, 408],
  ['half a chunk', `${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\n{"a":`, 408],
  ['half a trailer', `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA`, 408],
  ['an answer', 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n', 200],
  ['an answer and half a request', 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\nGET', 408],
]) {
  test(`a client of HTTP/1.1 that stops behind ${where}`, async () => {
    const socket = tls.connect({ port: server.port, host: '127.0.0.1', ALPNProtocols: ['http/1.1'], rejectUnauthorized: false });
    let text = '';
    socket.setEncoding('latin1').on('data', (part) => { text += part; });
    await within('a handshake', once(socket, 'secureConnect'));
    socket.write(octets);
    await server.meanwhile(within('the server to close the connection', once(socket, 'close')));
    assert.equal(text.match(/HTTP\/1\.1 (\d+) [^]*?$/g)?.length ?? 0, status ? 1 : 0, text);
    assert.equal([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].at(-1)?.[1] ?? null, status && String(status));
  });
}

test('octets that come one by one, in each part of a request', async () => {
  const client = await connect(server.origin, { version: '1.1' });
  for (const octets of [HEAD, `${HEAD}Transfer-Encoding: chunked\r\n\r\n${'1;abcdef\r\nx\r\n'.repeat(1000)}`]) {
    const socket = tls.connect({ port: server.port, host: '127.0.0.1', ALPNProtocols: ['http/1.1'], rejectUnauthorized: false });
    let isOver = false;
    let n = 0;
    socket.resume().on('error', () => {}).on('close', () => { isOver = true; });
    await within('a handshake', once(socket, 'secureConnect'));
    await server.asTimePasses('the end of it', () => {
      if (!isOver) {
        socket.write(octets[n++ % octets.length]);
      }
      return isOver;
    }, 100);
    assert.ok(n < 400, `${n} octets`);
  }
  await client.close();
});
