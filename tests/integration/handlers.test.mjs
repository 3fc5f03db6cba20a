// SPDX-License-Identifier: Apache-2.0
// What pages send goes to the back end that handles it, and the page gets its answer; whatever the
// back end does, in time, and without anybody else waiting.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';

const CONNECT = '/sse/demo/connect';
const SECRET = 'shared-secret';

let target;
let server;
let office;
let page;

async function start(variables = {}) {
  server = await startServer({
    variables: {
      SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message'),
      SSE_SERVER_SERVICES_0_HANDLERS_UPLOAD_URL: target.url('/upload'),
      SSE_SERVER_SERVICES_0_WEBHOOK_SECRET: SECRET,
      ...variables,
    },
  });
  office = await backend(server);
  page = await connect(server.origin);
}

async function stop() {
  await page.close();
  await office.close();
  await server.stop();
}

function signatureIsRight({ headers, body }, signed = body) {
  const [, time, digest] = headers['sse-signature'].match(/^t=(\d+),v1=([0-9a-f]{64})$/);
  assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 300);
  return createHmac('sha256', SECRET).update(`${time}.`).update(signed).digest('hex') === digest;
}

function send(path, query, body, headers) {
  const search = new URLSearchParams(query);
  return page.postJson(`${CONNECT}/message/${path}.do?${search}`, body, headers);
}

function upload(parts, query, headers = {}) {
  const search = new URLSearchParams(query);
  return page.post(`${CONNECT}/upload/files.do?${search}`, multipart(parts), { 'content-type': MULTIPART, ...headers });
}

// While it runs the handler has a second.
async function inHaste(run) {
  await stop();
  await start({ SSE_SERVER_SERVICES_0_HANDLERS_TIMEOUT: '1s' });
  target.answer = () => undefined;
  await run();
  await stop();
  await start();
}

const PLAIN = { 'content-type': 'text/plain;charset=UTF-8' };
const FILE = { name: 'file', fileName: 'a.txt', type: 'text/plain', data: 'hello' };

before(async () => {
  target = await startTarget();
  await start();
});
after(async () => {
  await stop();
  await target.close();
});
afterEach(() => {
  target.requests.length = 0;
  target.answer = () => ({ status: 200, json: null });
});

