// SPDX-License-Identifier: Apache-2.0
// Sockets, TLS and protocol selection, by openssl, curl, nghttp and Node.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { run } from './support/run.mjs';
import { startServer } from './support/server.mjs';
import { within } from './support/wait.mjs';

const H2_PREFACE_SETTINGS = '000000040000000000';

// Everything that the server sends back to these bytes, until it closes.
async function talk(port, bytes) {
  const socket = net.connect(port, '127.0.0.1');
  const parts = [];
  socket.on('data', (part) => parts.push(part)).on('error', () => {});
  socket.write(bytes);
  await within('the server to close', once(socket, 'close'));
  return Buffer.concat(parts);
}

describe('a TLS listener', () => {
  let server;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const handshake = (...args) => run('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, ...args]);

  test('refuses other protocols than h2 and http/1.1 with no_application_protocol', async () => {
    for (const alpn of ['http/0.9', 'spdy/3', 'h2c', 'http/0.9,h3']) {
      const { output, code } = await handshake('-alpn', alpn);
      assert.notEqual(code, 0);
      assert.match(output, /alert no application protocol|alert number 120/);
    }
  });

  test('speaks HTTP/1.1 with who offers that alone, or nothing, and sends it nothing of HTTP/2', async () => {
    assert.match((await handshake('-alpn', 'http/1.1')).output, /ALPN protocol: http\/1\.1/);
    assert.match((await handshake('-alpn', 'http/1.0')).output, /ALPN protocol: http\/1\.0/);
    assert.match((await handshake('-alpn', 'http/1.0,http/1.1,h2')).output, /ALPN protocol: h2/);
    const { output } = await run('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${server.port}`],
      { input: 'GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' });
    assert.match(output, /HTTP\/1\.1 200 OK\r\n/);
    assert.ok(!Buffer.from(output, 'latin1').toString('hex').includes(H2_PREFACE_SETTINGS));
  });

  for (const [version, name] of [['-tls1_2', 'TLSv1.2'], ['-tls1_3', 'TLSv1.3']]) {
    test(`speaks ${name}`, async () => {
      const { output } = await handshake(version, '-alpn', 'h2,http/1.1');
      assert.match(output, /ALPN protocol: h2/);
      assert.match(output, new RegExp(`New, ${name}|Protocol *: ${name}`));
      const options = { minVersion: name, maxVersion: name };
      const client = await connect(server.origin, options);
      assert.equal((await client.get('/health/live')).status, 200);
      await client.close();
    });
  }

  for (const version of ['-tls1', '-tls1_1']) {
    test(`refuses ${version}`, async () => {
      const { output, code } = await handshake(version, '-alpn', 'h2', '-cipher', 'DEFAULT@SECLEVEL=0');
      assert.notEqual(code, 0);
      assert.match(output, /alert protocol version|alert number 70/);
    });
  }

  for (const suite of ['DHE+AESGCM', 'kRSA+AESGCM', 'ECDHE+AES+SHA256:ECDHE+AES+SHA', 'ECDHE+3DES']) {
    test(`refuses the suites ${suite}`, async () => {
      const { output, code } = await handshake('-tls1_2', '-alpn', 'h2', '-cipher', `${suite}:@SECLEVEL=0`);
      assert.notEqual(code, 0, output);
      assert.doesNotMatch(output, /Cipher is (?!\(NONE\))/);
    });
  }

  test('renegotiates with nobody', async () => {
    const { output } = await run('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-tls1_2', '-alpn', 'h2'],
      { input: 'R\n' });
    assert.doesNotMatch(output, /verify return:.*\n[^]*RENEGOTIATING\n[^]*verify return:/);
  });

  test('tells clients of HTTP without TLS to use https, and does not talk to others', async () => {
    for (const text of ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'BREW / HTTP/1.1\r\n\r\n']) {
      const answer = (await talk(server.port, text)).toString();
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n[^]*content-type: text\/plain[^]*connection: close[^]*\r\n\r\n.*https:\/\//);
    }
    for (const text of ['x'.repeat(400), '\0'.repeat(400)]) {
      const answer = await talk(server.port, text);
      assert.ok(answer.length <= 7, `${answer}`); // a TLS alert, or nothing
    }
    await server.ready();
  });

  test('closes when something else than HTTP/2 comes through TLS', async () => {
    const { code } = await run('openssl', ['s_client', '-quiet', '-alpn', 'h2', '-connect', `127.0.0.1:${server.port}`],
      { input: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' });
    assert.notEqual(code, null);
    await server.ready();
  });

  test('serves nghttp, several streams at a time', async () => {
    const url = `https://localhost:${server.port}/sse/demo`;
    const { stdout, code } = await run('nghttp', ['-n', '-s', '-m', '20', url]);
    assert.equal(code, 0);
    assert.equal(stdout.match(/ 200 .*\/sse\/demo$/gm)?.length, 20, stdout);
  });

  test('answers HEAD with the header fields of GET', async () => {
    const client = await connect(server.origin);
    const [head, get] = [await client.request('HEAD', '/sse/demo'), await client.get('/sse/demo')];
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    assert.equal(head.headers['content-type'], get.headers['content-type']);
    await client.close();
  });
});

describe('other listeners', () => {
  let directory;
  let server;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sse-listeners-'));
    server = await startServer({
      listen: null,
      variables: {
        SSE_SERVER_LISTENERS_0_ADDRESS: '127.0.0.1:0',
        SSE_SERVER_LISTENERS_1_ADDRESS: '127.0.0.1:0',
        SSE_SERVER_LISTENERS_1_TLS: 'false',
        SSE_SERVER_LISTENERS_2_ADDRESS: `unix:${directory}/clear.sock`,
        SSE_SERVER_LISTENERS_2_TLS: 'false',
        SSE_SERVER_LISTENERS_3_ADDRESS: `unix:${directory}/tls.sock`,
        SSE_SERVER_LISTENERS_4_ADDRESS: '[::1]:0',
        SSE_SERVER_LISTENERS_5_ADDRESS: '127.0.0.1:0',
        SSE_SERVER_LISTENERS_5_HTTP1: 'false',
        SSE_SERVER_LISTENERS_6_ADDRESS: '127.0.0.1:0',
        SSE_SERVER_LISTENERS_6_TLS: 'false',
        SSE_SERVER_LISTENERS_6_HTTP1: 'false',
      },
    });
  });
  after(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function status(...args) {
    const { stdout, stderr } = await run('curl', ['-sS', '-k', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', ...args]);
    return stdout + stderr;
  }

  test('cleartext with prior knowledge, for curl and nghttp', async () => {
    const [, { port }] = server.listeners;
    const url = `http://127.0.0.1:${port}/health/live`;
    assert.equal(await status('--http2-prior-knowledge', url), '2 200');
    const { stdout } = await run('nghttp', ['-n', '-s', url]);
    assert.match(stdout, / 200 /);
    const client = await connect(server.listeners[1].origin);
    const stream = await client.connect({ userId: '7' });
    assert.equal(stream.status, 200);
    await client.close();
  });

  test('cleartext speaks HTTP/1.1, too, and takes no upgrade to HTTP/2', async () => {
    const [, { port }] = server.listeners;
    const url = `http://127.0.0.1:${port}/health/live`;
    assert.equal(await status('--http1.1', url), '1.1 200');
    assert.equal(await status('--http1.0', url), '1.1 200');
    assert.equal(await status('--http2', url), '1.1 200');
  });

  test('where http1 is false, HTTP/2 alone is spoken', async () => {
    const [tls, clear] = server.listeners.slice(-2);
    const request = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
    for (const alpn of [['-alpn', 'http/1.1'], []]) {
      const { output } = await run('openssl', ['s_client', '-quiet', ...alpn, '-connect', `127.0.0.1:${tls.port}`], { input: request });
      assert.match(output, /alert no application protocol|alert number 120/);
    }
    for (const { port } of [tls, clear]) {
      assert.doesNotMatch((await talk(port, request)).toString('latin1'), /HTTP\/1/);
    }
    assert.equal(await status(`https://127.0.0.1:${tls.port}/health/live`), '2 200');
    assert.equal(await status('--http2-prior-knowledge', `http://127.0.0.1:${clear.port}/health/live`), '2 200');
  });

  test('a unix socket, in the clear and with TLS', async () => {
    const clear = ['--unix-socket', `${directory}/clear.sock`];
    assert.equal(await status(...clear, '--http2-prior-knowledge', 'http://localhost/health/live'), '2 200');
    const tls = ['--unix-socket', `${directory}/tls.sock`];
    assert.equal(await status(...tls, 'https://localhost/health/live'), '2 200');
  });

  test('IPv6', async () => {
    const { port } = server.listeners[4];
    assert.equal(await status(`https://[::1]:${port}/health/live`), '2 200');
  });

  test('serve one and the same registry', async () => {
    const tls = await connect(server.origin);
    const clear = await connect(server.listeners[1].origin);
    const streams = [await tls.connect({ userId: '5' }), await clear.connect({ userId: '5' })];
    const { data } = await clear.postJson('/sse/demo/send', { event: 'both', data: 1, userId: '5' },
      { authorization: 'Bearer integration-test-key' });
    assert.equal(data.count, 2);
    await Promise.all(streams.map((stream) => stream.next('both')));
    await tls.close();
    await clear.close();
  });
});
