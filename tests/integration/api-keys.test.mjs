// SPDX-License-Identifier: Apache-2.0
// API keys: each has a name, may do some things, for some services; and is counted.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { run } from './support/run.mjs';
import { serverBinary, startServer } from './support/server.mjs';

const HASHED = 'only its hash is configured'.replaceAll(' ', '-');
const CONFIG = `
listeners:
  - address: 127.0.0.1:0
services:
  - name: hr
  - name: chat
apiKeys:
  - everything
  - name: hr-sender
    hash: sha256:${createHash('sha256').update(HASHED).digest('hex')}
    permissions: [send]
    services: [hr]
  - name: watcher
    key: look-only
    permissions: [query, metrics]
  - {name: hr-operator, key: metrics-of-hr, permissions: [metrics], services: [hr]}
  - {name: operator, key: metrics-of-each, permissions: [metrics], services: [hr, chat]}
`;
const MESSAGE = { event: 'hello', data: 1, all: true };

let server;
let all;
let sender;
let watcher;

before(async () => {
  server = await startServer({ config: CONFIG });
  all = await backend(server, { base: '/sse/hr', key: 'everything' });
  sender = await backend(server, { base: '/sse/hr', key: HASHED });
  watcher = await backend(server, { base: '/sse/chat', key: 'look-only' });
});
after(async () => {
  await Promise.all([all, sender, watcher].map((office) => office.close()));
  await server.stop();
});

function assertForbidden(answer, message) {
  assert.equal(answer.status, 403, answer.text);
  assert.match(answer.json.errorMessage, message);
  assert.equal(answer.headers['www-authenticate'], 'Bearer error="insufficient_scope"');
}

// The services that a key is shown the figures of, and the names of all other figures.
async function metricsOf(key) {
  const office = await backend(server, { base: '/sse/hr', key });
  const { status, text } = await office.get('/metrics');
  await office.close();
  assert.equal(status, 200);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
  const services = new Set(lines.map((line) => line.match(/[{,]service="([^"]*)"/)?.[1]));
  const others = lines.filter((line) => !/[{,]service="/.test(line)).map((line) => line.match(/^[a-z0-9_]+/)[0]);
  return { text, services: [...services].filter(Boolean).sort(), others: new Set(others) };
}

test('/metrics shows a key with services these, and nothing of the whole process', async () => {
  const whole = await metricsOf('everything');
  assert.deepEqual(whole.services, ['chat', 'hr']);
  assert.ok(whole.others.has('sse_server_info') && whole.others.has('sse_server_sessions'));
  for (const [key, services] of [['metrics-of-hr', ['hr']], ['metrics-of-each', ['chat', 'hr']]]) {
    const shown = await metricsOf(key);
    assert.deepEqual(shown.services, services);
    assert.deepEqual([...shown.others], []);
    assert.doesNotMatch(shown.text, /everything|key="|sse_server_(info|sessions|outbound|api_key|log_lines|streams)/);
  }
  assert.doesNotMatch((await metricsOf('metrics-of-hr')).text, /chat/);
});

test('a key does what it is for, and nothing else', async () => {
  await sender.send(MESSAGE);
  await watcher.query('users');
  assertForbidden(await sender.get('users'), /"hr-sender" lacks the permission query/);
  assertForbidden(await sender.post('disconnectUser', { userId: '1' }), /lacks the permission disconnect/);
  assertForbidden(await sender.get('/metrics'), /lacks the permission metrics/);
  assertForbidden(await watcher.post('send', MESSAGE), /"watcher" lacks the permission send/);
  assertForbidden(await watcher.post('setDuration', { userId: '1', duration: 1 }), /lacks the permission send/);
});

test('a key is for its services only', async () => {
  const elsewhere = await sender.client.postJson('/sse/chat/send', MESSAGE, sender.authorized);
  assertForbidden(elsewhere, /"hr-sender" is not for the service "chat"/);
});

test('who shows no key, or a wrong one, is told how to show one', async () => {
  for (const [authorization, challenge] of [
    [undefined, 'Bearer'],
    ['Bearer', 'Bearer'],
    ['Basic eDp5', 'Bearer'],
    ['Bearer two words', 'Bearer'],
    ['Bearer everything2', 'Bearer error="invalid_token"'],
    [`Bearer sha256:${createHash('sha256').update(HASHED).digest('hex')}`, 'Bearer error="invalid_token"'],
  ]) {
    for (const path of ['/sse/hr/users', '/metrics']) {
      const answer = await all.client.get(path, authorization && { authorization });
      assert.equal(answer.status, 401, `${path} ${authorization}`);
      assert.equal(answer.headers['www-authenticate'], challenge);
    }
  }
});

describe('the metrics', () => {
  const requests = (key) => all.metric('sse_server_api_key_requests_total', new RegExp(`key="${key}"`));
  const refusals = (reason) => all.metric('sse_server_back_end_refusals_total', new RegExp(`reason="${reason}"`));

  test('count what each key was used for, by its name', async () => {
    const before = await requests('hr-sender');
    await sender.send(MESSAGE);
    await sender.get('users');
    assert.equal(await requests('hr-sender'), before + 1);
    assert.ok(await requests('key-1') > 0);
  });

  test('count refusals by their reason', async () => {
    for (const [reason, refused] of [
      ['no-credential', () => all.client.get('/metrics')],
      ['malformed', () => all.client.get('/metrics', { authorization: 'Bearer' })],
      ['unknown', () => all.client.get('/metrics', { authorization: 'Bearer nobody' })],
      ['permission', () => sender.get('/metrics')],
      ['service', () => sender.client.postJson('/sse/chat/send', MESSAGE, sender.authorized)],
    ]) {
      const before = await refusals(reason);
      await refused();
      assert.equal(await refusals(reason), before + 1, reason);
    }
  });
});

test('no key is ever written to the log', () => {
  for (const secret of ['everything', HASHED, 'look-only', 'nobody']) {
    assert.ok(!server.output.includes(secret), secret);
  }
});

test('make-key makes a key whose hash opens', async () => {
  const { stdout } = await run(serverBinary(), ['make-key']);
  const [, key, hash] = stdout.match(/^key +(\S+)\nhash (\S+)\n$/);
  const other = await startServer({ config: CONFIG.replace('  - everything', `  - ${hash}`) });
  const office = await backend(other, { base: '/sse/hr', key });
  await office.query('users');
  await office.close();
  await other.stop();
});
