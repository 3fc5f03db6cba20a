// SPDX-License-Identifier: Apache-2.0
// A back end that is told by POST who comes and goes: signed, in order for each user, again until it
// accepts, however slow, dead or wrong it is; and nobody else notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';
import { isSigned, SECRET, userOf, webhookTarget } from './support/webhook_target.mjs';

const BASE = '/sse/demo';
const PREFIX = 'SSE_SERVER_SERVICES_0_NOTIFICATIONS_';

async function start(target, variables = {}) {
  const server = await startServer({
    variables: {
      SSE_SERVER_WORKERS: '4',
      SSE_SERVER_SERVICES_0_OFFLINE_GRACE: '100ms',
      SSE_SERVER_SERVICES_0_WEBHOOK_SECRET: SECRET,
      [`${PREFIX}URL`]: target.url,
      ...variables,
    },
  });
  return { server, target, office: await backend(server) };
}

async function stop({ server, target, office }) {
  await office.close();
  await server.stop();
  await target.stop();
}

const sessions = (server, count) => Promise.all(Array.from({ length: count }, () => connect(server.origin)));
const closeAll = (clients) => Promise.all(clients.map((client) => client.close()));
const metric = (world, name) => world.office.metric(`sse_server_notifications_${name}`);

// What the target accepted of each user, in order: {a: ['connect', …]}.
function storiesOf(target) {
  const stories = {};
  for (const notification of target.accepted) {
    (stories[userOf(notification)] ??= []).push(notification.type);
  }
  return stories;
}

const STORY = ['connect', 'user-online', 'disconnect', 'user-offline'];

// Each comes with one tab and goes.
async function visits(world, users) {
  const pages = await sessions(world.server, 4);
  const tabs = await Promise.all(users.map((userId, i) => pages[i % pages.length].connect({ userId })));
  await Promise.all(tabs.map((tab) => tab.close()));
  await closeAll(pages);
}

const names = (count) => Array.from({ length: count }, (_, i) => `user${i}`);

function assertStories(target, users) {
  const stories = storiesOf(target);
  assert.deepEqual(Object.keys(stories).sort(), [...users].sort());
  for (const user of users) {
    assert.deepEqual(stories[user], STORY, user);
  }
}

async function allAccepted(world, users) {
  await eventually('all notifications', () => world.target.accepted.length >= users.length * STORY.length);
  assertStories(world.target, users);
}

test('one user\'s story, signed, with an id each', async () => {
  const world = await start(await webhookTarget());
  const [page] = await sessions(world.server, 1);
  const tab = await page.connect({ userId: 'ann', name: 'Ann', listeners: 'bell' });
  const [shown] = (await world.office.query(`connections?id=${tab.id}`)).list;
  await page.postJson(`${BASE}/connect/addListener.do`, { connectionId: tab.id, listener: ['door'] });
  await world.office.command('disconnectUser', { userId: 'ann', reason: 'late' });
  await eventually('the end of the story', () => world.target.accepted.at(-1)?.type === 'user-offline');

  const { requests } = world.target;
  assert.deepEqual(requests.map(({ json }) => json.type),
    ['connect', 'user-online', 'listening', 'disconnect', 'user-offline']);
  const [came, online, listening, left] = requests.map(({ json }) => json);
  assert.deepEqual(came.connection, shown);
  assert.deepEqual([online.userId, online.user.name], ['ann', 'Ann']);
  assert.deepEqual([listening.event, listening.before, listening.after], ['door', false, true]);
  assert.equal(left.reason, 'late');
  for (const request of requests) {
    assert.deepEqual([request.method, request.path], ['POST', '/hook?key=1']);
    assert.equal(request.headers['content-type'], 'application/json');
    assert.ok(isSigned(request));
    assert.ok(!isSigned(request, 'another secret'));
    assert.ok(!isSigned({ ...request, body: Buffer.from(`${request.body} `) }));
    assert.match(request.id, /^[0-9a-f]{16}-\d+$/);
  }
  const numbers = requests.map(({ id }) => Number(id.split('-')[1]));
  assert.deepEqual(numbers, [1, 2, 3, 4, 5]);
  // The target has its request before the server has the answer.
  await eventually('all to be counted', async () => await metric(world, 'sent_total') === 5);
  assert.equal(await metric(world, 'failed_total'), 0);
  await page.close();
  await stop(world);
});

