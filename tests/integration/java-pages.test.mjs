// SPDX-License-Identifier: Apache-2.0
// How pages of the Java system ask: bodies, paths, ids; and the keys for what others do not want.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { EventReader } from './support/events.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { SECRET, token } from './support/tokens.mjs';

const HR = '/sse/hr'; // as it is
const OLD = '/sse/old'; // with the keys, but for compat
const SIGNED = '/sse/signed'; // the same, and users by tokens

const KEYS = { countPagesWithoutClientId: true, honorKeepaliveTime: true, clientConnections: 3 };

let target;
let server;
let page;

before(async () => {
  target = await startTarget();
  const urls = { messageUrl: target.url('/message'), uploadUrl: target.url('/upload') };
  const handlers = { ...urls, withoutConnection: true };
  server = await startServer({
    config: {
      listeners: [{ address: '127.0.0.1:0' }],
      apiKeys: [{ name: 'office', key: KEY }],
      tokenKeys: [{ algorithm: 'HS256', secret: SECRET }],
      services: [
        { name: 'hr', handlers: urls },
        { name: 'old', ...KEYS, handlers },
        { name: 'signed', ...KEYS, auth: 'jwt', handlers },
        { name: 'java', compat: 'java', lifetime: '2h' },
      ],
    },
  });
});
after(async () => {
  await server.stop();
  await target.close();
});
beforeEach(async () => {
  target.requests = [];
  target.answer = ({ body }) => ({ json: JSON.parse(body) });
  page = await connect(server.origin);
});
afterEach(() => page.close());

const office = (base) => backend(server, { base });
const JSON_TYPE = { 'content-type': 'application/json' };

// The event stream that a POST opens.
async function post(path, type, body) {
  const stream = page.open('POST', path, { 'content-type': type });
  const reader = new EventReader(stream);
  stream.end(body);
  reader.finish = await reader.next('connect-finish');
  return reader;
}

async function shown(base, query) {
  const back = await office(base);
  const { list } = await back.query(`connections?${query}`);
  await back.close();
  return list;
}

describe('connect by POST', () => {
  const fields = [['clientId', 'c7'], ['listeners', 'a'], ['listeners', 'b'], ['mine', '1.5'], ['yes', 'true']];
  for (const [what, type, body] of [
    ['a form', 'application/x-www-form-urlencoded', new URLSearchParams(fields).toString()],
    ['a form with parts', MULTIPART, multipart(fields.map(([name, data]) => ({ name, data })))],
    ['JSON', 'application/json', '{"clientId":"c7","listeners":["a","b"],"mine":1.5,"yes":true,"none":null}'],
  ]) {
    test(`has its parameters in ${what}`, async () => {
      const stream = await post(`${HR}/connect?userId=posted`, type, body);
      const [{ clientId, listeners, httpParameters, accessUserId }] = await shown(HR, 'clientId=c7');
      assert.deepEqual([accessUserId, clientId, listeners.sort()], ['posted', 'c7', ['a', 'b']]);
      assert.deepEqual([httpParameters.mine, httpParameters.yes], ['1.5', 'true']);
      await stream.close();
    });
  }

  test('of what is none of these is refused, and says where it is wrong', async () => {
    const answer = (type, body) => page.post(`${HR}/connect?userId=7`, body, { 'content-type': type });
    assert.equal((await answer('text/xml', '<a/>')).status, 415);
    assert.match((await answer('application/json', '{"a":')).json.errorMessage, /line 1, column /);
    assert.equal((await answer('application/json', '[]')).status, 422);
    assert.match((await answer(MULTIPART, 'x')).json.errorMessage, /part|boundary/);
    assert.match((await answer(MULTIPART, multipart([{ name: 'a', data: Buffer.from([0xff]) }]))).json.errorMessage, /UTF-8/);
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`a${n}`, n]));
    assert.match((await answer('application/json', JSON.stringify(many))).json.errorMessage, /100 parameters/);
  });
});

