// SPDX-License-Identifier: Apache-2.0
// Twenty ways in which a user does not get an event. Each time it happens first, nobody watches, and why it
// did is asked afterwards.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const LARGE = 'x'.repeat(30 * 1024);
const ORIGIN = 'https://evil.test';

let target;
let server;
let demo; // back ends, each of its service
let hr;
let rented;
let shop;
const pages = [];

const config = () => `
workers: 2
listeners: [{address: "127.0.0.1:0"}]
services:
  - name: demo
    auth: jwt
    clientConnections: 3
    listeners: 4
    channelsPerConnection: 3
    slowPolicy: drop-oldest
    queueBytes: 64KiB
    channels: {allow: ["open-*", "orders"]}
    qos: {store: memory, window: 2}
    limits: {userConnections: 4}
  - {name: hr, auth: jwt, queueBytes: 64KiB, qos: {store: memory}}
  - {name: rented, auth: jwt, users: {unique: tenant}}
  - {name: brief, auth: jwt, queueBytes: 64KiB, history: {events: 20}}
  - {name: silent, trace: {bytes: 0}}
  - name: shop
    auth: webhook
    authWebhook: {url: "${target.url('/who')}", cookies: [session]}
tokenKeys: [{algorithm: HS256, secret: ${SECRET}}]
apiKeys:
  - {name: office, key: key-of-office, permissions: [send, query, disconnect, inspect]}
  - {name: of-north, key: key-of-north, permissions: [send, inspect], tenants: [north]}
  - {name: of-demo, key: key-of-demo, permissions: [inspect], services: [demo]}
  - {name: curious, key: key-of-curious}
`;

before(async () => {
  target = await startTarget();
  server = await startServer({ config: config(), variables: { SSE_SERVER_LIMITS_PING_INTERVAL: '1h' } });
  [demo, hr, rented, shop] = await Promise.all(
    ['demo', 'hr', 'rented', 'shop'].map((name) => backend(server, { base: `/sse/${name}`, key: 'key-of-office' })));
});
after(async () => {
  await Promise.all([demo, hr, rented, shop, ...pages].map((client) => client.close()));
  await server.stop();
  await target.close();
});

const tokenOf = (sub, claims = {}) => token({ sub, ...claims });

// A page of its own, with its stream. Who it is: by a token.
async function open(sub, parameters = {}, { base = '/sse/demo', claims, accessToken = tokenOf(sub, claims), ...options } = {}) {
  const page = await connect(server.origin);
  pages.push(page);
  const stream = await page.connect({ 'access-token': accessToken, ...parameters }, { base, ...options });
  return { page, stream };
}

const isOnline = async (office, userId) => (await office.query(`online?userId=${userId}`)).online;
const isGone = (office, connection) => eventually('it to be gone', async () =>
  (await office.query(`connections?id=${connection}`)).total === 0);

async function leave({ page, stream }, reason, base = '/sse/demo') {
  await page.postForm(`${base}/connect/disconnect.do`, { connectionId: stream.id, reason });
}

// The answer, of which the cause is this one, and whose text says what matters.
async function ask(office, question, cause, ...parts) {
  const answer = await office.query(`why?${new URLSearchParams(question)}`);
  assert.equal(answer.cause, cause, JSON.stringify(answer, null, 1));
  for (const part of parts) {
    assert.match(answer.text, part);
  }
  return answer;
}

async function send(office, message, expected = 0) {
  const answer = await office.send({ event: 'bell', data: 1, ...message });
  assert.equal(answer.count, expected, JSON.stringify(answer));
  return answer;
}

