// SPDX-License-Identifier: Apache-2.0
// Whose pages may use a user's cookie, and read answers (src/api/origin.h).
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';

const BASE = '/sse/demo';
const COOKIE = { cookie: 'userId=ann' };
const LISTED = 'https://app.test';
const FOREIGN = 'https://evil.test';
const BODY = multipart([{ name: 'file', fileName: 'a.txt', data: 'stored?' }]);

let server;
let office;
let page;
let own;

before(async () => {
  server = await startServer({ variables: {
    SSE_SERVER_SERVICES_0_ORIGINS: `${LISTED}, https://*.apps.test`,
    SSE_SERVER_SERVICES_0_CORS_HEADERS: 'X-Own',
  } });
  office = await backend(server);
  page = await connect(server.origin);
  own = server.origin;
});
after(async () => {
  await Promise.all([page.close(), office.close()]);
  await server.stop();
});

const connections = async () => (await office.query('connections')).total;

async function storedFiles() {
  const entries = await readdir(join(server.stateDirectory, 'demo', 'uploads'));
  return entries.length;
}

// What a page can send without a preflight, and JSON.
const POSTS = {
  'a form': (headers) => page.postForm(`${BASE}/connect/disconnect.do`, { connectionId: 'x' }, headers),
  'a beacon of text': (headers) =>
    page.post(`${BASE}/connect/disconnect.do`, 'connectionId=x', { 'content-type': 'text/plain;charset=UTF-8', ...headers }),
  'a multipart body': (headers) =>
    page.post(`${BASE}/connect/upload/a.do`, BODY, { 'content-type': MULTIPART, ...headers }),
  JSON: (headers) => page.postJson(`${BASE}/connect/message/a.do`, {}, headers),
};

for (const [what, post] of Object.entries(POSTS)) {
  describe(`${what} with a cookie`, () => {
    for (const [name, fields] of Object.entries({
      'a foreign origin': { origin: FOREIGN },
      'the origin null': { origin: 'null' },
      'no origin': {},
      'no origin, from another site': { 'sec-fetch-site': 'same-site' },
    })) {
      test(`and ${name} is refused, and says why`, async () => {
        const before = await storedFiles();
        const answer = await post({ ...COOKIE, ...fields });
        assert.equal(answer.status, 403, answer.text);
        assert.match(answer.json.errorMessage, /services\[\]\.origins/);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
        assert.equal(await storedFiles(), before);
      });
    }

    test('and a foreign origin is told which', async () => {
      const answer = await post({ ...COOKIE, origin: FOREIGN });
      assert.match(answer.json.errorMessage, /"https:\/\/evil\.test" may not use the service "demo"/);
    });

    test('is served to the own origin, a listed one, and the own one that hides its referrer', async () => {
      for (const fields of [
        { origin: own },
        { origin: LISTED },
        { origin: 'https://a.b.apps.test', 'sec-fetch-site': 'cross-site' },
        { origin: 'null', 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'same-origin' },
      ]) {
        const answer = await post({ ...COOKIE, ...fields });
        assert.equal(answer.status, 200, `${JSON.stringify(fields)}: ${answer.text}`);
      }
    });
  });
}

describe('a credential that is no cookie', () => {
  test('is served whatever the origin, which may not read the answer', async () => {
    const answer = await page.postJson(`${BASE}/connect/message/a.do?userId=ann`, {}, { origin: FOREIGN });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
    assert.equal(answer.headers.vary, 'origin');
  });

  test('none at all: a connectionId counts for pages that may have it', async () => {
    const stream = await page.connect({ userId: 'ann' });
    const say = (headers) => page.postJson(`${BASE}/connect/message/a.do?connectionId=${stream.id}`, {}, headers);
    assert.equal((await say({})).status, 200);
    assert.equal((await say({ origin: LISTED })).status, 200);
    assert.equal((await say({ origin: FOREIGN })).status, 403);
    assert.equal((await say({ origin: 'null' })).status, 403);
    await stream.close();
  });
});