describe('paths', () => {
  for (const [raw, path] of [['%E4%BD%A0', '你'], ['a%20b/%c3%a9', 'a b/é'], ['100%25:a;b', '100%:a;b'], ['%22%3C', '"<'],
    ['%E4%BD%A0'.repeat(128), '你'.repeat(128)]]) {
    test(`${path} is one of a message and of an upload`, async () => {
      const message = await page.postJson(`${HR}/connect/message/${raw}.do?userId=7`, {});
      assert.equal(message.data.path, path, message.text);
      const upload = await page.post(`${HR}/connect/upload/${raw}.do?userId=7`, multipart([{ name: 'a', data: '1' }]),
        { 'content-type': MULTIPART });
      assert.equal(upload.data.path, path, upload.text);
    });
  }

  test('that could be read otherwise elsewhere are refused', async () => {
    for (const [raw, status] of [['a%2fb', 400], ['a%5cb', 400], ['a%00', 400], ['%ff', 400], ['a//b', 404], ['x'.repeat(129), 404]]) {
      assert.equal((await page.postJson(`${HR}/connect/message/${raw}.do?userId=7`, {})).status, status, raw);
    }
  });

  test('may end with a slash', async () => {
    assert.match((await page.get(`${HR}/`)).headers['content-type'], /^text\/javascript/);
    assert.equal((await page.postJson(`${HR}/connect/message/a.do/?userId=7`, {})).data.path, 'a');
    const stream = await page.connect({ userId: '7' }, { base: HR });
    assert.deepEqual((await page.postJson(`${HR}/connect/addListener.do/`, { connectionId: stream.id, listener: ['a'] })).data,
      { listener: ['a'] });
    const back = await office(HR);
    for (const path of ['connect/users.json/', 'users/']) {
      assert.ok((await back.query(path)).total >= 1, path);
    }
    assert.equal((await back.get('users//')).status, 404);
    await back.close();
    await stream.close();
  });

  test('the base answers a POST with the client, and script-type is read in any case', async () => {
    const script = await page.post(HR, 'a=1', { 'content-type': 'application/x-www-form-urlencoded' });
    assert.match(script.text, /export default/);
    assert.match((await page.get(`${HR}?script-type=MODULE`)).text, /export default/);
    assert.doesNotMatch((await page.get(`${HR}?script-type=text/javascript`)).text, /export default/);
  });
});

test('all answers of a service say whose they are', async () => {
  const { headers: plain } = await page.get('/health/live');
  assert.equal(plain['x-sse-server-id'], undefined);
  for (const answer of [
    await page.get(HR),
    await page.request('HEAD', `${HR}/connect?userId=7`),
    await page.get(`${HR}/connect`), // 401
    await page.get(`${HR}/nowhere`),
    await page.get(`${HR}/users`), // 401
    await page.request('DELETE', `${HR}/connect`),
    await page.request('OPTIONS', `${HR}/connect`),
    await page.postJson(`${HR}/connect/message/a.do?userId=7`, {}),
    await page.post(`${HR}/connect/disconnect.do`),
  ]) {
    assert.match(answer.headers['x-sse-server-id'], /./, answer.text);
    assert.match(answer.headers['x-sse-version'], /^\d+\.\d+\.\d+/);
  }
  const stream = await page.connect({ userId: '7' }, { base: HR });
  assert.equal(typeof stream.headers['x-sse-server-id'], 'string', 'once');
  await stream.close();
});

