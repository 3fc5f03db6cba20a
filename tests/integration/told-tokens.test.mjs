// SPDX-License-Identifier: Apache-2.0
// What a service's own back ends are told of its users, and nobody else: whole access tokens, where
// that is signed and stays between the two; ids as whoever knows the user gave them.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { watch } from './support/presence.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const TOKEN = 'the-whole-token-of-ann';
const SHORTENED = 'the-…nn';
const FILE = { name: 'file', fileName: 'a.txt', type: 'text/plain', data: 'hello' };

let target;
let server;
let page;

const service = (name, more) => ({
  name,
  offlineGrace: '100ms',
  handlers: { messageUrl: target.url(`/${name}/message`), uploadUrl: target.url(`/${name}/upload`), ...more.handlers },
  notifications: { url: target.url(`/${name}/notified`), ...more.notifications },
  ...(more.service ?? {}),
});
const signed = { webhookSecret: 'shared' };
const config = (plain = {}) => ({
  listeners: [{ address: '127.0.0.1:0' }],
  apiKeys: [{ name: 'office', key: KEY }],
  tokenKeys: [{ algorithm: 'HS256', secret: SECRET }],
  services: [
    service('signed', { service: signed }),
    service('streams', { service: signed, handlers: { uploadStreams: true } }),
    service('plain', { service: plain }),
    service('numbers', { service: { auth: 'jwt' } }),
    service('filtered', { service: signed, notifications: { channels: ['room/*', 'news'], events: ['connect', 'disconnect', 'listening'] } }),
    service('of-token', { service: signed, notifications: { accessTokens: [TOKEN, 'x-*'], events: ['connect', 'disconnect', 'listening'] } }),
  ],
});

before(async () => {
  target = await startTarget();
  server = await startServer({ config: config() });
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await server.stop();
  await target.close();
});
afterEach(() => {
  target.requests.length = 0;
  target.answer = () => ({ status: 200, json: null });
});

const ANN = { userId: '7', name: 'Ann', 'access-token': TOKEN };
const open = (name, parameters = ANN) => page.connect(parameters, { base: `/sse/${name}` });
const posted = (path) => target.requests.filter(({ url, complete }) => url === path && complete);

async function ask(name, id) {
  const query = new URLSearchParams({ connectionId: id, ...ANN });
  const base = `/sse/${name}/connect`;
  assert.equal((await page.postJson(`${base}/message/x.do?${query}`, {})).status, 200);
  assert.equal((await page.post(`${base}/upload/x.do?${query}`, multipart([FILE]), { 'content-type': MULTIPART })).status, 200);
  const [message] = posted(`/${name}/message`);
  const [upload] = posted(`/${name}/upload`);
  const context = upload.headers['sse-context'];
  return [JSON.parse(message.body), JSON.parse(context ? Buffer.from(context, 'base64url') : upload.body)];
}

const tokensOf = ({ user, connection }) => [user.accessToken, connection.accessToken, connection.accessUser.accessToken];

async function notified(name, count) {
  await eventually(`${count} notifications`, () => posted(`/${name}/notified`).length >= count);
  return posted(`/${name}/notified`).map(({ body }) => JSON.parse(body));
}

