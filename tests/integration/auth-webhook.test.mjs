// SPDX-License-Identifier: Apache-2.0
// auth: webhook. A back end that has users and sessions says who a page's user is; whatever it does,
// pages are answered in time, and who does not need it does not wait for it.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { KEY, runCommand, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';

const CONNECT = '/sse/shop/connect';
const SECRET = 'shared-secret';

let target;
let server;
let office;
let page;

// Two services: one that asks the target, and one that needs nobody.
const configuration = (settings) => `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [{name: office, key: ${KEY}}]
services:
  - name: shop
    auth: webhook
    webhookSecret: ${SECRET}
    origins: ["https://app.test"]
    channels: {allow: ["{userId}/*"]}
    authWebhook:
      url: ${target.url('/who')}
      cookies: [session, remember]
      headers: [authorization, x-tenant]
${Object.entries(settings).map(([name, value]) => `      ${name}: ${value}`).join('\n')}
  - {name: other}
`;

async function start(settings = {}, workers = '2', variables = {}) {
  server = await startServer({
    config: configuration(settings),
    // A minute of the server's clock may be a moment: too short for an answer to a PING.
    variables: { SSE_SERVER_WORKERS: workers, SSE_SERVER_LIMITS_PING_INTERVAL: '1h', ...variables },
  });
  office = await backend(server, { base: '/sse/shop' });
  page = await connect(server.origin);
}

async function stop() {
  await page.close();
  await office.close();
  await server.stop();
}

const bySession = (session) => ({ base: '/sse/shop', headers: { cookie: `theme=dark; session=${session}` } });
const open = (session, parameters = {}, from = page) => from.connect(parameters, bySession(session));
const ask = (headers, query = '') => page.get(`${CONNECT}?${query}`, headers);

// The user who is called like the session.
const whoEverAsks = ({ body }) => ({ status: 200, json: { id: JSON.parse(body).cookies.session } });

before(async () => {
  target = await startTarget();
});
after(() => target.close());
beforeEach(() => {
  target.requests.length = 0;
  target.answer = whoEverAsks;
});

describe('what the back end is told', () => {
  before(() => start());
  after(stop);

  test('is what is named, signed, as JSON and as fields of the request', async () => {
    target.answer = () => ({ status: 200, json: { id: 7 } });
    const stream = await page.connect({ 'access-token': 't', secret: 'not named' }, {
      base: '/sse/shop',
      headers: { cookie: 'theme=dark; session=s1; remember=r1', authorization: 'Basic YTpi', 'x-tenant': 'x', 'x-other': 'o' },
    });
    const [asked] = target.requests;
    const [{ time, address, ...posted }] = target.posted;
    assert.ok(Math.abs(time - Date.now()) < 60_000);
    assert.equal(address, '127.0.0.1');
    assert.deepEqual(posted, {
      type: 'auth', service: 'shop', method: 'GET', path: CONNECT,
      headers: { authorization: 'Basic YTpi', 'x-tenant': 'x' },
      cookies: { session: 's1', remember: 'r1' },
      parameters: { 'access-token': 't' },
      credential: null,
    });
    assert.equal(`${asked.method} ${asked.url}`, 'POST /who');
    assert.equal(asked.headers.cookie, 'session=s1; remember=r1');
    assert.equal(asked.headers.authorization, 'Basic YTpi');
    assert.equal(asked.headers['x-tenant'], 'x');
    assert.equal(asked.headers['x-other'], undefined);
    const [, at, digest] = asked.headers['sse-signature'].match(/^t=(\d+),v1=([0-9a-f]{64})$/);
    assert.equal(createHmac('sha256', SECRET).update(`${at}.`).update(asked.body).digest('hex'), digest);
    assert.doesNotMatch(server.output, /s1|r1|YTpi/);
    await stream.close();
  });

  test('is the traceparent of the request, if it is one', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    target.answer = () => ({ status: 200, json: { id: 7 } });
    for (const traceparent of [trace, `${trace}-01`, 'x'.repeat(55)]) {
      const from = target.requests.length;
      const stream = await page.connect({}, { base: '/sse/shop', headers: { cookie: `session=${traceparent.length}${from}`, traceparent } });
      assert.equal(target.requests[from].headers.traceparent, traceparent === trace ? trace : undefined);
      await stream.close();
    }
  });

  test('is nothing when a page shows nothing of that', async () => {
    const answer = await ask({ cookie: 'theme=dark', 'x-other': 'o' }, 'userId=7');
    assert.equal(answer.status, 401);
    assert.match(answer.json.errorMessage, /no credential/);
    assert.equal(target.requests.length, 0);
  });

  test('is the token that refresh.do shows, in the place of the cookie', async () => {
    const stream = await open('ann');
    target.answer = () => ({ status: 200, json: { id: 'ann', expiresIn: 600 } });
    const answer = await page.postJson(`${CONNECT}/refresh.do`, { connectionId: stream.id, accessToken: 'fresh' }, {
      cookie: 'session=ann', origin: server.origin,
    });
    assert.ok(answer.data.expiresAt > Date.now());
    const [, { cookies, credential }] = target.posted;
    assert.deepEqual([cookies, credential], [{}, 'fresh']);
    assert.equal(target.requests[1].headers.authorization, 'Bearer fresh');
    assert.equal(target.requests[1].headers.cookie, undefined);
    await stream.close();
  });

  test('goes over connections that are kept', async () => {
    for (let n = 0; n < 10; n++) {
      const stream = await open(`kept-${n}`);
      await stream.close();
    }
    assert.equal(target.requests.length, 10);
    assert.ok(await office.metric('sse_server_auth_question_connections_total') < 10);
    const asked = await office.metric('sse_server_auth_questions_total');
    assert.equal(await office.metric('sse_server_webhook_seconds_count', /purpose="authWebhook"/), asked);
    assert.ok(await office.metric('sse_server_outbound_requests_total') >= asked);
  });
});

