// SPDX-License-Identifier: Apache-2.0
// A connection has two names. Its handle is shown to back ends, and is no credential; its id, which
// its page alone is told, is one, and is shown to nobody else. Back ends may name it by either.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { PAGE_ENDPOINTS, callEndpoint } from './support/page_endpoints.mjs';
import { watch } from './support/presence.mjs';
import { acknowledge } from './support/qos.mjs';
import { routeNames } from './support/route_table.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { eventually } from './support/wait.mjs';

const CONNECT = '/sse/demo/connect';
const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

// Where a request may say whose it is, right or wrong.
const POSITIONS = {
  query: (client, path, id, body, who) => (
    client.post(`${CONNECT}/${path}?connectionId=${id}&${who}`, JSON.stringify(body), JSON_TYPE)),
  form: (client, path, id, body, who) => (
    client.post(`${CONNECT}/${path}?${who}`, new URLSearchParams({ connectionId: id, ...body }).toString(), FORM_TYPE)),
  JSON: (client, path, id, body, who) => (
    client.postJson(`${CONNECT}/${path}?${who}`, { connectionId: id, ...body })),
  multipart: (client, path, id, body, who) => {
    const parts = Object.entries({ connectionId: id, ...body }).map(([name, data]) => ({ name, data: String(data) }));
    return client.post(`${CONNECT}/${path}?connectionId=${id}&${who}`, multipart(parts), { 'content-type': MULTIPART });
  },
};

// What each page's route would do, if it took the name.
const ACTS = {
  'addListener.do': { listener: ['forged'] },
  'removeListener.do': { listener: ['hello'] },
  'subscribe.do': { channel: ['forged'] },
  'unsubscribe.do': { channel: ['red'] },
  'refresh.do': {},
  'message/{path}.do': { text: 'forged' },
  'upload/{path}.do': { text: 'forged' },
  'disconnect.do': { reason: 'forged' },
  'ack.do': { ids: ['stored-1'] },
};

describe('a handle is no credential', () => {
  let server;
  let office;
  let own;
  let other;
  let stream;
  let handle;
  before(async () => {
    server = await startServer({ variables: { SSE_SERVER_WORKERS: '3', SSE_SERVER_SERVICES_0_QOS_ACK_TIMEOUT: '1h' } });
    office = await backend(server);
    own = await connect(server.origin);
    other = await connect(server.origin);
    stream = await own.connect({ userId: 'ann', listeners: 'hello', channel: 'red' });
    await office.send({ event: 'hello', data: 1, userId: 'ann', qos: 1, id: 'stored-1' });
    await stream.next('hello');
    [{ id: handle }] = (await office.query('connections')).list; // as it is shown
  });
  after(async () => {
    await Promise.all([own, other, office].map((client) => client.close()));
    await server.stop();
  });

  const picture = async () => [
    await office.query(`connections?id=${handle}`),
    await office.query('messages'),
    stream.ended,
  ];
  // Everything that somebody else may have seen, and what may be made of it.
  const shown = () => {
    const { id } = stream;
    return [handle, handle.toUpperCase(), `${handle} `, `${handle}${'0'.repeat(32)}`, `${handle}${handle}00000000`,
      id.slice(24), id.slice(0, -1), `${id}0`, id.toUpperCase()];
  };

  test('each route of pages has a row here', async () => {
    const routes = (await routeNames('PAGE')).filter((name) => !name.endsWith('/connect'));
    assert.deepEqual(routes.map((name) => name.replace('POST {base}/connect/', '')).sort(), Object.keys(ACTS).sort());
  });

  for (const [name, body] of Object.entries(ACTS)) {
    test(`${name} answers as to an unknown id, wherever it stands`, async () => {
      const before = await picture();
      const path = name.replace('{path}', 'forged');
      for (const [position, ask] of Object.entries(POSITIONS)) {
        for (const [client, who] of [[own, ''], [other, ''], [own, 'userId=ann'], [other, 'userId=ann']]) {
          const unknown = await ask(client, path, 'unknown', body, who);
          for (const text of shown()) {
            const answer = await ask(client, path, encodeURI(text), body, who);
            const told = (one, id) => `${one.status} ${one.text.replaceAll(id, '')}`;
            assert.equal(told(answer, text), told(unknown, 'unknown'), `${position} ${text}`);
          }
        }
      }
      assert.deepEqual(await picture(), before);
    });
  }

  test('of two names in one request none makes up for the other', async () => {
    const before = await picture();
    const answer = await other.post(`${CONNECT}/disconnect.do?connectionId=${handle}`,
      `connectionId=${stream.id}`, FORM_TYPE);
    assert.deepEqual(answer.data, { count: 0 });
    assert.deepEqual(await picture(), before);
  });

  for (const [name, endpoint] of Object.entries(PAGE_ENDPOINTS)) {
    test(`${name} serves the id, on any session`, async () => {
      const page = await own.connect({ userId: 'bob', channel: 'red' });
      const who = endpoint.needsUser ? { parameters: 'userId=bob' } : {};
      const answer = await callEndpoint(other, endpoint, page.id, who);
      assert.ok(endpoint.owner(answer), `${answer.status} ${answer.text}`);
      await page.close();
    });
  }
});

