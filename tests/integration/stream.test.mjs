// SPDX-License-Identifier: Apache-2.0
// Event streams: how they begin, and whom a send reaches.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { HTTP_VERSION, connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

// Two users of one tenant and one of another, so that every selector can reach one, some or all.
const PAGES = {
  ann: { userId: '7', name: 'Ann', tenantId: 'north', 'access-token': 'token-a', channel: 'red', clientId: 'a' },
  ann2: { userId: '7', name: 'Ann', tenantId: 'north', 'access-token': 'token-b', channel: 'blue', clientId: 'b' },
  bob: { userId: '8', name: 'Bob', tenantId: 'north', 'access-token': 'token-c', channel: 'red', clientId: 'c' },
  cid: { userId: '9', name: 'Cid', tenantId: 'south', 'access-token': 'token-d', channel: 'blue', clientId: 'd' },
};

let server;
before(async () => {
  server = await startServer({ variables: { SSE_SERVER_WORKERS: '4' } });
});
after(() => server.stop());

describe('connect', () => {
  for (const method of ['GET', 'POST']) {
    test(`${method} opens a stream with the headers that pages and proxies rely on`, async () => {
      const page = await connect(server.origin);
      const stream = await page.connect({ userId: '1' }, { method });
      assert.equal(stream.status, 200);
      assert.equal(stream.headers['content-type'], 'text/event-stream;charset=utf-8');
      assert.equal(stream.headers['cache-control'], 'no-store');
      assert.equal(stream.headers['x-accel-buffering'], 'no');
      assert.ok(stream.headers['x-sse-server-id']);
      assert.match(stream.headers['x-sse-version'], /^\d+\.\d+\.\d+/);
      await page.close();
    });
  }

  test('begins with connect-finish', async () => {
    const page = await connect(server.origin);
    const earliest = Date.now();
    const stream = await page.connect({ userId: '1' });
    const { connectionId, serverTime, version, timeout, ...rest } = stream.finish;
    assert.ok(timeout > 0.79 * 3_600_000 && timeout <= 3_600_000, `${timeout}`);
    assert.match(connectionId, /^\S{22,}$/);
    assert.ok(serverTime >= earliest - 1000 && serverTime <= Date.now() + 1000);
    assert.equal(version, stream.headers['x-sse-version']);
    assert.deepEqual(rest, { reconnectTime: 5000, name: 'demo', enableCluster: false, ack: true, ordered: 64 });
    assert.equal(stream.events[0].event, 'connect-finish');
    assert.equal(stream.events[0].retry, '5000');
    assert.ok(stream.events[0].id);
    await page.close();
  });

  test('without a user is refused with 401 in the envelope', async () => {
    const page = await connect(server.origin);
    const answer = await page.get('/sse/demo/connect');
    assert.equal(answer.status, 401);
    const { success, code, message } = answer.json;
    assert.deepEqual({ success, code }, { success: false, code: 401 });
    assert.ok(message);
    await page.close();
  });

  test('gives every connection an id of its own', async () => {
    const page = await connect(server.origin);
    const streams = await Promise.all(Array.from({ length: 20 }, (_, i) => page.connect({ userId: `many-${i}` })));
    assert.equal(new Set(streams.map(({ id }) => id)).size, 20);
    await page.close();
  });
});