describe('what the back end says', () => {
  before(() => start({ timeout: '700ms' }));
  after(stop);

  test('is the user, with channels and further fields', async () => {
    target.answer = () => ({
      status: 200,
      json: { success: true, data: { user: { id: 7, name: 'Ann', tenantId: 't', accessToken: 'name-of-the-token', channels: ['news'], role: 'boss' } } },
    });
    const stream = await open('whole', [['channel', 'news'], ['channel', '7/own']]);
    const { list: [user] } = await office.query('users');
    const { list: [{ channels }] } = await office.query('connections');
    assert.deepEqual(user, { id: '7', name: 'Ann', tenantId: 't', accessToken: 'name…en', role: 'boss' });
    assert.deepEqual(channels.sort(), ['7/own', 'news']);
    assert.equal((await office.send({ event: 'e', data: 1, accessToken: 'name-of-the-token' })).count, 1);
    const without = await open('whole', [['channel', 'other']]);
    assert.deepEqual(without.finish.leftOut, [{ channel: 'other', reason: 'forbidden' }]);
    await without.close();
    await stream.close();
  });

  test('ends the stream when it says so', async () => {
    target.answer = () => ({ status: 200, json: { id: 7, expiresAt: Date.now() + 300 } });
    const stream = await open('short', { reasons: 'true' });
    const { reason } = await stream.next('connect-close');
    assert.equal(reason, 'expired');
  });

  // answer of the back end, what the page gets
  const cases = [
    [{ status: 401, body: '' }, 401, /sign in again/],
    [{ status: 403, json: { secret: 'why' } }, 403, /not let this one in/],
    [{ status: 200, json: { success: false, code: 403 } }, 403, /not let this one in/],
    [{ status: 200, json: { id: 7, expiresIn: -1 } }, 401, /expired/],
    [{ status: 500, json: { secret: 'stack trace' } }, 502, /no answer that can be used/],
    [{ status: 404, body: '' }, 502, /no answer that can be used/],
    [{ status: 302, body: '', headers: { location: '/login' } }, 502, /no answer that can be used/],
    [{ status: 200, body: '<html>' }, 502, /no answer that can be used/],
    [{ status: 200, json: { name: 'nobody' } }, 502, /no answer that can be used/],
    [{ status: 200, json: { id: 7, more: 'x'.repeat(70_000) } }, 502, /no answer that can be used/],
    [{ status: 503, body: '' }, 503, /busy/],
    [{ status: 429, body: '' }, 503, /busy/],
    [undefined, 504, /in time/],
  ];
  for (const [n, [given, status, message]] of cases.entries()) {
    test(`is ${status} for the page when it is ${JSON.stringify(given)?.slice(0, 60)}`, async () => {
      target.answer = () => given;
      const answer = await ask({ cookie: `session=case-${n}` });
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.errorMessage, message);
      assert.doesNotMatch(answer.text, /stack trace|why/);
      assert.equal(Number(answer.headers['retry-after']) > 0, status === 503);
    });
  }

  test('is waited for while it is gone, with 502, until it is back', async () => {
    const { port } = target;
    await target.close();
    assert.equal((await ask({ cookie: 'session=gone' })).status, 502);
    target = await startTarget(port);
    target.answer = whoEverAsks;
    const stream = await open('gone');
    assert.equal(stream.status, 200);
    await stream.close();
    assert.ok(await office.metric('sse_server_auth_question_failures_total', /service="shop"/) > 0);
  });
});

