// SPDX-License-Identifier: Apache-2.0
// What a page says as it goes comes behind the end of its stream, and counts all the same; nothing else
// that names the connection then does.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { watch } from './support/presence.mjs';
import { acknowledge, storedIds } from './support/qos.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const REMEMBERED = 10_000; // ms

let server;
let office;
let page;
before(async () => {
  server = await startServer({ variables: {
    SSE_SERVER_WORKERS: '4',
    SSE_SERVER_SERVICES_0_LAST_WORDS_TIME: `${REMEMBERED}ms`,
  } });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});
beforeEach(async () => {
  page = await connect(server.origin);
});
afterEach(() => page.close());

// The stream ends, the server knows it, and the page has said nothing yet.
async function vanish(stream) {
  await stream.close();
  await eventually('the end of the stream', async () => (await office.query(`connections?id=${stream.handle}`)).total === 0);
}

async function sayGoodbye(client, stream, words = {}, headers) {
  const answer = await client.postForm('/sse/demo/connect/disconnect.do', { connectionId: stream.id, ...words }, headers);
  assert.equal(answer.status, 200, answer.text);
  return answer.data.count;
}

// By sessions that other workers have, too.
async function fromAnywhere(ask) {
  for (let n = 0; n < 8; n += 1) {
    const client = await connect(server.origin);
    await ask(client, n);
    await client.close();
  }
}

describe('acknowledgements', () => {
  test('count behind the end of the stream, and the message does not come again', async () => {
    await fromAnywhere(async (client, n) => {
      const stream = await page.connect({ userId: `ann-${n}` });
      const { id } = await office.send({ event: 'bell', data: 1, qos: 1, userId: `ann-${n}` });
      await stream.next('bell');
      await vanish(stream);
      assert.equal(await acknowledge(client, stream.id, [id]), 1);
      assert.equal(await acknowledge(client, stream.id, [id]), 0);
    });
    assert.deepEqual(await storedIds(office), []);
  });

  test('count behind a goodbye', async () => {
    const stream = await page.connect({ userId: 'ann' });
    const { id } = await office.send({ event: 'bell', data: 1, qos: 1, userId: 'ann' });
    await stream.next('bell');
    assert.equal(await sayGoodbye(page, stream), 1);
    assert.equal(await acknowledge(page, stream.id, [id]), 1);
  });

  for (const what of ['userId', 'connectionId', 'accessToken', 'channel', 'tenantId']) {
    test(`end what was for its ${what}`, async () => {
      const stream = await page.connect({ userId: 'ann', 'access-token': 'token-ann', channel: 'red', tenantId: 'north' });
      const whom = { userId: 'ann', connectionId: stream.handle, accessToken: 'token-ann', channel: 'red', tenantId: 'north' };
      const { id } = await office.send({ event: 'bell', data: 1, qos: 1, [what]: whom[what] });
      await stream.next('bell');
      await vanish(stream);
      assert.equal(await acknowledge(page, stream.id, [id]), 1);
    });
  }

  test('count behind a kick as well: what was handled is handled', async () => {
    const stream = await page.connect({ userId: 'kim' });
    const { id } = await office.send({ event: 'bell', data: 1, qos: 1, userId: 'kim' });
    await stream.next('bell');
    await office.command('disconnectUser', { userId: 'kim', revoke: false });
    await stream.next('connect-close');
    assert.equal(await acknowledge(page, stream.id, [id]), 1);
  });

  test('of ids that were for others end nothing', async () => {
    const stream = await page.connect({ userId: 'ann' });
    const { id } = await office.send({ event: 'bell', data: 1, qos: 1, userId: 'bob' });
    await vanish(stream);
    assert.equal(await acknowledge(page, stream.id, [id]), 0);
    assert.deepEqual(await storedIds(office), [id]);
    const bob = await page.connect({ userId: 'bob' });
    assert.equal(await acknowledge(page, bob.id, [id]), 1);
    await bob.close();
  });

  test('are the page\'s own: not the handle, not another secret, not another user', async () => {
    const stream = await page.connect({ userId: 'ann' });
    const { id } = await office.send({ event: 'bell', data: 1, qos: 1, userId: 'ann' });
    await stream.next('bell');
    await vanish(stream);
    const last = stream.id.at(-1) === '0' ? '1' : '0';
    assert.equal(await acknowledge(page, stream.handle, [id]), 0);
    assert.equal(await acknowledge(page, stream.id.slice(0, -1) + last, [id]), 0);
    const asBob = await page.postJson('/sse/demo/connect/ack.do?userId=bob', { connectionId: stream.id, ids: [id] });
    assert.equal(asBob.data.count, 0);
    assert.equal(asBob.headers['x-sse-connection'], 'unknown');
    assert.equal(await acknowledge(page, stream.id, [id]), 1);
  });

  test('come too late when the connection is forgotten', async () => {
    const stream = await page.connect({ userId: 'ann' });
    const { id } = await office.send({ event: 'bell', data: 1, qos: 1, userId: 'ann' });
    await stream.next('bell');
    await vanish(stream);
    await server.asTimePasses('the connection to be forgotten', async () =>
      await office.metric('sse_server_connections_remembered') === 0);
    assert.equal(await acknowledge(page, stream.id, [id]), 0);
    const again = await page.connect({ userId: 'ann' });
    assert.equal(await acknowledge(page, again.id, [id]), 1);
    await again.close();
  });
});

