// SPDX-License-Identifier: Apache-2.0
// Whoever is refused is one line of the log, with address and reason, whatever the layer; a flood
// of one kind is cut, and hides no other; no line holds a secret.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { PING, SETTINGS, frame } from './support/raw_h2.mjs';
import { run } from './support/run.mjs';
import { KEY, startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually, within } from './support/wait.mjs';

const config = `
workers: 1
log: {level: debug}
listeners:
  - {address: "127.0.0.1:0"}
  - {address: "127.0.0.1:0", tls: false}
  - {address: "127.0.0.1:0", proxyProtocol: true, proxyFrom: [127.0.0.1]}
  - {address: "127.0.0.1:0", proxyProtocol: true, proxyFrom: [192.0.2.1]}
  - {address: "127.0.0.1:0", http1: false}
  - {address: "127.0.0.1:0", http1: false, tls: false}
apiKeys:
  - {name: office, key: ${KEY}}
  - {name: meter, key: another-integration-test-key, permissions: [metrics]}
tokenKeys: [{id: "1", algorithm: HS256, secret: ${SECRET}}]
services:
  - name: demo
    auth: jwt
    origins: ["https://app.test"]
    jsonBodyBytes: 4096
    limits: {sends: {burst: 1, perSecond: 1}}
`;

const CONNECT = '/sse/demo/connect';
const own = token({ sub: '7' });
const bearer = (text = own) => ({ authorization: `Bearer ${text}` });

let server;
let page;
let office;

before(async () => {
  server = await startServer({ config, variables: { SSE_SERVER_WORKERS: '1' } });
  page = await connect(server.origin);
  office = await backend(server);
});
after(async () => {
  await office.close();
  await page.close();
  await server.stop();
});

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const lines = (from = 0) => server.output.slice(from).split('\n').filter((line) => / (debug|info|warn) refused /.test(line));

// Resolves with the lines that ask() has led to, as soon as one of them is of that reason. No status: it came to
// no request, or was answered.
async function refusedFor(reason, ask) {
  const from = server.output.length;
  await ask();
  await eventually(`a line with ${reason}`, () => lines(from).some((line) => reason.test(line)));
  const said = lines(from);
  assert.equal(said.length, 1, said.join('\n'));
  assert.match(said[0], / address=127\.0\.0\.1 reason=/);
  return said[0];
}

async function raw({ port }, bytes) {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.resume().on('error', () => {});
  await within('a connection', once(socket, 'connect'));
  socket.write(bytes);
  await within('the end of the connection', new Promise((resolve) => socket.on('close', resolve)));
}

async function handshake({ port = server.port, ...options }) {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await within('a failure', once(socket, 'error'));
  socket.destroy();
}