describe('the same credential', () => {
  before(() => start({}, '1'));
  after(stop);

  test('is asked about once by 50 who come at once', async () => {
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.answer = async (asked) => {
      await hold;
      return whoEverAsks(asked);
    };
    const pages = await Promise.all(Array.from({ length: 10 }, () => connect(server.origin)));
    const streams = pages.flatMap((from) => Array.from({ length: 5 }, (_, n) => open('ann', { clientId: `${n}` }, from)));
    await eventually('all to wait', async () => (await office.metric('sse_server_auth_waiting')) === 50);
    release();
    for (const stream of await Promise.all(streams)) {
      assert.equal(stream.status, 200);
    }
    assert.equal(target.requests.length, 1);
    assert.equal(await office.metric('sse_server_auth_shared_answers_total'), 49);
    await Promise.all(pages.map((from) => from.close()));
  });

  test('is not asked about again for a while, but for another', async () => {
    const hits = await office.metric('sse_server_auth_cache_hits_total');
    for (let n = 0; n < 3; n++) {
      await page.post(`${CONNECT}/message/x.do`, '{}', {
        'content-type': 'application/json', cookie: 'session=bob', origin: server.origin,
      });
    }
    await (await open('bob')).close();
    assert.equal(target.requests.length, 1);
    assert.equal(await office.metric('sse_server_auth_cache_hits_total'), hits + 3);
    await (await open('bob2')).close();
    assert.equal(target.requests.length, 2);
  });
});

describe('without a cache', () => {
  before(() => start({ cache: 0 }));
  after(stop);

  test('every request asks', async () => {
    for (let n = 1; n <= 3; n++) {
      await (await open('ann')).close();
      assert.equal(target.requests.length, n);
    }
  });
});

describe('disconnectUser', () => {
  before(() => start({ cache: '1h' }));
  after(stop);

  for (const [what, session, revocation] of [
    ['of the user', 's1', { userId: 'ann' }],
    ['of the token', 's2', { accessToken: 'token-of-ann' }],
  ]) {
    test(`${what} makes every worker ask again, and the back end decides`, async () => {
      target.answer = () => ({ status: 200, json: { id: 'ann', accessToken: 'token-of-ann' } });
      const pages = await Promise.all(Array.from({ length: 8 }, () => connect(server.origin)));
      const streams = await Promise.all(pages.map((from) => open(session, {}, from)));
      assert.ok(streams.every(({ status }) => status === 200));
      assert.ok(target.requests.length <= 2); // one of each worker
      await office.command('disconnectUser', revocation);
      target.answer = () => ({ status: 401, body: '' });
      for (const from of pages) {
        assert.equal((await from.get(CONNECT, { cookie: `session=${session}` })).status, 401);
      }
      await Promise.all(pages.map((from) => from.close()));
    });
  }
});

