// SPDX-License-Identifier: Apache-2.0
// Listeners for pages, for back ends and for both: what one does not serve is, there, unknown.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const CONFIG = `
demo: true
apiKeys: [the-key]
services:
  - name: demo
listeners:
  - address: 127.0.0.1:0
  - address: localhost:0
    role: public
  - address: 127.0.0.1:0
    role: admin
    tls: false
`;
const KEY = { authorization: 'Bearer the-key' };

let server;
let both;
let pages;
let backEnds;

before(async () => {
  server = await startServer({ config: CONFIG });
  [both, pages, backEnds] = await Promise.all(server.listeners.map(({ origin }) => connect(origin)));
});
after(async () => {
  await Promise.all([both, pages, backEnds].map((client) => client.close()));
  await server.stop();
});

const PAGES = ['/', '/demo/demo.js', '/sse/demo', '/sse/demo/sse.js', '/sse/demo/connect', '/sse/demo/connect/ack.do',
  '/sse/demo/connect/message/hello.do'];
const BACK_ENDS = ['/metrics', '/settings', '/access', '/certificates', '/console', '/console/console.js',
  '/sse/demo/users', '/sse/demo/connect/users.json', '/sse/demo/send', '/sse/demo/disconnectUser'];

async function assertUnknown(client, path) {
  const unknown = await client.get(path.startsWith('/sse/demo') ? '/sse/demo/unknown' : '/unknown', KEY);
  assert.equal(unknown.status, 404);
  for (const method of ['GET', 'POST', 'PUT', 'OPTIONS']) {
    const answer = await client.request(method, path, { headers: KEY });
    assert.equal(answer.status, 404, `${method} ${path}`);
    assert.equal(answer.text, unknown.text);
    assert.equal(answer.headers.allow, undefined);
  }
}

async function assertKnown(client, path) {
  const answer = await client.request('OPTIONS', path);
  assert.equal(answer.status, 204, path);
}

describe('a public listener', () => {
  for (const path of PAGES) {
    test(`serves ${path}`, () => assertKnown(pages, path));
  }
  for (const path of BACK_ENDS) {
    test(`does not know ${path}`, () => assertUnknown(pages, path));
  }
  test('serves a page', async () => {
    const stream = await pages.connect({ userId: '7' });
    assert.equal(stream.status, 200);
    const sent = await backEnds.postJson('/sse/demo/send', { event: 'hello', data: 1, userId: '7' }, KEY);
    assert.equal(sent.data.count, 1);
    assert.equal(await stream.next('hello'), 1);
    await stream.close();
  });
});

describe('an admin listener', () => {
  for (const path of BACK_ENDS) {
    test(`serves ${path}`, () => assertKnown(backEnds, path));
  }
  for (const path of PAGES) {
    test(`does not know ${path}`, () => assertUnknown(backEnds, path));
  }
  test('serves the metrics, to those with the key', async () => {
    assert.equal((await backEnds.get('/metrics')).status, 401);
    assert.equal((await backEnds.get('/metrics', KEY)).status, 200);
  });
});

test('a listener without a role serves both sides', async () => {
  for (const path of [...PAGES, ...BACK_ENDS]) {
    await assertKnown(both, path);
  }
});

test('the server tells its health everywhere', async () => {
  for (const client of [both, pages, backEnds]) {
    assert.equal((await client.get('/health/live')).status, 200);
    assert.equal((await client.get('/health/ready')).status, 200);
  }
});
