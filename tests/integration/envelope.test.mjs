// SPDX-License-Identifier: Apache-2.0
// The envelope that a service's pages have of their own (envelopeOk, envelopeError): what is in it is a
// value each, whatever it holds; back ends, and whoever asks for it, get the usual one.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { KEY, runCommand, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';

const CONNECT = '/sse/demo/connect';
const HOSTILE = '"},$data \\ $code \u2028 ${data} \\u0022';
const OK = '{"status": 0, "result": $data, "again": [{"deep": [[{"er": $data}]]}, $code], "note": $message}';
const ERROR = '{"status": $code, "msg": $errorMessage, "say": $message, "more": [$data]}';

let target;
let server;
let office;
let page;

const settings = (service = {}) => ({
  listeners: [{ address: '127.0.0.1:0' }],
  apiKeys: [KEY],
  services: [{
    name: 'demo', envelopeOk: OK, envelopeError: ERROR, origins: ['https://app.example'], jsonBodyBytes: '4KiB', eventDataBytes: '1KiB',
    handlers: { messageUrl: target.url('/message'), uploadUrl: target.url('/upload') }, ...service,
  }, { name: 'plain' }],
});

const wrapped = (data, code = 200) => ({ status: 0, result: data, again: [{ deep: [[{ er: data }]] }, code], note: null });
const usual = (data) => ({ success: true, code: 200, data, message: null, errorMessage: null });
const say = (id, headers) => page.postJson(`${CONNECT}/message/say.do?userId=7&connectionId=${id}`, {}, headers);

before(async () => {
  target = await startTarget();
  server = await startServer({ config: settings() });
  office = await backend(server);
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await office.close();
  await server.stop();
  await target.close();
});

describe('good answers', () => {
  test('of every call of pages', async () => {
    const stream = await page.connect({ userId: '7' });
    const call = (path, body) => page.postJson(`${CONNECT}/${path}.do?userId=7`, { connectionId: stream.id, ...body });
    target.answer = () => ({ status: 200, json: { n: 1 } });
    assert.deepEqual((await call('addListener', { listener: ['a'] })).json, wrapped({ listener: ['a'] }));
    assert.deepEqual((await call('addListener', {})).json, wrapped({ listener: null }));
    assert.deepEqual((await call('ack', { ids: [] })).json, wrapped({ count: 0 }));
    assert.deepEqual((await call('message/say', {})).json, wrapped({ n: 1 }));
    const upload = await page.post(`${CONNECT}/upload/x.do?userId=7`, multipart([{ name: 'a', data: 'b' }]), { 'content-type': MULTIPART });
    assert.deepEqual(upload.json, wrapped({ n: 1 }));
    const gone = await page.postForm(`${CONNECT}/disconnect.do`, { connectionId: stream.id });
    assert.deepEqual(gone.json, wrapped({ count: 1 }));
  });

  test('hold whatever a handler says as one value', async () => {
    const stream = await page.connect({ userId: '7' });
    for (const data of [HOSTILE, '$data', { $data: HOSTILE, [HOSTILE]: ['$data', '$code'] }, null, [[[[[]]]]], 1.5]) {
      target.answer = () => ({ status: 201, json: data });
      const answer = await say(stream.id);
      assert.equal(answer.status, 201);
      assert.deepEqual(answer.json, wrapped(data, 201));
    }
    await stream.close();
  });
});

describe('errors', () => {
  test('say what they are about in texts of their own', async () => {
    const answer = await page.postJson(`${CONNECT}/addListener.do?userId=7`, '{"a": "$data\\"" x}');
    assert.equal(answer.status, 400);
    const { status, msg, say: sentence, more } = answer.json;
    assert.deepEqual([status, more, sentence], [400, [null], 'The request is malformed.']);
    assert.match(msg, /line 1/);
  });

  test('have what a handler says against it', async () => {
    const stream = await page.connect({ userId: '7' });
    target.answer = () => ({ status: 409, json: { why: HOSTILE } });
    const { status, json } = await say(stream.id);
    assert.deepEqual([status, json.status, json.more], [409, 409, [{ why: HOSTILE }]]);
    await stream.close();
  });

  test('come like that from wherever they are found', async () => {
    const cases = [
      [401, await page.get(`${CONNECT}`)],
      [404, await page.get(`${CONNECT}/nothing.do`)],
      [405, await page.request('PUT', CONNECT)],
      [413, await page.postJson(`${CONNECT}/addListener.do?userId=7`, JSON.stringify('x'.repeat(5000)))],
      [415, await page.post(`${CONNECT}/addListener.do?userId=7`, 'x', { 'content-type': 'text/plain' })],
    ];
    for (const [status, answer] of cases) {
      assert.deepEqual([answer.status, answer.json.status, typeof answer.json.msg], [status, status, 'string'], answer.text);
    }
  });
});

