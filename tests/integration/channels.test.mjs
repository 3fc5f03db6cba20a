// SPDX-License-Identifier: Apache-2.0
// A connection has several channels, and a page changes them while its stream is open. With auth
// development everybody may have every channel. Each test has channels of its own: what another one
// opened may still be closing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const CONNECT = '/sse/demo/connect';

let server;
let office;
before(async () => {
  server = await startServer({
    variables: { SSE_SERVER_WORKERS: '4', SSE_SERVER_SERVICES_0_CHANNELS_PER_CONNECTION: '5' },
  });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

// channels: names, each a parameter of its own.
async function open(userId, channels) {
  const page = await connect(server.origin);
  const stream = await page.connect([['userId', userId], ...channels.map((name) => ['channel', name])]);
  const change = async (command, names) => {
    const answer = await page.postJson(`${CONNECT}/${command}.do`, { connectionId: stream.id, channel: names });
    assert.equal(answer.status, 200, answer.text);
    return answer.data.channel;
  };
  return {
    page,
    stream,
    subscribe: (names) => change('subscribe', names),
    unsubscribe: (names) => change('unsubscribe', names),
    shown: async () => (await office.query(`connections?id=${stream.id}`)).list[0],
  };
}

const isListed = async (name) => (await office.query('channels')).list.includes(name);
const send = async (channel) => (await office.send({ event: 'e', data: 1, channel })).count;

test('connect takes several channels, and a comma belongs to a name', async () => {
  const { page, stream, shown } = await open('7', ['red', 'a,b', '', 'red']);
  const { channel, channels } = await shown();
  assert.deepEqual({ channel, channels }, { channel: 'red', channels: ['red', 'a,b'] });
  assert.deepEqual((await office.query('channels')).list, ['a,b', 'red']);
  assert.equal((await office.query('counts')).channels, 2);
  assert.equal(await send('red'), 1);
  assert.equal(await send('a,b'), 1);
  assert.equal(await send('a'), 0);
  assert.equal((await stream.count('e', 2)).length, 2);
  await page.close();
});

test('a connection that several of a message\'s channels select gets it once', async () => {
  const { page, stream } = await open('7', ['north', 'south']);
  const other = await open('8', ['south']);
  assert.equal(await send(['north', 'south', 'west']), 2);
  await office.send({ event: 'fence', data: 0, all: true });
  await stream.next('fence');
  assert.equal(stream.named('e').length, 1);
  await page.close();
  await other.page.close();
});

describe('subscribe.do and unsubscribe.do', () => {
  test('change the channels of an open stream', async () => {
    const { page, stream, subscribe, unsubscribe, shown } = await open('7', []);
    assert.deepEqual(await subscribe('tea'), ['tea']);
    assert.deepEqual(await subscribe(['milk', 'tea']), ['tea', 'milk']);
    assert.equal(await send('milk'), 1);
    assert.equal(await stream.next('e'), 1);
    assert.deepEqual(await unsubscribe(['tea', 'never had']), ['milk']);
    assert.equal(await send('tea'), 0);
    assert.equal((await shown()).channel, 'milk');
    assert.deepEqual(await unsubscribe('milk'), []);
    assert.equal((await shown()).channel, null);
    assert.equal(await isListed('milk'), false);
    await page.close();
  });

  test('take "channels", too', async () => {
    const { page, stream } = await open('7', []);
    const body = { connectionId: stream.id, channels: ['red', 'blue'] };
    assert.deepEqual((await page.postJson(`${CONNECT}/subscribe.do`, body)).data, { channel: ['red', 'blue'] });
    await page.close();
  });

  test('find the connection in whichever worker it lives', async () => {
    const pages = await Promise.all(Array.from({ length: 8 }, (_, n) => open(`${n}`, [])));
    for (const [n, { stream }] of pages.entries()) {
      const elsewhere = pages[(n + 1) % pages.length].page;
      const body = { connectionId: stream.id, channel: 'all of us' };
      const answer = await elsewhere.postJson(`${CONNECT}/subscribe.do?userId=${n}`, body);
      assert.deepEqual(answer.data, { channel: ['all of us'] });
    }
    assert.equal(await send('all of us'), 8);
    await Promise.all(pages.map(({ page }) => page.close()));
  });

  test('keep to the limit', async () => {
    const { page, stream, subscribe, shown } = await open('7', ['1', '2', '3']);
    for (const channel of [['4', '5', '6'], ['a', 'b', 'c', 'd', 'e', 'f']]) {
      const answer = await page.postJson(`${CONNECT}/subscribe.do`, { connectionId: stream.id, channel });
      assert.equal(answer.status, 422);
      assert.match(answer.json.errorMessage, /5 channels/);
    }
    assert.deepEqual((await shown()).channels, ['1', '2', '3']);
    assert.deepEqual(await subscribe(['1', '4', '5']), ['1', '2', '3', '4', '5']);
    await page.close();
  });

  test('and the end of the stream leave nothing behind', async () => {
    const { page, stream, subscribe } = await open('7', ['first']);
    await subscribe('second');
    await page.postForm(`${CONNECT}/disconnect.do`, { connectionId: stream.id });
    await stream.end();
    assert.equal(await send(['first', 'second']), 0);
    assert.equal(await isListed('second'), false);
    await page.close();
  });
});

test('connect with too many channels leaves out what is too much', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect([['userId', '7'], ...[1, 2, 3, 4, 5, 6].map((n) => ['channel', `${n}`])]);
  const { list: [{ channels }] } = await office.query(`connections?id=${stream.id}`);
  const leftOut = stream.finish.leftOut.map(({ channel }) => channel);
  assert.ok(stream.finish.leftOut.every(({ reason }) => reason === 'limit'));
  assert.deepEqual([...channels, ...leftOut], ['1', '2', '3', '4', '5', '6']);
  await page.close();
});