describe('back ends name a connection by either', () => {
  let server;
  let office;
  let page;
  before(async () => {
    server = await startServer({ variables: { SSE_SERVER_WORKERS: '3' } });
    office = await backend(server);
    page = await connect(server.origin);
  });
  after(async () => {
    await Promise.all([page, office].map((client) => client.close()));
    await server.stop();
  });

  for (const name of ['id', 'handle']) {
    test(`by its ${name}: query, send, setDuration, disconnectUser`, async () => {
      const stream = await page.connect({ userId: 'ann' });
      const named = stream[name];
      const { list, total } = await office.query(`connections?id=${named}`);
      assert.deepEqual([total, list[0].id], [1, stream.handle]);
      assert.equal((await office.send({ event: 'hi', data: 1, connectionId: named })).count, 1);
      assert.equal(await stream.next('hi'), 1);
      assert.equal((await office.command('setDuration', { connectionId: named, duration: 77 })).count, 1);
      assert.equal((await office.query(`connections?id=${named}`)).list[0].sessionDuration, 77);
      assert.equal((await office.command('disconnectUser', { connectionId: named, revoke: false })).count, 1);
      assert.equal((await stream.next('connect-close')).connectionId, stream.id);
    });
  }

  test('both at once are one', async () => {
    const stream = await page.connect({ userId: 'ann' });
    const both = [stream.id, stream.handle, stream.id];
    assert.equal((await office.send({ event: 'once', data: 1, connectionId: both })).count, 1);
    const stored = await office.send({ event: 'once', data: 2, connectionId: both, qos: 1, id: 'both' });
    assert.deepEqual([stored.count, stored.stored], [1, 1]);
    assert.equal(await stream.next('once'), 1);
    assert.equal(await stream.next('once'), 2);
    assert.deepEqual((await office.query('messages?id=both')).copies.map(({ connectionId }) => connectionId), [stream.handle]);
    assert.equal(await acknowledge(page, stream.id, ['both']), 1);
    await stream.close();
  });

  test('a query does not take a wrong secret', async () => {
    const stream = await page.connect({ userId: 'ann' });
    assert.equal((await office.query(`connections?id=${stream.handle}${'0'.repeat(32)}`)).total, 0);
    await stream.close();
  });

  test('a stored message is sent again to its connection, whichever name was given first', async () => {
    const stream = await page.connect({ userId: 'ann' });
    const first = await office.send({ event: 'again', data: 1, connectionId: stream.id, qos: 1, id: 'repeat' });
    const second = await office.send({ event: 'again', data: 1, connectionId: stream.handle, qos: 1, id: 'repeat' });
    assert.equal(first.id, second.id);
    assert.equal((await office.query('messages?id=repeat')).copies.length, 1);
    await stream.close();
  });
});

// ---- nobody else is shown an id ----

const config = (target) => `
workers: 2
log: {level: debug}
listeners:
  - address: 127.0.0.1:0
apiKeys: [{key: ${KEY}, permissions: [send, query, disconnect, presence, metrics, inspect]}]
services:
  - name: demo
    offlineGrace: 0
    webhookSecret: secret
    qos: {receiptHosts: [127.0.0.1]}
    channels: {open: true}
    handlers: {messageUrl: "${target.url('/message')}", uploadUrl: "${target.url('/upload')}"}
    notifications: {url: "${target.url('/notified')}"}
  - name: streamed
    handlers: {uploadUrl: "${target.url('/streamed')}", uploadStreams: true}
`;

const QUERIES = ['users', 'connect/users.json', 'connections', 'connect/connections.json', 'messages',
  'connect/repositoryMessages.json', 'messages/to-page', 'messages/to-other', 'counts', 'userIds', 'tenantIds',
  'channels', 'accessTokens', 'online?userId=ann', 'trace?pageSize=1000', 'why?userId=ann', '/metrics', '/health/ready'];

async function filesBelow(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map(async ({ parentPath, path, name }) => {
    const file = join(parentPath ?? path, name);
    return [file, (await readFile(file)).toString('latin1')];
  }));
}