describe('a back end that does not answer', () => {
  before(() => start({ inFlight: 2, waiting: 3, timeout: '1m' }, '1'));
  after(async () => {
    await target.close(); // what waits fails at once, so that the server need not wait to stop
    target = await startTarget(target.port);
    await stop();
  });

  test('makes some wait, refuses more, and keeps nobody else waiting', async () => {
    target.answer = () => undefined;
    const slow = await connect(server.origin);
    const waiting = Array.from({ length: 5 }, (_, n) => slow.get(CONNECT, { cookie: `session=slow-${n}` }).catch(() => {}));
    await eventually('all to wait', async () => (await office.metric('sse_server_auth_waiting')) === 5);
    await within('two questions', target.saw(({ length }) => length === 2));
    for (let n = 0; n < 20; n++) {
      const refused = await ask({ cookie: `session=more-${n}` });
      assert.equal(refused.status, 503);
      assert.ok(Number(refused.headers['retry-after']) > 0);
      assert.match(refused.json.errorMessage, /too many requests wait/);
      assert.equal((await page.get('/health/live')).status, 200);
      const stream = await page.connect({ userId: '7' }, { base: '/sse/other' });
      assert.equal(stream.status, 200);
      await stream.close();
    }
    assert.equal(await office.metric('sse_server_auth_busy_total', /service="shop"/), 20);
    assert.ok(await office.metric('sse_server_loop_lag_seconds') >= 0);
    assert.equal(target.requests.length, 2);
    await slow.close();
    await Promise.all(waiting);
  });
});

describe('a back end that speaks HTTP/2', () => {
  let plain;
  let directory;
  let certificate;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'back-end-'));
    const { output } = await runCommand(['make-cert', '--out', directory]);
    let key;
    [, certificate, key] = output.match(/certificate (\S+)\s+key (\S+)/);
    plain = target;
    target = await startTarget(undefined, { cert: await readFile(certificate), key: await readFile(key) });
    await start({}, '1', { SSE_SERVER_OUTBOUND_CA_FILE: certificate });
  });
  after(async () => {
    await stop();
    await target.close();
    target = plain;
    await rm(directory, { recursive: true });
  });

  test('is not asked when no authority vouches for it', async () => {
    await stop();
    await start({});
    assert.equal((await open('first')).status, 502);
    assert.equal(target.requests.length, 0);
    await stop();
    await start({}, '1', { SSE_SERVER_OUTBOUND_CA_FILE: certificate });
  });

  test('is asked many questions at once over one connection', async () => {
    await (await open('first')).close();
    const { connections } = target;
    const all = target.saw(({ length }) => length === 21);
    target.answer = async (asked) => {
      await all;
      return whoEverAsks(asked);
    };
    const streams = await Promise.all(Array.from({ length: 20 }, (_, n) => open(`many-${n}`)));
    assert.ok(streams.every(({ status }) => status === 200));
    assert.ok(target.requests.every(({ version }) => version === '2.0'));
    assert.equal(target.requests.length, 21);
    assert.equal(target.connections, connections);
  });
});

describe('whose pages may use the cookie', () => {
  before(() => start());
  after(stop);

  const post = (headers, query = '') => page.postJson(`${CONNECT}/message/x.do?${query}`, {}, headers);

  test('those of listed origins', async () => {
    assert.equal((await post({ cookie: 'session=ann', origin: 'https://app.test' })).status, 200);
    for (const foreign of [{ origin: 'https://evil.test' }, {}]) {
      assert.equal((await post({ cookie: 'session=ann', ...foreign })).status, 403);
    }
  });

  test('and no stranger who adds a parameter', async () => {
    const headers = { cookie: 'session=ann', origin: 'https://evil.test' };
    assert.equal((await post(headers, 'access-token=x')).status, 403);
  });

  test('a Bearer token needs no origin', async () => {
    target.answer = () => ({ status: 200, json: { id: 7 } });
    assert.equal((await post({ authorization: 'Bearer b' })).status, 200);
    assert.equal((await post({}, 'access-token=x')).status, 200);
  });
});