describe('a message', () => {
  test('reaches the handler with path, connection, user, and query overlaid with the body', async () => {
    target.answer = () => ({ status: 200, json: { ok: [1, 'two'] } });
    const stream = await page.connect({ userId: '7', name: 'Ann', tenantId: 't' });
    const answer = await send('orders/new', { connectionId: stream.id, a: 'query', b: 'query' }, { b: 'body', n: 1 });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, {
      success: true, code: 200, data: { ok: [1, 'two'] }, message: null, errorMessage: null,
    });
    const [asked] = target.requests;
    assert.equal(`${asked.method} ${asked.url}`, 'POST /message');
    assert.equal(asked.headers['content-type'], 'application/json');
    assert.match(asked.headers['user-agent'], /^sse-server\//);
    assert.ok(signatureIsRight(asked));
    const [{ time, connection, ...posted }] = target.posted;
    assert.ok(Math.abs(time - Date.now()) < 60_000);
    assert.equal(connection.id, stream.handle);
    assert.equal(connection.requestMessageCount, 1);
    assert.deepEqual(posted, {
      type: 'message', service: 'demo', path: 'orders/new',
      user: { id: '7', name: 'Ann', tenantId: 't', accessToken: null },
      message: { a: 'query', b: 'body', n: 1 },
    });
    await stream.close();
  });

  test('without a connection has its user only', async () => {
    await send('hello', { userId: '8' }, {});
    const [{ connection, user }] = target.posted;
    assert.equal(connection, null);
    assert.equal(user.id, '8');
  });

  test('of nobody, or for a foreign connection, does not reach it', async () => {
    const stream = await page.connect({ userId: '7' });
    assert.equal((await send('x', {}, {})).status, 401);
    assert.equal((await send('x', { userId: '8', connectionId: stream.id }, {})).status, 404);
    assert.equal(target.requests.length, 0);
    await stream.close();
  });

  // answer of the handler, what the page gets
  const cases = [
    [{ status: 200, body: '' }, 200, null],
    [{ status: 204, body: '' }, 200, null],
    [{ status: 201, json: { id: 5 } }, 201, { id: 5 }],
    [{ status: 200, json: 'text' }, 200, 'text'],
    [{ status: 409, json: { why: 'taken' } }, 409, { why: 'taken' }],
    [{ status: 422, body: 'no JSON' }, 422, null],
    [{ status: 404, json: null }, 404, null],
    [{ status: 200, body: 'no JSON' }, 502, null],
    [{ status: 200, body: '{"a":' }, 502, null],
    [{ status: 302, body: '', headers: { location: '/elsewhere' } }, 502, null],
    [{ status: 500, json: { secret: 'stack trace' } }, 500, null],
    [{ status: 500, body: 'stack trace', headers: PLAIN }, 500, null],
    [{ status: 501, json: { secret: 'stack trace' } }, 502, null],
    [{ status: 200, body: 'hello "you"\n\\ \u0000 你', headers: PLAIN }, 200, 'hello "you"\n\\ \u0000 你'],
    [{ status: 200, body: '{"a":1}', headers: PLAIN }, 200, '{"a":1}'],
    [{ status: 200, body: '123', headers: { 'content-type': 'Text/Plain' } }, 200, '123'],
    [{ status: 200, body: '', headers: PLAIN }, 200, ''],
    [{ status: 204, body: '', headers: PLAIN }, 200, null],
    [{ status: 202, body: '\ufefftext', headers: PLAIN }, 202, 'text'],
    [{ status: 200, body: Buffer.from('gr\xfc\xdfe', 'latin1'), headers: { 'content-type': 'text/plain;charset=ISO-8859-1' } }, 200, 'grüße'],
    [{ status: 200, body: Buffer.from('gr\xfc\xdfe', 'latin1'), headers: PLAIN }, 502, null],
    [{ status: 409, body: 'taken', headers: PLAIN }, 409, 'taken'],
    [{ status: 200, body: 'text', headers: { 'content-type': 'text/plainer' } }, 502, null],
    [{ status: 200, body: '<p>', headers: { 'content-type': 'text/html' } }, 502, null],
    [{ status: 503, json: null }, 503, null],
    [{ status: 200, json: 'x'.repeat(300_000) }, 502, null],
  ];
  for (const [given, status, data] of cases) {
    test(`gets ${status} for ${given.status} with ${JSON.stringify(given.body?.toString() ?? given.json).slice(0, 30)}, ${given.headers?.['content-type'] ?? 'no type'}`, async () => {
      target.answer = () => given;
      const answer = await send('x', { userId: '7' }, {});
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.json.code, status);
      assert.equal(answer.json.success, status < 400);
      assert.deepEqual(answer.json.data, data);
      if (status >= 400) {
        assert.ok(answer.json.message && answer.json.errorMessage);
        assert.doesNotMatch(answer.text, /stack trace/);
      }
      if (status === 503) {
        assert.ok(Number(answer.headers['retry-after']) > 0);
      }
    });
  }

  test('gets 504 in time from one that does not answer, and nobody else waits for it', () => inHaste(async () => {
    const slow = send('slow', { userId: '7' }, {});
    for (let i = 0; i < 20; i++) {
      assert.equal((await page.get('/health/live')).status, 200);
    }
    const answer = await slow;
    assert.equal(answer.status, 504);
    assert.match(answer.json.errorMessage, /in time/);
  }));

  test('that is sent again with its key runs once, with the status of then', async () => {
    let runs = 0;
    target.answer = () => ({ status: 409, json: { runs: ++runs } });
    const key = { 'idempotency-key': 'once' };
    const first = await send('pay', { userId: 'kim' }, { n: 1 }, key);
    const again = await send('pay', { userId: 'kim' }, { n: 1 }, key);
    assert.deepEqual([first.status, again.status], [409, 409]);
    assert.deepEqual(again.json, first.json);
    assert.equal(runs, 1);
    assert.equal(target.requests[0].headers['idempotency-key'], 'once');
  });

  test('that is sent again while the first is under way gets its answer, too', async () => {
    let runs = 0;
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.answer = async () => {
      runs += 1;
      await hold;
      return { status: 200, json: runs };
    };
    const key = { 'idempotency-key': 'twice at once' };
    const both = [send('pay', { userId: 'kim' }, {}, key), send('pay', { userId: 'kim' }, {}, key)];
    await within('the question', target.saw(([asked]) => asked?.complete));
    release();
    const [one, two] = await Promise.all(both);
    assert.deepEqual([one.data, two.data, runs], [1, 1, 1]);
  });

  test('that failed may run again with its key', async () => {
    target.answer = () => ({ status: 500, json: null });
    const key = { 'idempotency-key': 'failed' };
    assert.equal((await send('x', { userId: 'kim' }, {}, key)).status, 500);
    target.answer = () => ({ status: 200, json: 'now' });
    assert.equal((await send('x', { userId: 'kim' }, {}, key)).data, 'now');
  });
});