test('each has the traceparent of the request that it comes of, if that has one', async () => {
  const world = await start(await webhookTarget(), { [`${PREFIX}EVENTS`]: 'connect,disconnect,listening,user-online,user-offline,receipt' });
  const { target, office } = world;
  const [page] = await sessions(world.server, 1);
  const trace = (digit) => ({ traceparent: `00-${digit.repeat(32)}-b7ad6b7169203331-01` });
  const seen = (user) => Object.fromEntries(target.requests.filter(({ json }) => (json.recipient?.userId ?? userOf(json)) === user)
    .map(({ json, headers }) => [json.type, headers.traceparent?.[3]]));
  const isOffline = (user) => eventually(`${user} to be offline`, () => target.accepted.some((told) => told.type === 'user-offline' && userOf(told) === user));
  const command = (name, body, headers) => office.client.postJson(`${BASE}/${name}`, body, { ...office.authorized, ...headers });

  // What a page asks for itself.
  const asks = (userId, headers = []) => page.connect({ userId, listeners: 'bell' }, { headers: headers[0] });
  const own = await asks('own', [trace('1')]);
  assert.equal((await page.postJson(`${BASE}/connect/addListener.do`, { connectionId: own.id, listener: ['door'] }, trace('2'))).status, 200);
  assert.equal((await page.postJson(`${BASE}/connect/disconnect.do`, { connectionId: own.id, reason: 'done' }, trace('3'))).status, 200);
  await isOffline('own');
  assert.deepEqual(seen('own'), { connect: '1', 'user-online': '1', listening: '2', disconnect: '3', 'user-offline': '3' });

  // What a back end does with it.
  await asks('kicked', [trace('4')]);
  assert.equal((await command('disconnectUser', { userId: 'kicked' }, trace('5'))).status, 200);
  await isOffline('kicked');
  assert.deepEqual(seen('kicked'), { connect: '4', 'user-online': '4', disconnect: '5', 'user-offline': '5' });
  assert.equal((await command('send', { userId: 'absent', id: 'm-1', event: 'bell', data: 1, qos: 1, receipt: true }, trace('6'))).status, 200);
  assert.equal((await office.client.request('DELETE', `${BASE}/messages/m-1`, { headers: { ...office.authorized, ...trace('7') } })).status, 200);
  await eventually('the receipt', () => target.accepted.some(({ type }) => type === 'receipt'));
  assert.deepEqual(seen('absent'), { receipt: '6' });

  // What none brings about, and what has none, or one that is none.
  const gone = await asks('gone', [trace('8')]);
  await gone.close();
  await asks('plain', [{ traceparent: 'x'.repeat(55) }]);
  assert.equal((await command('disconnectUser', { userId: 'plain' })).status, 200);
  await isOffline('gone');
  await isOffline('plain');
  assert.deepEqual(seen('gone'), { connect: '8', 'user-online': '8', disconnect: undefined, 'user-offline': undefined });
  assert.deepEqual(seen('plain'), { connect: undefined, 'user-online': undefined, disconnect: undefined, 'user-offline': undefined });
  await page.close();
  await stop(world);
});

test('only the configured events', async () => {
  const world = await start(await webhookTarget(), { [`${PREFIX}EVENTS`]: 'user-offline' });
  await visits(world, names(3));
  await eventually('three users offline', () => world.target.requests.length === 3);
  assert.ok(world.target.accepted.every(({ type }) => type === 'user-offline'));
  await stop(world);
});

test('a slow target: users at the same time, each in order', async () => {
  const world = await start(
    await webhookTarget(() => new Promise((resolve) => setTimeout(resolve, 20, 200))),
    { [`${PREFIX}IN_FLIGHT`]: '4' },
  );
  const users = names(30);
  await visits(world, users);
  await allAccepted(world, users);
  assert.ok(world.target.mostUnderWay > 1 && world.target.mostUnderWay <= 4, `${world.target.mostUnderWay}`);
  await stop(world);
});

test('wrong answers: tried again when that may help, else lost', async () => {
  const tries = {};
  // Each notification's first answers are these; a user whose name says so is refused.
  const answers = [500, 503, 429, 408];
  const target = await webhookTarget(({ id, json }) => {
    tries[id] = (tries[id] ?? 0) + 1;
    if (userOf(json) === 'unwanted') {
      return 404;
    }
    const number = Number(id.split('-')[1]);
    return tries[id] === 1 ? { status: answers[number % 4], headers: { 'retry-after': '0' } } : 200;
  });
  const world = await start(target);
  await visits(world, ['a', 'b', 'unwanted']);
  await world.server.asTimePasses('all that is wanted', () => target.accepted.length === 2 * STORY.length, 100);
  await eventually('the others', async () => (await metric(world, 'refused_total')) === STORY.length);
  assertStories(target, ['a', 'b']);
  assert.equal(await metric(world, 'retried_total'), 2 * STORY.length);
  assert.equal(await metric(world, 'failed_total'), 3 * STORY.length);
  assert.ok(Object.values(tries).every((count) => count <= 2));
  assert.match(world.server.output, /a notification is lost .*reason="the target refuses it" status=404/);
  assert.ok(!world.server.output.includes('unwanted'));
  await stop(world);
});