describe('send', () => {
  const WINDOW = 1024 * 1024;
  const pages = {};
  const clients = [];
  let office;

  before(async () => {
    office = await backend(server);
    for (const [name, parameters] of Object.entries(PAGES)) {
      // A session each: four workers share them, so that sends have to cross threads.
      // Windows that hold a burst: what counts is that the server hands it over in time, not when
      // this process, beside others, gets its turn to read.
      const client = await connect(server.origin, { settings: { initialWindowSize: WINDOW } });
      client.session.setLocalWindowSize(WINDOW);
      clients.push(client);
      pages[name] = await client.connect({ ...parameters, listeners: name === 'bob' ? 'other' : 'note,hello' });
    }
  });
  after(async () => {
    await Promise.all([...clients, office].map((client) => client.close()));
  });

  // Sends, and says who got it: an event to all afterwards shows that nothing more is on its way,
  // since each connection gets what one back end sends in the order of sending.
  let fences = 0;
  async function reached(message) {
    const event = `note${fences++}`;
    const { id, count } = await office.send({ event, data: { event }, ...message });
    await office.send({ event: 'fence', data: 0, all: true });
    const names = [];
    for (const [name, stream] of Object.entries(pages)) {
      await stream.next('fence');
      const events = stream.named(message.event ?? event);
      const mine = events.filter((one) => one.id === id);
      assert.ok(mine.length <= 1, `${name} got it ${mine.length} times`);
      if (mine.length) {
        names.push(name);
      }
    }
    assert.equal(count, names.length);
    return names;
  }

  const cases = [
    ['a user', { userId: '7' }, ['ann', 'ann2']],
    ['a user by number', { userId: 7 }, ['ann', 'ann2']],
    ['users', { userId: ['7', 9] }, ['ann', 'ann2', 'cid']],
    ['a user named twice', { userId: ['7', 7] }, ['ann', 'ann2']],
    ['nobody', { userId: 'nobody' }, []],
    ['a tenant', { tenantId: 'north' }, ['ann', 'ann2', 'bob']],
    ['tenants', { tenantId: ['north', 'south'] }, ['ann', 'ann2', 'bob', 'cid']],
    ['a token', { accessToken: 'token-c' }, ['bob']],
    ['tokens', { accessToken: ['token-a', 'token-d'] }, ['ann', 'cid']],
    ['a channel', { channel: 'red' }, ['ann', 'bob']],
    ['channels', { channel: ['red', 'blue'] }, ['ann', 'ann2', 'bob', 'cid']],
    ['all', { all: true }, ['ann', 'ann2', 'bob', 'cid']],
    ['all that listen', { event: 'hello', all: true, listening: true }, ['ann', 'ann2', 'cid']],
    ['those of a tenant that listen', { event: 'hello', tenantId: 'north', listening: true }, ['ann', 'ann2']],
    ['those of a channel that listen', { event: 'other', channel: 'red', listening: true }, ['bob']],
    ['nobody, since nobody listens', { event: 'unheard', all: true, listening: true }, []],
  ];
  for (const [whom, message, expected] of cases) {
    test(`reaches ${whom}`, async () => {
      assert.deepEqual(await reached(message), expected);
    });
  }

  test('reaches a connection, and connections', async () => {
    assert.deepEqual(await reached({ connectionId: pages.bob.id }), ['bob']);
    assert.deepEqual(await reached({ connectionId: [pages.ann.id, pages.cid.id] }), ['ann', 'cid']);
  });

  test('answers an array for an array, in its order', async () => {
    const answers = await office.send([
      { event: 'batch', data: 1, userId: '9' },
      { event: 'batch', data: 2, userId: 'nobody' },
      { event: 'batch', data: 3, all: true },
    ]);
    assert.deepEqual(answers.map(({ count }) => count), [1, 0, 4]);
    assert.equal(await pages.cid.next('batch'), 1);
    assert.equal(await pages.cid.next('batch'), 3);
    assert.equal(await pages.ann.next('batch'), 3);
  });

  test('keeps the id that the sender gives', async () => {
    const { id } = await office.send({ event: 'named', id: 'order-17', data: 1, userId: '9' });
    assert.equal(id, 'order-17');
    await pages.cid.next('named');
    assert.equal(pages.cid.named('named')[0].id, 'order-17');
  });

  test('sends a string as it is, and other values as compact JSON', async () => {
    const values = ['plain', 'two\nlines', 'three\r\nlines\rhere', '', ' leading', ':colon', '\u2028 ü 😀'];
    for (const data of values) {
      await office.send({ event: 'text', data, userId: '9' });
    }
    const texts = (await pages.cid.count('text', values.length)).map(({ data }) => data);
    assert.deepEqual(texts, values.map((text) => text.replace(/\r\n?/g, '\n')));

    const others = [{ a: [1, 2, { b: null }] }, 17, true, null, [], 1.5];
    for (const data of others) {
      await office.send({ event: 'value', data, userId: '9' });
    }
    const sent = (await pages.cid.count('value', others.length)).map(({ data }) => data);
    assert.deepEqual(sent, others.map((value) => JSON.stringify(value)));
  });

  test('does not call those slow who read as fast as they are given', async () => {
    const batch = Array.from({ length: 1000 }, (_, n) => ({ event: 'burst', data: n, userId: '9' }));
    const answers = await Promise.all(Array.from({ length: 4 }, () => office.send(batch)));
    assert.ok(answers.flat().every(({ count }) => count === 1));
    const numbers = (await pages.cid.count('burst', 4000)).map(({ data }) => Number(data));
    assert.deepEqual(numbers, Array.from({ length: 4000 }, (_, n) => n % 1000));
  });

  // By HTTP/1.1 what is asked at a time comes by several connections.
  test('keeps the order of what one back end sends', { skip: HTTP_VERSION !== '2' }, async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) =>
      office.send({ event: 'ordered', data: n, all: true })));
    assert.ok(answers.every(({ count }) => count === 4));
    for (const stream of Object.values(pages)) {
      const numbers = (await stream.count('ordered', 200)).map(({ data }) => Number(data));
      assert.deepEqual(numbers, Array.from({ length: 200 }, (_, n) => n));
    }
  });
});