describe('access tokens', () => {
  test('go whole to handlers and notifications that are signed, and to nobody else', async () => {
    const office = await backend(server, { base: '/sse/signed' });
    const watching = await watch(office.client, {}, { base: '/sse/signed' });
    const stream = await open('signed', { ...ANN, password: 'hidden', listeners: 'bell' });
    for (const told of await ask('signed', stream.id)) {
      assert.deepEqual(tokensOf(told), [TOKEN, TOKEN, TOKEN]);
      assert.equal(told.connection.httpParameters.password, '***');
      assert.equal(told.connection.httpParameters['access-token'], '***');
    }
    await page.postJson('/sse/signed/connect/removeListener.do', { connectionId: stream.id, listener: ['bell'] });
    await stream.close();
    const events = await notified('signed', 5);
    assert.deepEqual(events.map(({ type }) => type), ['connect', 'user-online', 'listening', 'disconnect', 'user-offline']);
    for (const { user, connection } of events) {
      assert.equal((user ?? connection).accessToken, TOKEN);
      assert.equal((user ?? connection.accessUser).accessToken, TOKEN);
    }
    // Who watches is shown what queries show.
    for (const name of events.map(({ type }) => type)) {
      const { user, connection } = await watching.next(name);
      assert.equal((user ?? connection).accessToken, SHORTENED);
    }
    const { list } = await office.query('connections');
    assert.deepEqual(list, []);
    await watching.close();
    await office.close();
  });

  test('in the field of uploads that are passed on once', async () => {
    const stream = await open('streams');
    const [message, upload] = await ask('streams', stream.id);
    assert.deepEqual(tokensOf(message), [TOKEN, TOKEN, TOKEN]);
    assert.deepEqual(tokensOf(upload), [TOKEN, SHORTENED, SHORTENED]);
    const long = await open('streams', { ...ANN, 'access-token': 'l'.repeat(256) });
    target.requests.length = 0;
    const [, again] = await ask('streams', long.id);
    assert.equal(again.user.accessToken, 'l'.repeat(256));
    await stream.close();
    await long.close();
  });

  test('are shortened where nothing is signed', async () => {
    const stream = await open('plain');
    for (const told of await ask('plain', stream.id)) {
      assert.deepEqual(tokensOf(told), [SHORTENED, SHORTENED, SHORTENED]);
    }
    const [connected] = await notified('plain', 1);
    assert.equal(connected.connection.accessToken, SHORTENED);
    await stream.close();
    await notified('plain', 4); // all of it
  });

  test('that wait are shortened when a reload takes the secret away', async () => {
    await server.mustReload(config(signed));
    target.answer = () => ({ status: 503 });
    await server.stopClock();
    const stream = await open('plain');
    await eventually('an attempt', () => posted('/plain/notified').length > 0);
    assert.match(posted('/plain/notified')[0].body.toString(), new RegExp(TOKEN));
    target.requests.length = 0;
    await server.mustReload(config());
    target.answer = () => ({ status: 200, json: null });
    await server.asTimePasses('what waits to be told', () => posted('/plain/notified').length >= 2);
    for (const { body } of posted('/plain/notified')) {
      assert.doesNotMatch(body.toString(), new RegExp(TOKEN));
    }
    await server.startClock();
    await stream.close();
  });
});

test('ids that were given as numbers are numbers for handlers and notifications', async () => {
  const shown = { 'access-token': token({ sub: 7, tenantId: 3 }, { now: server.now() }) };
  const stream = await open('numbers', shown);
  const query = new URLSearchParams({ connectionId: stream.id, ...shown });
  await page.postJson(`/sse/numbers/connect/message/x.do?${query}`, {});
  const [{ body }] = posted('/numbers/message');
  const { user, connection } = JSON.parse(body);
  assert.deepEqual([user.id, user.tenantId, connection.accessUserId, connection.accessTenantId], [7, 3, 7, 3]);
  const [connected, online] = await notified('numbers', 2);
  assert.deepEqual([connected.connection.accessUserId, connected.connection.accessUser.id, online.user.id], [7, 7, 7]);
  const office = await backend(server, { base: '/sse/numbers' });
  const { list: [listed] } = await office.query('connections');
  assert.equal(listed.accessUserId, '7'); // as ever; for commands both are one user
  await stream.close();
  const text = await open('numbers', { 'access-token': token({ sub: '8', tenantId: '3' }, { now: server.now() }) });
  target.requests.length = 0;
  await page.postJson(`/sse/numbers/connect/message/x.do?connectionId=${text.id}`, {});
  assert.equal(JSON.parse(posted('/numbers/message')[0].body).user.id, '8');
  await text.close();
  await office.close();
});

describe('notifications of some connections alone', () => {
  const openAndClose = async (name, parameters) => {
    const stream = await open(name, { userId: '7', ...parameters });
    await page.postJson(`/sse/${name}/connect/addListener.do`, { connectionId: stream.id, listener: ['bell'] });
    await stream.close();
  };

  test('by channel', async () => {
    await openAndClose('filtered', { channel: 'other' });
    await openAndClose('filtered', {});
    await openAndClose('filtered', { channel: 'room/5' });
    const events = await notified('filtered', 3);
    assert.deepEqual(events.map(({ type, connection }) => [type, connection.channel]), [
      ['connect', 'room/5'], ['listening', 'room/5'], ['disconnect', 'room/5']]);
  });

  test('by access token', async () => {
    await openAndClose('of-token', { 'access-token': 'another-token' });
    await openAndClose('of-token', {});
    await openAndClose('of-token', { 'access-token': TOKEN });
    const events = await notified('of-token', 3);
    assert.deepEqual(events.map(({ type, connection }) => [type, connection.accessToken]), [
      ['connect', TOKEN], ['listening', TOKEN], ['disconnect', TOKEN]]);
    const { json } = await page.get('/settings', { authorization: `Bearer ${KEY}` });
    assert.equal(json.settings['services[5].notifications.accessTokens'], '***');
  });
});
