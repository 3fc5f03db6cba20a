// SPDX-License-Identifier: Apache-2.0
// Two tenants have a user 42 each. With users.unique: tenant they are two users, whatever is asked; with service
// they are one, whom tenantId beside userId narrows to the one in that tenant.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { watch } from './support/presence.mjs';
import { acknowledge, idsOf } from './support/qos.mjs';
import { KEY, startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';
import { webhookTarget } from './support/webhook_target.mjs';

const SEPARATOR = '\x1f';
const RED = { userId: '42', tenantId: 'red' };
const BLUE = { userId: '42', tenantId: 'blue' };
const PLAIN = { userId: '42' }; // without a tenant
const OF_NONE = { userId: '42', tenantId: '' };
const ALONE = /userId"? alone names nobody here.*users\.unique.*tenantId/;

const config = (unique, service = '') => `
workers: 4
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [${KEY}]
services:
  - name: demo
    users: {unique: ${unique}}
    qos: {ackTimeout: 10m, receiptHosts: [127.0.0.1]}
    ${service}
`;

const withTokens = (unique, service = '') => `${config(unique, 'auth: jwt')}
    ${service}
tokenKeys: [{algorithm: HS256, secret: "${SECRET}"}]
`;
const claims = (who) => ({ authorization: `Bearer ${token({ sub: who.userId, tenantId: who.tenantId })}` });

const query = (target) => new URLSearchParams(target);
const bell = (target, message) => ({ event: 'bell', data: 1, ...target, ...message });
const kept = (target, message) => bell(target, { qos: 1, ...message });

// A page on a session of its own, so that users live on several workers.
async function visit(server, who, options) {
  const page = await connect(server.origin);
  const stream = await page.connect(who, options);
  const close = async () => { await stream.close(); await page.close(); };
  return { page, stream, close, leave: close, acknowledge: (ids) => acknowledge(page, stream.id, ids) };
}

for (const unique of ['tenant', 'service']) {
  const isTenant = unique === 'tenant';

  describe(`users.unique: ${unique}`, () => {
    let server;
    let office;
    let pages;

    before(async () => {
      server = await startServer({ config: config(unique) });
      office = await backend(server);
    });
    after(async () => {
      await office.close();
      await server.stop();
    });
    beforeEach(() => { pages = []; });
    afterEach(async () => {
      await Promise.all(pages.map((page) => page.close()));
      await server.asTimePasses('nobody to be online', async () => (await office.query('counts')).users === 0);
      await remove('all=true');
    });

    async function come(who, options) {
      const page = await visit(server, who, options);
      pages.push(page);
      return page;
    }

    async function remove(what) {
      const answer = await office.client.request('DELETE', `/sse/demo/messages?${what}`, { headers: office.authorized });
      assert.equal(answer.status, 200, answer.text);
      return answer.data.count;
    }

    // Refused where an id alone is nobody's; else what it says is compared.
    async function refusedOr(ask, expected) {
      const answer = await ask();
      if (isTenant) {
        assert.equal(answer.status, 422, answer.text);
        assert.match(answer.json.errorMessage, ALONE);
      } else {
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.data, expected(answer.data));
      }
    }

    // All that is on its way to this connection has come.
    async function bells({ stream }) {
      await office.send({ event: 'fence', data: 0, connectionId: stream.id });
      await stream.next('fence');
      return stream.named('bell').map(({ data }) => JSON.parse(data));
    }

    test('a target with a tenant reaches its user alone; an id alone reaches all, or is refused', async () => {
      const [red, blue, plain] = [await come({ ...RED, listeners: 'bell' }), await come(BLUE), await come(PLAIN)];
      for (const qos of [0, 1]) {
        const before = await Promise.all([red, blue, plain].map(bells));
        const heard = async () => (await Promise.all([red, blue, plain].map(bells)))
          .map((all, i) => all.slice(before[i].length));
        assert.equal((await office.send(bell(RED, { qos }))).count, 1);
        assert.equal((await office.send(bell({ userId: ['41', 42], tenantId: 'blue' }, { qos, data: 2 }))).count, 1);
        assert.equal((await office.send(bell(OF_NONE, { qos, data: 3 }))).count, 1);
        assert.equal((await office.send(bell({ ...RED, listening: true }, { qos, data: 4 }))).count, 1);
        assert.equal((await office.send(bell({ ...BLUE, listening: true }, { qos, data: 5 }))).count, 0);
        assert.equal((await office.send(bell({ userId: '42', tenantId: 'green' }, { qos }))).count, 0);
        assert.equal((await office.send(bell({ tenantId: 'blue' }, { qos, data: 6 }))).count, 1);
        assert.deepEqual(await heard(), [[1, 4], [2, 6], [3]]);
        await refusedOr(() => office.post('send', bell(PLAIN, { qos, id: `plain-${qos}` })),
          () => ({ id: `plain-${qos}`, count: 3, ...(qos ? { stored: 1 } : {}) }));
        await refusedOr(() => office.post('send', [bell(RED), bell({ userId: ['42'], tenantId: null })]),
          ([one, other]) => [{ ...one, count: 1 }, { ...other, count: 3 }]);
      }
    });

    test('what no user and no tenant can be called is refused', async () => {
      const bad = [
        { userId: `red${SEPARATOR}42` }, { userId: ['1', '4\n2'] }, { userId: '42', tenantId: `r${SEPARATOR}` },
        { userId: '42', tenantId: 'r\x7f' }, { tenantId: `red${SEPARATOR}` }, { userId: '42', tenantId: ['red'] },
        { userId: '42', tenantId: true }, { userId: '42', tenantId: {} }, { userId: '42', tenantId: 'a', channel: 'b' },
        { tenantId: 'a', channel: 'b' }, { userId: '', tenantId: 'red' },
      ];
      for (const target of bad) {
        for (const [command, more] of [['send', { event: 'bell' }], ['disconnectUser', {}], ['setDuration', { duration: 1 }]]) {
          const answer = await office.post(command, { ...more, ...target });
          assert.equal(answer.status, 422, `${command} ${JSON.stringify(target)}: ${answer.text}`);
        }
      }
      for (const path of ['online', 'messages']) {
        assert.equal((await office.get(`${path}?userId=red%1f42&tenantId=red`)).status, 422);
        assert.equal((await office.get(`${path}?userId=42&tenantId=r%1f`)).status, 422);
      }
      const page = await connect(server.origin);
      pages.push(page);
      for (const who of [{ userId: `4${SEPARATOR}2` }, { userId: '42', tenantId: `r${SEPARATOR}ed` }]) {
        assert.equal((await page.connect(who)).status, 401);
      }
      assert.equal((await office.send(bell({ userId: 42, tenantId: 7 }))).count, 0); // numbers are texts
    });

    test('online, users, userIds, counts and metrics', async () => {
      const red = await come({ ...RED, name: 'Ann' });
      await come({ ...BLUE, name: 'Bob' });
      const ids = (answer) => answer.list.map(({ id, tenantId }) => [id, tenantId]);
      const online = (target) => office.query(`online?${query(target)}`);
      assert.deepEqual(await online(RED), { online: true });
      assert.deepEqual(await online(BLUE), { online: true });
      assert.deepEqual(await online({ userId: '42', tenantId: 'green' }), { online: false });
      await refusedOr(() => office.get('online?userId=42'), () => ({ online: true }));
      const both = [['42', 'blue'], ['42', 'red']];
      const { total, list } = await office.query('users');
      assert.equal(total, isTenant ? 2 : 1);
      assert.deepEqual(ids({ list }), isTenant ? both : ids({ list }).filter(([, tenant]) => tenant));
      assert.deepEqual(ids(await office.query('users?tenantId=red&name=ann')).length, 1);
      assert.deepEqual((await office.query('userIds')).list,
        isTenant ? [BLUE, RED] : ['42']);
      assert.deepEqual((await office.query('userIds?tenantId=red')).list, isTenant ? [RED] : ['42']);
      assert.equal((await office.query('counts')).users, isTenant ? 2 : 1);
      assert.equal((await office.query('counts')).tenants, 2);
      assert.equal(await office.metric('sse_server_users_online', /demo/), isTenant ? 2 : 1);
      const { list: connections } = await office.query('connections');
      assert.deepEqual(connections.map(({ accessUserId, accessTenantId }) => [accessUserId, accessTenantId]).sort(), both);

      await server.stopClock();
      await red.leave();
      await server.asTimePasses('its end', async () => (await office.query('counts')).connections === 1, 0);
      assert.deepEqual(await online(RED), isTenant ? { online: true, grace: true } : { online: false });
      assert.deepEqual(await online(BLUE), { online: true });
      await server.startClock();
    });

    test('the grace time is a user\'s own, and presence tells who', async () => {
      const watcher = await connect(server.origin);
      pages.push(watcher);
      const feed = await watch(watcher);
      const red = await come(RED);
      const blue = await come(BLUE);
      const told = async (name, count) => (await feed.count(name, count)).map(({ data }) => JSON.parse(data));
      await feed.count('connect', 2);
      const came = await told('user-online', isTenant ? 2 : 1);
      assert.deepEqual(came.map(({ userId, tenantId }) => [userId, tenantId]),
        isTenant ? [['42', 'red'], ['42', 'blue']] : [['42', undefined]]);
      await server.stopClock();
      await red.leave();
      await feed.count('disconnect', 0);
      if (isTenant) {
        await server.asTimePasses('red to be offline', () => feed.named('user-offline').length === 1);
        const [gone] = await told('user-offline', 1);
        assert.deepEqual([gone.userId, gone.tenantId, gone.user.tenantId], ['42', 'red', 'red']);
      }
      await server.advance(20_000, 1000);
      await feed.count('disconnect', 1);
      assert.equal(feed.named('user-offline').length, isTenant ? 1 : 0);
      await server.startClock();
      const late = await watch(watcher, { snapshot: true });
      await late.count('snapshot-end', 1);
      const shown = late.named('snapshot').map(({ data }) => JSON.parse(data)).flatMap(({ userIds = [] }) => userIds);
      assert.deepEqual(shown, isTenant ? [BLUE] : ['42']);
      await blue.leave();
    });

    test('setDuration is for one of them', async () => {
      const [red, blue] = [await come(RED), await come(BLUE)];
      assert.deepEqual(await office.command('setDuration', { ...RED, duration: 60 }), { count: 1, stored: 0 });
      assert.deepEqual(await red.stream.next('sse-set-duration'), { duration: '60' });
      await bells(blue);
      assert.equal(blue.stream.named('sse-set-duration').length, 0);
      const { list } = await office.query('connections');
      const counted = Object.fromEntries(list.map(({ accessTenantId, sessionDuration }) => [accessTenantId, sessionDuration]));
      assert.equal(counted.red, 60);
      assert.ok(counted.blue < 60, JSON.stringify(list[0]));
      await refusedOr(() => office.post('setDuration', { ...PLAIN, duration: 1 }), () => ({ count: 2, stored: 0 }));
      const away = { userId: '42', tenantId: 'green' };
      assert.deepEqual(await office.command('setDuration', { ...away, duration: 70 }), { count: 0, stored: 1 });
      assert.deepEqual(await (await come(away)).stream.next('sse-set-duration'), { duration: '70' });
    });

    test('disconnectUser ends the connections of one of them', async () => {
      const [red, blue] = [await come(RED), await come(BLUE)];
      assert.deepEqual(await office.command('disconnectUser', RED), { count: 1 });
      await red.stream.end();
      assert.deepEqual(await bells(blue), []);
      await refusedOr(() => office.post('disconnectUser', PLAIN), () => ({ count: 1 }));
      assert.equal((await office.command('disconnectUser', { ...BLUE, reconnect: 100 })).count, isTenant ? 1 : 0);
    });

    test('a stored message waits for its user alone, and is ended by no other', async () => {
      const { id } = await office.send(kept(RED));
      const blue = await come(BLUE);
      assert.deepEqual(await bells(blue), []);
      assert.equal(await blue.acknowledge([id]), 0);
      const seen = await come(BLUE, { lastId: id });
      assert.deepEqual(await bells(seen), []);
      const red = await come(RED);
      await red.stream.count('bell', 1);
      assert.deepEqual(idsOf(red.stream.resent), [id]);
      assert.equal(await blue.acknowledge([id]), 0);
      assert.equal(await red.acknowledge([id]), 1);
      assert.equal((await office.query('messages')).total, 0);
    });

    test('one to both has two copies', async () => {
      const of = (tenantId) => kept({ userId: ['42', '43'], tenantId }, { id: `both-${tenantId}-${unique}` });
      await office.send([of('red'), of('blue')]);
      const [red, blue] = [await come(RED), await come(BLUE)];
      await red.stream.count('bell', 1);
      await blue.stream.count('bell', 1);
      assert.deepEqual(idsOf([...red.stream.named('bell'), ...blue.stream.named('bell')]),
        [`both-red-${unique}`, `both-blue-${unique}`]);
      const again = await come(RED, { lastId: `both-red-${unique}` });
      assert.deepEqual(await bells(again), []);
      const left = (await office.query('messages')).list.map(({ userId, tenantId }) => [userId, tenantId]).sort();
      assert.deepEqual(left, [['42', 'blue'], ['43', 'blue'], ['43', 'red']]);
    });

    test('a last-event-id ends what came before it to the same user', async () => {
      const sent = [];
      for (const target of [RED, BLUE, RED, BLUE, RED]) {
        sent.push((await office.send(kept(target))).id);
      }
      const red = await come(RED);
      await red.stream.count('bell', 3);
      await red.leave();
      const again = await come(RED, { lastId: sent[4] });
      assert.deepEqual(await bells(again), []);
      assert.deepEqual(idsOf((await office.query('messages')).list), [sent[1], sent[3]]);
      const blue = await come(BLUE);
      await blue.stream.count('bell', 2);
      assert.deepEqual(idsOf(blue.stream.resent), [sent[1], sent[3]]);
    });

    test('messages are listed, told of and deleted by the two', async () => {
      const hook = await webhookTarget(() => 204);
      const sent = await office.send([
        kept(RED, { receipt: hook.url }), kept(BLUE), kept(OF_NONE), kept({ tenantId: 'red' }), kept({ all: true }),
      ]);
      const ids = idsOf(sent);
      const listed = async (what) => idsOf((await office.query(`messages?${query(what)}`)).list);
      assert.deepEqual(await listed({}), ids);
      assert.deepEqual(await listed(RED), [ids[0], ids[3], ids[4]]);
      assert.deepEqual(await listed({ tenantId: 'red' }), [ids[3], ids[4]]);
      await refusedOr(() => office.get('messages?userId=42'),
        (data) => ({ ...data, total: 4, list: data.list.filter(({ id }) => id !== ids[3]) }));
      const shown = (await office.query('messages')).list.map(({ userId, tenantId }) => ({ userId, tenantId }));
      assert.deepEqual(shown.slice(0, 4), [RED, BLUE, OF_NONE, { userId: undefined, tenantId: 'red' }]);
      const { copies } = await office.query(`messages/${ids[0]}`);
      assert.deepEqual(copies.map(({ userId, tenantId, state }) => [userId, tenantId, state]), [['42', 'red', 'stored']]);
      assert.equal(await remove(query(RED)), 1);
      const [receipt] = await eventually('the receipt', () => hook.accepted.length > 0 && hook.accepted);
      assert.deepEqual(receipt.recipient, RED);
      assert.deepEqual(await listed({}), ids.slice(1));
      if (isTenant) {
        assert.equal(await remove('userId=42&tenantId='), 1);
      } else {
        assert.equal(await remove('userId=42'), 2);
      }
      await hook.stop();
    });

    test('a page that was away gets what was sent to it, and hears of no other\'s', async () => {
      const red = await come(RED);
      await office.send(bell(RED, { data: 0, id: `first-${unique}` }));
      await red.stream.count('bell', 1);
      await red.leave();
      await office.send(bell(BLUE, { data: 1, id: `other-${unique}` }));
      await office.send(bell(RED, { data: 2, id: `last-${unique}` }));
      const again = await come(RED, { lastId: `first-${unique}` });
      assert.deepEqual(await bells(again), [2]);
      const blue = await come(BLUE, { lastId: `first-${unique}` });
      if (isTenant) {
        assert.equal((await blue.stream.next('sse-gap')).reason, 'unknown-id');
        assert.deepEqual(await bells(blue), []);
      }
    });

    test('limits, idempotency keys and uploads are of the two in any case', async () => {
      const page = await connect(server.origin);
      pages.push(page);
      const say = (path, who) => page.postJson(`/sse/demo/connect/message/${path}.do?${query(who)}`, {},
        { 'idempotency-key': 'same' });
      assert.equal((await say('red', RED)).data, 'red');
      assert.equal((await say('blue', BLUE)).data, 'blue');
      const red = await come(RED);
      const upload = (who) => page.post(`/sse/demo/connect/upload/x.do?connectionId=${red.stream.id}&${query(who)}`,
        multipart([{ name: 'f', fileName: 'a', data: 'x' }]), { 'content-type': MULTIPART });
      assert.equal((await upload(BLUE)).status, 404);
      assert.equal((await upload(RED)).status, 200);
    });
  });

  describe(`users.unique: ${unique}, with tokens`, () => {

    test('a revocation is of the user in the tenant', async (t) => {
      const server = await startServer({ config: withTokens(unique, 'limits: {userConnections: 1}') });
      t.after(() => server.stop());
      const office = await backend(server);
      const page = await connect(server.origin);
      t.after(() => Promise.all([page, office].map((client) => client.close())));
      const [red, blue] = [claims(RED), claims(BLUE)];
      const status = async (headers) => {
        const stream = await page.connect({}, { headers });
        await stream.close();
        return stream.status;
      };
      const first = await page.connect({}, { headers: red });
      assert.equal((await page.connect({}, { headers: blue })).status, 200);
      assert.equal((await page.connect({}, { headers: red })).status, 429); // of one user
      assert.deepEqual(await office.command('disconnectUser', { ...RED, revoke: true }), { count: 1 });
      await first.end();
      assert.equal(await status(red), 401);
      assert.equal(await status(blue), 429); // which it has
      await office.command('disconnectUser', { ...BLUE, reconnect: 1000 });
      await server.asTimePasses('a place', async () => (await status(blue)) === 200, 0);
      assert.equal(await status(claims({ userId: '42', tenantId: 'green' })), 200);
      const alone = await office.post('disconnectUser', PLAIN);
      assert.equal(alone.status, isTenant ? 422 : 200, alone.text);
      assert.equal(await status(blue), isTenant ? 200 : 401);
    });
  });
}