describe('connect with a cookie', () => {
  test('is refused to foreign pages before anything is registered', async () => {
    const before = await office.metric('sse_server_connections_opened_total');
    for (const fields of [
      { origin: FOREIGN },
      { origin: 'null' },
      { origin: FOREIGN, 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      for (const method of ['GET', 'POST']) {
        const stream = await page.connect({}, { method, headers: { ...COOKIE, ...fields } });
        assert.equal(stream.status, 403, JSON.stringify(fields));
        await stream.end();
      }
    }
    assert.equal(await office.metric('sse_server_connections_opened_total'), before);
    assert.equal(await connections(), 0);
  });

  test('is served to pages that are fine, and to clients that say nothing', async () => {
    for (const fields of [{}, { origin: own }, { origin: LISTED }, { 'sec-fetch-site': 'same-origin' }]) {
      const stream = await page.connect({}, { headers: { ...COOKIE, ...fields } });
      assert.equal(stream.status, 200, JSON.stringify(fields));
      await stream.close();
    }
  });
});

describe('reading answers', () => {
  function assertReadable({ headers }, origin) {
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.match(headers['access-control-expose-headers'], /x-sse-server-id/);
    assert.match(headers.vary, /origin/);
  }

  const ANSWERS = {
    'an event stream': async (headers) => {
      const stream = await page.connect({ userId: 'ann' }, { headers });
      await stream.close();
      return stream;
    },
    'the client script': (headers) => page.get(BASE, headers),
    'the client script, unchanged': async (headers) => {
      const { headers: { etag } } = await page.get(BASE);
      const answer = await page.get(BASE, { 'if-none-match': etag, ...headers });
      assert.equal(answer.status, 304);
      return answer;
    },
    'a 200': (headers) => page.postJson(`${BASE}/connect/message/a.do?userId=ann`, {}, headers),
    'a 401': (headers) => page.get(`${BASE}/connect`, headers),
    'a 404': (headers) => page.get(`${BASE}/nothing/here`, headers),
    'a 405': (headers) => page.request('PUT', `${BASE}/connect`, { headers }),
    'a 415': (headers) => page.post(`${BASE}/connect/ack.do`, 'x', { 'content-type': 'text/html', ...headers }),
    'a 413 of the layer below': (headers) =>
      page.postForm(`${BASE}/connect`, { x: 'y'.repeat(20_000) }, headers),
    'a 400': (headers) => page.get(`${BASE}/connect?%zz`, headers),
  };

  for (const [what, ask] of Object.entries(ANSWERS)) {
    test(`${what}: who is listed may, others may not`, async () => {
      assertReadable(await ask({ origin: LISTED }), LISTED);
      assertReadable(await ask({ origin: own }), own);
      for (const headers of [{ origin: FOREIGN }, { origin: 'null' }, {}]) {
        const answer = await ask(headers);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
        assert.match(answer.headers.vary, /origin/);
      }
    });
  }

  test('the back ends\' side has none of it', async () => {
    for (const path of ['/users', '/connections', '/send']) {
      const answer = await page.get(`${BASE}${path}`, { origin: LISTED });
      assert.equal(answer.headers['access-control-allow-origin'], undefined, path);
      assert.equal(answer.headers.vary, undefined, path);
    }
    const health = await page.get('/health/live', { origin: LISTED });
    assert.equal(health.headers['access-control-allow-origin'], undefined);
  });
});

describe('preflights', () => {
  const ask = (path, origin, method = 'POST') => page.request('OPTIONS', path, { headers: {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'content-type,idempotency-key',
  } });

  test('of a listed origin get leave', async () => {
    const answer = await ask(`${BASE}/connect/message/a/b.do`, LISTED);
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-origin'], LISTED);
    assert.equal(answer.headers['access-control-allow-credentials'], 'true');
    assert.equal(answer.headers['access-control-allow-methods'], 'POST');
    assert.match(answer.headers['access-control-allow-headers'], /content-type, idempotency-key/);
    assert.equal(answer.headers['access-control-max-age'], '600');
    assert.equal(answer.headers.vary, 'origin');
    assert.equal((await ask(`${BASE}/connect`, LISTED)).headers['access-control-allow-methods'], 'GET, HEAD, POST');
  });

  test('of other origins, and for the back ends\' side, get none', async () => {
    for (const answer of [
      await ask(`${BASE}/connect/ack.do`, FOREIGN),
      await ask(`${BASE}/connect/ack.do`, 'null'),
      await ask(`${BASE}/send`, LISTED),
    ]) {
      assert.equal(answer.status, 204);
      assert.ok(answer.headers.allow);
      for (const name of Object.keys(answer.headers)) {
        assert.doesNotMatch(name, /^access-control/);
      }
    }
  });

  test('name what the server reads, what tools add, and what the settings name', async () => {
    const { headers } = await ask(`${BASE}/connect/message/a.do`, LISTED);
    const allowed = headers['access-control-allow-headers'].split(', ');
    for (const name of ['content-type', 'idempotency-key', 'x-sse-order', 'authorization', 'last-event-id',
      'traceparent', 'tracestate', 'baggage', 'sentry-trace', 'x-own']) {
      assert.ok(allowed.includes(name), name);
    }
    assert.equal(new Set(allowed).size, allowed.length);
    assert.equal(allowed.includes('x-session'), false);
  });

  describe('of other services', () => {
    async function allowed(variables) {
      const other = await startServer({ variables: { SSE_SERVER_SERVICES_0_ORIGINS: LISTED, ...variables } });
      const client = await connect(other.origin);
      try {
        const { headers } = await client.request('OPTIONS', `${BASE}/connect/message/a.do`, { headers: {
          origin: LISTED, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-any,x-session',
        } });
        const finish = {};
        for (const origin of [LISTED, other.origin]) {
          const stream = await client.connect({ userId: 'ann' }, { headers: { origin } });
          finish[origin === LISTED ? 'listed' : 'own'] = stream.finish?.corsHeaders;
          await stream.close();
        }
        return { list: headers['access-control-allow-headers'], ...finish };
      } finally {
        await client.close();
        await other.stop();
      }
    }

    test('with auth webhook name the fields by which it knows users', async () => {
      const { list } = await allowed({
        SSE_SERVER_SERVICES_0_AUTH: 'webhook',
        SSE_SERVER_SERVICES_0_AUTH_WEBHOOK_URL: 'http://127.0.0.1:9/who',
        SSE_SERVER_SERVICES_0_AUTH_WEBHOOK_HEADERS: 'authorization, x-session',
      });
      assert.match(list, /, x-session$/);
    });

    test('that allow any allow what is asked', async () => {
      assert.deepEqual(await allowed({ SSE_SERVER_SERVICES_0_CORS_HEADERS: '*' }), { list: 'x-any,x-session', listed: undefined, own: undefined });
    });

    test('tell pages of other origins what is allowed', async () => {
      const { list, listed, own: ours } = await allowed({ SSE_SERVER_SERVICES_0_CORS_HEADERS: 'x-own' });
      assert.equal(listed, list);
      assert.equal(ours, undefined);
    });
  });
});
