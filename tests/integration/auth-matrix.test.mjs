// SPDX-License-Identifier: Apache-2.0
// Every route, asked with every credential that should not open it: the status that it must have, and
// nothing has happened.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { PAGE_ENDPOINTS, callEndpoint } from './support/page_endpoints.mjs';
import { routeNames } from './support/route_table.mjs';
import { startServer } from './support/server.mjs';
import { SECRET, seconds, token } from './support/tokens.mjs';
import { within } from './support/wait.mjs';

const PERMISSIONS = ['send', 'query', 'disconnect', 'presence', 'metrics', 'inspect'];
const BASE = '/sse/hr';
const JSON_TYPE = { 'content-type': 'application/json' };
const HMAC = { kid: 'hmac', key: SECRET };
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLIC_PEM = publicKey.export({ type: 'spki', format: 'pem' });
const RSA = { kid: 'rsa', algorithm: 'RS256', key: privateKey };

const config = (directory) => `
demo: true
workers: 2
listeners:
  - address: 127.0.0.1:0
services:
  - name: hr
    auth: jwt
    sessionBindingStrict: true
    channels: {open: true}
    jwt: {audience: [hr]}
  - name: chat
    auth: jwt
    jwt: {audience: [chat]}
tokenKeys:
  - {id: hmac, algorithm: HS256, secret: "${HMAC.key}"}
  - {id: rsa, algorithm: RS256, file: ${directory}/public.pem}
apiKeys:
  - {key: everything, permissions: [${PERMISSIONS}]}
  - {name: elsewhere, key: for-another-service, services: [chat]}
${PERMISSIONS.map((lacking) => `
  - name: no-${lacking}
    key: all-but-${lacking}
    permissions: [${PERMISSIONS.filter((word) => word !== lacking)}]`).join('')}
`;

// ---- who may ask what ----

const open = (path) => ({ guard: 'open', path });
const page = (name) => ({ guard: 'page', endpoint: PAGE_ENDPOINTS[name] });
const query = (path) => ({ guard: 'query', path: `${BASE}/${path}` });
const command = (guard, path, body) => ({ guard, path: `${BASE}/${path}`, body: JSON.stringify(body) });

// What each route is for, so that a refused request would have done something.
const ROUTES = {
  'GET {base}': open(BASE),
  'GET {base}/sse.js': open(`${BASE}/sse.js`),
  'POST {base}': open(BASE),
  'POST {base}/sse.js': open(`${BASE}/sse.js`),
  'GET {base}/connect': { guard: 'connect', path: `${BASE}/connect?listeners=hello` },
  'POST {base}/connect': { guard: 'connect', path: `${BASE}/connect?listeners=hello` },
  ...Object.fromEntries(Object.keys(PAGE_ENDPOINTS).map((name) => [`POST {base}/connect/${name}`, page(name)])),
  'GET {base}/users': query('users'),
  'GET {base}/connect/users.json': query('connect/users.json'),
  'GET {base}/connections': query('connections'),
  'GET {base}/connect/connections.json': query('connect/connections.json'),
  'GET {base}/messages': query('messages'),
  'GET {base}/connect/repositoryMessages.json': query('connect/repositoryMessages.json'),
  'GET {base}/messages/{path}': query('messages/order-1'),
  'GET {base}/online': query('online?userId=ann'),
  'GET {base}/counts': query('counts'),
  'GET {base}/userIds': query('userIds'),
  'GET {base}/tenantIds': query('tenantIds'),
  'GET {base}/channels': query('channels'),
  'GET {base}/accessTokens': query('accessTokens'),
  'GET {base}/trace': { guard: 'inspect', path: `${BASE}/trace` },
  'GET {base}/why': { guard: 'inspect', path: `${BASE}/why?userId=ann` },
  'GET {base}/presence': { guard: 'presence', path: `${BASE}/presence` },
  'POST {base}/send': command('send', 'send', { event: 'hello', data: 'forged', all: true }),
  'DELETE {base}/messages': { guard: 'send', path: `${BASE}/messages?userId=zed` },
  'DELETE {base}/messages/{path}': { guard: 'send', path: `${BASE}/messages/order-1` },
  'POST {base}/disconnectUser': command('disconnect', 'disconnectUser', { userId: 'ann' }),
  'POST {base}/setDuration': command('send', 'setDuration', { userId: 'ann', duration: 1 }),
  'GET /health/live': open('/health/live'),
  'GET /openapi.yaml': open('/openapi.yaml'),
  'GET /health/ready': open('/health/ready'),
  'GET /metrics': { guard: 'metrics', path: '/metrics', isServerWide: true },
  'GET /access': { guard: 'back end', path: '/access', isServerWide: true },
  'GET /certificates': { guard: 'metrics', path: '/certificates', isServerWide: true },
  'GET /settings': { guard: 'metrics', path: '/settings', isServerWide: true },
  'GET /': open('/'),
  'GET /demo/{path}': open('/demo/demo.js'),
  'GET /console': open('/console'),
  'GET /console/{path}': open('/console/console.js'),
};