describe('an upload', () => {
  const stored = async () => readdir(`${server.stateDirectory}/demo/uploads`);

  test('is stored, and the handler hears of its parts and where they lie', async () => {
    target.answer = () => ({ status: 200, json: 'taken' });
    const stream = await page.connect({ userId: '7' });
    const answer = await upload([FILE, { name: 'title', data: 'Grüße' }], { connectionId: stream.id, tag: 'x' });
    assert.equal(answer.data, 'taken');
    const [{ type, path, query, parts, connection }] = target.posted;
    assert.deepEqual([type, path, query], ['upload', 'files', { tag: 'x' }]);
    assert.equal(connection.id, stream.handle);
    const [file, field] = parts;
    const { file: place, ...rest } = file;
    assert.equal(await readFile(place, 'utf8'), 'hello');
    const sha256 = createHash('sha256').update('hello').digest('hex');
    assert.deepEqual(rest, { name: 'file', fileName: 'a.txt', contentType: 'text/plain', size: 5, sha256 });
    assert.deepEqual([field.name, field.fileName, field.value], ['title', null, 'Grüße']);
    await stream.close();
  });

  test('that the handler refuses leaves no file behind', async () => {
    const before = await stored();
    target.answer = () => ({ status: 415, json: { why: 'no pictures' } });
    const answer = await upload([FILE], { userId: '7' });
    assert.equal(answer.status, 415);
    assert.deepEqual(answer.json.data, { why: 'no pictures' });
    assert.deepEqual(await stored(), before);
  });

  test('keeps its files when it is not clear whether the handler ran', () => inHaste(async () => {
    assert.equal((await upload([FILE], { userId: '7' })).status, 504);
    assert.equal((await stored()).length, 1);
  }));

  test('whose plain fields are larger than is kept of them is refused', async () => {
    const fields = Array.from({ length: 5 }, (_, n) => ({ name: `f${n}`, data: 'x'.repeat(60_000) }));
    assert.equal((await upload(fields, { userId: '7' })).status, 413);
    assert.equal(target.requests.length, 0);
  });

  test('that is sent again with its key runs once', async () => {
    let runs = 0;
    target.answer = () => ({ status: 200, json: ++runs });
    const key = { 'idempotency-key': 'up' };
    assert.equal((await upload([FILE], { userId: 'kim' }, key)).data, 1);
    assert.equal((await upload([FILE], { userId: 'kim' }, key)).data, 1);
    assert.equal(runs, 1);
  });
});

