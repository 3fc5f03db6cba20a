// SPDX-License-Identifier: Apache-2.0
// What a page does on its connection: listeners, messages, acknowledgements, leaving; and what the
// back end does to it: closing it, setting its duration.
import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const CONNECT = '/sse/demo/connect';

let server;
let office;
let page;
let stream;

before(async () => {
  server = await startServer();
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});
beforeEach(async () => {
  page = await connect(server.origin);
  stream = await page.connect({ userId: '7', name: 'Ann', listeners: 'hello' });
});
afterEach(() => page.close());

function listen(verb, body, query = '') {
  return page.postJson(`${CONNECT}/${verb}Listener.do${query}`, body);
}

describe('listeners', () => {
  test('are added and removed, and the answer lists all', async () => {
    const added = await listen('add', { connectionId: stream.id, listener: ['b', 'c'] });
    assert.equal(added.status, 200);
    assert.deepEqual(added.data.listener.sort(), ['b', 'c', 'hello']);
    const removed = await listen('remove', { connectionId: stream.id, listener: ['hello', 'unknown'] });
    assert.deepEqual(removed.data.listener.sort(), ['b', 'c']);
  });

  test('decide what a listening send reaches', async () => {
    const message = { event: 'news', data: 1, userId: '7', listening: true };
    assert.equal((await office.send(message)).count, 0);
    await listen('add', { connectionId: stream.id, listener: ['news'] });
    assert.equal((await office.send(message)).count, 1);
    assert.equal(await stream.next('news'), 1);
    await listen('remove', { connectionId: stream.id, listener: ['news'] });
    assert.equal((await office.send(message)).count, 0);
  });

  for (const verb of ['add', 'remove']) {
    test(`${verb}Listener.do answers null when a field is empty or missing`, async () => {
      for (const body of [{}, { connectionId: stream.id }, { connectionId: stream.id, listener: [] },
        { listener: ['a'] }, { connectionId: '', listener: ['a'] }]) {
        const answer = await listen(verb, body, '?userId=7');
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.data, { listener: null });
      }
    });

    // EventSource hides why a connection was refused: this is how a page asks.
    test(`${verb}Listener.do wants to know who asks when no connection is named`, async () => {
      for (const body of [{}, { listener: ['a'] }]) {
        assert.equal((await listen(verb, body)).status, 401);
      }
      assert.deepEqual((await listen(verb, { connectionId: stream.id })).data, { listener: null });
    });

    test(`${verb}Listener.do takes no more names than a connection may have`, async () => {
      const names = Array.from({ length: 101 }, (_, i) => `event-${i}`);
      const answer = await listen(verb, { connectionId: stream.id, listener: names });
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.json.errorMessage, /listener.* 100 /);
    });

    test(`${verb}Listener.do says when a connection does not exist`, async () => {
      const answer = await listen(verb, { connectionId: 'unknown', listener: ['a'] });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.data, { error: 'connectionId not exist' });
    });
  }
});

describe('message', () => {
  test('answers its path when nobody handles it', async () => {
    for (const path of ['hello', 'a/b/c', 'with.dots-and_lines']) {
      const answer = await page.postJson(`${CONNECT}/message/${path}.do?connectionId=${stream.id}`, { n: 1 });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.data, path);
    }
  });

  test('needs no body and no connection', async () => {
    const path = `${CONNECT}/message/bare.do`;
    assert.equal((await page.post(`${path}?connectionId=${stream.id}`)).data, 'bare');
    assert.equal((await page.postJson(`${path}?userId=7`, {})).data, 'bare');
  });

  test('counts with its connection', async () => {
    await page.postJson(`${CONNECT}/message/hello.do?connectionId=${stream.id}`, {});
    const { list: [shown] } = await office.query(`connections?id=${stream.id}`);
    assert.equal(shown.requestMessageCount, 1);
    assert.ok(shown.lastRequestTime >= shown.createTime);
  });

  test('for an unknown connection is not found', async () => {
    const answer = await page.postJson(`${CONNECT}/message/hello.do?connectionId=unknown`, {});
    assert.equal(answer.status, 404);
    assert.equal(answer.json.success, false);
  });
});

test('ack.do takes ids and answers how many it knew', async () => {
  const answer = await page.postJson(`${CONNECT}/ack.do`, { connectionId: stream.id, ids: ['x', 'y'] });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.data, { count: 0 });
});