describe('the usual envelope', () => {
  test('is for whoever asks for it', async () => {
    const stream = await page.connect({ userId: '7' });
    target.answer = () => ({ status: 200, json: '$data' });
    assert.deepEqual((await say(stream.id, { 'x-sse-envelope': 'plain' })).json, usual('$data'));
    const refused = await page.get(CONNECT, { 'x-sse-envelope': 'plain' });
    assert.deepEqual([refused.status, refused.json.success, refused.json.code], [401, false, 401]);
    await stream.close();
  });

  test('may be asked for by pages of other origins', async () => {
    const answer = await page.request('OPTIONS', `${CONNECT}/refresh.do`, { headers: {
      origin: 'https://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-sse-envelope' } });
    assert.match(answer.headers['access-control-allow-headers'], /\bx-sse-envelope\b/);
  });

  test('is for back ends, other services and the server itself', async () => {
    assert.equal((await office.query('online?userId=9')).online, false);
    const refused = await office.post('send', {});
    assert.equal(refused.json.success, false);
    assert.equal((await page.get('/sse/demo/users')).json.code, 401);
    assert.equal((await page.get('/sse/plain/connect')).json.code, 401);
    assert.equal((await page.get('/nowhere')).json.code, 404);
  });
});

test('a reload changes it for what is answered from then on', async () => {
  const stream = await page.connect({ userId: '7' });
  target.answer = () => ({ status: 200, json: 1 });
  assert.match(await server.mustReload(settings({ envelopeOk: '[$data]' })), /services\[0\]\.envelopeOk/);
  assert.equal((await say(stream.id)).text, '[1]');
  const { code, stderr } = await server.reload(settings({ envelopeOk: '[$data' }));
  assert.notEqual(code, 0);
  assert.match(stderr, /services\[0\]\.envelopeOk: line 1, column \d+ of it: /);
  assert.equal((await say(stream.id)).text, '[1]');
  await server.mustReload(settings({ envelopeOk: '', envelopeError: '' }));
  assert.deepEqual((await say(stream.id)).json, usual(1));
  await server.mustReload(settings());
  assert.deepEqual((await say(stream.id)).json, wrapped(1));
  await stream.close();
});

describe('check-config refuses', () => {
  let directory;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sse-envelope-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const cases = [
    ['a placeholder in quotation marks', { envelopeOk: '{"result": "$data"}' }, /:5: services\[0\]\.envelopeOk: line 1, column 13 of it: .*quotation marks/],
    ['a placeholder as a key', { envelopeError: '{$code: 1}' }, /:5: services\[0\]\.envelopeError: line 1, column 2 of it: .*not for a member's name/],
    ['a placeholder that there is not', { envelopeOk: '[$result]' }, /"\$result" is no placeholder; there are \$data, \$code, \$message and \$errorMessage/],
    ['what is no JSON', { envelopeOk: '{"result": $data,}' }, /envelopeOk: line 1, column \d+ of it: .*write JSON/],
    ['one without data', { envelopeOk: '{"ok": true}' }, /envelopeOk: it has no \$data/],
    ['one that is switched off', { envelopeOk: '[$data]', envelope: false }, /services\[0\]\.envelope: false has no use/],
  ];
  for (const [what, service, told] of cases) {
    test(what, async () => {
      const file = join(directory, 'sse-server.yaml');
      await writeFile(file, `listeners:\n- {address: "127.0.0.1:0"}\napiKeys: [a-key-of-the-office]\nservices:\n- ${JSON.stringify({ name: 'demo', ...service })}\n`);
      const { code, stderr } = await runCommand(['check-config', file], { SSE_SERVER_STATE_DIRECTORY: directory });
      assert.equal(code, 2);
      assert.match(stderr, told);
    });
  }
});