describe('disconnect.do', () => {
  const leave = async (words, connectWords) => {
    const back = await office(HR);
    const watcher = new EventReader(back.client.open('GET', `${HR}/presence`, back.authorized, { endStream: true }));
    await watcher.next('presence-start');
    const mine = await page.connect({ userId: '7', ...connectWords }, { base: HR });
    assert.deepEqual((await page.postForm(`${HR}/connect/disconnect.do`, { connectionId: mine.id, ...words })).data, { count: 1 });
    const { connection } = await watcher.next('disconnect');
    await watcher.close();
    await back.close();
    return connection.sessionDuration;
  };

  test('counts the seconds of the visit that ends, and those before it', async () => {
    assert.equal(await leave({ duration: 5, sessionDuration: 12 }), 17);
    assert.equal(await leave({ duration: 5 }, { sessionDuration: 3 }), 8);
    assert.equal(await leave({ sessionDuration: 12 }), 12);
    assert.equal(await leave({ duration: 'x', sessionDuration: -1 }, { sessionDuration: 3 }), 3);
  });

  test('without an id ends nothing', async () => {
    for (const answer of [
      await page.post(`${HR}/connect/disconnect.do`),
      await page.post(`${HR}/connect/disconnect.do?connectionId=`),
      await page.postForm(`${HR}/connect/disconnect.do`, { reason: 'x' }),
    ]) {
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.data, { count: 0 });
    }
  });

  test('takes the form with parts that sendBeacon makes of FormData, and JSON', async () => {
    for (const [type, write] of [[MULTIPART, (id) => multipart([{ name: 'connectionId', data: id }, { name: 'reason', data: 'x' }])],
      ['application/json', (id) => JSON.stringify({ connectionId: id, reason: 'x' })]]) {
      const stream = await page.connect({ userId: '7' }, { base: HR });
      const answer = await page.post(`${HR}/connect/disconnect.do`, write(stream.id), { 'content-type': type });
      assert.deepEqual(answer.data, { count: 1 }, answer.text);
      assert.deepEqual(await stream.next('connect-close'), { connectionId: stream.id });
      await stream.end();
    }
  });
});

describe('a connectionId that is a number is one that does not exist', () => {
  for (const [action, rest, data] of [
    ['addListener', { listener: ['a'] }, { error: 'connectionId not exist' }],
    ['removeListener', { listener: ['a'] }, { error: 'connectionId not exist' }],
    ['subscribe', { channel: 'a' }, { error: 'connectionId not exist' }],
    ['ack', { ids: ['a'] }, { count: 0 }],
  ]) {
    test(action, async () => {
      const answer = await page.postJson(`${HR}/connect/${action}.do?userId=7`, { connectionId: 999, ...rest });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.data, data);
    });
  }
});

test('a message whose body is null is one without a body', async () => {
  for (const body of ['null', ' null ', '']) {
    const { data } = await page.post(`${HR}/connect/message/ping.do?userId=7&b=2`, body, JSON_TYPE);
    assert.deepEqual([data.path, data.message], ['ping', { userId: '7', b: '2' }]);
  }
});

describe('handlers.withoutConnection', () => {
  const FORM = [multipart([{ name: 'a', fileName: 'a', data: '1' }]), { 'content-type': MULTIPART }];
  const KINDS = {
    message: ['{"n":1}', JSON_TYPE],
    'message with a key': ['{"n":1}', { ...JSON_TYPE, 'idempotency-key': 'k1' }],
    upload: FORM,
    'upload with a key': [FORM[0], { ...FORM[1], 'idempotency-key': 'k2' }],
  };
  for (const [kind, [body, headers]] of Object.entries(KINDS)) {
    const call = (base, query, more = {}) =>
      page.post(`${base}/connect/${kind.split(' ')[0]}/ping.do?${new URLSearchParams(query)}`, body, { ...headers, ...more });

    test(`${kind}: an unknown id, or another user's, runs the handler for the caller`, async () => {
      const other = await page.connect({ userId: 'other' }, { base: OLD });
      for (const id of ['999', 'x'.repeat(500), other.id]) {
        const answer = await call(OLD, { userId: id === '999' ? '7' : '8', connectionId: id });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.data.connection, null);
        assert.match(answer.data.user.id, /^[78]$/);
      }
      await other.close();
      const refused = await call(HR, { userId: '7', connectionId: '999' });
      assert.equal(refused.status, 404, refused.text);
    });

    test(`${kind}: not without a credential, nor by a page of another origin`, async () => {
      target.requests = [];
      assert.equal((await call(OLD, { connectionId: '999' })).status, 401);
      const cookie = { cookie: `access-token=${token({ sub: 'ann' })}` };
      assert.equal((await call(SIGNED, { connectionId: '999' }, { ...cookie, origin: 'https://evil.example' })).status, 403);
      assert.equal((await call(SIGNED, { connectionId: '999' }, cookie)).status, 403);
      assert.deepEqual(target.requests, []);
      assert.equal((await call(SIGNED, { connectionId: '999' }, { ...cookie, origin: server.origin })).data.user.id, 'ann');
    });
  }

  test('a client that numbers its calls is told, for it asks again on its next connection', async () => {
    const answer = await page.postJson(`${OLD}/connect/message/a.do?userId=7&connectionId=999`, {}, { 'x-sse-order': '1' });
    assert.equal(answer.status, 404, answer.text);
    assert.equal(answer.headers['x-sse-connection'], 'unknown');
  });

  test('a large body of nobody is asked for a credential', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(60_000) });
    assert.equal((await page.postJson(`${OLD}/connect/message/a.do?connectionId=999`, body)).status, 401);
    assert.equal((await page.postJson(`${HR}/connect/message/a.do?connectionId=999`, body)).status, 404);
  });
});