describe('the user is not there', () => {
  test('offline', async () => {
    await send(demo, { userId: 'away' });
    await ask(demo, { userId: 'away', event: 'bell' }, 'offline', /no connection/);
    assert.notEqual((await ask(demo, { userId: 'away' }, 'offline')).message, null);
    const once = await open('left', { listeners: 'bell' });
    await once.page.close();
    await isGone(demo, once.stream.handle);
    await send(demo, { userId: 'left' });
    const { lastEnd, message } = await ask(demo, { userId: 'left', event: 'bell' }, 'offline', /ended at .*127\.0\.0\.1: gone/);
    assert.equal(lastEnd.reason, 'gone');
    assert.equal(message.written, 0);
  });

  test('a hidden tab', async () => {
    const tab = await open('hidden', { listeners: 'bell' });
    await leave(tab, 'visibilitychange');
    await send(demo, { userId: 'hidden' });
    await ask(demo, { userId: 'hidden', event: 'bell' }, 'hidden', /tab was hidden/, /background: true/);
    const ours = { heartbeat: 'true', reasons: 'true' }; // as sse.js says of itself
    const back = await open('hidden', { listeners: 'bell', ...ours });
    await open('hidden', { clientId: 'behind', ...ours, background: 'true' });
    await open('hidden', { clientId: 'other' });
    const { connections } = await ask(demo, { userId: 'hidden', event: 'bell' }, 'hidden'); // it was then
    assert.deepEqual(Object.fromEntries(connections.list.map(({ clientId, visible }) => [clientId, visible])),
      { '': true, behind: null, other: null });
    await send(demo, { userId: 'hidden' }, 3);
    await ask(demo, { userId: 'hidden', event: 'bell' }, 'delivered');
    await back.page.close();
  });

  test('and came back, and the history had a part of it alone', async () => {
    const brief = await backend(server, { base: '/sse/brief', key: 'key-of-office' });
    pages.push(brief);
    const at = { base: '/sse/brief' };
    const first = await open('lagging', { listeners: 'bell,early,late' }, at);
    await send(brief, { userId: 'lagging' }, 1);
    await first.stream.next('bell');
    await leave(first, 'visibilitychange', '/sse/brief');
    await isGone(brief, first.stream.handle);
    await send(brief, { userId: 'lagging', event: 'early' });
    for (let n = 0; n < 19; n++) {
      await send(brief, { userId: 'lagging', data: LARGE });
    }
    await send(brief, { userId: 'lagging', event: 'late' });
    // It reads nothing, so that the history forgets what it lacks before that is written.
    const page = await connect(server.origin);
    pages.push(page);
    const stream = page.open('GET', `/sse/brief/connect?listeners=bell,early,live,late&access-token=${tokenOf('lagging')}`,
      { 'last-event-id': first.stream.lastId }, { endStream: true });
    stream.pause();
    await eventually('it to be there', async () => (await brief.query('why?userId=lagging')).connections.count === 1);
    let answer = await ask(brief, { userId: 'lagging', event: 'early' }, 'hidden', /came back at 20.*misses something \(sse-gap\)/);
    assert.equal(answer.gaps.count, 1);
    assert.equal(answer.gaps.lastTime, answer.message.gapTime);
    await ask(brief, { userId: 'lagging', event: 'late' }, 'delivered', /got it when it came back at 20/);
    const { id } = await send(brief, { userId: 'lagging', event: 'live' }, 1);
    await ask(brief, { userId: 'lagging', event: 'live' }, 'delivered');
    for (let n = 0; n < 30; n++) {
      await send(brief, { userId: 'lagging', data: LARGE }, 1);
    }
    stream.resume();
    await eventually('it to be told', async () => (await brief.query('why?userId=lagging')).gaps.count === 2);
    answer = await ask(brief, { userId: 'lagging', event: 'live' }, 'gap', /told that it misses something/);
    assert.deepEqual([answer.message.id, answer.message.missed, answer.message.written], [id, 1, 0]);
    assert.equal(answer.gaps.lastTime, answer.message.gapTime);
    await ask(brief, { userId: 'lagging', event: 'late' }, 'hidden', /came back at 20/);
  });

  test('and came back for it', async () => {
    const first = await open('back', { listeners: 'bell' });
    await send(demo, { userId: 'back' }, 1);
    await first.stream.next('bell');
    await leave(first, 'visibilitychange');
    await send(demo, { userId: 'back' });
    await ask(demo, { userId: 'back', event: 'bell' }, 'hidden');
    const { stream } = await open('back', { listeners: 'bell' }, { lastId: first.stream.lastId });
    await stream.next('bell');
    const { message } = await ask(demo, { userId: 'back', event: 'bell' }, 'delivered', /got it when it came back at 20/);
    assert.equal(message.written, 1);
  });

  test('evicted by a fourth tab', async () => {
    const clientId = 'browser-1';
    await open('evicted', { clientId, listeners: 'bell' });
    for (let n = 0; n < 3; n++) {
      await open('evicted', { clientId, listeners: 'other' });
    }
    await eventually('the first to be closed', async () => (await demo.query('connections?clientId=browser-1')).total === 3);
    await send(demo, { userId: 'evicted', listening: true });
    await ask(demo, { userId: 'evicted', event: 'bell' }, 'evicted', /A newer connection of the same client/, /At that time the user evicted had 3 connections, 0 of them/);
  });

  test('over a limit', async () => {
    for (let n = 0; n < 4; n++) {
      await open('crowd', { clientId: `browser-${n}`, listeners: 'other' });
    }
    const { stream } = await open('crowd', { clientId: 'browser-9', listeners: 'bell' });
    assert.equal(stream.status, 429);
    await send(demo, { userId: 'crowd', listening: true });
    const { lastRefusal } = await ask(demo, { userId: 'crowd', event: 'bell' }, 'limit', /userConnections/);
    assert.equal(lastRefusal.verified, true);
  });

  test('kicked', async () => {
    const { stream } = await open('kicked', { listeners: 'bell' });
    await demo.command('disconnectUser', { connectionId: stream.handle, reason: 'enough' });
    await send(demo, { userId: 'kicked' });
    await ask(demo, { userId: 'kicked', event: 'bell' }, 'kicked', /ended at .*: enough/);
  });

  test('its origin is refused', async () => {
    const { stream } = await open('foreign', { listeners: 'bell' }, {
      accessToken: '', headers: { cookie: `access-token=${tokenOf('foreign')}`, origin: ORIGIN },
    });
    assert.equal(stream.status, 403);
    await send(demo, { userId: 'foreign' });
    await ask(demo, { userId: 'foreign', event: 'bell' }, 'originRefused', /evil\.test/);
  });
});

