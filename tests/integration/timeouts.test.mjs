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