describe('with the target gone', () => {
  test('pages get 502 at once, and it works again when it is back', async () => {
    const { port } = target;
    await target.close();
    const answer = await send('x', { userId: '7' }, {});
    assert.equal(answer.status, 502);
    const before = (await readdir(`${server.stateDirectory}/demo/uploads`)).length;
    assert.equal((await upload([FILE], { userId: '7' })).status, 502);
    assert.equal((await readdir(`${server.stateDirectory}/demo/uploads`)).length, before);
    target = await startTarget(port);
    target.answer = () => ({ status: 200, json: 'back' });
    assert.equal((await send('x', { userId: '7' }, {})).data, 'back');
    assert.ok(await office.metric('sse_server_outbound_unreachable_total') >= 2);
  });
});

describe('an upload that is passed on', () => {
  before(async () => {
    await stop();
    await start({ SSE_SERVER_SERVICES_0_HANDLERS_UPLOAD_STREAMS: 'true' });
  });
  afterEach(() => {
    target.early = undefined;
    target.onPart = undefined;
  });

  const contextOf = ({ headers }) => JSON.parse(Buffer.from(headers['sse-context'], 'base64url').toString());

  test('arrives as it was sent, with its context, and is not stored', async () => {
    target.answer = ({ body }) => ({ status: 200, json: body.length });
    const stream = await page.connect({ userId: '7' });
    const data = Buffer.alloc(5_000_000, 'abc');
    const body = multipart([{ ...FILE, data }]);
    const answer = await page.post(`${CONNECT}/upload/a/b.do?connectionId=${stream.id}&q=1`, body, {
      'content-type': MULTIPART, 'idempotency-key': 'k',
    });
    assert.equal(answer.data, body.length);
    const [asked] = target.requests;
    assert.ok(asked.body.equals(body));
    assert.equal(asked.headers['content-type'], MULTIPART);
    assert.equal(asked.headers['idempotency-key'], 'k');
    assert.ok(signatureIsRight(asked, asked.headers['sse-context']));
    const context = contextOf(asked);
    assert.deepEqual([context.type, context.path, context.query], ['upload', 'a/b', { q: '1' }]);
    assert.equal(context.connection.id, stream.handle);
    assert.equal('httpHeaders' in context.connection || 'httpParameters' in context.connection, false);
    assert.deepEqual(await readdir(`${server.stateDirectory}/demo/uploads`), []);
    await stream.close();
  });

  test('waits for a slow back end, while others do not', async () => {
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.onPart = () => hold;
    target.answer = ({ body }) => ({ status: 200, json: body.length });
    const body = multipart([{ ...FILE, data: Buffer.alloc(12_000_000) }]);
    const slow = page.post(`${CONNECT}/upload/x.do?userId=7`, body, { 'content-type': MULTIPART });
    await within('the first part', target.saw(([asked]) => asked?.received));
    const other = await connect(server.origin);
    for (let i = 0; i < 20; i++) {
      assert.equal((await other.get('/health/live')).status, 200);
    }
    await other.close();
    release();
    assert.equal((await slow).data, body.length);
  });

  test('is answered before its end when the back end does that', async () => {
    target.early = { status: 413, json: { most: 10 } };
    const stream = page.open('POST', `${CONNECT}/upload/x.do?userId=7`, { 'content-type': MULTIPART });
    stream.on('error', () => {});
    stream.write(multipart([FILE], { end: '' }));
    const [headers] = await within('the answer', new Promise((resolve) => {
      stream.on('response', (...given) => resolve(given));
    }));
    assert.equal(headers[':status'], 413);
    stream.close();
  });

  test('that its client breaks off is broken off there, too', async () => {
    const stream = page.open('POST', `${CONNECT}/upload/x.do?userId=7`, { 'content-type': MULTIPART });
    stream.on('error', () => {});
    stream.write(multipart([FILE], { end: '' }));
    await within('the question', target.saw(([asked]) => asked?.received));
    stream.close();
    await within('the end', target.saw(([asked]) => asked?.closed && !asked.complete));
    await eventually('nothing under way', async () => (await office.metric('sse_server_outbound_in_flight')) === 0);
  });

  test('of nobody is not passed on', async () => {
    const answer = await page.post(`${CONNECT}/upload/x.do`, multipart([FILE]), { 'content-type': MULTIPART });
    assert.equal(answer.status, 401);
    assert.equal(target.requests.length, 0);
  });
});