describe('a goodbye', () => {
  let watcher;
  beforeEach(async () => {
    watcher = await watch(page, { events: 'disconnect,user-offline' });
  });
  afterEach(() => watcher.close());

  test('tells the reason and what was counted, and counts once', async () => {
    await fromAnywhere(async (client, n) => {
      const stream = await page.connect({ userId: `ann-${n}` });
      await vanish(stream);
      const words = { reason: 'pagehide', duration: '5', sessionDuration: String(40 + n), sseVersion: '0.1.0' };
      assert.equal(await sayGoodbye(client, stream, words), 1);
      const { reason, duration, connection } = await watcher.next('disconnect');
      assert.equal(reason, 'pagehide');
      assert.equal(connection.id, stream.handle);
      assert.equal(connection.sessionDuration, 45 + n);
      assert.ok(duration >= 0);
      assert.equal(await sayGoodbye(client, stream, words), 0);
    });
  });

  test('without a reason is told as the page\'s', async () => {
    const stream = await page.connect({ userId: 'ann' });
    await vanish(stream);
    assert.equal(await sayGoodbye(page, stream), 1);
    assert.equal((await watcher.next('disconnect')).reason, 'client');
  });

  test('that does not come is not waited for long, and what comes later is told to nobody', async () => {
    const stream = await page.connect({ userId: 'ann' });
    await vanish(stream);
    await server.asTimePasses('the event', () => watcher.named('disconnect').length === 1);
    assert.equal((await watcher.next('disconnect')).reason, 'gone');
    assert.equal(await sayGoodbye(page, stream, { reason: 'late' }), 1);
    const other = await page.connect({ userId: 'bob' });
    await sayGoodbye(page, other);
    assert.equal((await watcher.next('disconnect')).connection.id, other.handle);
  });

  for (const isSaid of [true, false]) {
    test(`comes before its user is offline, ${isSaid ? 'said' : 'or not said'}`, async () => {
      const userId = `user-${isSaid}`;
      const about = () => watcher.events.map(({ data }) => JSON.parse(data))
        .filter((event) => (event.userId ?? event.connection?.accessUserId) === userId);
      const stream = await page.connect({ userId });
      await vanish(stream);
      if (isSaid) {
        await sayGoodbye(page, stream);
      }
      await server.asTimePasses('the user to be offline', () => about().some(({ type }) => type === 'user-offline'));
      assert.deepEqual(about().map(({ type, reason }) => reason ?? type), [isSaid ? 'client' : 'gone', 'user-offline']);
    });
  }

  test('changes nothing about a connection that was sent away', async () => {
    const stream = await page.connect({ userId: 'kim' });
    await office.command('disconnectUser', { userId: 'kim', revoke: false, reason: 'closing time' });
    await stream.next('connect-close');
    assert.equal((await watcher.next('disconnect')).reason, 'closing time');
    assert.equal(await sayGoodbye(page, stream, { reason: 'mine' }), 0);
  });

  test('is the page\'s own', async () => {
    const stream = await page.connect({ userId: 'ann' });
    await vanish(stream);
    assert.equal(await sayGoodbye(page, { id: stream.handle }), 0);
    const asBob = await page.postForm('/sse/demo/connect/disconnect.do?userId=bob', { connectionId: stream.id });
    assert.equal(asBob.data.count, 0);
    assert.equal(await sayGoodbye(page, stream, { reason: 'mine' }), 1);
    assert.equal((await watcher.next('disconnect')).reason, 'mine');
  });
});

