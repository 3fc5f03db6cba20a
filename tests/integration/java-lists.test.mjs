// SPDX-License-Identifier: Apache-2.0
// users.json, connections.json and repositoryMessages.json, field by field as the Java system lists them, for
// back ends and (pageLists) for pages whose user may read them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const BASE = '/sse/hr';
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/;
const USERS = {
  t7: { accessToken: 't7', id: 7, name: 'Ann', tenantId: 3 },
  t8: { accessToken: 't8', id: '8', name: 'bob', tenantId: 'x', role: 'boss' },
  chief: { accessToken: 'the-token-of-the-chief', id: 1, name: 'Chief', lists: true },
};
const PAGE = { 'access-token': 't7', clientId: 'c1', listeners: 'bell,news', channel: 'room1',
  locationHref: 'https://app.example/a', screen: '1280x800', clientVersion: '1.2.22', foo: 'bar' };

let target;
let server;
let office;
let page;
let ann;

const settings = (service = {}, more = []) => ({
  listeners: [{ address: '127.0.0.1:0' }, { address: 'localhost:0', role: 'public' }],
  apiKeys: [{ name: 'office', key: KEY }, { name: 'north', key: 'the-key-of-tenant-3', tenants: ['3'], permissions: ['query'] }],
  tokenKeys: [{ algorithm: 'HS256', secret: SECRET }],
  services: [{
    name: 'hr', auth: 'webhook', showSecrets: true, channels: { open: true }, lifetime: '15m', qos: { store: 'memory' },
    authWebhook: { url: target.url('/who'), cookies: ['access-token'] }, ...service,
  }, ...more],
});
const masked = { name: 'masked', auth: 'webhook', qos: { store: 'memory' }, channels: { open: true }, pageLists: true };

// As an answer has it: field by field, in their order.
const shape = (value) => (value && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value) : value);
const list = (name, query = '') => office.query(`connect/${name}.json${query}`);

before(async () => {
  target = await startTarget();
  target.answer = ({ body }) => {
    const { cookies, parameters, authorization } = JSON.parse(body);
    const user = USERS[parameters?.['access-token'] ?? cookies?.['access-token'] ?? authorization];
    return user ? { status: 200, json: user } : { status: 401 };
  };
  const asked = { authWebhook: { url: target.url('/who'), cookies: ['access-token'] } };
  server = await startServer({ config: settings({ pageLists: true }, [{ ...masked, ...asked },
    { ...masked, ...asked, name: 'tenants', users: { unique: 'tenant' } }, { ...masked, ...asked, name: 'closed', pageLists: false },
    { ...masked, name: 'tokens', auth: 'jwt' }, { ...masked, name: 'said', auth: 'development' }]) });
  office = await backend(server, { base: BASE });
  page = await connect(server.origin);
  ann = await page.connect(PAGE, { base: BASE, headers: { 'user-agent': 'Example/1.0' } });
});
after(async () => {
  await page.close();
  await office.close();
  await server.stop();
  await target.close();
});