describe('what the user shows is not taken', () => {
  test('its token has expired', async () => {
    const { stream } = await open('late', { listeners: 'bell' }, { accessToken: token({ sub: 'late' }, { lifetime: -60 }) });
    assert.equal(stream.status, 401);
    await send(demo, { userId: 'late' });
    const { lastRefusal } = await ask(demo, { userId: 'late', event: 'bell' }, 'tokenExpired', /has expired; get a new one/, /nobody has checked/);
    assert.equal(lastRefusal.verified, false);
  });

  test('its token was revoked', async () => {
    const accessToken = tokenOf('revoked', { jti: 'token-of-revoked' });
    await open('revoked', { listeners: 'bell' }, { accessToken });
    await demo.command('disconnectUser', { userId: 'revoked', revoke: true });
    const { stream } = await open('revoked', { listeners: 'bell' }, { accessToken });
    assert.equal(stream.status, 401);
    await send(demo, { userId: 'revoked' });
    await ask(demo, { userId: 'revoked', event: 'bell' }, 'revoked', /has been revoked/);
  });

  test('the webhook refuses it', async () => {
    target.answer = () => ({ status: 403, json: {} });
    const page = await connect(server.origin);
    pages.push(page);
    const stream = await page.connect({ userId: 'stranger', listeners: 'bell' }, { base: '/sse/shop', headers: { cookie: 'session=s-1' } });
    assert.equal(stream.status, 403);
    await send(shop, { userId: 'stranger' });
    await ask(shop, { userId: 'stranger', event: 'bell' }, 'webhookRefused', /webhook/);
  });
});