test('no query, stream, webhook, receipt, metric, log or file holds an id', async () => {
  const target = await startTarget();
  const server = await startServer({ config: config(target) });
  const office = await backend(server);
  const watcher = await connect(server.origin);
  const page = await connect(server.origin);
  const seen = []; // [where, text]
  const events = await watch(watcher, { snapshot: true });
  const note = async (what, answer) => seen.push([what, `${JSON.stringify(answer.headers)} ${answer.text}`]);

  const first = await page.connect({ userId: 'ann', listeners: 'hello', channel: 'red', 'access-token': 'of-ann' });
  // A page that tells where it was before, as loosely as pages do.
  const second = await page.connect({
    userId: 'bob', connectionId: first.id, locationHref: `https://app.example/?connectionId=${first.id}#/in?connectionid=${first.id}`,
  }, { headers: { referer: `https://app.example/?connectionId=${first.id}` } });
  const third = await page.connect({ userId: 'cyd' }, { base: '/sse/streamed' });
  const streams = [first, second, third];
  const form = multipart([{ name: 'file', fileName: 'a.txt', data: 'abc' }]);
  for (const { id } of [first, second]) {
    await page.postJson(`${CONNECT}/addListener.do`, { connectionId: id, listener: ['news'] });
    await page.postJson(`${CONNECT}/subscribe.do`, { connectionId: id, channel: ['blue'] });
    await page.postJson(`${CONNECT}/message/said.do?connectionId=${id}`, { n: 1 }, { 'idempotency-key': `key-${id.slice(0, 4)}` });
    await page.post(`${CONNECT}/upload/docs.do?connectionId=${id}`, form, { 'content-type': MULTIPART });
  }
  await page.post(`/sse/streamed/connect/upload/docs.do?connectionId=${third.id}`, form, { 'content-type': MULTIPART });

  await note('send', await office.post('send', { event: 'hello', data: 1, connectionId: streams.map(({ id }) => id) }));
  for (const [id, connection] of [['to-page', first], ['to-other', second]]) {
    await note('send', await office.post('send', {
      event: 'kept', data: 1, connectionId: connection.id, qos: 1, id, receipt: target.url('/receipt'),
    }));
  }
  await note('wrong send', await office.post('send', { event: 'a', connectionId: first.id, userId: 'ann' }));
  await note('wrong send', await office.post('send', { event: 'a', connectionId: [first.id, ''] }));
  await note('wrong field', await office.post('send', { event: 'a', all: true, connection: first.id }));
  await note('setDuration', await office.post('setDuration', { connectionId: first.id, duration: 5 }));
  const ask = async () => {
    for (const query of QUERIES) {
      await note(query, await office.get(query));
    }
    for (const { id } of streams) {
      await note('connections?id', await office.get(`connections?id=${id}`));
    }
  };
  await ask();
  await page.postJson(`${CONNECT}/ack.do`, { connectionId: first.id, ids: ['to-page'] });
  await page.postForm(`${CONNECT}/disconnect.do`, { connectionId: first.id });
  await note('disconnectUser', await office.post('disconnectUser', { connectionId: second.id }));
  await note('DELETE', await office.client.request('DELETE', '/sse/demo/messages/to-other', { headers: office.authorized }));
  await third.close();
  await eventually('the last notification and receipt', () => (
    target.requests.filter(({ body }) => body.includes('"user-offline"')).length === 2
    && target.requests.filter(({ url }) => url === '/receipt').length === 2));
  await ask();
  await eventually('the presence stream to catch up', () => (
    events.events.filter(({ event }) => event === 'user-offline').length === 2));

  seen.push(['presence', JSON.stringify(events.events)]);
  for (const { url, headers, body } of target.requests) {
    const context = headers['sse-context'];
    const decoded = context ? Buffer.from(context, 'base64url').toString() : '';
    seen.push([`webhook ${url}`, `${JSON.stringify(headers)} ${decoded} ${body}`]);
  }
  seen.push(...await filesBelow(server.stateDirectory));
  await Promise.all([page, watcher, office].map((client) => client.close()));
  await server.stop();
  await target.close();
  seen.push(['log', server.output]);

  for (const path of ['/message', '/upload', '/streamed', '/notified', '/receipt']) {
    assert.ok(seen.some(([where]) => where === `webhook ${path}`), `nothing was posted to ${path}`);
  }
  assert.ok(seen.some(([where]) => where.endsWith('.sqlite') || where.includes('.db')), 'the store has a file');
  const all = seen.map(([, text]) => text).join();
  for (const { id, handle } of streams) {
    assert.ok(all.includes(handle), 'handles are shown');
    for (const [where, text] of seen) {
      assert.ok(!text.toLowerCase().includes(id.slice(24)), `${where} shows an id: ${text.slice(0, 2000)}`);
    }
  }
});