// ---- credentials ----

const claims = (further) => ({ sub: 'office', aud: 'hr', permissions: PERMISSIONS, ...further });
const user = (further) => claims({ permissions: undefined, ...further });
const tampered = (text) => text.replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify(claims({ sub: 'ann' }))).toString('base64url')}.`);

// Tokens that nobody may take for one.
const BAD_TOKENS = {
  'an expired token': token(claims({ exp: seconds(-600) }), HMAC),
  'a token that never expires': token(claims({ exp: undefined }), HMAC),
  'a token that is not valid yet': token(claims({ nbf: seconds(600) }), HMAC),
  'a token with alg none': token(claims(), { algorithm: 'none' }),
  'a token with alg none and a kid': token(claims(), { algorithm: 'none', kid: 'rsa' }),
  'an HMAC with the public key': token(claims(), { kid: 'rsa', key: PUBLIC_PEM }),
  'an HMAC with the public key, and no kid': token(claims(), { key: PUBLIC_PEM }),
  'a token of an unknown key': token(claims(), { key: `${SECRET}!` }),
  'a token whose claims were changed': tampered(token(user({ sub: 'bob' }), HMAC)),
  'a token for another audience': token(claims({ aud: 'chat' }), HMAC),
  'half a token': token(claims(), HMAC).split('.').slice(0, 2).join('.'),
};
const bearer = (text) => ({ authorization: `Bearer ${text}` });

// For a route of the back ends: name, headers, status.
function backEndRefusals({ guard, isServerWide }) {
  const denied = isServerWide ? 401 : 403; // tokens are of services
  return [
    ['no credential', {}, 401],
    ['no scheme', { authorization: 'everything' }, 401],
    ['an empty Bearer', { authorization: 'Bearer' }, 401],
    ['another scheme', { authorization: 'Basic ZXZlcnl0aGluZw==' }, 401],
    ['two keys in one field', { authorization: 'Bearer everything everything' }, 401],
    ['a wrong key', bearer('everything2'), 401],
    ['a key in the query\'s place', { cookie: 'access-token=everything' }, 401],
    ...(guard === 'back end' ? [] : [['a key that lacks the permission', bearer(`all-but-${guard}`), 403]]),
    ...(isServerWide ? [] : [['a key for another service', bearer('for-another-service'), 403]]),
    ...Object.entries(BAD_TOKENS).map(([name, text]) => [name, bearer(text), 401]),
    ['a user\'s token', bearer(token(user({ sub: 'ann', tenantId: 'north' }), RSA)), denied],
    ['a token that lacks the permission',
      bearer(token(claims({ permissions: PERMISSIONS.filter((word) => word !== guard) }), HMAC)), denied],
  ];
}

// For a page's route that is asked for Ann's connection, on another session.
const PAGE_REFUSALS = [
  ['an API key', bearer('everything')],
  ...Object.entries(BAD_TOKENS).map(([name, text]) => [name, bearer(text)]),
  ...Object.entries(BAD_TOKENS).map(([name, text]) => [`${name}, in a cookie`, { cookie: `access-token=${text}` }]),
];
const STRANGERS = [
  ['another user', bearer(token(user({ sub: 'bob', tenantId: 'north' }), HMAC))],
  ['another tenant', bearer(token(user({ sub: 'ann', tenantId: 'south' }), HMAC))],
  ['a back end\'s token', bearer(token(claims(), HMAC))],
];

// ---- the world ----

let directory;
let server;
let office;
let stranger;
let ann;
let stream;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-matrix-'));
  await writeFile(join(directory, 'public.pem'), PUBLIC_PEM);
  server = await startServer({ config: config(directory) });
  office = await backend(server, { base: BASE, key: 'everything' });
  await office.send({ event: 'order', userId: 'zed', qos: 1, id: 'order-1' });
  stranger = await connect(server.origin);
  ann = await connect(server.origin);
  stream = await ann.connect({ listeners: 'hello', channel: 'red' },
    { base: BASE, headers: bearer(token(user({ sub: 'ann', tenantId: 'north' }), RSA)) });
  assert.equal(stream.status, 200);
});
after(async () => {
  await Promise.all([ann, stranger, office].map((client) => client.close()));
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const COUNTERS = ['messages', 'events_queued', 'connections_opened', 'connections_closed', 'user_online',
  'user_offline'].map((name) => `sse_server_${name}_total`);

// What a request that went through would have changed.
async function picture() {
  const counters = [];
  for (const name of COUNTERS) {
    counters.push(await office.metric(name, /service="hr"/));
  }
  return {
    counters,
    connections: await office.query('connections'),
    users: await office.query('users'),
    messages: await office.query('messages'),
    uploads: await readdir(join(server.stateDirectory, 'hr/uploads')),
    events: stream.events.length,
    ended: stream.ended,
  };
}

async function assertUntouched(ask) {
  const before = await picture();
  await ask();
  assert.deepEqual(await picture(), before);
}

function request(client, name, { path, body }, headers) {
  return client.request(name.split(' ')[0], path, { headers: { ...(body && JSON_TYPE), ...headers }, body });
}

// Of an answer that may go on for ever.
async function statusOf(client, name, { path, body }, headers) {
  const answer = client.open(name.split(' ')[0], path, { ...(body && JSON_TYPE), ...headers });
  answer.end(body);
  const [fields] = await within(`the answer to ${name}`, once(answer, 'response'));
  answer.close();
  return fields[':status'];
}

function assertRefused(answer, what, status) {
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assert.equal(answer.json.success, false, what);
  assert.ok(answer.json.errorMessage, what);
}

// ---- the matrix ----

test('each route of the server has a row here', async () => {
  assert.deepEqual(Object.keys(ROUTES).sort(), (await routeNames()).sort());
});

const isOfBackEnds = ({ guard }) => guard === 'back end' || PERMISSIONS.includes(guard);

for (const [name, route] of Object.entries(ROUTES)) {
  if (isOfBackEnds(route)) {
    test(`${name} is for back ends that may ${route.guard}`, async () => {
      await assertUntouched(async () => {
        for (const [what, headers, status] of backEndRefusals(route)) {
          const answer = await request(stranger, name, route, headers);
          assertRefused(answer, what, status);
          assert.match(answer.headers['www-authenticate'], /^Bearer/, what);
        }
      });
    });
  } else if (route.guard === 'connect') {
    test(`${name} is for users`, () => assertUntouched(async () => {
      for (const [what, headers] of [['no credential', {}], ...PAGE_REFUSALS]) {
        assertRefused(await request(stranger, name, route, headers), what, 401);
      }
    }));
  } else if (route.guard === 'page') {
    test(`${name} is for the connection's own user`, () => assertUntouched(async () => {
      const call = (headers) => callEndpoint(stranger, route.endpoint, stream.id, { base: BASE, headers });
      for (const [what, headers] of PAGE_REFUSALS) {
        assertRefused(await call(headers), what, 401);
      }
      for (const [what, headers] of STRANGERS) {
        const answer = await call(headers);
        assert.ok(route.endpoint.stranger(answer), `${what}: ${answer.status} ${answer.text}`);
      }
      const nobody = await call({});
      assert.ok(route.endpoint.stranger(nobody) || nobody.status === 401, `${nobody.status} ${nobody.text}`);
    }));
  } else {
    test(`${name} is for everybody`, () => assertUntouched(async () => {
      for (const headers of [{}, bearer('wrong'), { authorization: 'Bearer' }, bearer(BAD_TOKENS['an expired token'])]) {
        assert.equal((await request(stranger, name, route, headers)).status, 200);
      }
    }));
  }
}

// Else the refusals above would prove nothing.
describe('the right credential opens', () => {
  for (const [name, route] of Object.entries(ROUTES).filter(([, route]) => isOfBackEnds(route))) {
    test(name, async () => {
      const harmless = route.body ? { ...route, body: route.body.replace('"ann"', '"zed"').replace('"hello"', '"unheard"') } : route;
      const only = bearer(token({ aud: 'hr', sub: 'office', permissions: [route.guard] }, HMAC));
      for (const headers of [bearer('everything'), ...(route.isServerWide ? [] : [only])]) {
        assert.equal(await statusOf(stranger, name, harmless, headers), 200);
      }
    });
  }
  for (const [name, { endpoint }] of Object.entries(ROUTES).filter(([, { guard }]) => guard === 'page')) {
    test(name, async () => {
      const headers = bearer(token(user({ sub: 'ann', tenantId: 'north' }), HMAC));
      const own = await ann.connect({ channel: 'red' }, { base: BASE, headers });
      const answer = await callEndpoint(stranger, endpoint, own.id, { base: BASE, headers });
      assert.ok(endpoint.owner(answer), `${answer.status} ${answer.text}`);
      await own.close();
    });
  }
});