describe('connections.json', () => {
  test('has the fields of the Java system in its order, types and forms', async () => {
    await page.postJson(`${BASE}/connect/message/ping.do?access-token=t7&connectionId=${ann.id}`, {});
    const { list: [row], ...paging } = await list('connections');
    assert.deepEqual(paging, { total: 1, pageNum: 1, pageSize: 100, timeout: false });
    const { createTime, timeout, lastRequestTime, serverId, requestDomain, expireTime, httpHeaders } = row;
    assert.deepEqual(Object.entries(row), Object.entries({
      arrayClassName: null, objectClassName: null, id: ann.handle, createTime, timeout, accessTime: null,
      messageCount: 1, channel: 'room1', sessionDuration: null, lastRequestTime, requestMessageCount: 1,
      requestUploadCount: 0, listeners: ['bell', 'news'], locationHref: 'https://app.example/a', accessUserId: 7,
      accessTenantId: 3, accessToken: 't7', accessUser: { accessToken: 't7', id: 7, name: 'Ann', tenantId: 3 },
      accessUserClass: null, clientId: 'c1', clientVersion: '1.2.22', clientImportModuleTime: null,
      clientInstanceId: null, clientInstanceTime: null, serverId, requestIp: '127.0.0.1', requestDomain,
      userAgent: 'Example/1.0', httpParameters: PAGE, httpHeaders, screen: '1280x800', totalJSHeapSize: null,
      usedJSHeapSize: null, jsHeapSizeLimit: null, tenantId: 3, expireTime, accessUserName: 'Ann',
    }));
    assert.deepEqual(shape(row.accessUser), ['accessToken', 'id', 'name', 'tenantId']);
    assert.deepEqual(shape(row.httpParameters), Object.keys(PAGE));
    assert.equal(Object.keys(httpHeaders)[0], 'host');
    assert.equal(requestDomain, `https://${httpHeaders.host}`);
    assert.equal(httpHeaders['user-agent'], 'Example/1.0');
    for (const time of [createTime, lastRequestTime, expireTime]) {
      assert.match(time, TIME);
    }
    assert.ok(timeout > 600_000 && timeout <= 900_000, `${timeout}`);
    assert.equal(Date.parse(expireTime) - Date.parse(createTime), timeout);
    assert.equal(serverId, ann.headers['x-sse-server-id']);
  });

  test('has what a page says of itself, as numbers and times', async () => {
    const said = { clientInstanceId: 'i1', clientInstanceTime: '1700000000001', clientImportModuleTime: '1700000000000',
      accessTime: '1700000000002', sessionDuration: '0', totalJSHeapSize: '2', usedJSHeapSize: '1', jsHeapSizeLimit: 'many',
      useWindowEventBus: 'true', keepaliveTime: '900000' };
    const stream = await page.connect({ 'access-token': 't8', ...said }, { base: BASE });
    const { list: [row] } = await list('connections', `?id=${stream.id}`);
    assert.deepEqual(row.httpParameters, { 'access-token': 't8', ...said });
    const { clientInstanceTime, clientImportModuleTime, accessTime, sessionDuration, totalJSHeapSize, jsHeapSizeLimit } = row;
    assert.deepEqual([clientInstanceTime, clientImportModuleTime, accessTime, sessionDuration, totalJSHeapSize, jsHeapSizeLimit],
      [1700000000001, 1700000000000, '2023-11-14T22:13:20.002+00:00', 0, 2, null]);
    assert.deepEqual([row.accessUserId, row.accessTenantId, row.tenantId, row.accessUser.role], ['8', 'x', 'x', 'boss']);
    const { list: [ours] } = await office.query(`connections?id=${stream.id}`); // which keeps its form
    assert.deepEqual([ours.httpParameters, ours.accessTime, ours.accessUserId], [{ 'access-token': 't8' }, 1700000000002, '8']);
    await office.command('send', { event: 'a', data: 1, connectionId: stream.id });
    assert.equal((await list('connections', `?id=${stream.id}`)).list[0].messageCount, 2);
    await stream.close();
    await eventually('its end', async () => (await list('connections')).total === 1);
  });

  test('filters by the first of id, clientId and name', async () => {
    const total = async (query) => (await list('connections', query)).total;
    assert.deepEqual(await Promise.all(['?name=%20an%20', '?name=zoe', '?clientId=c1&name=zoe', '?clientId=c2&name=Ann',
      `?id=${ann.handle}&clientId=c2`, '?id=999', '?id=&clientId=&name=%20'].map(total)), [1, 0, 1, 0, 1, 0, 1]);
  });
});

describe('users.json', () => {
  test('has users as their credentials have them', async () => {
    const { list: rows, ...paging } = await list('users');
    assert.deepEqual(paging, { total: 1, pageNum: 1, pageSize: 100, timeout: false });
    assert.equal(JSON.stringify(rows), '[{"accessToken":"t7","id":7,"name":"Ann","tenantId":3}]');
  });

  test('has nobody who has just left', async () => {
    const stream = await page.connect({ 'access-token': 't8' }, { base: BASE });
    assert.equal((await list('users')).total, 2);
    await page.postForm(`${BASE}/connect/disconnect.do`, { connectionId: stream.id });
    assert.equal((await list('users')).total, 1);
    assert.equal((await office.query('users')).total, 2); // ours: within offlineGrace
  });

  test('trims the name, and takes any page and parameter', async () => {
    assert.equal((await list('users', '?name=%20aN%20')).total, 1);
    assert.equal((await list('users', '?name=zoe')).total, 0);
    const paging = async (query) => {
      const { list: rows, ...rest } = await list('users', query);
      return [rest, rows.length];
    };
    assert.deepEqual(await paging('?pageNum=0&pageSize=0'), [{ total: 1, pageNum: 0, pageSize: 0, timeout: false }, 0]);
    assert.deepEqual(await paging('?pageSize=-1&timeout=-5'), [{ total: 1, pageNum: 1, pageSize: -1, timeout: false }, 0]);
    assert.deepEqual(await paging('?pageNum=-3&pageSize=7&whatever=1&userId=9'), [{ total: 1, pageNum: -3, pageSize: 7, timeout: false }, 1]);
    assert.deepEqual(await paging('?pageNum=2&cluster=false'), [{ total: 1, pageNum: 2, pageSize: 100, timeout: false }, 0]);
    const wrong = await office.get('connect/users.json?pageNum=first');
    assert.deepEqual([wrong.status, /pageNum must be a whole number/.test(wrong.text)], [400, true]);
  });
});