describe('the user is elsewhere', () => {
  test('of another tenant', async () => {
    await open('7', { listeners: 'bell' }, { base: '/sse/rented', claims: { tenantId: 'south' } });
    await send(rented, { userId: '7', tenantId: 'north' });
    await ask(rented, { userId: '7', tenantId: 'north', event: 'bell' }, 'otherTenant', /"south"/);
    // Who may know nothing of the other learns nothing.
    const north = await backend(server, { base: '/sse/rented', key: 'key-of-north' });
    const answer = await ask(north, { userId: '7', tenantId: 'north', event: 'bell' }, 'offline');
    assert.doesNotMatch(JSON.stringify(answer), /south/);
    assert.equal((await north.get('why?userId=7&tenantId=south&event=bell')).status, 403);
    await north.close();
  });

  test('of another service', async () => {
    await open('moved', { listeners: 'bell' }, { base: '/sse/hr' });
    await send(demo, { userId: 'moved' });
    await ask(demo, { userId: 'moved', event: 'bell' }, 'otherService', /"hr"/);
    await ask(hr, { userId: 'moved', event: 'bell' }, 'otherService', /"demo"/); // where it was sent
    const alone = await backend(server, { key: 'key-of-demo' });
    const answer = await ask(alone, { userId: 'moved', event: 'bell' }, 'offline');
    assert.doesNotMatch(JSON.stringify(answer), /\bhr\b/);
    await alone.close();
  });
});

