// SPDX-License-Identifier: Apache-2.0
// A Spring Boot application as the back end that users of the Java system have: its user, message and
// upload hooks as webhooks, its own envelope, and its programs that read lists. Every answer is
// compared, field by field and in order, with what the Java system answers (answers.mjs); and that with its
// recordings, where they lie beside the checkout.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { connect } from '../integration/support/client.mjs';
import { EventReader } from '../integration/support/events.mjs';
import { MULTIPART, multipart } from '../integration/support/multipart.mjs';
import { KEY, startServer } from '../integration/support/server.mjs';
import { within } from '../integration/support/wait.mjs';
import { ANSWERS, PAGE, SENT } from './answers.mjs';

const BUILT = new URL('../../build/java', import.meta.url).pathname;
const RECORDINGS = process.env.SSE_SERVER_JAVA_RECORDINGS ?? new URL('../../../shared/vectors/java', import.meta.url).pathname;
const BASE = '/sse/hr';

let spring;
let server;
let office;
let page;
let stream;

// Most of its time would go into compiling itself better.
function startSpring() {
  const child = spawn('java', ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', `${BUILT}:${BUILT}/*`, 'backend.BackEnd',
    '--server.port=0', '--server.address=127.0.0.1', '--spring.main.banner-mode=off'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  return within('the application', new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      const [, port] = output.match(/listening port=(\d+)/) ?? [];
      if (port) {
        resolve({ child, url: `http://127.0.0.1:${port}` });
      }
    });
    child.on('exit', () => reject(new Error(`it ended:\n${output}`)));
  }));
}

function service(name, more = {}) {
  return {
    name, compat: 'java', auth: 'webhook', webhookSecret: 'shared-secret', showSecrets: true, channels: { open: true }, lifetime: '15m',
    authWebhook: { url: `${spring.url}/auth`, headers: [], cookies: ['access-token'], parameters: ['access-token'] },
    handlers: { messageUrl: `${spring.url}/message`, uploadUrl: `${spring.url}/upload` },
    qos: { store: 'memory' }, ...more,
  };
}

before(async () => {
  spring = await startSpring();
  server = await startServer({ config: {
    listeners: [{ address: '127.0.0.1:0', tls: false }],
    apiKeys: [{ name: 'office', key: KEY }],
    services: [service('hr'), service('raw', { pageLists: false }),
      service('own', { envelopeOk: '{"status": 0, "result": $data}', envelopeError: '{"status": $code, "why": $errorMessage, "result": $data}' })],
  } });
  office = await backend(server, { base: BASE });
  page = await connect(server.origin, { version: '1.1' });
  stream = await page.connect(PAGE, { base: BASE, headers: { 'user-agent': 'Example/1.0' } });
});
after(async () => {
  await page?.close();
  await office?.close();
  await server?.stop();
  spring?.child.removeAllListeners('exit').kill('SIGKILL');
});

const kind = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

// The same fields in the same order, of the same kinds, with the same values, but for those that are named, by name
// or by path (differs: {field: kind, or what it is}).
function assertSame(ours, theirs, differs, at = '') {
  const differ = differs[at] ?? differs[at.split('/').at(-1)];
  if (differ) {
    assert.ok(differ === true || kind(ours) === differ || (differ instanceof RegExp && differ.test(ours)), `${at}: ${JSON.stringify(ours)}`);
    return;
  }
  assert.equal(kind(ours), kind(theirs), `${at}: ${JSON.stringify(ours)} is not ${JSON.stringify(theirs)}`);
  if (typeof ours !== 'object' || ours === null) {
    assert.equal(ours, theirs, at);
    return;
  }
  assert.deepEqual(Object.keys(ours), Object.keys(theirs), at);
  for (const [name, value] of Object.entries(theirs)) {
    assertSame(ours[name], value, differs, at ? `${at}/${name}` : name);
  }
}

// The id of the stream is a part of what is asked, and of what is told.
const fill = (text, id) => JSON.parse(JSON.stringify(text).replaceAll('{id}', id));

function ask({ method = 'GET', path, headers = {}, json, form }) {
  if (json !== undefined) {
    return page.request(method, `${path}`, { headers: { 'content-type': 'application/json', ...headers }, body: json });
  }
  return form ? page.postForm(path, form, headers) : page.request(method, path, { headers });
}

describe('answers as the Java system has them', () => {
  before(async () => {
    for (const message of SENT) {
      await office.send(message);
    }
  });

  for (const [name, { ask: asked, status = 200, answer, differs = {} }] of Object.entries(ANSWERS)) {
    test(name, async () => {
      const request = fill(asked, stream.id);
      const given = await ask({ ...request, path: `/sse/${request.service ?? 'hr'}${request.path}` });
      assert.equal(given.status, status, given.text);
      assertSame(given.json, fill(answer, stream.handle), differs);
      assert.match(given.headers['content-type'], /^application\/json/);
      assert.equal(given.headers['x-sse-server-id'], stream.headers['x-sse-server-id']);
      assert.match(given.headers['x-sse-version'], /^\d/);
    });
  }

  // What is written in answers.mjs by hand says what was recorded.
  for (const [name, { answer, status = 200, differs = {}, recorded = {} }] of Object.entries(ANSWERS)) {
    test(`${name}, recorded`, { skip: !existsSync(RECORDINGS) || recorded === null }, async () => {
      const text = (await readFile(join(RECORDINGS, `${name}.txt`), 'utf8')).replaceAll('\r', '');
      assert.equal(Number(text.match(/^HTTP\/1\.1 (\d+)/m)[1]), recorded.status ?? status);
      const any = Object.fromEntries([...Object.keys(differs), ...(recorded.differs ?? [])].map((field) => [field, true]));
      assertSame(fill(answer, '1302528'), JSON.parse(text.split('\n\n')[1]), any);
    });
  }
});

