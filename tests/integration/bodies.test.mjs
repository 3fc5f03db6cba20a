// SPDX-License-Identifier: Apache-2.0
// What clients have sent and nobody has taken (limits.inboundBytes): little of a body until it is known
// whose it is, and one budget for all of them.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { HTTP_VERSION, connect } from './support/client.mjs';
import { BOUNDARY, MULTIPART } from './support/multipart.mjs';
import { ACK, DATA, END_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, rawSession, request, reset } from './support/raw_h2.mjs';
import { run } from './support/run.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const KIB = 1024;
const MIB = 1024 * KIB;
const HELD = 16 * KIB;
const BASE = '/sse/demo/connect';
const JSON_TYPE = ['content-type', 'application/json'];
const JWT = {
  SSE_SERVER_SERVICES_0_AUTH: 'jwt',
  SSE_SERVER_TOKEN_KEYS_0_ALGORITHM: 'HS256',
  SSE_SERVER_TOKEN_KEYS_0_SECRET: SECRET,
};
const PYTHON = new URL('../../build/python/bin/python', import.meta.url).pathname;
const INITIAL_WINDOW_SIZE = 4;
const FIRST_WINDOW = 65_535; // RFC 9113 6.9.2
const bearer = (who) => ['authorization', `Bearer ${token({ sub: who })}`];

const id = (n) => 2 * n + 1;

// So much of a body on a stream, in frames of a size; a client that keeps to no window.
function data(stream, length, size = 16 * KIB, filling = 'x') {
  const frames = [];
  for (let left = length; left > 0; left -= size) {
    frames.push(frame(DATA, 0, stream, Buffer.alloc(Math.min(size, left), filling)));
  }
  return Buffer.concat(frames);
}

const windows = (session, stream) => session.frames
  .filter((one) => one.type === WINDOW_UPDATE && one.stream === stream)
  .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);

// Status and fields are not decoded here: the envelope has the status as well.
async function answerOf(session, stream) {
  const end = await session.saw(`the answer on ${stream}`,
    (one) => one.stream === stream && one.type === DATA && (one.flags & END_STREAM));
  const parts = session.frames.filter((one) => one.stream === stream && one.type === DATA).map(({ payload }) => payload);
  assert.ok(end);
  return JSON.parse(Buffer.concat(parts));
}

// The answer to a request of which no more comes than somebody unknown may send.
async function early(server, path, [name, type], text, fields = []) {
  const session = await rawSession(server);
  const { length } = text;
  session.write(request(1, 'POST', `${path ? `${BASE}/${path}` : BASE}`, [[name, type], ['content-length', `${length}`], ...fields], { endStream: false }),
    frame(DATA, 0, 1, Buffer.from(text).subarray(0, HELD)), frame(DATA, 0, 1, Buffer.from(text).subarray(HELD, HELD + 1)));
  const answer = await answerOf(session, 1);
  await session.close();
  return answer;
}