describe('before there is a request', () => {
  test('a client without ALPN', () => refusedFor(/offers no ALPN/, () => handshake({ port: server.listeners[4].port })));
  test('a client of HTTP/1.1', () => refusedFor(/listeners\[\]\.http1/, () => handshake({ port: server.listeners[4].port, ALPNProtocols: ['http/1.1'] })));
  test('a client of another protocol', () => refusedFor(/by ALPN no protocol/, () => handshake({ ALPNProtocols: ['spdy/3'] })));
  test('an old TLS', () => refusedFor(/tlsProfile/, () => (
    handshake({ ALPNProtocols: ['h2'], minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }))));
  test('a client that trusts nobody', () => refusedFor(/it ended the handshake: .*(unknown ca|certificate)/, () => (
    run('curl', ['--silent', server.origin]))));
  test('plain HTTP on TLS', () => refusedFor(/HTTP without TLS/, () => raw(server.listeners[0], 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')));
  test('noise on TLS', () => refusedFor(/is not TLS/, () => raw(server.listeners[0], Buffer.alloc(64, 0x55))));
  test('TLS in cleartext', () => refusedFor(/TLS on a listener without TLS/, () => raw(server.listeners[1], Buffer.from('1603010200010001fc0303', 'hex'))));
  test('no HTTP in cleartext', () => refusedFor(/begins with its method.*status=400/, () => raw(server.listeners[1], '{"a": 1}\r\n\r\n')));
  test('HTTP/1.1 in cleartext', () => refusedFor(/preface of HTTP\/2/, () => raw(server.listeners[5], 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')));
  test('no PROXY header', () => refusedFor(/does not begin with a PROXY header/, () => raw(server.listeners[2], 'GET / HTTP/1.1\r\n\r\n')));
  test('a stranger where a proxy should be', () => refusedFor(/proxyFrom/, () => raw(server.listeners[3], '')));
  test('a flood of PINGs', () => refusedFor(/too many PING/, () => {
    const pings = Array.from({ length: 50 }, () => frame(PING, 0, 0, Buffer.alloc(8)));
    return raw(server.listeners[1], Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), ...pings]));
  }));
});

describe('a request', () => {
  const message = `${CONNECT}/message/x.do`;
  const cases = [
    ['without credentials', 401, () => page.get(CONNECT)],
    ['with a bad token', 401, () => page.get(CONNECT, bearer('a.b.c'))],
    ['with an old token', 401, () => page.get(CONNECT, bearer(token({ sub: '7' }, { lifetime: -600 })))],
    ['without a key', 401, () => page.postJson('/sse/demo/send', {})],
    ['with a wrong key', 401, () => page.get('/metrics', bearer('wrong-wrong-wrong'))],
    ['with a key that may not', 403, () => page.get('/sse/demo/users', bearer('another-integration-test-key'))],
    ['for a channel that it may not have', 403, async () => {
      const stream = await page.connect({}, { headers: bearer() });
      return page.postJson(`${CONNECT}/subscribe.do`, { connectionId: stream.id, channel: 'room' }, bearer());
    }],
    ['from a foreign page, by cookie', 403, () => page.postJson(message, {}, { cookie: `access-token=${own}`, origin: 'https://evil.test' })],
    ['for nothing', 404, () => page.get('/nothing/here?access-token=hidden-hidden')],
    ['by another method', 405, () => page.request('DELETE', CONNECT)],
    ['that takes no events', 406, () => page.get(CONNECT, { ...bearer(), accept: 'text/html' })],
    ['that is too large', 413, () => page.postJson(message, { a: 'x'.repeat(5000) }, bearer())],
    ['of another type', 415, () => page.post(message, '<a/>', { ...bearer(), 'content-type': 'text/xml' })],
    ['that is no JSON', 400, () => page.postJson(message, '{"a": hidden-hidden', bearer())],
    ['that says too little', 422, () => office.client.postJson('/sse/demo/send', { event: 'a' }, bearer(KEY))],
    ['whose fields are too large', 431, () => page.get('/health/live', { 'x-large': 'y'.repeat(9000) })],
    ['for a connection that is not there', 404, () => page.postJson(`${message}?connectionId=${'f'.repeat(56)}`, {}, bearer())],
  ];
  for (const [what, status, ask] of cases) {
    test(`${what} gets ${status}`, async () => {
      let answer;
      const line = await refusedFor(new RegExp(`status=${status} `), async () => {
        answer = await ask();
      });
      assert.equal(answer.status, status, answer.text);
      assert.match(line, /method=(GET|POST|DELETE) path=/);
      assert.doesNotMatch(line, /hidden-hidden|wrong-wrong|ffffffffffff/);
      assert.ok(!line.includes(own));
    });
  }

  test('that is over a limit names it', async () => {
    const sends = () => office.client.postJson('/sse/demo/send', { all: true, data: 1 }, bearer(KEY));
    await server.stopClock();
    await sends();
    const line = await refusedFor(/services\[\]\.limits\.sends/, () => eventually('a refusal', async () => (await sends()).status >= 429));
    assert.match(line, /status=429/);
    await server.startClock();
  });

  test('some of whose names are left out is served, and told', async () => {
    let stream;
    const line = await refusedFor(/names were left out/, async () => {
      stream = await page.connect({ channel: 'room' }, { headers: bearer() });
    });
    assert.match(line, /room.*forbidden/);
    await stream.close();
  });

  test('of a page that may not read its answer, preflight or not', async () => {
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
    await refusedFor(/evil\.test.*services\[\]\.origins/, () => (
      page.request('OPTIONS', CONNECT, { headers: { ...foreign, 'access-control-request-method': 'POST' } })));
    await refusedFor(/evil\.test.*services\[\]\.origins/, () => page.postJson(message, {}, { ...foreign, ...bearer() }));
  });

  test('cannot write a line of its own', async () => {
    const line = await refusedFor(/status=404/, () => page.get('/a%22%20status=200%c2%9b'));
    assert.match(line, /path="\/a\\" status=200\\xc2\\x9b"$/);
  });
});

test('a flood of one kind is cut, and hides no other', async () => {
  await server.stopClock();
  const from = server.output.length;
  await Promise.all(Array.from({ length: 60 }, () => page.get('/sse/demo/users', bearer('wrong-wrong-wrong'))));
  await page.request('DELETE', CONNECT);
  await eventually('the other kind', () => lines(from).some((line) => /status=405/.test(line)));
  const cut = lines(from).filter((line) => /status=401/.test(line)).length;
  assert.ok(cut <= 10, `${cut} lines`);
  assert.ok(await office.metric('sse_server_log_lines_dropped_total') >= 50);
  await server.startClock();
});

test('who says nothing in time', async () => {
  const socket = net.connect({ port: server.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  await server.asTimePasses('the end of it', () => lines().some((line) => /handshakeTimeout/.test(line)));
  socket.destroy();
});
