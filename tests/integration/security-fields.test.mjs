// SPDX-License-Identifier: Apache-2.0
// Fields that keep a browser from what a page should not do: x-content-type-options on every
// answer, strict-transport-security where a listener has TLS and its setting.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { KEY, runCommand, startServer } from './support/server.mjs';

const HSTS = 'max-age=63072000; includeSubDomains';
const bearer = { authorization: `Bearer ${KEY}` };
const json = { 'content-type': 'application/json' };

// Of each kind of answer one: who makes it, and what status it has.
const ANSWERS = [
  ['the demo page', 'GET', '/', 200],
  ['its script', 'GET', '/sse/demo/sse.js', 200],
  ['the description', 'GET', '/openapi.yaml', 200],
  ['health', 'GET', '/health/ready', 200],
  ['metrics', 'GET', '/metrics', 200, { headers: bearer }],
  ['a query', 'GET', '/sse/demo/users', 200, { headers: bearer }],
  ['a message', 'POST', '/sse/demo/connect/message/hello.do?userId=7', 200, { headers: json, body: '{}' }],
  ['a send', 'POST', '/sse/demo/send', 200, { headers: { ...bearer, ...json }, body: '{"event":"a","all":true}' }],
  ['a preflight', 'OPTIONS', '/sse/demo/connect', 204, { headers: { origin: 'https://x.example', 'access-control-request-method': 'GET' } }],
  ['HEAD', 'HEAD', '/sse/demo/sse.js', 200],
  ['no such path', 'GET', '/nothing', 404],
  ['no such route', 'GET', '/sse/demo/nothing', 404],
  ['no credential', 'GET', '/sse/demo/users', 401],
  ['a method that it has not', 'DELETE', '/sse/demo/connect', 405],
  ['a path that is none', 'GET', '/%00', 400],
  ['a body of a wrong type', 'POST', '/sse/demo/send', 415, { headers: { ...bearer, 'content-type': 'text/plain' }, body: 'x' }],
  ['a body that is too long', 'POST', '/sse/demo/send', 413, { headers: { ...bearer, ...json }, body: ' '.repeat(1 << 21) }],
  ['too many fields', 'GET', '/', 431, { headers: Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`x-${i}`, '1'])) }],
];

describe('what every answer says', () => {
  let server;
  let secure;
  let clear;

  before(async () => {
    server = await startServer({
      config: `
demo: true
apiKeys: ["${KEY}"]
listeners:
  - {address: "127.0.0.1:0", strictTransportSecurity: "${HSTS}"}
  - {address: "127.0.0.1:0", tls: false}
services:
  - {name: demo}
`,
    });
    secure = await connect(server.listeners[0].origin);
    clear = await connect(server.listeners[1].origin);
  });
  after(async () => {
    await secure?.close();
    await clear?.close();
    await server?.stop();
  });

  for (const [what, method, path, status, options] of ANSWERS) {
    test(what, async () => {
      for (const client of [secure, clear]) {
        const answer = await client.request(method, path, options);
        assert.equal(answer.status, status, answer.text);
        assert.equal(answer.headers['x-content-type-options'], 'nosniff');
        assert.equal(answer.headers['strict-transport-security'], client === secure ? HSTS : undefined);
      }
    });
  }

  test('not modified', async () => {
    const { headers } = await secure.get('/sse/demo/sse.js');
    const answer = await secure.get('/sse/demo/sse.js', { 'if-none-match': headers.etag });
    assert.equal(answer.status, 304);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['strict-transport-security'], HSTS);
  });

  test('event streams, of pages of other origins as well, and of watchers', async () => {
    const own = await secure.connect({ userId: '7' });
    assert.equal(own.headers['x-content-type-options'], 'nosniff');
    assert.equal(own.headers['strict-transport-security'], HSTS);
    const stream = clear.open('GET', '/sse/demo/presence', bearer, { endStream: true });
    const headers = await new Promise((resolve) => { stream.on('response', resolve); });
    assert.equal(headers[':status'], 200);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['strict-transport-security'], undefined);
    stream.close();
  });
});

describe('strictTransportSecurity', () => {
  let directory;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sse-fields-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function check(listener) {
    const file = join(directory, 'sse-server.yaml');
    await writeFile(file, `listeners: [{${listener}}]\nservices: [{name: demo}]\n`);
    return runCommand(['check-config', file], { SSE_SERVER_STATE_DIRECTORY: directory });
  }

  test('is recommended where a listener has a certificate of its own and lacks it', async () => {
    const pair = await runCommand(['make-cert', '--out', directory], { SSE_SERVER_STATE_DIRECTORY: directory });
    const [certificate, key] = [...pair.output.matchAll(/\S+\.pem/g)].map(([file]) => file);
    const own = `address: "127.0.0.1:8443", certificate: "${certificate}", key: "${key}"`;
    const lacking = await check(own);
    assert.equal(lacking.code, 0, lacking.output);
    assert.match(lacking.stdout, /hint: listeners\[0\].*strictTransportSecurity/);
    const having = await check(`${own}, strictTransportSecurity: "max-age=300"`);
    assert.equal(having.code, 0, having.output);
    assert.doesNotMatch(having.stdout, /hint/);
    // Browsers that have once been told would refuse this machine's other certificates.
    assert.doesNotMatch((await check('address: "127.0.0.1:8443"')).stdout, /hint/);
  });

  test('is refused without TLS, and where it is none', async () => {
    for (const value of ['yes', 'max-age=', 'max-age=1; inclSubDomains', 'max-age=1 includeSubDomains', 'preload', 'max-age=9;;']) {
      const { code, output } = await check(`address: "127.0.0.1:8443", strictTransportSecurity: "${value}"`);
      assert.equal(code, 2, value);
      assert.match(output, /listeners\[0\]\.strictTransportSecurity: .*max-age=/);
    }
    const { code, output } = await check('address: "127.0.0.1:8443", tls: false, strictTransportSecurity: "max-age=1"');
    assert.equal(code, 2);
    assert.match(output, /strictTransportSecurity: has no use without TLS/);
  });
});