describe('the user is there', () => {
  test('and does not listen', async () => {
    await open('deaf', { listeners: 'tick' });
    await send(demo, { userId: 'deaf', listening: true });
    const { connections } = await ask(demo, { userId: 'deaf', event: 'bell' }, 'notListening', /1 connection, 0 of them listening to "bell"/);
    assert.deepEqual(connections.list.map(({ listeners, listening }) => ({ listeners, listening })), [{ listeners: ['tick'], listening: false }]);
    await send(demo, { userId: 'deaf' }, 1);
    await send(demo, { userId: 'deaf', event: 'tick' }, 1);
    const { records } = await ask(demo, { userId: 'deaf', event: 'bell' }, 'notListening');
    assert.deepEqual(records.map(({ kind, event }) => [kind, event]), [['opened', undefined],
      ...['bell', 'bell', 'tick'].flatMap((event) => [['sent', event], ['dispatched', event]])]);
  });

  test('and the one of its tabs that listened has gone', async () => {
    const listener = await open('two-tabs', { listeners: 'bell', clientId: 'one' });
    await open('two-tabs', { listeners: 'other', clientId: 'two' });
    await send(demo, { userId: 'two-tabs', listening: true }, 1);
    await ask(demo, { userId: 'two-tabs', event: 'bell' }, 'delivered');
    await listener.page.close();
    await isGone(demo, listener.stream.handle);
    await send(demo, { userId: 'two-tabs', listening: true });
    await ask(demo, { userId: 'two-tabs', event: 'bell' }, 'notListening', /connection that listened had ended at 20.*: gone\./, /had 1 connection, 0 of them/);
  });

  test('and listens in another case', async () => {
    await open('shouting', { listeners: 'Bell' });
    await send(demo, { userId: 'shouting', listening: true });
    await ask(demo, { userId: 'shouting', event: 'bell' }, 'listeningOtherCase', /It listens to "Bell"/);
  });

  test('and may not have the channel', async () => {
    await open('curious', [['access-token', tokenOf('curious')], ['channel', 'secret'], ['listeners', 'bell']].reduce(
      (all, [name, value]) => ({ ...all, [name]: value }), {}));
    await send(demo, { channel: 'secret' });
    const { channel } = await ask(demo, { userId: 'curious', event: 'bell' }, 'channelRefused', /"secret".*The rule is "forbidden"/);
    assert.deepEqual([channel.refused, channel.refusedFor], [true, 'forbidden']);
    const asked = await open('asking', { listeners: 'bell' });
    const answer = await asked.page.postJson('/sse/demo/connect/subscribe.do', { connectionId: asked.stream.id, channel: 'secret2' });
    assert.equal(answer.status, 403);
    await send(demo, { channel: 'secret2' });
    await ask(demo, { userId: 'asking', event: 'bell' }, 'channelRefused', /"secret2"/);
  });

  test('and may not have the channel any more, or no further one', async () => {
    const { page, stream } = await open('promoted', { listeners: 'vip-news', channel: 'vip' }, { claims: { channels: ['vip'] } });
    const refreshed = await page.postJson('/sse/demo/connect/refresh.do', { connectionId: stream.id }, { authorization: `Bearer ${tokenOf('promoted')}` });
    assert.deepEqual(refreshed.data.removed, ['vip']);
    await send(demo, { channel: 'vip', event: 'vip-news' });
    await ask(demo, { userId: 'promoted', event: 'vip-news' }, 'channelRefused', /The rule is "forbidden"/);
    const subscribe = (channel) => page.postJson('/sse/demo/connect/subscribe.do', { connectionId: stream.id, channel });
    assert.equal((await subscribe(['open-a', 'open-b', 'open-c'])).status, 200);
    assert.equal((await subscribe('open-d')).status, 422);
    await send(demo, { channel: 'open-d', event: 'd-news' });
    await ask(demo, { userId: 'promoted', event: 'd-news' }, 'channelRefused', /The rule is "limit"/, /channelsPerConnection/);
  });

  test('and has left the channel', async () => {
    const { page, stream } = await open('leaver', { listeners: 'left-news', channel: 'open-left' });
    await page.postJson('/sse/demo/connect/unsubscribe.do', { connectionId: stream.id, channel: 'open-left' });
    await send(demo, { channel: 'open-left', event: 'left-news' });
    const { channel } = await ask(demo, { userId: 'leaver', event: 'left-news' }, 'notInChannel', /Its page left it at 20/);
    assert.equal(channel.connections, 0);
    assert.ok(channel.leftTime > 0);
    // Who was in it has gone since.
    const other = await open('member-then', { channel: 'open-then' });
    await send(demo, { channel: 'open-then', event: 'then-news' }, 1);
    await other.page.close();
    await isGone(demo, other.stream.handle);
    await ask(demo, { userId: 'leaver', event: 'then-news', channel: 'open-then' }, 'notInChannel');
  });

  test('and may not listen to one more event', async () => {
    const { page, stream } = await open('curious-2', { listeners: 'one,two,three,four,too-much' });
    await send(demo, { userId: 'curious-2', event: 'too-much', listening: true });
    const { listenerRefusedFor } = await ask(demo, { userId: 'curious-2', event: 'too-much' }, 'notListening', /The rule is "limit".*services\[\]\.listeners/);
    assert.equal(listenerRefusedFor, 'limit');
    assert.equal((await page.postJson('/sse/demo/connect/addListener.do', { connectionId: stream.id, listener: ['later'] })).status, 422);
    await send(demo, { userId: 'curious-2', event: 'later', listening: true });
    await ask(demo, { userId: 'curious-2', event: 'later' }, 'notListening', /asked for it, and was refused/);
  });

  test('and the channel is misspelt', async () => {
    await open('spelling', { listeners: 'ding', channel: 'orders' });
    await send(demo, { channel: 'ordres', event: 'ding' });
    const { channel } = await ask(demo, { userId: 'spelling', event: 'ding' }, 'channelUnknown', /"ordres"/, /called "orders"/);
    assert.deepEqual(channel, { name: 'ordres', connections: 0, connectionsOfUser: 0, leftTime: null, refused: false, nearest: 'orders' });
    await ask(demo, { userId: 'spelling', event: 'ding', channel: 'Orders' }, 'channelUnknown', /called "orders"/);
  });

  test('and not in the channel', async () => {
    await open('in-channel', { channel: 'open-9', listeners: 'knock' });
    await open('outside', { listeners: 'knock' });
    await send(demo, { channel: 'open-9', event: 'knock' }, 1);
    await ask(demo, { userId: 'outside', event: 'knock' }, 'notInChannel', /"open-9"/);
    const { message } = await ask(demo, { userId: 'in-channel', event: 'knock' }, 'delivered');
    assert.equal(message.channel, 'open-9');
  });

  test('and nothing was sent to it', async () => {
    await open('waiting', { listeners: 'never' });
    await ask(demo, { userId: 'waiting', event: 'never' }, 'notSent', /Now the user waiting has 1 connection, 1 of them listening to "never"/);
  });

  test('and was reached by its token', async () => {
    await open('shown', { listeners: 'by-token' }, { accessToken: tokenOf('shown', { jti: 'token-of-shown' }) });
    await send(demo, { accessToken: 'token-of-shown', event: 'by-token' }, 1);
    await send(demo, { accessToken: 'token-of-nobody', event: 'by-token' });
    await ask(demo, { userId: 'shown', event: 'by-token' }, 'delivered');
  });

  test('and its queue had no room', async () => {
    const { stream } = await open('slow');
    stream.stream.pause();
    for (let n = 0; n < 8; n++) {
      await send(demo, { userId: 'slow', event: 'fill', data: LARGE }, 1);
    }
    const { id } = await send(demo, { userId: 'slow', event: 'drop' }, 1);
    for (let n = 0; n < 8; n++) {
      await send(demo, { userId: 'slow', event: 'fill', data: LARGE }, 1);
    }
    await server.advance(2_000); // not each of very many drops is recorded
    await send(demo, { userId: 'slow', event: 'fill', data: LARGE }, 1);
    const { message } = await ask(demo, { userId: 'slow', event: 'drop' }, 'dropped', /queue .* was full/);
    assert.equal(message.id, id);
  });
});