describe('repositoryMessages.json', () => {
  const row = (id, eventName, body, filters, listenerName, { tenant = null, user = null, token = null, channel = null } = {}) => JSON.stringify({
    arrayClassName: null, objectClassName: null, id, eventName, body, filters, listenerName,
    tenantIdList: tenant, userIdList: user, accessTokenList: token, channelList: channel });
  let rows;

  before(async () => {
    const send = async (message) => (await office.send({ qos: 1, ...message })).id;
    rows = [
      row(await send({ event: 'bell', data: { n: 1 }, userId: [32, '31'] }), 'bell', { n: 1 }, 8, null, { user: ['31', '32'] }),
      row(await send({ event: 'bell2', data: 'x', tenantId: 9, listening: true }), 'bell2', 'x', 18, 'bell2', { tenant: ['9'] }),
      row(await send({ event: 'bell', data: 5, channel: 'room9' }), 'bell', 5, 32, 'bell', { channel: ['room9'] }),
      row(await send({ event: 'bell', data: 'y', accessToken: 't99' }), 'bell', 'y', 4, null, { token: ['t99'] }),
      row(await send({ event: 'bell3', data: 'z', all: true, listening: true }), 'bell3', 'z', 16, 'bell3'),
    ];
  });

  const find = async (query) => {
    const { list: found, total } = await list('repositoryMessages', query);
    assert.equal(total, found.length);
    return found.map((one) => rows.indexOf(JSON.stringify(one)));
  };

  test('has one row for each message', async () => {
    assert.deepEqual(await find(''), [0, 1, 2, 3, 4]);
    const { list: found, ...paging } = await list('repositoryMessages', '?pageNum=2&pageSize=2');
    assert.deepEqual(paging, { total: 5, pageNum: 2, pageSize: 2, timeout: false });
    assert.deepEqual(found.map((one) => JSON.stringify(one)), rows.slice(2, 4));
    assert.deepEqual((await list('repositoryMessages', '?pageSize=0')).list, []);
  });

  test('has those of which every filter is said', async () => {
    assert.deepEqual(await find('?listeners=bell2'), []);
    assert.deepEqual(await find('?tenantId=9&listeners=bell2'), [1]);
    assert.deepEqual(await find('?tenantId=9'), []);
    assert.deepEqual(await find('?userId=31'), [0]);
    assert.deepEqual(await find('?userId=32&listeners=other'), [0]);
    assert.deepEqual(await find('?userId=31&tenantId=9&channel=room9&accessToken=t99&listeners=bell2,bell3'), [0, 1, 2, 3, 4]);
    assert.deepEqual(await find('?listeners=bell3'), [4]);
    assert.deepEqual(await find('?userId=7'), []);
    assert.deepEqual(await find('?userId=&name=Ann'), [0, 1, 2, 3, 4]);
  });
});