describe('event streams', () => {
  test('begin as those of the Java system, on which its pages go by', async () => {
    const { connectionId, serverTime, ...rest } = stream.finish;
    const known = ['connectionId', 'serverTime', 'reconnectTime', 'name', 'enableCluster', 'version'];
    assert.deepEqual(Object.keys(stream.finish).filter((field) => known.includes(field)), known);
    assert.deepEqual([typeof connectionId, typeof serverTime, rest.reconnectTime, rest.enableCluster], ['string', 'number', 5000, false]);
    assert.match(stream.headers['content-type'], /^text\/event-stream/);
  });

  test('bring what is sent, and end with connect-close when the page says so', async () => {
    const mine = await page.connect({ ...PAGE, clientId: 'c2' }, { base: BASE });
    await office.send({ event: 'bell', data: { count: 3 }, connectionId: mine.id });
    await office.send({ event: 'news', data: 'plain text', all: true, listening: true });
    await office.command('setDuration', { connectionId: mine.id, duration: 60 });
    assert.deepEqual(await mine.next('bell'), { count: 3 });
    assert.equal((await mine.count('news', 1))[0].data, 'plain text');
    assert.deepEqual(await mine.next('sse-set-duration'), { duration: '60' });
    await page.postForm(`${BASE}/connect/disconnect.do`, { connectionId: mine.id, reason: 'visibilitychange' });
    assert.deepEqual(Object.entries(await mine.next('connect-close'))[0], ['connectionId', mine.id]);
    await mine.end();
  });

  test('are opened by POST, too', async () => {
    const mine = page.open('POST', `${BASE}/connect?access-token=t7&clientId=c7`, { 'content-type': 'application/json' });
    mine.end('{"userId":"7","dept":"x"}');
    const reader = new EventReader(mine);
    const { connectionId } = await reader.next('connect-finish');
    const { list: [shown] } = await office.query(`connect/connections.json?id=${connectionId}`);
    assert.deepEqual(shown.httpParameters, { 'access-token': 't7', clientId: 'c7', userId: '7', dept: 'x' });
    await reader.close();
  });

  test('bring what was stored, marked, when the user does', async () => {
    const mine = await page.connect({ ...PAGE, 'access-token': 't31' }, { base: BASE });
    assert.deepEqual(await mine.next('bell'), { n: 1 });
    assert.equal(mine.resent.length, 1);
    await mine.close();
  });

  test('of one client are three: the first of four is told to stay away', async () => {
    const open = () => page.connect({ ...PAGE, clientId: 'c4' }, { base: BASE });
    const four = [await open(), await open(), await open(), await open()];
    assert.deepEqual(Object.values(await four[0].next('connect-close'))[0], four[0].id);
    await four[0].end();
    const kicked = await office.command('disconnectUser', { connectionId: four.map(({ handle }) => handle) });
    assert.equal(kicked.count, 3);
    for (const one of four.slice(1)) {
      await one.next('connect-close');
      await one.end();
    }
  });
});

describe('the application\'s own', () => {
  let stream;
  before(async () => {
    stream = await page.connect(PAGE, { base: BASE });
  });
  const query = () => new URLSearchParams({ userId: '7', name: 'Ann', 'access-token': 't7', connectionId: stream.id });

  test('files', async () => {
    const upload = await page.post(`${BASE}/connect/upload/photo.do?${query()}&album=1`,
      multipart([{ name: 'file', fileName: 'a.txt', type: 'text/plain', data: 'hello' }]), { 'content-type': MULTIPART });
    assert.equal(upload.text, JSON.stringify({ success: true, code: 200,
      data: { path: 'photo', connection: stream.handle, message: { userId: '7', name: 'Ann', album: '1' }, files: { file: 5 } },
      message: null, errorMessage: null }));
  });

  test('text', async () => {
    const answer = await page.postJson(`${BASE}/connect/message/text.do?${query()}`, {});
    assert.equal(answer.json.data, 'a "text"');
  });

  test('envelope', async () => {
    const mine = await page.connect(PAGE, { base: '/sse/own' });
    const call = (path) => page.postJson(`/sse/own/connect/${path}`, { connectionId: mine.id, listener: ['a'] }, { cookie: 'userId=7; access-token=t7', 'sec-fetch-site': 'same-origin' });
    assert.equal((await call('addListener.do')).text, '{"status": 0, "result": {"listener":["bell","news","a"]}}');
    const users = await page.get('/sse/own/connect/users.json', { authorization: `Bearer ${KEY}` });
    assert.equal(users.text, '{"status": 0, "result": {"total":1,"pageNum":1,"pageSize":100,"list":[{"accessToken":"t7","id":7,"name":"Ann","tenantId":3}],"timeout":false}}');
    const refused = await page.get('/sse/own/connect');
    assert.deepEqual([refused.status, refused.json.status, refused.json.result], [401, 401, null]);
    const failed = await page.postJson(`/sse/own/connect/message/boom.do?access-token=t7&connectionId=${mine.id}`, {});
    assert.equal(failed.status, 500);
    assert.doesNotMatch(failed.text, /only the application/);
    await mine.close();
  });

  // Its classes know these fields alone; what they write again is what they have read, to the byte.
  for (const name of ['users', 'connections', 'repositoryMessages']) {
    test(`programs that read ${name}.json`, async () => {
      const ours = await page.get(`${BASE}/connect/${name}.json`, { authorization: `Bearer ${KEY}` });
      const answer = await fetch(`${spring.url}/lists/${name}?${new URLSearchParams({ base: server.origin + BASE, key: KEY })}`);
      assert.equal(await answer.text(), ours.text);
      assert.ok(ours.json.data.total >= 1);
    });
  }
});