describe('the message is stored', () => {
  const store = (office, message) => office.send({ data: 1, qos: 1, ...message });

  test('and its id was sent before', async () => {
    await open('twice', { listeners: 'bell', acknowledges: 'true' });
    await store(demo, { userId: 'twice', event: 'bell', id: 'order-1' });
    await store(demo, { userId: 'twice', event: 'bell', id: 'order-1' });
    await ask(demo, { userId: 'twice', event: 'bell' }, 'repeatedId', /"order-1"/);
  });

  test('and its id was another message\'s', async () => {
    await open('thrice', { listeners: 'bell,one' });
    await store(demo, { userId: 'thrice', event: 'one', id: 'order-2' });
    const answer = await demo.post('send', { userId: 'thrice', event: 'bell', data: 1, qos: 1, id: 'order-2' });
    assert.equal(answer.status, 409);
    const { message } = await ask(demo, { userId: 'thrice', event: 'bell' }, 'sendRefused', /was to be sent at/, /The rule is "id-in-use"/);
    assert.deepEqual([message.refusedFor, message.stored], ['id-in-use', false]);
    await ask(demo, { userId: 'thrice', event: 'one' }, 'notAcknowledged');
  });

  test('and has expired', async () => {
    await store(demo, { userId: 'expiring', event: 'bell', ttl: 1 });
    await server.advance(3_000);
    await eventually('it to expire', async () => (await demo.query('messages?userId=expiring')).total === 0);
    await open('expiring', { listeners: 'bell' });
    await ask(demo, { userId: 'expiring', event: 'bell' }, 'expired', /ttl\. At that time the user expiring had no connection/);
  });

  test('and was deleted', async () => {
    const { id } = await store(demo, { userId: 'deleted', event: 'bell' });
    const { status } = await demo.client.request('DELETE', `/sse/demo/messages/${id}`, { headers: demo.authorized });
    assert.equal(status, 200);
    await ask(demo, { userId: 'deleted', event: 'bell' }, 'deleted', /audit log/);
  });

  test('and written, and not acknowledged; and those behind it wait', async () => {
    const { page, stream } = await open('mute', { listeners: 'one,two,three', acknowledges: 'true' });
    for (const event of ['one', 'two', 'three']) {
      await store(demo, { userId: 'mute', event });
    }
    await stream.next('two');
    await ask(demo, { userId: 'mute', event: 'one' }, 'notAcknowledged', /written 1 time\./);
    await ask(demo, { userId: 'mute', event: 'three' }, 'windowFull', /2 are written, and .* is 2/);
    await page.close(); // and when it has gone
    await isGone(demo, stream.handle);
    await ask(demo, { userId: 'mute', event: 'one' }, 'notAcknowledged');
  });

  test('and waits behind others', async () => {
    for (let n = 0; n < 8; n++) {
      await store(hr, { userId: 'behind', event: 'fill', data: LARGE });
    }
    await store(hr, { userId: 'behind', event: 'last' });
    await ask(hr, { userId: 'behind', event: 'last' }, 'offline');
    const page = await connect(server.origin);
    pages.push(page);
    const stream = page.open('GET', `/sse/hr/connect?acknowledges=true&listeners=last&access-token=${tokenOf('behind')}`, {}, { endStream: true });
    await eventually('it to be there', () => isOnline(hr, 'behind'));
    await ask(hr, { userId: 'behind', event: 'last' }, 'storedBehindOthers', /8 are before it\. Now the user/);
    stream.close();
  });
});