describe('a connection that has ended', () => {
  const CALLS = ['message/a', 'upload/a', 'addListener', 'removeListener', 'subscribe', 'unsubscribe', 'refresh'];
  const FORM = ['--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    { 'content-type': 'multipart/form-data; boundary=x' }];
  for (const how of ['vanished', 'said goodbye', 'was sent away']) {
    for (const call of CALLS) {
      test(`and ${how} can do nothing else: ${call}`, async () => {
        const stream = await page.connect({ userId: 'kim' });
        if (how === 'was sent away') {
          await office.command('disconnectUser', { userId: 'kim', revoke: false });
          await stream.next('connect-close');
        } else if (how === 'said goodbye') {
          await sayGoodbye(page, stream);
        } else {
          await vanish(stream);
        }
        const body = { connectionId: stream.id, listener: ['x'], channel: 'news', accessToken: 'y' };
        const address = `/sse/demo/connect/${call}.do?userId=kim&connectionId=${stream.id}`;
        const { headers, text } = await (call.startsWith('upload') ? page.post(address, ...FORM) : page.postJson(address, body));
        assert.equal(headers['x-sse-connection'], 'unknown', text);
      });
    }
  }

  test('is not shown, and gets nothing', async () => {
    const stream = await page.connect({ userId: 'ann' });
    await vanish(stream);
    for (const target of [{ userId: 'ann' }, { connectionId: stream.handle }, { all: true }]) {
      assert.equal((await office.send({ event: 'bell', data: 1, ...target })).count, 0);
    }
    assert.equal((await office.query('connections')).total, 0);
    assert.equal((await office.command('disconnectUser', { connectionId: stream.handle })).count, 0);
  });

  test('no more of them are kept than is allowed', async () => {
    const few = await startServer({ variables: {
      SSE_SERVER_WORKERS: '1',
      SSE_SERVER_SERVICES_0_LAST_WORDS_CONNECTIONS: '2',
      SSE_SERVER_SERVICES_0_LAST_WORDS_TIME: '60s',
      SSE_SERVER_SERVICES_0_CLIENT_CONNECTIONS: '0',
    } });
    const client = await connect(few.origin);
    const desk = await backend(few);
    const streams = [];
    for (let n = 0; n < 3; n += 1) {
      const stream = await client.connect({ userId: 'ann' });
      await stream.close();
      await eventually('the end of the stream', async () => (await desk.query('counts')).connections === 0);
      streams.push(stream);
    }
    assert.equal(await desk.metric('sse_server_connections_remembered'), 2);
    assert.equal(await desk.metric('sse_server_connections_forgotten_total'), 1);
    const counts = [];
    for (const stream of streams) {
      counts.push(await sayGoodbye(client, stream));
    }
    assert.deepEqual(counts, [0, 1, 1]);
    await client.close();
    await desk.close();
    await few.stop();
  });

  test('none is kept where that is not wanted', async () => {
    const none = await startServer({ variables: { SSE_SERVER_SERVICES_0_LAST_WORDS_TIME: '0' } });
    const client = await connect(none.origin);
    const desk = await backend(none);
    const watcher = await watch(client, { events: 'disconnect' });
    const stream = await client.connect({ userId: 'ann' });
    await stream.close();
    assert.equal((await watcher.next('disconnect')).reason, 'gone');
    assert.equal(await sayGoodbye(client, stream), 0);
    await client.close();
    await desk.close();
    await none.stop();
  });
});
