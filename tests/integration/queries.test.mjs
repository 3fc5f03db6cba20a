// SPDX-License-Identifier: Apache-2.0
// What back ends ask, under its own path and under the path that older pages know; and that
// nobody without a key is answered.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const USERS = [
  { userId: '3', name: 'Cid', tenantId: 'south', 'access-token': 'token-c', channel: 'blue', listeners: 'hello' },
  { userId: '1', name: 'Ann', tenantId: 'north', 'access-token': 'token-a', channel: 'red', listeners: 'hello,news' },
  { userId: '2', name: 'Bob', tenantId: 'north', 'access-token': 'token-b', channel: 'red' },
];
const CLIENT = {
  clientId: 'client-1', clientVersion: '1.2.3', clientInstanceId: 'instance-1', clientInstanceTime: '1700000000001',
  clientImportModuleTime: '1700000000000', accessTime: '1700000000002', screen: '1920x1080', sessionDuration: '12',
  locationHref: 'https://app.example/page?x=1', useWindowEventBus: 'true', jsHeapSizeLimit: '3', totalJSHeapSize: '2',
  usedJSHeapSize: '1', department: 'sales',
};

let server;
let office;
let clients;
let ann;

before(async () => {
  server = await startServer({ variables: { SSE_SERVER_WORKERS: '4' } });
  office = await backend(server);
  clients = [];
  for (const parameters of [...USERS, { ...USERS[1], ...CLIENT }]) {
    const client = await connect(server.origin);
    clients.push(client);
    ann = await client.connect(parameters, { headers: { 'user-agent': 'integration/1' } });
  }
});
after(async () => {
  await Promise.all([...clients, office].map((client) => client.close()));
  await server.stop();
});

for (const path of ['users', 'connect/users.json']) {
  describe(path, () => {
    test('lists each user once', async () => {
      const { list, ...page } = await office.query(path);
      assert.deepEqual(page, { total: 3, pageNum: 1, pageSize: 100, timeout: false });
      const ids = list.map(({ id }) => id).sort();
      assert.deepEqual(ids, ['1', '2', '3']);
      const { name, tenantId, accessToken } = list.find(({ id }) => id === '1');
      assert.deepEqual({ name, tenantId, accessToken }, { name: 'Ann', tenantId: 'north', accessToken: '***' });
    });

    test('filters by a part of the name in any case', async () => {
      const { total, list } = await office.query(`${path}?name=aN`);
      assert.equal(total, 1);
      assert.equal(list[0].name, 'Ann');
      assert.equal((await office.query(`${path}?name=nobody`)).total, 0);
    });
  });
}

for (const path of ['connections', 'connect/connections.json']) {
  describe(path, () => {
    test('lists by user name, then by age', async () => {
      const { list, total } = await office.query(path);
      assert.equal(total, 4);
      assert.deepEqual(list.map(({ accessUser }) => accessUser.name), ['Ann', 'Ann', 'Bob', 'Cid']);
      assert.ok(list[0].createTime <= list[1].createTime);
      assert.equal(list[1].id, ann.handle);
    });

    test('pages, and the pages together are the whole', async () => {
      const whole = (await office.query(path)).list.map(({ id }) => id);
      const parts = [];
      for (const number of [1, 2]) {
        const { list, ...page } = await office.query(`${path}?pageNum=${number}&pageSize=3`);
        assert.deepEqual(page, { total: 4, pageNum: number, pageSize: 3, timeout: false });
        parts.push(...list.map(({ id }) => id));
      }
      assert.deepEqual(parts, whole);
      assert.deepEqual((await office.query(`${path}?pageNum=9&pageSize=3`)).list, []);
    });

    test('filters by name, client and id', async () => {
      assert.equal((await office.query(`${path}?name=bob`)).total, 1);
      assert.equal((await office.query(`${path}?clientId=client-1`)).total, 1);
      const { list } = await office.query(`${path}?id=${ann.id}`);
      assert.deepEqual(list.map(({ id }) => id), [ann.handle]);
    });

    test('takes the cluster and timeout parameters', async () => {
      assert.equal((await office.query(`${path}?cluster=false&timeout=100`)).total, 4);
    });
  });
}