describe('a message', () => {
  test('is told of each of its recipients', async () => {
    await open('one-of-two', { listeners: 'pair' });
    const { id } = await send(demo, { userId: ['one-of-two', 'other-of-two'], event: 'pair' }, 1);
    const { recipientCount, recipients, event } = await demo.query(`why?id=${id}`);
    assert.deepEqual(recipients.map(({ userId, cause }) => [userId, cause]), [['one-of-two', 'delivered'], ['other-of-two', 'offline']]);
    assert.equal(recipientCount, 2);
    assert.equal(event, 'pair');
    assert.match(recipients[1].text, new RegExp(`"${id}"`));
  });

  test('of groups, too', async () => {
    await open('member', { listeners: 'news', channel: 'open-1' });
    const cases = [
      [{ channel: ['open-1', 'open-2'] }, 1, [['open-1', 'delivered'], ['open-2', 'channelUnknown']]],
      [{ channel: 'opne-1' }, 0, [['opne-1', 'channelUnknown']]],
      [{ channel: 'open-1', event: 'other', listening: true }, 0, [['open-1', 'notListening']]],
    ];
    for (const [message, count, expected] of cases) {
      const { id } = await send(demo, { event: 'news', ...message }, count);
      const { recipients } = await demo.query(`why?id=${id}`);
      assert.deepEqual(recipients.map(({ channel, cause }) => [channel.name, cause]), expected);
    }
  });

  test('also when it is stored', async () => {
    const { id } = await demo.send({ userId: ['s-1', 's-2'], event: 'kept', data: 1, qos: 1, id: 'kept-1' });
    const { recipients, event } = await demo.query(`why?id=${id}`);
    assert.deepEqual(recipients.map(({ userId, cause, message: { stored, state } }) => ({ userId, cause, stored, state })), [
      { userId: 's-1', cause: 'offline', stored: true, state: 'stored' },
      { userId: 's-2', cause: 'offline', stored: true, state: 'stored' },
    ]);
    assert.equal(event, 'kept');
  });

  test('that nobody knows is not there', async () => {
    const { status, json } = await demo.get('why?id=nothing');
    assert.equal(status, 404);
    assert.match(json.errorMessage, /in what is recorded, nor in the store/);
    const { text, queue } = await ask(demo, { userId: 'nobody-at-all', id: 'nothing' }, 'offline');
    assert.equal(queue.known, true);
    assert.doesNotMatch(text, /store/);
  });
});

test('where nothing is recorded it is told as things are now', async () => {
  const silent = await backend(server, { base: '/sse/silent', key: 'key-of-office' });
  const page = await connect(server.origin);
  pages.push(page);
  await page.connect({ userId: 'here', listeners: 'bell,Ring' }, { base: '/sse/silent' });
  await send(silent, { userId: 'here' }, 1);
  await ask(silent, { userId: 'here', event: 'bell' }, 'unknown', /services\[\]\.trace\.bytes is 0/);
  await ask(silent, { userId: 'here', event: 'ring' }, 'listeningOtherCase', /"Ring"/);
  await ask(silent, { userId: 'gone', event: 'bell' }, 'offline');
  await silent.close();
});

test('who may ask is said', async () => {
  const { status, json } = await demo.client.get('/sse/demo/why?userId=7', { authorization: 'Bearer key-of-curious' });
  assert.equal(status, 403);
  assert.match(json.errorMessage, /inspect/);
  assert.equal((await demo.get('why?event=bell')).status, 400);
  assert.equal((await demo.get('why?userId=7&colour=red')).status, 400);
});