describe('of a stranger no more than 16 KiB of a body are taken', () => {
  let server;
  let office;
  let page;
  let stream;

  before(async () => {
    server = await startServer({ variables: JWT });
    office = await backend(server);
    page = await connect(server.origin);
    stream = await page.connect({ 'access-token': token({ sub: 'ann' }) });
  });
  after(async () => {
    await page.close();
    await office.close();
    await server.stop();
  });

  const forged = ['authorization', `Bearer ${token({ sub: 'ann' }, { key: 'another-secret-of-32-bytes-or-more-' })}`];
  const paths = {
    message: ['message/x.do', JSON_TYPE],
    addListener: ['addListener.do', JSON_TYPE],
    subscribe: ['subscribe.do', JSON_TYPE],
    ack: ['ack.do', JSON_TYPE],
    refresh: ['refresh.do', JSON_TYPE],
    upload: ['upload/x.do', ['content-type', MULTIPART]],
  };
  for (const [name, [path, type]] of Object.entries(paths)) {
    for (const [credential, fields] of [['no credential', []], ['a forged one', [forged]]]) {
      for (const length of [[], [['content-length', `${MIB}`]]]) {
        test(`${name}, ${credential}, ${length.length ? 'with' : 'without'} a length: 401 at once`, async () => {
          const session = await rawSession(server);
          session.write(request(1, 'POST', `${BASE}/${path}`, [type, ...fields, ...length], { endStream: false }),
            data(1, HELD + 1, 4000));
          assert.equal((await answerOf(session, 1)).code, 401);
          assert.ok(windows(session, 1) <= HELD, 'it may send no more than what is thrown away');
          await session.close();
        });
      }
    }
  }

  test('a form is no longer than that, a beacon neither', async () => {
    const form = ['content-type', 'application/x-www-form-urlencoded'];
    for (const path of ['', '/disconnect.do']) {
      assert.equal((await early(server, path.slice(1), form, `reason=${'x'.repeat(HELD)}`)).code, 413);
      const short = await page.postForm(`${BASE}${path}`, { connectionId: 'unknown', reason: 'x'.repeat(HELD - 100) });
      assert.equal(short.status, path ? 200 : 401);
    }
  });

  test('a beacon says goodbye by the id in its form', async () => {
    const leaving = await page.connect({ 'access-token': token({ sub: 'bob' }) });
    const answer = await page.postForm(`${BASE}/disconnect.do`, { connectionId: leaving.id });
    assert.deepEqual(answer.data, { count: 1 });
  });

  const ids = (length) => Array.from({ length: 1000 }, (_, n) => `${n}`.padStart(length, 'i'));
  test('a long acknowledgement that begins with its connectionId is taken', async () => {
    const answer = await page.postJson(`${BASE}/ack.do`, { connectionId: stream.id, ids: ids(60) });
    assert.deepEqual([answer.status, answer.data], [200, { count: 0 }]);
  });

  test('one that names an unknown connection, or none within 16 KiB, is not', async () => {
    const unknown = JSON.stringify({ connectionId: 'f'.repeat(32), ids: ids(60) });
    assert.equal((await early(server, 'ack.do', JSON_TYPE, unknown)).code, 404);
    const late = await early(server, 'ack.do', JSON_TYPE, JSON.stringify({ ids: ids(60), connectionId: stream.id }));
    assert.equal(late.code, 401);
    assert.match(late.errorMessage, /connectionId within/);
  });

  test('a message of a connection that its query names is taken, of an unknown one it is not', async () => {
    const long = { text: 'x'.repeat(200 * KIB) };
    assert.equal((await page.postJson(`${BASE}/message/x.do?connectionId=${stream.id}`, long)).status, 200);
    assert.equal((await early(server, 'message/x.do?connectionId=none', JSON_TYPE, JSON.stringify(long))).code, 404);
  });

  test('of somebody known all of it comes, in frames of every size', async () => {
    const session = await rawSession(server);
    let stream = 1;
    for (const [size, count] of [[1, 17], [100, 60], [16_000, 200]]) {
      const text = Buffer.from(JSON.stringify({ text: 'y'.repeat(count * KIB) }));
      for (const length of [[], [['content-length', `${text.length}`]]]) {
        session.write(request(stream, 'POST', `${BASE}/message/x.do`, [JSON_TYPE, bearer('ann'), ...length], { endStream: false }));
        let sent = 0;
        let room = FIRST_WINDOW;
        while (sent < text.length) {
          const part = text.subarray(sent, Math.min(text.length, room));
          const frames = [];
          for (let at = 0; at < part.length; at += size) {
            frames.push(frame(DATA, 0, stream, part.subarray(at, at + size)));
          }
          session.write(...frames);
          sent += part.length;
          if (sent < text.length) {
            const before = room;
            await session.saw('room for more', () => FIRST_WINDOW + windows(session, stream) > before);
            room = FIRST_WINDOW + windows(session, stream);
          }
        }
        session.write(frame(DATA, END_STREAM, stream));
        assert.equal((await answerOf(session, stream)).code, 200, `${size}`);
        stream += 2;
      }
    }
    await session.close();
  });

  test('the windows that a client begins with do not shrink', async () => {
    const session = await rawSession(server);
    const { payload } = await session.saw('our settings', ({ type, flags }) => type === SETTINGS && !(flags & ACK));
    for (let at = 0; at < payload.length; at += 6) {
      assert.ok(payload.readUInt16BE(at) !== INITIAL_WINDOW_SIZE || payload.readUInt32BE(at + 2) >= FIRST_WINDOW);
    }
    await session.close();
  });

  // It writes until its window is shut before it reads anything.
  test('httpx begins a connection with a long message', { skip: !existsSync(PYTHON) && `there is no ${PYTHON}` }, async () => {
    const source = `import httpx, sys
with httpx.Client(http2=True, verify=False) as client:
    for n in range(2):
        answer = client.post(sys.argv[1], json={"text": "x" * ${900 * KIB}}, headers={"authorization": sys.argv[2]})
        print(answer.http_version, answer.status_code)`;
    const { stdout, stderr } = await run(PYTHON, ['-c', source, `${server.origin}${BASE}/message/x.do`, bearer('ann')[1]]);
    assert.equal(stdout, 'HTTP/2 200\nHTTP/2 200\n', stderr);
  });

  test('the rate of an address comes before everything', async () => {
    const strict = await startServer({ variables: {
      ...JWT,
      SSE_SERVER_WORKERS: '1',
      SSE_SERVER_SERVICES_0_LIMITS_ADDRESS_REQUESTS_BURST: '1',
      SSE_SERVER_SERVICES_0_LIMITS_ADDRESS_REQUESTS_PER_SECOND: '1',
    } });
    const session = await rawSession(strict);
    const open = (n, path, type) => request(id(n), 'POST', `${BASE}/${path}`, [type, bearer('ann')], { endStream: false });
    session.write(...Object.values(paths).map(([path, type], n) => open(n, path, type)));
    const codes = [];
    for (let n = 1; n < Object.keys(paths).length; n++) {
      codes.push((await answerOf(session, id(n))).code);
    }
    assert.deepEqual(new Set(codes), new Set([429]));
    await session.close();
    await strict.stop();
  });
});