test('a connection is shown with all its fields', async () => {
  const { list: [shown] } = await office.query(`connections?id=${ann.id}`);
  assert.deepEqual(Object.keys(shown).sort(), ['id', 'createTime', 'timeout', 'accessTime', 'messageCount', 'channel', 'channels',
    'sessionDuration', 'lastRequestTime', 'requestMessageCount', 'requestUploadCount', 'listeners', 'locationHref',
    'accessUserId', 'accessTenantId', 'accessToken', 'accessUser', 'clientId', 'clientVersion',
    'clientImportModuleTime', 'clientInstanceId', 'clientInstanceTime', 'serverId', 'requestIp', 'requestTls', 'requestDomain',
    'userAgent', 'httpParameters', 'httpHeaders', 'screen', 'totalJSHeapSize', 'usedJSHeapSize',
    'jsHeapSizeLimit'].sort());
  const { clientId, clientVersion, clientInstanceId, locationHref, screen } = shown;
  assert.deepEqual({ clientId, clientVersion, clientInstanceId, locationHref, screen }, {
    clientId: CLIENT.clientId, clientVersion: CLIENT.clientVersion, clientInstanceId: CLIENT.clientInstanceId,
    locationHref: CLIENT.locationHref, screen: CLIENT.screen,
  });
  assert.equal(shown.accessUserId, '1');
  assert.equal(shown.accessTenantId, 'north');
  assert.equal(shown.accessUser.name, 'Ann');
  assert.equal(shown.channel, 'red');
  assert.deepEqual(shown.listeners.sort(), ['hello', 'news']);
  assert.equal(Number(shown.accessTime), Number(CLIENT.accessTime));
  assert.equal(Number(shown.sessionDuration), 12);
  assert.equal(shown.requestIp, '127.0.0.1');
  assert.match(shown.requestTls, /^TLSv1\.[23] \S+$/);
  assert.equal(shown.userAgent, 'integration/1');
  assert.equal(shown.serverId, ann.headers['x-sse-server-id']);
  assert.match(JSON.stringify(shown.httpParameters), /sales/);
  assert.ok(Math.abs(shown.createTime - Date.now()) < 3_600_000);
});

test('what a page said of itself is shown without its secrets', async () => {
  const client = await connect(server.origin);
  const { id } = await client.connect(
    { userId: '60', 'access-token': 'hidden-1', ticket: '/in?token=hidden-2', locationHref: 'https://a/b?x=1&token=hidden-3#t' },
    { headers: { referer: 'https://a/b?jwt=hidden-4', cookie: 'sid=hidden-5', authorization: 'Bearer hidden-6' } });
  const { list: [shown] } = await office.query(`connections?id=${id}`);
  assert.doesNotMatch(JSON.stringify(shown), /hidden-\d/);
  assert.equal(shown.locationHref, 'https://a/b?x=1&token=***#t');
  assert.equal(shown.httpParameters.ticket, '/in?token=***');
  assert.equal(shown.httpHeaders.referer, 'https://a/b?jwt=***');
  await client.close();
  await eventually('it to be gone', async () => !(await office.query('online?userId=60')).online);
});

test('a duration that no clock can have counted is none', async () => {
  const page = await connect(server.origin);
  for (const sessionDuration of ['-28802', '1e15']) {
    const stream = await page.connect({ userId: '1', name: 'Ann', sessionDuration });
    const { list: [shown] } = await office.query(`connections?id=${stream.id}`);
    assert.equal(shown.sessionDuration, 0);
    await stream.close();
  }
  await page.close();
});

test('messageCount counts what was sent', async () => {
  const countOf = async () => (await office.query(`connections?id=${ann.id}`)).list[0].messageCount;
  const before = await countOf();
  await office.send({ event: 'counted', data: 1, connectionId: ann.id });
  await ann.next('counted');
  assert.equal(await countOf(), before + 1);
});

test('online tells who is', async () => {
  assert.deepEqual(await office.query('online?userId=1'), { online: true });
  assert.deepEqual(await office.query('online?userId=99'), { online: false });
});

test('counts counts each kind once', async () => {
  assert.deepEqual(await office.query('counts'),
    { connections: 4, users: 3, accessTokens: 3, tenants: 2, channels: 2 });
});

// The distinct lists: plain, or in a page.
async function distinct(query) {
  const data = await office.query(query);
  return (data.list ?? data).slice().sort();
}

for (const [path, all, hearing, northern] of [
  ['userIds', ['1', '2', '3'], ['1', '3'], ['1', '2']],
  ['tenantIds', ['north', 'south'], ['north', 'south'], ['north']],
  ['channels', ['blue', 'red'], ['blue', 'red'], ['red']],
  ['accessTokens', ['token-a', 'token-b', 'token-c'], ['token-a', 'token-c'], ['token-a', 'token-b']],
]) {
  test(`${path} are distinct, and can be narrowed`, async () => {
    assert.deepEqual(await distinct(path), all);
    assert.deepEqual(await distinct(`${path}?listening=hello`), hearing);
    assert.deepEqual(await distinct(`${path}?tenantId=north`), northern);
    assert.deepEqual(await distinct(`${path}?listening=unheard`), []);
  });
}

test('everything follows when a connection ends', async () => {
  const late = await connect(server.origin);
  const stream = await late.connect({ userId: '50', tenantId: 'west' });
  assert.deepEqual(await office.query('online?userId=50'), { online: true });
  assert.ok((await distinct('tenantIds')).includes('west'));
  await stream.close();
  await eventually('the tenant to be gone', async () => !(await distinct('tenantIds')).includes('west'));
  assert.equal((await office.query('connections')).total, 4);
  await late.close();
});