describe('a page', () => {
  const read = (name, headers, { base = BASE, from = page } = {}) => from.get(`${base}/connect/${name}.json`, headers);
  const chief = { cookie: 'access-token=chief' };
  const names = ['users', 'connections', 'repositoryMessages'];

  test('whose user has the claim reads all three, without anybody\'s token, and nobody keeps them', async () => {
    for (const name of names) {
      const answer = await read(name, chief);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.doesNotMatch(answer.text, /"t7"|"t99"/);
    }
    const { data } = (await read('connections', chief)).json;
    assert.deepEqual([data.list[0].accessToken, data.list[0].httpParameters['access-token']], ['***', '***']);
  });

  test('whose user has not, or none, does not', async () => {
    for (const name of names) {
      const answer = await read(name, { cookie: 'access-token=t7' });
      assert.equal(answer.status, 403);
      assert.match(answer.json.errorMessage, /claim "lists": true/);
      assert.equal((await read(name, {})).status, 401);
      assert.equal((await read(name, { cookie: 'access-token=wrong' })).status, 401);
    }
  });

  test('of a foreign origin does not, with a cookie', async () => {
    assert.equal((await read('users', { ...chief, origin: 'https://evil.example' })).status, 403);
    assert.equal((await read('users', { ...chief, 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await read('users', { ...chief, origin: server.origin, 'sec-fetch-site': 'same-origin' })).status, 200);
  });

  test('sees its own tenant where users are of one', async () => {
    const base = '/sse/tenants';
    const streams = [await page.connect({ 'access-token': 't7' }, { base }), await page.connect({ 'access-token': 't8' }, { base })];
    USERS.north = { accessToken: 'north', id: 2, name: 'Nora', tenantId: 3, lists: true };
    const { data } = (await read('users', { cookie: 'access-token=north' }, { base })).json;
    assert.deepEqual(data.list.map(({ id }) => id), [7]);
    assert.equal((await read('repositoryMessages', { cookie: 'access-token=north' }, { base })).status, 403);
    const keyed = await page.get(`${base}/connect/connections.json?tenantId=3`, { authorization: 'Bearer the-key-of-tenant-3' });
    assert.deepEqual(keyed.json.data.list.map(({ accessUserId }) => accessUserId), [7]);
    await Promise.all(streams.map((stream) => stream.close()));
  });

  test('shows who it is as the service\'s pages do: by a token, or by what it says', async () => {
    const base = '/sse/tokens';
    const shown = (claims) => ({ authorization: `Bearer ${token(claims, { now: server.now() })}` });
    const stream = await page.connect({}, { base, headers: shown({ sub: 7, tenantId: 3, name: 'Ann', jti: 'a-token-of-ann' }) });
    for (const headers of [shown({ sub: 1, lists: true }), shown({ sub: 'office', permissions: ['query'] })]) {
      assert.equal(JSON.stringify((await read('users', headers, { base })).json.data.list),
        '[{"accessToken":"a-to…nn","id":7,"name":"Ann","tenantId":3}]');
    }
    for (const [claims, status] of [[{ sub: 1 }, 403], [{ sub: 1, lists: 'true' }, 403], [{ sub: 1, permissions: ['send'] }, 403]]) {
      assert.equal((await read('users', shown(claims), { base })).status, status);
    }
    await stream.close();
    assert.equal((await page.get('/sse/said/connect/users.json?userId=1&lists=true')).status, 200);
    assert.equal((await page.get('/sse/said/connect/users.json?userId=1&lists=yes')).status, 403);
  });

  test('reads nothing where pageLists is off, and no key counts on a public listener', async () => {
    assert.equal((await read('users', chief, { base: '/sse/closed' })).status, 401);
    const outside = await connect(server.listeners[1].origin);
    assert.equal((await read('users', chief, { from: outside })).status, 200);
    assert.equal((await read('users', chief, { base: '/sse/closed', from: outside })).status, 404);
    assert.equal((await read('users', { authorization: `Bearer ${KEY}` }, { from: outside })).status, 401);
    await outside.close();
  });
});

test('tokens are masked for back ends, too, unless the service shows secrets', async () => {
  const stream = await page.connect({ 'access-token': 't7', sessionDuration: '7' }, { base: '/sse/masked' });
  const keyed = async (name) => (await page.get(`/sse/masked/connect/${name}.json`, { authorization: `Bearer ${KEY}` })).json.data.list[0];
  assert.deepEqual(await keyed('users'), { accessToken: '***', id: 7, name: 'Ann', tenantId: 3 });
  const { accessToken, httpParameters, sessionDuration } = await keyed('connections');
  assert.deepEqual([accessToken, httpParameters, sessionDuration], ['***', { 'access-token': '***', sessionDuration: '7' }, 7]);
  await stream.close();
});