// In the same state directory, one after the other.
async function life(stateDirectory, unique, use, text = config(unique)) {
  const server = await startServer({ config: text, stateDirectory });
  const office = await backend(server);
  const pages = [];
  const come = async (who, options) => {
    const page = await visit(server, who, options);
    pages.push(page);
    return page;
  };
  try {
    await use({ server, office, come });
  } finally {
    await Promise.all([...pages.map((page) => page.close()), office.close()]);
    await server.stop();
  }
}

describe('what is stored outlives the server', () => {
  let directory;
  beforeEach(async () => { directory = await mkdtemp(join(tmpdir(), 'sse-tenants-')); });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const resentTo = async ({ stream }, ids) => {
    await stream.count('bell', ids.length);
    assert.deepEqual(idsOf(stream.resent), ids);
  };

  for (const unique of ['tenant', 'service']) {
    test(`under users.unique: ${unique}`, async () => {
      let sent;
      await life(directory, unique, async ({ office }) => {
        sent = idsOf(await office.send([kept(RED), kept(BLUE), kept(RED)]));
      });
      await life(directory, unique, async ({ server, office, come }) => {
        assert.doesNotMatch(server.output, /without a tenant/);
        await resentTo(await come(BLUE), [sent[1]]);
        const red = await come(RED);
        await resentTo(red, [sent[0], sent[2]]);
        assert.equal(await red.acknowledge(sent), 2);
        assert.deepEqual(idsOf((await office.query('messages')).list), [sent[1]]);
      });
    });
  }

  for (const [before, now, revoked, denied] of [
    ['tenant', 'tenant', RED, { red: 401, blue: 200 }], ['tenant', 'service', RED, { red: 401, blue: 200 }],
    ['service', 'tenant', RED, { red: 401, blue: 200 }], ['service', 'tenant', PLAIN, { red: 401, blue: 401 }],
  ]) {
    test(`a revocation of ${JSON.stringify(revoked)} counts on, from ${before} to ${now}`, async () => {
      const [red, blue] = [claims(RED), claims(BLUE)];
      await life(directory, before, async ({ office }) => {
        await office.command('disconnectUser', revoked);
      }, withTokens(before));
      await life(directory, now, async ({ come }) => {
        const status = async (headers) => (await come({}, { headers })).stream.status;
        assert.deepEqual({ red: await status(red), blue: await status(blue) }, denied);
      }, withTokens(now));
    });
  }

  test('from tenant to service each goes to whom it was for', async () => {
    let sent;
    await life(directory, 'tenant', async ({ office }) => {
      sent = idsOf(await office.send([kept(RED), kept(BLUE), kept(OF_NONE)]));
    });
    await life(directory, 'service', async ({ office, come }) => {
      for (const [i, who] of [RED, BLUE, PLAIN].entries()) {
        const page = await come(who);
        await resentTo(page, [sent[i]]);
        assert.equal(await page.acknowledge(sent), 1);
      }
      assert.equal((await office.query('messages')).total, 0);
    });
  });

  test('from service to tenant what names no tenant waits, is told of, and can be deleted', async () => {
    let sent;
    await life(directory, 'service', async ({ office }) => {
      sent = idsOf(await office.send([kept(PLAIN), kept(RED), kept({ userId: ['42', '43'] })]));
    });
    await life(directory, 'tenant', async ({ server, office, come }) => {
      await server.saw('what waits', (text) => /users without a tenant.* copies=3/.test(text));
      await resentTo(await come(RED), [sent[1]]);
      for (const who of [PLAIN, BLUE]) {
        const page = await come(who);
        await office.send({ event: 'fence', data: 0, connectionId: page.stream.id });
        await page.stream.next('fence');
        assert.deepEqual(page.stream.named('bell'), []);
        assert.equal(await page.acknowledge(sent), 0);
      }
      const listed = (await office.query('messages')).list.map(({ id, userId, tenantId }) => [id, userId, tenantId]);
      assert.deepEqual(listed, [[sent[0], '42', undefined], [sent[1], '42', 'red'], [sent[2], '42', undefined],
        [sent[2], '43', undefined]]);
      const answer = await office.client.request('DELETE', `/sse/demo/messages/${sent[2]}`, { headers: office.authorized });
      assert.deepEqual(answer.data, { count: 2 });
    });
    await life(directory, 'service', async ({ server, come }) => {
      assert.doesNotMatch(server.output, /without a tenant/);
      await resentTo(await come({ userId: '42', tenantId: 'blue' }), [sent[0]]);
    });
  });
});