describe('filters', () => {
  // query, the user ids that users shows, how many connections
  const cases = () => [
    ['userId=1', ['1'], 2],
    ['userId=1&tenantId=south', [], 0],
    ['accessToken=token-b', ['2'], 1],
    ['tenantId=north', ['1', '2'], 3],
    ['channel=red', ['1', '2'], 3],
    ['channel=red&listening=news', ['1'], 2],
    ['listening=hello', ['1', '3'], 3],
    ['clientId=client-1', ['1'], 1],
    [`id=${ann.id}`, ['1'], 1],
    [`id=${ann.handle}&userId=2`, [], 0],
    ['name=b&channel=red&tenantId=north&accessToken=token-b&userId=2', ['2'], 1],
    ['userId=&accessToken=&tenantId=&channel=&listening=&clientId=&id=&name=', ['1', '2', '3'], 4],
    ['userId=nobody', [], 0],
  ];

  test('hold together, on users and on connections', async () => {
    await server.asTimePasses('all who left to be gone', async () => (await office.query('users')).total === 3);
    for (const [query, users, connections] of cases()) {
      const { list, total } = await office.query(`users?${query}`);
      assert.deepEqual([list.map(({ id }) => id).sort(), total], [users, users.length], query);
      assert.equal((await office.query(`connections?${query}`)).total, connections, query);
      assert.deepEqual(await distinct(`userIds?${query}`), users, query);
    }
    assert.deepEqual((await office.query('users?id=2')).list.map(({ name }) => name), ['Bob']); // getUser(id)
    assert.equal((await office.query('connections?id=2')).total, 0);
  });

  test('find who is away as a user, and not by what connections have', async () => {
    const client = await connect(server.origin);
    const stream = await client.connect({ userId: '70', name: 'Zoe', 'access-token': 'token-z', channel: 'red', clientId: 'z' });
    await client.postForm('/sse/demo/connect/disconnect.do', { connectionId: stream.id });
    await eventually('her to be away', async () => (await office.query('online?userId=70')).grace);
    const total = async (query) => (await office.query(`users?${query}`)).total;
    const queries = ['userId=70', 'id=70', 'accessToken=token-z', 'name=zoe', 'userId=70&channel=red', 'userId=70&clientId=z'];
    assert.deepEqual(await Promise.all(queries.map(total)), [1, 1, 1, 1, 0, 0]);
    await server.asTimePasses('her to be gone', async () => !(await office.query('online?userId=70')).online);
    await client.close();
  });

  test('that there are not are 400, with those that there are', async () => {
    const paged = 'pageNum, pageSize, cluster, timeout';
    const connections = `name, userId, accessToken, tenantId, channel, listening, clientId, id, sort, order, ${paged}`;
    const messages = 'userId, accessToken, tenantId, channel, listeners, unreadable, id, all, ';
    for (const [method, path, known] of [
      ['GET', 'users', connections], ['GET', 'connections', connections], ['GET', 'userIds', connections],
      ['GET', 'tenantIds', connections], ['GET', 'channels', connections], ['GET', 'accessTokens', connections],
      ['GET', 'messages', messages + paged], ['GET', 'messages/x', 'cluster, timeout'],
      ['GET', 'online', 'userId, tenantId, cluster, timeout'], ['GET', 'counts', 'tenantId, cluster, timeout'],
      ['GET', 'presence', 'events, snapshot, lastEventId'],
      ['DELETE', 'messages', `${messages}cluster, timeout`], ['DELETE', 'messages/x', `${messages}cluster, timeout`],
    ]) {
      const answer = await office.client.request(method, `/sse/demo/${path}?userId%22=1`, { headers: office.authorized });
      assert.equal(answer.status, 400, `${method} ${path}`);
      assert.equal(answer.json.errorMessage, `there is no parameter "userId\"" here; there are ${known}`);
    }
  });
});

describe('without the key', () => {
  const gets = ['users', 'connect/users.json', 'connections', 'connect/connections.json', 'online?userId=1', 'counts',
    'userIds', 'tenantIds', 'channels', 'accessTokens', 'messages', 'connect/repositoryMessages.json',
    'messages/x'].map((path) => ['GET', `/sse/demo/${path}`]);
  const deletes = ['messages?all=true', 'messages/x'].map((path) => ['DELETE', `/sse/demo/${path}`]);
  const posts = ['send', 'disconnectUser', 'setDuration'].map((path) => ['POST', `/sse/demo/${path}`]);
  const message = JSON.stringify({ event: 'forged', data: 1, all: true, userId: '1', duration: 1 });

  for (const [method, path] of [...gets, ...deletes, ...posts, ['GET', '/metrics']]) {
    test(`${method} ${path} is refused and does nothing`, async () => {
      const json = { 'content-type': 'application/json' };
      const wrong = [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer' }, { authorization: 'Basic eDp5' }];
      for (const headers of wrong) {
        const body = method === 'POST' ? message : undefined;
        const answer = await office.client.request(method, path, { headers: { ...json, ...headers }, body });
        assert.equal(answer.status, 401, answer.text);
        assert.equal(answer.json.code, 401);
        assert.ok(answer.json.message);
      }
      assert.equal(ann.named('forged').length, 0);
      assert.equal((await office.query('counts')).connections, 4);
    });
  }
});
