// SPDX-License-Identifier: Apache-2.0
// API keys for some tenants: nobody else is reached or seen with them, by no route.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { routeNames } from './support/route_table.mjs';
import { watch } from './support/presence.mjs';
import { startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const BASE = '/sse/hr';
const ALL = 'send, query, disconnect, presence, metrics, inspect';
const config = `
workers: 2
listeners: [{address: "127.0.0.1:0"}]
services:
  - {name: hr, auth: jwt, users: {unique: tenant}, channels: {open: true}}
  - {name: shared, auth: jwt, channels: {open: true}}
tokenKeys: [{algorithm: HS256, secret: ${SECRET}}]
apiKeys:
  - {name: all, key: key-of-all}
  - {name: of-a, key: key-of-a, tenants: [a], permissions: [${ALL}]}
  - {name: of-both, key: key-of-a-and-c, tenants: [a, c], permissions: [${ALL}]}
`;
const bearer = (text) => ({ authorization: `Bearer ${text}` });
const tokenOf = (sub, tenantId) => token({ sub, tenantId, jti: `token-of-${sub}-${tenantId}` });

// What becomes of each route of the back ends: "target", "query" (with tenantId), "own" (it shows what is the
// tenants', whatever is asked for), or "refused".
const DECISIONS = {
  'GET {base}/users': 'query',
  'GET {base}/connect/users.json': 'query',
  'GET {base}/connections': 'query',
  'GET {base}/connect/connections.json': 'query',
  'GET {base}/messages': 'own',
  'GET {base}/connect/repositoryMessages.json': 'own',
  'GET {base}/messages/{path}': 'own',
  'GET {base}/online': 'query',
  'GET {base}/counts': 'query',
  'GET {base}/userIds': 'query',
  'GET {base}/tenantIds': 'query',
  'GET {base}/channels': 'query',
  'GET {base}/accessTokens': 'query',
  'GET {base}/trace': 'own',
  'GET {base}/why': 'query',
  'GET {base}/presence': 'own',
  'POST {base}/send': 'target',
  'DELETE {base}/messages': 'own',
  'DELETE {base}/messages/{path}': 'own',
  'POST {base}/disconnectUser': 'target',
  'POST {base}/setDuration': 'target',
  'GET /metrics': 'refused',
  'GET /settings': 'refused',
  'GET /access': 'own',
  'GET /certificates': 'refused',
};

let server;
let office;
let a;
let page;
const streams = {};

before(async () => {
  server = await startServer({ config });
  office = await backend(server, { base: BASE, key: 'key-of-all' });
  a = await backend(server, { base: BASE, key: 'key-of-a' });
  page = await connect(server.origin);
  for (const tenant of ['a', 'b']) {
    streams[tenant] = await page.connect({ listeners: 'e', channel: `room-of-${tenant}`, name: `Ann of ${tenant}` },
      { base: BASE, headers: bearer(tokenOf('7', tenant)) });
    assert.equal(streams[tenant].status, 200);
  }
  await office.send({ event: 'e', data: 1, tenantId: 'b', qos: 1, id: 'message-of-b' });
});
after(async () => {
  await Promise.all([page, office, a].map((client) => client.close()));
  await server.stop();
});

const OPTIONS = { 'GET {base}/online': 'userId=7', 'GET {base}/why': 'userId=7' };
const urlOf = (name, tenant) => {
  const [method, path] = name.split(' ');
  const query = [OPTIONS[name], tenant === undefined ? undefined : `tenantId=${tenant}`].filter(Boolean).join('&');
  return [method, `${path.replace('{base}', BASE).replace('{path}', 'message-of-b')}${query && `?${query}`}`];
};
const ask = (name, tenant, headers = a.authorized) => {
  const [method, path] = urlOf(name, tenant);
  return page.request(method, path, { headers });
};

function assertRefused(answer, what) {
  assert.equal(answer.status, 403, `${what}: ${answer.text}`);
  assert.match(answer.json.errorMessage, /this API key is for the tenants a(, c)? only \(apiKeys\[\]\.tenants\)/, what);
}

test('each route of the back ends has a decision', async () => {
  assert.deepEqual(Object.keys(DECISIONS).sort(), (await routeNames('BACK_END')).sort());
});

for (const [name, decision] of Object.entries(DECISIONS).filter(([, word]) => word === 'refused')) {
  test(`${name} is ${decision}, whatever it asks for`, async () => {
    for (const tenant of [undefined, 'a', 'b']) {
      assertRefused(await ask(name, tenant), `tenant ${tenant}`);
    }
  });
}

test('a refusal says why', async () => {
  assert.match((await ask('GET /metrics')).json.errorMessage, /of the whole process/);
});

for (const [name] of Object.entries(DECISIONS).filter(([, word]) => word === 'query')) {
  test(`${name} shows the key's tenant alone`, async () => {
    for (const tenant of [undefined, '', 'b', 'a,b', 'A', 'a b', '*', 'b&tenantId=a']) {
      assertRefused(await ask(name, tenant === undefined ? tenant : encodeURIComponent(tenant).replace('%26', '&').replace('%3D', '=')),
        `tenant ${tenant}`);
    }
    const answer = await ask(name, 'a');
    assert.equal(answer.status, 200, answer.text);
    assert.doesNotMatch(answer.text, /room-of-b|Ann of b|token-of-7-b|"tenantId":"b"|"b"/);
    const none = await ask(name, 'c', bearer('key-of-a-and-c'));
    assert.equal(none.status, 200, none.text);
    assert.doesNotMatch(none.text, /room-of-|Ann of|token-of/);
  });
}

test('queries count and list what is the tenant\'s', async () => {
  const dataOf = async (path) => (await a.query(`${path}?tenantId=a`));
  assert.deepEqual(await dataOf('counts'), { connections: 1, users: 1, accessTokens: 1, tenants: 1, channels: 1 });
  assert.deepEqual(await office.query('counts'), { connections: 2, users: 2, accessTokens: 2, tenants: 2, channels: 2 });
  const { list } = await dataOf('connections');
  assert.deepEqual(list.map(({ accessUser }) => accessUser.tenantId), ['a']);
  assert.deepEqual((await a.query(`connections?tenantId=a&id=${streams.b.id.slice(0, 24)}`)).list, []);
  assert.deepEqual((await a.query('online?tenantId=a&userId=7')), { online: true });
  assert.equal((await office.query('connections')).list.length, 2);
});

const commands = {
  send: { event: 'e', data: 'hello' },
  disconnectUser: { reconnect: 1000 },
  setDuration: { duration: 60 },
};
const targetsOfOthers = () => ({
  'the other tenant': { tenantId: 'b' },
  'both tenants': { tenantId: ['a', 'b'] },
  'a user of the other tenant': { userId: '7', tenantId: 'b' },
  'a user without tenant': { userId: '7', tenantId: '' },
  'a connection': { connectionId: streams.b.id },
  'a connection by its handle': { connectionId: streams.a.id.slice(0, 24) },
  'a token': { accessToken: 'token-of-7-b' },
  'a channel': { channel: 'room-of-a' },
  everybody: { all: true },
});

describe('commands for others', () => {
  for (const [command, body] of Object.entries(commands)) {
    test(command, async () => {
      const before = streams.b.events.length;
      for (const [what, target] of Object.entries(targetsOfOthers())) {
        const answer = await a.post(command, { ...body, ...target });
        const isNoTarget = answer.status === 422 && /no such selector here/.test(answer.text);
        if (!isNoTarget) {
          assertRefused(answer, what);
        }
      }
      await office.send({ event: 'e', data: 'last', tenantId: 'b' });
      await streams.b.count('e', 1);
      assert.ok(streams.b.events.slice(before).every(({ data }) => data !== '"hello"' && data !== 'hello'));
      assert.ok(!streams.b.ended);
    });
  }

  test('one message of several', async () => {
    assertRefused(await a.post('send', [
      { event: 'e', data: 'hello', tenantId: 'a' }, { event: 'e', data: 'hello', tenantId: 'b' }]), 'an array');
  });
});

test('commands for the own tenant', async () => {
  assert.equal((await a.send({ event: 'e', data: 1, tenantId: 'a' })).count, 1);
  assert.equal((await a.send({ event: 'e', data: 1, userId: '7', tenantId: 'a' })).count, 1);
  assert.equal((await a.command('disconnectUser', { userId: '7', tenantId: 'a' })).count, 1);
  await streams.a.end();
  assert.ok(!streams.b.ended);
  await eventually('the line of the audit log', async () => (
    (await readFile(join(server.stateDirectory, 'audit.log'), 'utf8')).includes('"target":"tenantId=a userId=7","revoke":"true","count":1')));
});

describe('stored messages', () => {
  const ids = { a: 'of-a', user: 'of-a-user', both: 'of-a-and-b', b: 'of-b', all: 'of-all', channel: 'of-channel', token: 'of-token' };
  const remove = (path) => page.request('DELETE', `${BASE}/messages${path}`, { headers: a.authorized });
  const listed = async (client = a, query = '') => (await client.query(`messages?${query}`)).list.map(({ id }) => id).sort();

  before(async () => {
    const targets = {
      a: { tenantId: 'a' }, user: { userId: '8', tenantId: 'a' }, both: { tenantId: ['a', 'b'] }, b: { userId: '8', tenantId: 'b' },
      all: { all: true }, channel: { channel: 'room-of-a' }, token: { accessToken: 'token-of-8-a' },
    };
    await office.send(Object.entries(targets).map(([what, target]) => ({ event: 'kept', data: what, qos: 1, id: ids[what], ...target })));
  });

  test('the list has those for the tenant and its users', async () => {
    for (const query of ['', 'all=true', 'unreadable=false']) {
      assert.deepEqual(await listed(a, query), [ids.both, ids.a, ids.user].sort());
    }
    assert.deepEqual(await listed(a, 'tenantId=b'), []);
    assert.deepEqual(await listed(a, 'userId=8&tenantId=a'), [ids.both, ids.a, ids.user].sort());
    assert.deepEqual(await listed(a, 'channel=room-of-a'), []);
    assert.ok((await office.query('messages')).total >= 8);
  });

  test('one of them by its id; those of others are unknown', async () => {
    const { copies } = await a.query(`messages/${ids.both}`);
    assert.deepEqual(copies.map(({ tenantId }) => tenantId), ['a']);
    const unknown = await a.get('messages/nobody-sent-it');
    for (const id of [ids.b, ids.all, ids.channel, ids.token]) {
      for (const path of [`messages/${id}`, `messages?id=${id}`]) {
        const answer = await a.get(path);
        assert.deepEqual([answer.status, answer.json], [404, unknown.json], path);
      }
    }
  });

  test('those of others are not deleted', async () => {
    const unknown = await remove('/nobody-sent-it');
    for (const id of [ids.b, ids.all, ids.channel, ids.token]) {
      for (const path of [`/${id}`, `?id=${id}`]) {
        const answer = await remove(path);
        assert.deepEqual([answer.status, answer.json], [unknown.status, unknown.json], path);
      }
    }
    assert.equal((await remove('?tenantId=b')).data.count, 0);
    assert.equal((await remove(`/${ids.both}`)).data.count, 1);
    const { copies } = await office.query(`messages/${ids.both}`);
    assert.deepEqual(copies.map(({ tenantId, state }) => [tenantId, state]).sort(), [['a', 'deleted'], ['b', 'stored']]);
    assert.equal((await remove('?all=true')).data.count, 2);
    assert.deepEqual(await listed(), []);
    assert.deepEqual((await listed(office)).filter((id) => id.startsWith('of-')),
      [ids.both, ids.all, ids.b, ids.channel, ids.token].sort());
  });
});

describe('presence', () => {
  const text = (stream) => JSON.stringify(stream.events);
  const of = (stream, kind) => stream.named(kind).filter(({ data }) => /"(accessUserId|userId)":"9"/.test(data));

  test('who is there, and who comes and goes, of the tenant', async () => {
    const watching = await watch(page, { snapshot: true }, { key: 'key-of-a', base: BASE });
    const everybody = await watch(page, {}, { key: 'key-of-all', base: BASE });
    await watching.next('snapshot-end');
    const first = await page.connect({ name: 'Bob of b' }, { base: BASE, headers: bearer(tokenOf('9', 'b')) });
    const second = await page.connect({ name: 'Bob of a' }, { base: BASE, headers: bearer(tokenOf('9', 'a')) });
    await everybody.count('user-online', 2);
    await first.close();
    await second.close();
    await server.asTimePasses('both to be offline', () => of(everybody, 'user-offline').length === 2);
    await server.asTimePasses('it to be told', () => of(watching, 'user-offline').length > 0);
    for (const kind of ['connect', 'user-online', 'disconnect', 'user-offline']) {
      assert.equal(of(watching, kind).length, 1, kind);
    }
    assert.doesNotMatch(text(watching), /room-of-b|of b|"tenantId":"b"/);
    assert.match(text(everybody), /Bob of b/);
    await watching.close();
    await everybody.close();
  });

  test('receipts of what was for the tenant', async () => {
    const watching = await watch(page, { events: 'receipt' }, { key: 'key-of-a', base: BASE });
    for (const [id, tenantId] of [['receipt-b', 'b'], ['receipt-a', 'a']]) {
      await office.send({ event: 'kept', data: 1, qos: 1, receipt: true, id, userId: 'away', tenantId });
      await page.request('DELETE', `${BASE}/messages/${id}`, { headers: office.authorized });
    }
    await watching.next('receipt');
    assert.deepEqual(watching.named('receipt').map(({ data }) => JSON.parse(data).id), ['receipt-a']);
    await watching.close();
  });
});

describe('where users may be of several tenants', () => {
  const shared = '/sse/shared';
  let ofA;
  let ends;

  before(async () => {
    ofA = await backend(server, { base: shared, key: 'key-of-a' });
    ends = [];
    for (const tenant of ['b', 'a']) {
      ends.push(await page.connect({ name: `Eve of ${tenant}` }, { base: shared, headers: bearer(tokenOf('5', tenant)) }));
    }
  });
  after(async () => {
    await Promise.all(ends.map((end) => end.close()));
    await ofA.close();
  });

  test('one is shown as the tenant knows them', async () => {
    const { list, total } = await ofA.query('users?tenantId=a');
    assert.deepEqual([total, list.map(({ id, tenantId }) => [id, tenantId])], [1, [['5', 'a']]]);
    assert.deepEqual(await ofA.query('online?tenantId=a&userId=5'), { online: true });
    await ends[1].close();
    await server.asTimePasses('a to be left', async () => (await ofA.query('connections?tenantId=a')).total === 0);
    assert.deepEqual((await ofA.query('users?tenantId=a')).list, []);
    assert.deepEqual(await ofA.query('online?tenantId=a&userId=5'), { online: false });
  });

  test('connections are watched, users are not', async () => {
    const answer = await ofA.get('presence?events=user-online');
    assertRefused(answer, 'user-online');
    assert.match(answer.json.errorMessage, /users\.unique/);
    const watching = await watch(page, { snapshot: true }, { key: 'key-of-a', base: shared });
    await watching.next('snapshot-end'); // who comes before it is told twice
    const more = [];
    for (const tenant of ['b', 'a']) {
      more.push(await page.connect({}, { base: shared, headers: bearer(tokenOf('6', tenant)) }));
    }
    await watching.next('connect');
    assert.deepEqual([...new Set(watching.events.map(({ event }) => event))], ['presence-start', 'snapshot-end', 'connect']);
    assert.equal(watching.named('connect').length, 1);
    await Promise.all([...more, watching].map((stream) => stream.close()));
    await eventually('them to have left', async () => (await ofA.query('connections?tenantId=a')).total === 0);
  });

  test('tenants are reached, users without tenant are not', async () => {
    assert.equal((await ofA.post('send', { event: 'e', userId: '5' })).status, 403);
    assert.equal((await ofA.send({ event: 'e', data: 1, tenantId: 'a' })).count, 0);
  });
});

test('refusals are counted', async () => {
  assert.ok(await office.metric('sse_server_back_end_refusals_total', /reason="tenant"/) > 0);
});