describe('what is asked about apart', () => {
  const SESSION = { cookie: 'session=ann' };
  const own = () => ({ ...SESSION, origin: server.origin });
  const send = (path, id, headers = own()) => page.postJson(`${CONNECT}/message/${path}.do${id ? `?connectionId=${id}` : ''}`, {}, headers);

  before(() => start({ apis: '["message/admin/*", "addListener"]', cache: '10m', userCacheEntries: 3 }));
  after(stop);

  test('has an answer of its own, which is remembered', async () => {
    target.answer = ({ body }) => (JSON.parse(body).class === 'message/admin/*' ? { status: 403 } : whoEverAsks({ body }));
    const stream = await open('ann');
    assert.equal((await send('orders', stream.id)).status, 200);
    assert.equal((await send('admin/users', stream.id)).status, 403);
    assert.equal((await send('admin/users', stream.id)).status, 403);
    assert.equal((await send('%61dmin/users', stream.id)).status, 403); // what is run, not how it is written
    assert.equal((await send('orders', stream.id)).status, 200);
    assert.equal((await page.postJson(`${CONNECT}/addListener.do`, { connectionId: stream.id, listener: ['a'] }, own())).status, 200);
    assert.equal((await page.postJson(`${CONNECT}/addListener.do`, { connectionId: stream.id, listener: ['b'] }, own())).status, 200);
    const asked = target.posted.map(({ api, class: kind, path }) => [api, kind, path]);
    assert.deepEqual(asked[0], [undefined, undefined, CONNECT]);
    assert.deepEqual(new Set(asked.slice(1).map(([api, kind]) => `${kind}: ${api}`)), new Set([
      'message/admin/*: message/admin/users', 'addListener: addListener']));
    assert.equal(asked.filter(([, kind]) => kind === 'addListener').length, 1);
    await stream.close();
  });

  test('is not for who shows a connectionId alone', async () => {
    const stream = await open('ann');
    assert.equal((await send('orders', stream.id, {})).status, 200);
    const refused = await send('admin/users', stream.id, {});
    assert.equal(refused.status, 401);
    assert.match(refused.json.errorMessage, /credential of its own/);
    await stream.close();
  });

  test('takes of the memory for one user no more than it may', async () => {
    const before = await office.metric('sse_server_auth_cache_displaced_total');
    target.answer = () => ({ status: 200, json: { id: 'many' } });
    for (const session of ['m1', 'm2', 'm3', 'm4']) {
      await (await open(session)).close();
    }
    assert.equal(await office.metric('sse_server_auth_cache_displaced_total') - before, 1);
  });
});

describe('the answer', () => {
  before(() => start());
  after(stop);

  test('sets the life of its connections, and their attributes', async () => {
    target.answer = () => ({ status: 200, json: { id: 7, lifetime: 90, attributes: { device: 'till', password: 'hidden' }, role: 'boss' } });
    const stream = await open('with-attributes');
    const { list: [shown] } = await office.query('connections');
    assert.equal(shown.timeout, 90_000);
    assert.deepEqual(shown.attributes, { device: 'till', password: '***' });
    assert.deepEqual(Object.keys(shown.accessUser).sort(), ['accessToken', 'id', 'name', 'role', 'tenantId']);
    await server.stopClock();
    await server.advance(90_200);
    await stream.end();
    await server.startClock();
  });

  test('may have a body for the page that it refuses', async () => {
    for (const status of [401, 403]) {
      target.answer = () => ({ status, json: { body: { login: 'https://shop.example/login' }, trace: 'at Main.java:7' } });
      for (let n = 0; n < 2; n++) { // once asked, once remembered
        const answer = await ask({ cookie: `session=refused-${status}` });
        assert.equal(answer.status, status);
        assert.deepEqual(answer.json.data, { login: 'https://shop.example/login' });
        assert.equal(answer.json.success, false);
        assert.doesNotMatch(answer.text, /Main\.java/);
      }
    }
    target.answer = () => ({ status: 401, json: { error: 'of a framework' } });
    assert.equal((await ask({ cookie: 'session=plain' })).json.data, null);
  });
});