describe('disconnect.do', () => {
  test('takes the form that sendBeacon posts', async () => {
    const answer = await page.postForm(`${CONNECT}/disconnect.do`, {
      connectionId: stream.id, clientId: 'c', reason: 'left', sseVersion: '1', duration: '3', sessionDuration: '9',
    });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.data, { count: 1 });
    assert.deepEqual(await stream.next('connect-close'), { connectionId: stream.id });
    await stream.end();
    assert.equal(stream.retry, '5000', 'of connect-finish');
  });

  test('tells a client that hears reasons its own', async () => {
    const hearing = await page.connect({ userId: '7', reasons: 'true' });
    await page.postForm(`${CONNECT}/disconnect.do`, { connectionId: hearing.id, reason: 'left' });
    assert.deepEqual(await hearing.next('connect-close'), { connectionId: hearing.id, reason: 'left', reconnect: false });
    await hearing.end();
  });

  test('takes its fields from the query too', async () => {
    const answer = await page.post(`${CONNECT}/disconnect.do?connectionId=${stream.id}`);
    assert.deepEqual(answer.data, { count: 1 });
    await stream.end();
  });

  test('counts nothing for a connection that is not there', async () => {
    const answer = await page.postForm(`${CONNECT}/disconnect.do`, { connectionId: 'unknown' });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.data, { count: 0 });
  });
});

test('a page that leaves is gone from the counts', async () => {
  await stream.close();
  await eventually('the connection to be gone', async () => (await office.query('counts')).connections === 0);
});

describe('disconnectUser', () => {
  test('tells the page why and whether to come back, as the last event', async () => {
    const data = await office.command('disconnectUser', { userId: '7', reason: 'maintenance', reconnect: false });
    assert.deepEqual(data, { count: 1 });
    assert.deepEqual(await stream.next('connect-close'),
      { connectionId: stream.id, reason: 'maintenance', reconnect: false });
    await stream.end();
    assert.equal(stream.events.at(-1).event, 'connect-close');
  });

  test('can say how long to wait', async () => {
    const hearing = await page.connect({ userId: '8', reasons: 'true' });
    await office.command('disconnectUser', { connectionId: [stream.id, hearing.id], reconnect: 1500 });
    const { reconnect, reason } = await hearing.next('connect-close');
    assert.equal(reconnect, 1500);
    assert.ok(reason);
    // Others take any connect-close as "stay away".
    await stream.end();
    assert.deepEqual([stream.retry, stream.named('connect-close')], ['1500', []]);
  });

  test('closes by token, and all connections of a user on any worker', async () => {
    const others = await Promise.all(Array.from({ length: 6 }, () => connect(server.origin)));
    const streams = await Promise.all(others.map((other, i) =>
      other.connect({ userId: '70', 'access-token': `t${i % 2}`, clientId: `c${i}` })));
    assert.deepEqual(await office.command('disconnectUser', { accessToken: 't0' }), { count: 3 });
    assert.deepEqual(await office.command('disconnectUser', { userId: [70] }), { count: 3 });
    await Promise.all(streams.map((one) => one.end()));
    await Promise.all(others.map((other) => other.close()));
    assert.equal((await office.query('online?userId=7')).online, true);
  });
});

test('setDuration sends sse-set-duration', async () => {
  assert.deepEqual(await office.command('setDuration', { userId: '7', duration: 90 }), { count: 1, stored: 0 });
  assert.deepEqual(await stream.next('sse-set-duration'), { duration: '90' });
});

test('one more connection of a client closes its oldest', async () => {
  const parameters = { userId: '21', clientId: 'tab-storm' };
  const streams = [];
  for (let i = 0; i < 4; i++) {
    streams.push(await page.connect(parameters));
  }
  const close = await streams[0].next('connect-close');
  assert.equal(close.connectionId, streams[0].id);
  assert.equal(close.reconnect, false);
  await streams[0].end();
  assert.equal((await office.query('connections?clientId=tab-storm')).total, 3);
});

describe('that a connection does not exist is marked, whatever the status', () => {
  const json = (body) => [JSON.stringify(body), { 'content-type': 'application/json' }];
  const form = [multipart([{ name: 'f', fileName: 'f', data: 'x' }]), { 'content-type': MULTIPART }];
  const routes = [
    ['addListener.do', 200, json({ connectionId: 'gone', listener: ['a'] })],
    ['removeListener.do', 200, json({ connectionId: 'gone', listener: ['a'] })],
    ['subscribe.do', 200, json({ connectionId: 'gone', channel: ['a'] })],
    ['unsubscribe.do', 200, json({ connectionId: 'gone', channel: ['a'] })],
    ['refresh.do?userId=7', 200, json({ connectionId: 'gone' })],
    ['ack.do', 200, json({ connectionId: 'gone', ids: ['a'] })],
    ['message/a.do?connectionId=gone', 404, json({})],
    ['upload/a.do?connectionId=gone', 404, form],
  ];
  for (const [path, status, [body, headers]] of routes) {
    test(path, async () => {
      const client = await connect(server.origin);
      const answer = await client.post(`${CONNECT}/${path}`, body, headers);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers['x-sse-connection'], 'unknown');
      await client.close();
    });
  }
});