describe('the budget', () => {
  const BUDGET = 4 * MIB;
  let server;
  let office;
  let target;
  let release;

  // The back end that handles messages answers none before it is told to.
  const slow = () => new Promise((resolve) => { release.push(() => resolve({ status: 200, json: 'late' })); });

  before(async () => {
    release = [];
    target = await startTarget();
    target.answer = slow;
    server = await startServer({ variables: {
      ...JWT,
      SSE_SERVER_WORKERS: '2',
      SSE_SERVER_LIMITS_INBOUND_BYTES: `${BUDGET}`,
      // Only the budget ends what waits here, however slow the machine is.
      SSE_SERVER_LIMITS_BODY_IDLE_TIMEOUT: '10m',
      SSE_SERVER_SERVICES_0_HANDLERS_TIMEOUT: '10m',
      SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message'),
      SSE_SERVER_SERVICES_0_LIMITS_USER_REQUESTS_BURST: '100000',
    } });
    office = await backend(server);
  });
  after(async () => {
    release.forEach((one) => one());
    await office?.close();
    await server?.stop();
    await target.close();
  });

  const held = () => office.metric('sse_server_inbound_bytes');
  const displaced = () => office.metric('sse_server_inbound_displaced_total');

  // One that sends count bodies of a known user, so much of each, and ends none.
  async function filler(who, count, length) {
    const session = await rawSession(server);
    for (let n = 0; n < count; n++) {
      session.write(request(id(n), 'POST', `${BASE}/message/x.do`,
        [JSON_TYPE, bearer(who), ['content-length', `${MIB}`]], { endStream: false }));
      for (let sent = 0; sent < length; sent += HELD) {
        session.write(data(id(n), HELD));
        const before = windows(session, id(n));
        await session.saw('room for more, or an answer', (one) => one.stream === id(n)
          && (one.type === RST_STREAM || one.type === DATA || windows(session, id(n)) >= Math.max(sent, before)));
      }
    }
    return session;
  }

  test('holds for bodies that do not end: the oldest go, with 503, and others are served', async () => {
    const before = await displaced();
    const sessions = [];
    for (let n = 0; n < 12; n++) {
      sessions.push(await filler(`u${n}`, 1, 512 * KIB));
      assert.ok(await held() <= BUDGET);
    }
    assert.ok(await displaced() > before);
    const [first] = sessions;
    const answer = await answerOf(first, 1);
    assert.equal(answer.code, 503);
    assert.match(answer.errorMessage, /limits\.inboundBytes/);

    const page = await connect(server.origin);
    const stream = await page.connect({ 'access-token': token({ sub: 'other' }) });
    assert.equal(stream.status, 200);
    const big = { event: 'x', data: 'y'.repeat(60_000), userId: 'other' };
    assert.equal((await office.post('send', Array(8).fill(big))).status, 200);
    const beacon = await page.postForm(`${BASE}/disconnect.do`, { connectionId: stream.id });
    assert.deepEqual(beacon.data, { count: 1 });

    await Promise.all(sessions.map((session) => session.close()));
    await page.close();
    await eventually('nothing to be held', async () => await held() < 64 * KIB);
  });

  test('holds for strangers, who evict no one who is known', async () => {
    const known = await filler('ann', 2, 512 * KIB);
    const strangers = [];
    for (let n = 0; n < 10; n++) {
      const session = await rawSession(server);
      for (let m = 0; m < 50; m++) {
        session.write(request(id(m), 'POST', `${BASE}/message/x.do`, [JSON_TYPE], { endStream: false }), data(id(m), HELD));
      }
      strangers.push(session);
    }
    await eventually('strangers to be refused', async () => (
      await office.metric('sse_server_inbound_displaced_total') + await office.metric('sse_server_inbound_refused_total') > 0));
    assert.ok(await held() <= BUDGET);
    assert.ok(!known.frames.some((one) => one.stream > 0 && one.type === DATA), 'a known caller lost its body');
    await Promise.all([known, ...strangers].map((session) => session.close()));
    await eventually('nothing to be held', async () => await held() < 64 * KIB);
  });

  test('holds for requests whose fields alone are large', async () => {
    const long = Array.from({ length: 14 }, (_, n) => [`x-${n}`, 'f'.repeat(1000)]);
    const sessions = [];
    for (let n = 0; n < 8; n++) {
      const session = await rawSession(server);
      for (let m = 0; m < 90; m++) {
        session.write(request(id(m), 'POST', `${BASE}/message/x.do`, [JSON_TYPE, ...long], { endStream: false }));
      }
      sessions.push(session);
    }
    await eventually('some to be answered', () => sessions.some((session) => session.frames.some((one) => one.type === DATA)));
    assert.ok(await held() <= BUDGET);
    await Promise.all(sessions.map((session) => session.close()));
    await eventually('nothing to be held', async () => await held() < 64 * KIB);
  });

  test('counts a message until its back end has answered, also when its page has left', async () => {
    const page = await connect(server.origin);
    const message = { text: 'z'.repeat(700 * KIB) };
    const credential = Object.fromEntries([bearer('ann')]);
    const pending = Array.from({ length: 3 }, () => page.postJson(`${BASE}/message/x.do`, message, credential));
    pending.forEach((one) => one.catch(() => {})); // the page leaves
    await eventually('three messages at the back end', () => release.length === 3);
    assert.ok(await held() > 3 * 700 * KIB);
    await page.close();
    if (HTTP_VERSION !== '1.1') { // by which a client that has closed may still be waiting for its answer
      await eventually('the page to be gone', async () => await office.metric('sse_server_sessions') === 1);
    }
    assert.ok(await held() > 3 * 700 * KIB);
    release.splice(0).forEach((one) => one());
    await eventually('nothing to be held', async () => await held() < 64 * KIB);
  });

  test('gets back what was reset in the middle, and the window of its session', async () => {
    const session = await rawSession(server);
    for (let n = 0; n < 40; n++) {
      session.write(request(id(n), 'POST', `${BASE}/message/x.do`, [JSON_TYPE, bearer('ann')], { endStream: false }),
        data(id(n), HELD), reset(id(n)));
    }
    session.write(request(id(50), 'POST', `${BASE}/disconnect.do`,
      [['content-type', 'application/x-www-form-urlencoded']], { endStream: false }),
    frame(DATA, END_STREAM, id(50), Buffer.from('connectionId=unknown')));
    assert.deepEqual((await answerOf(session, id(50))).data, { count: 0 });
    await eventually('nothing to be held', async () => await held() < 64 * KIB);
    await session.close();
  });
});