describe('countPagesWithoutClientId', () => {
  test('a user\'s pages without clientId are one client, of which the oldest gives way', async () => {
    const open = (parameters) => page.connect(parameters, { base: OLD });
    const others = [await open({ userId: 'bob' }), await open({ userId: 'ann', clientId: 'c' })];
    const streams = [];
    for (let n = 0; n < 5; n += 1) {
      streams.push(await open({ userId: 'ann' }));
    }
    for (const stream of streams.slice(0, 2)) {
      assert.deepEqual(await stream.next('connect-close'), { connectionId: stream.id, reason: 'evicted', reconnect: false });
      await stream.end();
    }
    assert.equal((await shown(OLD, 'name=')).length, 5);
    await Promise.all([...streams, ...others].map((stream) => stream.close()));
  });

  test('else they are not limited', async () => {
    const streams = [];
    for (let n = 0; n < 5; n += 1) {
      streams.push(await page.connect({ userId: 'ann' }, { base: HR }));
    }
    assert.equal((await shown(HR, 'name=')).length, 5);
    await Promise.all(streams.map((stream) => stream.close()));
  });
});

describe('honorKeepaliveTime', () => {
  const HOUR = 3_600_000;
  const life = async (base, keepaliveTime) => {
    const stream = await page.connect({ userId: '7', ...(keepaliveTime === undefined ? {} : { keepaliveTime }) }, { base });
    const [{ timeout }] = await shown(base, `id=${stream.id}`);
    assert.equal(stream.finish.timeout, timeout);
    await stream.close();
    return timeout;
  };

  test('a page may have a shorter life, of a minute at the least', async () => {
    assert.equal(await life(OLD, 900_000), 900_000);
    assert.equal(await life(OLD, 2000), 60_000);
    for (const asked of [undefined, 0, -1, 'x', 10 * HOUR]) {
      const timeout = await life(OLD, asked);
      assert.ok(timeout >= 0.8 * HOUR && timeout <= HOUR, `${asked}: ${timeout}`);
    }
  });

  test('else the service alone decides', async () => {
    const timeout = await life(HR, 900_000);
    assert.ok(timeout >= 0.8 * HOUR && timeout <= HOUR, `${timeout}`);
  });

  test('compat: java sets it, and the others', async () => {
    assert.equal(await life('/sse/java', 1_800_000), 1_800_000);
    assert.equal((await page.postJson('/sse/java/connect/message/a.do?userId=7&connectionId=999', {})).data, 'a');
    const streams = [];
    for (let n = 0; n < 4; n += 1) {
      streams.push(await page.connect({ userId: 'ann' }, { base: '/sse/java' }));
    }
    assert.equal((await streams[0].next('connect-close')).reason, 'evicted');
  });
});
