// SPDX-License-Identifier: Apache-2.0
// The stream of who comes and goes, for back ends: a snapshot, then every change once and in order,
// wherever connections and watchers live; a watcher that comes back misses nothing, or is told so.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { pictureOf, watch } from './support/presence.mjs';
import { startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const BASE = '/sse/demo';

// Which number an id has within its epoch.
const numberOf = (id) => Number(id.match(/^[0-9a-f]{16}-(\d+)$/)[1]);

async function start(variables = {}, options = {}) {
  const server = await startServer({
    ...options,
    variables: { SSE_SERVER_WORKERS: '4', SSE_SERVER_SERVICES_0_OFFLINE_GRACE: '100ms', ...variables },
  });
  const office = await backend(server);
  return {
    server,
    office,
    async stop() {
      await office.close();
      await server.stop();
    },
  };
}

// A session each, so that they live on several workers.
function sessions(server, count) {
  return Promise.all(Array.from({ length: count }, () => connect(server.origin)));
}

const closeAll = (clients) => Promise.all(clients.map((client) => client.close()));

describe('with one server', () => {
  let world;
  before(async () => {
    world = await start();
  });
  after(() => world.stop());

  // Nobody else's events: each test begins and ends with nobody there.
  async function nobodyLeft() {
    await eventually('nobody online', async () => (await world.office.metric('sse_server_users_online')) === 0);
  }

  test('a connection: connect, user-online, listening, disconnect, user-offline', async () => {
    const [desk, page] = await sessions(world.server, 2);
    const watcher = await watch(desk);
    assert.match(watcher.headers['content-type'], /^text\/event-stream;charset=utf-8$/);
    assert.equal(watcher.headers['cache-control'], 'no-store');
    assert.deepEqual(
      [watcher.start.service, watcher.start.resumed, watcher.start.snapshot],
      ['demo', false, false],
    );
    const tab = await page.connect({ userId: '7', name: 'Ann', tenantId: 't1', clientId: 'c', listeners: 'bell' });
    const came = await watcher.next('connect');
    const [shown] = (await world.office.query(`connections?id=${tab.id}`)).list;
    assert.deepEqual(came.connection, shown);
    assert.deepEqual([came.type, came.service], ['connect', 'demo']);
    assert.ok(Math.abs(came.time - Date.now()) < 60_000);
    const online = await watcher.next('user-online');
    assert.equal(online.userId, '7');
    assert.deepEqual(online.user, shown.accessUser);

    const change = { connectionId: tab.id, listener: ['door'] };
    await page.postJson(`${BASE}/connect/addListener.do`, change);
    const listens = await watcher.next('listening');
    assert.deepEqual([listens.event, listens.before, listens.after], ['door', false, true]);
    assert.deepEqual(listens.connection.listeners, ['bell', 'door']);
    await page.postJson(`${BASE}/connect/removeListener.do`, change);
    const silent = await watcher.next('listening');
    assert.deepEqual([silent.event, silent.before, silent.after], ['door', true, false]);

    await page.postForm(`${BASE}/connect/disconnect.do`, { connectionId: tab.id });
    const left = await watcher.next('disconnect');
    assert.equal(left.reason, 'client');
    assert.equal(left.connection.id, tab.handle);
    assert.ok(Number.isInteger(left.duration) && left.duration >= 0 && left.duration < 60_000);
    const offline = await watcher.next('user-offline');
    assert.equal(offline.userId, '7');
    assert.equal(offline.user.name, online.user.name);

    const ids = watcher.events.filter(({ event }) => event !== 'presence-start').map(({ id }) => numberOf(id));
    assert.deepEqual(ids, ids.map((_, i) => ids[0] + i));
    const names = watcher.events.map(({ event }) => event);
    assert.deepEqual(names, ['presence-start', 'connect', 'user-online', 'listening', 'listening', 'disconnect',
      'user-offline']);
    await closeAll([desk, page]);
  });

  test('the text that a back end gives for a disconnect is its reason', async () => {
    const [desk, page] = await sessions(world.server, 2);
    const watcher = await watch(desk, { events: 'disconnect' });
    await page.connect({ userId: '7' });
    await world.office.command('disconnectUser', { userId: '7', reason: 'moved "house"' });
    assert.equal((await watcher.next('disconnect')).reason, 'moved "house"');
    await closeAll([desk, page]);
    await nobodyLeft();
  });

  test('events= filters; ids go on', async () => {
    const [desk, page] = await sessions(world.server, 2);
    const all = await watch(desk);
    const users = await watch(desk, { events: 'user-online, user-offline', snapshot: 'true' });
    await users.next('snapshot-end');
    const tabs = [await page.connect({ userId: '7' }), await page.connect({ userId: '7' })];
    await Promise.all(tabs.map((tab) => tab.close()));
    const offline = await users.next('user-offline');
    assert.equal(offline.userId, '7');
    await all.next('user-offline');
    assert.deepEqual(users.events.map(({ event }) => event),
      ['presence-start', 'snapshot-end', 'user-online', 'user-offline']);
    assert.equal(users.events.at(-1).id, all.events.at(-1).id);
    await closeAll([desk, page]);
  });

  // Go's bufio.Scanner stops at lines of 64 KiB.
  test('no line of a snapshot, or of what follows, is longer than 60 KiB', async () => {
    const [desk, page] = await sessions(world.server, 2);
    const agent = { 'user-agent': 'x'.repeat(6000) };
    const streams = [];
    for (let n = 0; n < 25; n++) {
      streams.push(await page.connect({ userId: `long-${n}`.padEnd(256, '-') }, { headers: agent }));
    }
    const longest = { line: 0, rest: '' };
    const watcher = await watch(desk, { snapshot: 'true' }, {
      onText: (text) => {
        const lines = (longest.rest + text).split('\n');
        longest.rest = lines.pop();
        longest.line = Math.max(longest.line, ...lines.map(({ length }) => length));
      },
    });
    await watcher.next('snapshot-end');
    const shown = watcher.named('snapshot').map(({ data }) => data);
    assert.ok(shown.some((data) => data.length > 64 * 1024), 'a piece that needs several lines');
    assert.equal(shown.flatMap((data) => JSON.parse(data).connections ?? [])
      .filter(({ accessUserId }) => accessUserId.startsWith('long-')).length, streams.length);
    assert.ok(longest.line <= 60 * 1024 + 'data:'.length, `${longest.line}`);
    await watcher.close();
    await Promise.all(streams.map((stream) => stream.close()));
    await closeAll([desk, page]);
    await nobodyLeft();
  });

  test('a snapshot shows all of every worker, and changes during it are not lost', async () => {
    const [desk, ...pages] = await sessions(world.server, 13);
    await Promise.all(pages.flatMap((page, i) => (
      Array.from({ length: 25 }, (_, tab) => page.connect({ userId: `u${i}-${tab % 10}` })))));
    const opening = watch(desk, { snapshot: 'true' });
    // While it is made: one session of each four goes, others get more.
    const changes = pages.map((page, i) => (i % 4 === 0 ? page.close() : page.connect({ userId: `late${i}` })));
    const watcher = await opening;
    assert.equal(watcher.start.snapshot, true);
    await Promise.all(changes);
    const end = await watcher.next('snapshot-end');
    assert.ok(end.connections >= 9 * 25 && end.users >= 9 * 10, JSON.stringify(end));
    const snapshot = watcher.named('snapshot').map(({ data, id }) => ({ ...JSON.parse(data), id }));
    assert.ok(snapshot.every(({ connections = [], id }) => connections.length <= 100 && id === undefined));
    await eventually('the same picture as the server\'s', async () => {
      const users = (await world.office.query('userIds?pageSize=1000')).list;
      const { list } = await world.office.query('connections?pageSize=1000');
      const picture = pictureOf(watcher);
      return users.length === 9 * 10 + 9 && isDeepStrictEqual(picture.users, new Set(users))
        && isDeepStrictEqual(new Set(picture.connections.keys()), new Set(list.map(({ id }) => id)));
    });
    await closeAll([desk, ...pages]);
    await nobodyLeft();
  });

  test('a watcher that comes back gets what it missed, on any worker', async () => {
    const [desk, page, ...desks] = await sessions(world.server, 6);
    const first = await watch(desk);
    await page.connect({ userId: 'a' });
    await first.next('user-online');
    const { id: lastId } = first.events.at(-1);
    await desk.close();
    const tabs = await Promise.all(['b', 'c', 'd'].map((userId) => page.connect({ userId })));
    await tabs[0].close();
    await eventually('b offline', async () => (await world.office.metric('sse_server_users_online')) === 3);
    for (const other of desks) {
      const second = await watch(other, { snapshot: 'true' }, { lastId });
      assert.deepEqual([second.start.resumed, second.start.snapshot], [true, false]);
      await second.next('user-offline');
      const missed = second.events.slice(1);
      assert.deepEqual(missed.map(({ id }) => numberOf(id)), missed.map((_, i) => numberOf(lastId) + 1 + i));
      assert.deepEqual(missed.map(({ event }) => event).sort(),
        [...Array(3).fill('connect'), 'disconnect', ...Array(3).fill('user-online'), 'user-offline'].sort());
      assert.equal(second.named('snapshot').length, 0);
    }
    // Where no field can be set, a parameter will do.
    const third = await watch(desks[0], { lastEventId: lastId });
    assert.equal(third.start.resumed, true);
    await closeAll([page, ...desks]);
    await nobodyLeft();
  });

  test('what cannot be resumed is said, and a snapshot follows', async () => {
    const [desk, page] = await sessions(world.server, 2);
    const tab = await page.connect({ userId: 'a' });
    const current = (await watch(desk)).start.id;
    const future = current.replace(/\d+$/, '999999999');
    const cases = [['0123456789abcdef-5', 'epoch'], ['nonsense', 'unknown-id'], [future, 'unknown-id'],
      [`${'0'.repeat(200)}`, 'unknown-id']];
    for (const [lastId, reason] of cases) {
      const watcher = await watch(desk, {}, { lastId });
      assert.deepEqual([watcher.start.resumed, watcher.start.snapshot], [false, true]);
      assert.equal(watcher.events[0].id, undefined);
      const gap = await watcher.next('sse-gap');
      assert.equal(gap.reason, reason);
      assert.equal(gap.to, watcher.start.id);
      assert.ok(lastId.startsWith(gap.from));
      await watcher.next('snapshot-end');
      assert.equal(watcher.events.at(-1).id, gap.to);
      const picture = pictureOf(watcher);
      assert.deepEqual([...picture.connections.keys()], [tab.handle]);
      assert.deepEqual([...picture.users], ['a']);
    }
    assert.ok((await world.office.metric('sse_server_presence_gaps_total')) >= cases.length);
    await closeAll([desk, page]);
  });

  test('only back ends may; a kind that is none is refused; HEAD has no stream', async () => {
    const [desk] = await sessions(world.server, 1);
    assert.equal((await watch(desk, {}, { key: 'wrong' })).status, 401);
    const refused = await world.office.get('presence?events=connect,nap');
    assert.equal(refused.status, 422);
    assert.match(refused.json.errorMessage, /"nap" is no presence event; there are connect, /);
    const head = await world.office.client.request('HEAD', `${BASE}/presence`, {
      headers: { authorization: `Bearer integration-test-key` },
    });
    assert.deepEqual([head.status, head.text], [200, '']);
    await desk.close();
  });
});

test('events that are not kept any more are a gap', async () => {
  const world = await start({ SSE_SERVER_SERVICES_0_PRESENCE_HISTORY: '10' });
  const [desk, page] = await sessions(world.server, 2);
  const watcher = await watch(desk);
  for (let i = 0; i < 10; i++) {
    await page.connect({ userId: `u${i}` });
    await watcher.count('user-online', i + 1); // it misses nothing itself
  }
  const second = await watch(desk, {}, { lastId: watcher.events[1].id });
  assert.equal((await second.next('sse-gap')).reason, 'too-old');
  await second.next('snapshot-end');
  assert.equal(pictureOf(second).connections.size, 10);
  const third = await watch(desk, {}, { lastId: watcher.events.at(-5).id });
  assert.equal(third.start.resumed, true);
  await closeAll([desk, page]);
  await world.stop();
});

test('recording ends some time after the last watcher, and an id of before is a gap', async () => {
  const world = await start({ SSE_SERVER_SERVICES_0_PRESENCE_KEEP: '0' });
  const [desk, page] = await sessions(world.server, 2);
  const events = () => world.office.metric('sse_server_presence_events_total');
  await page.connect({ userId: 'before' });
  assert.equal(await events(), 0);
  const watcher = await watch(desk);
  await page.connect({ userId: 'while' });
  await watcher.next('user-online');
  await watcher.close();
  const lastId = watcher.events.at(-1).id;
  await world.server.asTimePasses('the recording to end', async () => (
    (await world.office.metric('sse_server_presence_history_bytes')) === 0));
  await page.connect({ userId: 'after' });
  assert.equal(await events(), 2);
  const second = await watch(desk, {}, { lastId });
  assert.equal((await second.next('sse-gap')).reason, 'epoch');
  await second.next('snapshot-end');
  assert.deepEqual(pictureOf(second).users, new Set(['before', 'while', 'after']));
  await closeAll([desk, page]);
  await world.stop();
});

test('a watcher that does not read is closed and says why; nothing waits for it', async () => {
  const world = await start({
    SSE_SERVER_SERVICES_0_PRESENCE_HISTORY: '100',
    SSE_SERVER_LIMITS_WRITE_STALL_TIMEOUT: '10m', // not reading is what is tested here
  });
  const [desk, idle, page] = await sessions(world.server, 3);
  const brisk = await watch(desk, { events: 'listening' });
  const slow = await watch(idle, { snapshot: 'true' });
  await slow.next('snapshot-end');
  slow.stream.pause();
  const tab = await page.connect({ userId: 'a', more: 'x'.repeat(3000) });
  const change = { connectionId: tab.id, listener: Array.from({ length: 50 }, (_, i) => `event${i}`) };
  for (let i = 0; i < 10; i++) {
    await page.postJson(`${BASE}/connect/addListener.do`, change);
    await page.postJson(`${BASE}/connect/removeListener.do`, change);
    await brisk.count('listening', (i + 1) * 100);
  }
  slow.stream.resume();
  await slow.end();
  assert.equal(slow.events.at(-1).event, 'presence-close');
  assert.equal(JSON.parse(slow.events.at(-1).data).reason, 'slow');
  const again = await watch(idle, {}, { lastId: slow.events.at(-2).id });
  assert.equal((await again.next('sse-gap')).reason, 'too-old');
  await closeAll([desk, idle, page]);
  await world.stop();
});

test('no more watchers than allowed', async () => {
  const world = await start({ SSE_SERVER_SERVICES_0_PRESENCE_WATCHERS: '2' });
  const [desk, other] = await sessions(world.server, 2);
  const first = await watch(desk);
  await watch(other);
  const refused = await world.office.get('presence');
  assert.equal(refused.status, 503);
  assert.match(refused.json.errorMessage, /there are 2 watchers already/);
  assert.equal(await world.office.metric('sse_server_presence_watchers'), 2);
  assert.equal(await world.office.metric('sse_server_presence_refused_total'), 1);
  await first.close();
  await eventually('room for another', async () => (await watch(other)).status === 200);
  await closeAll([desk, other]);
  await world.stop();
});

test('a stream ends with the token that opened it: one that expired, one that was revoked', async () => {
  const world = await start({
    SSE_SERVER_TOKEN_KEYS_0_ALGORITHM: 'HS256',
    SSE_SERVER_TOKEN_KEYS_0_SECRET: SECRET,
    SSE_SERVER_SERVICES_0_AUTH: 'jwt',
    SSE_SERVER_SERVICES_0_JWT_LEEWAY: '0',
  }, { stopped: true });
  const [desk, other] = await sessions(world.server, 2);
  const sign = (claims, lifetime) => token({ permissions: ['presence'], ...claims }, { lifetime, now: world.server.now() });
  const expiring = await watch(desk, {}, { key: sign({}, 2) });
  const revoked = await watch(desk, {}, { key: sign({ jti: 'lost' }) });
  const [good, byKey] = [await watch(other, {}, { key: sign({ jti: 'kept' }) }), await watch(other)];
  await world.office.command('disconnectUser', { accessToken: 'lost' });
  for (const watcher of [expiring, revoked]) {
    assert.equal((await world.server.meanwhile(watcher.next('presence-close'))).reason, 'expired');
    assert.equal(await watcher.end(), true, 'END_STREAM');
  }
  for (const watcher of [good, byKey]) {
    assert.equal(watcher.named('presence-close').length, 0);
  }
  assert.equal(await world.office.metric('sse_server_presence_watchers'), 2);
  await closeAll([desk, other]);
  await world.stop();
});

test('a server that stops ends the streams, and takes nobody offline', async () => {
  const world = await start({ SSE_SERVER_DRAIN_TIME: '2s' });
  const [desk, page] = await sessions(world.server, 2);
  const watcher = await watch(desk);
  await page.connect({ userId: 'a' });
  await watcher.next('user-online');
  world.server.signal('SIGTERM');
  assert.equal((await watcher.next('presence-close')).reason, 'drain');
  await watcher.end();
  assert.equal(watcher.named('user-offline').length, 0);
  await closeAll([desk, page, world.office.client]);
  await world.server.exit();
  await world.server.stop();
});