describe('while it is asked whose a body is', () => {
  let server;
  let office;
  let target;
  let release;

  before(async () => {
    release = [];
    target = await startTarget();
    target.answer = () => new Promise((resolve) => { release.push(resolve); });
    server = await startServer({
      config: `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [{name: office, key: ${KEY}}]
services:
  - {name: demo, auth: webhook, authWebhook: {url: "${target.url('/who')}", timeout: 30s}}
`,
    });
    office = await backend(server);
  });
  after(async () => {
    await office?.close();
    await server?.stop();
    await target.close();
  });

  const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n`;
  for (const [what, path, type, head, tail] of [
    ['JSON', 'message/x.do', JSON_TYPE, '{"a":"', '"}'],
    ['upload', 'upload/x.do', ['content-type', MULTIPART], part, `\r\n--${BOUNDARY}--\r\n`],
  ]) {
    test(`16 KiB wait, and the rest comes when it is known: ${what}`, async () => {
      const session = await rawSession(server);
      session.write(request(1, 'POST', `${BASE}/${path}`, [type, ['authorization', `Bearer ${what}`]], { endStream: false }),
        frame(DATA, 0, 1, Buffer.from(head)), data(1, HELD + 1 - head.length));
      await eventually('the question', () => release.length === 1);
      assert.equal(windows(session, 1), 0);
      assert.ok(await office.metric('sse_server_inbound_bytes') < 2 * HELD + 4 * KIB);
      release.pop()({ status: 200, json: { id: 'ann' } });
      await session.saw('room for more', () => windows(session, 1) > 0);
      session.write(data(1, HELD), frame(DATA, END_STREAM, 1, Buffer.from(tail)));
      assert.equal((await answerOf(session, 1)).code, 200);
      await session.close();
    });
  }
});