describe('answers that are kept for keys', () => {
  before(async () => {
    await stop();
    await start({ SSE_SERVER_WORKERS: '1', SSE_SERVER_SERVICES_0_IDEMPOTENCY_BYTES: '64KiB' });
  });

  test('are bounded in size, the newest are kept', async () => {
    let runs = 0;
    target.answer = () => ({ status: 200, json: { run: ++runs, text: 'x'.repeat(30_000) } });
    const ask = async (key) => (await send('x', { userId: 'kim' }, {}, { 'idempotency-key': key })).data.run;
    assert.deepEqual([await ask('a'), await ask('b'), await ask('a'), await ask('b')], [1, 2, 1, 2]);
    assert.deepEqual([await ask('c'), await ask('c'), await ask('b'), await ask('a')], [3, 3, 2, 4]);
    assert.equal(await office.metric('sse_server_idempotency_keys_displaced_total'), 2);
    target.answer = () => ({ status: 200, json: { run: ++runs, text: 'x'.repeat(70_000) } });
    assert.deepEqual([await ask('d'), await ask('d')], [5, 6]);
  });
});

describe('answers that are kept for the keys of one user', () => {
  before(async () => {
    await stop();
    await start({ SSE_SERVER_WORKERS: '1', SSE_SERVER_SERVICES_0_IDEMPOTENCY_USER_BYTES: '64KiB' });
  });

  test('are bounded in size, and those of others stay', async () => {
    let runs = 0;
    target.answer = () => ({ status: 200, json: { run: ++runs, text: 'x'.repeat(30_000) } });
    const ask = async (userId, key) => (await send('x', { userId }, {}, { 'idempotency-key': key })).data.run;
    assert.deepEqual([await ask('kim', 'a'), await ask('lee', 'a'), await ask('lee', 'b'), await ask('lee', 'c')], [1, 2, 3, 4]);
    assert.deepEqual([await ask('lee', 'c'), await ask('lee', 'b'), await ask('kim', 'a'), await ask('lee', 'a')], [4, 3, 1, 5]);
    target.answer = () => ({ status: 200, json: { run: ++runs, text: 'x'.repeat(70_000) } });
    assert.deepEqual([await ask('lee', 'd'), await ask('lee', 'd'), await ask('kim', 'a')], [6, 7, 1]);
  });
});

describe('as many uploads that are passed on as there are places', () => {
  before(async () => {
    await stop();
    await start({
      SSE_SERVER_WORKERS: '1',
      SSE_SERVER_SERVICES_0_HANDLERS_UPLOAD_STREAMS: 'true',
      SSE_SERVER_OUTBOUND_IN_FLIGHT: '2',
      SSE_SERVER_OUTBOUND_HOST_CONNECTIONS: '1',
    });
  });

  test('leave room for messages, however slow their clients are', async () => {
    const uploads = Array.from({ length: 3 }, () => {
      const stream = page.open('POST', `${CONNECT}/upload/x.do?userId=7`, { 'content-type': MULTIPART });
      stream.on('error', () => {});
      stream.write(multipart([FILE], { end: '' }));
      return stream;
    });
    await within('two uploads', target.saw((asked) => asked.filter(({ received }) => received).length === 2));
    target.answer = () => ({ status: 200, json: 'heard' });
    assert.equal((await send('x', { userId: '7' }, {})).data, 'heard');
    assert.equal(await office.metric('sse_server_outbound_in_flight'), 2);
    assert.equal(await office.metric('sse_server_outbound_waiting'), 1);
    uploads.forEach((stream) => stream.close());
  });
});