test('a target that never answers runs out of time', async () => {
  const world = await start(
    await webhookTarget((_, count) => (count === 1 ? undefined : 200)),
    { [`${PREFIX}TIMEOUT`]: '100ms' },
  );
  await visits(world, ['a']);
  const { requests } = world.target;
  // Answers that come too late on a slow machine are asked for again as well: each counts once.
  const told = () => [...new Map(requests.filter(({ status }) => status === 200).map(({ id, json }) => [id, json.type])).values()];
  await eventually('all notifications', () => told().length === STORY.length);
  assert.deepEqual(told(), STORY);
  assert.equal(requests[0].id, requests[1].id);
  await stop(world);
});

test('a dead target stalls nobody, and gets everything in order when it is back', async () => {
  const world = await start(await webhookTarget());
  await world.target.stop();
  const users = names(40);
  await visits(world, users);
  await eventually('all to wait', async () => (await metric(world, 'waiting')) === users.length * STORY.length);
  assert.ok((await metric(world, 'oldest_seconds')) > 0);
  assert.ok((await metric(world, 'failed_total')) >= 1);
  // Pages are served as ever.
  const [page] = await sessions(world.server, 1);
  for (let i = 0; i < 20; i++) {
    const tab = await page.connect({ userId: 'probe' });
    assert.deepEqual((await world.office.send({ event: 'tick', data: i, connectionId: tab.id })).count, 1);
    await tab.next('tick');
    await tab.close();
  }
  await page.close();
  const lag = await world.office.metric('sse_server_loop_lag_max_seconds');
  assert.ok(lag < 5, `a loop was ${lag} s late`);
  await world.target.start();
  await world.server.asTimePasses('everything', async () => (await metric(world, 'waiting')) === 0);
  world.target.requests = world.target.requests.filter(({ json }) => userOf(json) !== 'probe');
  assertStories(world.target, users);
  assert.ok(world.target.requests.every((request) => isSigned(request)));
  await stop(world);
});

test('at the bound the oldest goes, and is counted', async () => {
  const world = await start(await webhookTarget(), { [`${PREFIX}QUEUE`]: '20' });
  await world.target.stop();
  await visits(world, names(10));
  await eventually('all events', async () => (
    (await metric(world, 'waiting')) + (await metric(world, 'dropped_total')) === 40));
  assert.equal(await metric(world, 'waiting'), 20);
  assert.match(world.server.output, /a notification is lost .*reason="too many wait"/);
  await world.target.start();
  await world.server.asTimePasses('the rest', async () => (await metric(world, 'waiting')) === 0);
  for (const story of Object.values(storiesOf(world.target))) {
    assert.deepEqual(story, STORY.filter((type) => story.includes(type)));
  }
  assert.equal(world.target.accepted.length, 20);
  await stop(world);
});

test('a stop tells that connections end, but takes no user offline', async () => {
  const world = await start(await webhookTarget(), { SSE_SERVER_DRAIN_TIME: '20s' });
  const pages = await sessions(world.server, 8);
  const streams = await Promise.all(pages.map((page, i) => page.connect({ userId: `user${i}`, reasons: 'true' })));
  await eventually('all to be online', () => world.target.accepted.length === 16);
  world.server.signal('SIGTERM');
  // Pages that leave before they hear of it would be gone, not sent away.
  await Promise.all(streams.map((stream) => stream.next('connect-close')));
  await world.office.close();
  await closeAll(pages);
  await world.server.exit();
  await world.server.stop();
  const rest = world.target.accepted.slice(16);
  assert.deepEqual(rest.map(({ type, reason }) => [type, reason]), Array(8).fill(['disconnect', 'drain']));
  await world.target.stop();
});

test('a stop does not wait for a target that is not there', async () => {
  const world = await start(await webhookTarget(), { SSE_SERVER_DRAIN_TIME: '10m' });
  await world.target.stop();
  await visits(world, names(5));
  await eventually('all to wait', async () => (await metric(world, 'waiting')) === 20);
  await world.office.close();
  await world.server.stop();
  assert.match(world.server.output, /a notification is lost .*reason="it failed, and the server stops"/);
});

test('what a target has not taken when the server has to go is lost, and that is said', async () => {
  const world = await start(await webhookTarget(() => undefined), { SSE_SERVER_DRAIN_TIME: '300ms' });
  await visits(world, names(2));
  await eventually('all to wait', async () => (await metric(world, 'waiting')) === 8);
  await world.office.close();
  await world.server.stop();
  assert.match(world.server.output, /notifications are lost: the server stops .*count=8/);
  await world.target.stop();
});
