// SPDX-License-Identifier: Apache-2.0
// What back ends ask of stored messages, and what they are told: the list, one message, deleting,
// receipts, and durations that wait for their users.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { watch } from './support/presence.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';
import { isSigned, SECRET, webhookTarget } from './support/webhook_target.mjs';

const BASE = '/sse/demo';
const MANY = 20_000;

let server;
let office;
let page;
before(async () => {
  server = await startServer({ variables: {
    SSE_SERVER_SERVICES_0_WEBHOOK_SECRET: SECRET,
    SSE_SERVER_SERVICES_0_QOS_RECEIPT_HOSTS: '127.0.0.1',
  } });
  office = await backend(server);
  page = await connect(server.origin);
});
after(async () => {
  await Promise.all([page, office].map((client) => client.close()));
  await server.stop();
});

const stored = (message) => ({ event: 'order', data: 1, qos: 1, ...message });
const idsOf = ({ list }) => list.map(({ id }) => id);

function acknowledge(stream, userId, ids) {
  return page.postJson(`${BASE}/connect/ack.do?userId=${userId}`, { connectionId: stream.id, ids });
}

async function remove(query) {
  const answer = await office.client.request('DELETE', `${BASE}/messages${query}`, { headers: office.authorized });
  assert.equal(answer.status, 200, answer.text);
  return answer.data;
}

describe('the list', () => {
  afterEach(() => remove('?all=true'));

  test('shows each copy of each message, in order', async () => {
    const start = Date.now();
    await office.send([
      stored({ id: 'l-1', userId: ['7', '8'], data: { n: 0.1 }, ttl: 60 }),
      stored({ id: 'l-2', channel: 'red', data: 'text', listening: true }),
      { event: 'order', qos: 1, id: 'l-3', all: true },
    ]);
    const { list, ...paging } = await office.query('messages');
    assert.deepEqual(paging, { total: 4, pageNum: 1, pageSize: 100, timeout: false });
    const shown = list.map(({ createTime, expireTime, ...item }) => {
      assert.ok(createTime >= start - 1000 && expireTime > createTime);
      return item;
    });
    const common = { event: 'order', listening: false, state: 'stored', written: 0 };
    assert.deepEqual(shown.slice(0, 2).sort((one, other) => one.userId - other.userId), [
      { ...common, id: 'l-1', data: { n: 0.1 }, userId: '7' },
      { ...common, id: 'l-1', data: { n: 0.1 }, userId: '8' },
    ]);
    assert.deepEqual(shown.slice(2), [
      { ...common, id: 'l-2', data: 'text', channel: 'red', listening: true },
      { ...common, id: 'l-3', data: null, all: true },
    ]);
    assert.equal(list[0].expireTime - list[0].createTime, 60_000);
  });

  test('is filtered by what a connection would have', async () => {
    await office.send([
      stored({ id: 'f-user', userId: '7' }),
      stored({ id: 'f-token', accessToken: 'token-7-of-many' }),
      stored({ id: 'f-tenant', tenantId: 'north' }),
      stored({ id: 'f-red', channel: 'red' }),
      stored({ id: 'f-blue', channel: 'blue', event: 'bell', listening: true }),
      stored({ id: 'f-all', all: true }),
    ]);
    const found = async (query) => idsOf(await office.query(`messages?${query}`));
    assert.deepEqual(await found('userId=7'), ['f-user', 'f-all']);
    assert.deepEqual(await found('userId=8'), ['f-all']);
    assert.deepEqual(await found('accessToken=token-7-of-many'), ['f-token', 'f-all']);
    assert.deepEqual(await found('tenantId=north&userId=7'), ['f-user', 'f-tenant', 'f-all']);
    assert.deepEqual(await found('channel=red'), ['f-red', 'f-all']);
    assert.deepEqual(await found('channel=red&channel=blue'), ['f-red', 'f-blue', 'f-all']);
    assert.deepEqual(await found('channel=red&channel=blue&listeners=door'), ['f-red', 'f-all']);
    assert.deepEqual(await found('channel=blue&listeners=door,bell'), ['f-blue', 'f-all']);
    assert.equal((await office.query('messages?userId=')).total, 6, 'an empty filter says nothing');
  });

  test('leaves out what was acknowledged', async () => {
    const stream = await page.connect({ userId: '7' });
    const { count } = await office.send(stored({ id: 'a-1', userId: '7' }));
    assert.equal(count, 1);
    await stream.next('order');
    assert.equal((await office.query('messages?userId=7')).list[0].written, 1);
    assert.deepEqual((await acknowledge(stream, '7', ['a-1'])).data, { count: 1 });
    assert.equal((await office.query('messages')).total, 0);
    await stream.close();
  });

  test(`of ${MANY} has pages, and what is sent meanwhile is sent`, async () => {
    const all = Array.from({ length: MANY }, (_, i) => `m-${i}`);
    for (let i = 0; i < MANY; i += 1000) {
      await office.send(all.slice(i, i + 1000).map((id, n) => stored({ id, userId: `u${n % 100}`, data: i + n })));
    }
    const stream = await page.connect({ userId: '7' });
    const asked = Array.from({ length: MANY / 1000 }, (_, i) =>
      office.query(`messages?pageSize=1000&pageNum=${i + 1}&timeout=0`));
    for (let i = 0; i < 10; i++) {
      assert.equal((await office.send({ event: 'hello', data: i, userId: '7' })).count, 1);
    }
    await stream.count('hello', 10);
    const pages = await Promise.all(asked);
    assert.deepEqual(pages.flatMap(idsOf), all);
    assert.ok(pages.every(({ total, timeout }) => total === MANY && !timeout));
    const last = await office.query(`messages?userId=u99&pageSize=7&pageNum=29`);
    assert.deepEqual([last.total, idsOf(last)], [MANY / 100, ['m-19699', 'm-19799', 'm-19899', 'm-19999']]);
    const cut = await office.query('messages?timeout=1');
    assert.ok(cut.timeout && cut.total < MANY && cut.list.length === 100);
    assert.deepEqual(await remove('?userId=u0&userId=u1'), { count: MANY / 100 });
    assert.equal((await office.query('messages?timeout=0')).total, MANY - MANY / 100);
    assert.deepEqual(await remove('?all=true'), { count: MANY - MANY / 100 });
    await stream.close();
  });
});

describe('one message', () => {
  test('shows what became of each copy', async () => {
    const stream = await page.connect({ userId: '7' });
    await office.send(stored({ id: 's-1', userId: ['7', '8'], ttl: 60 }));
    await stream.next('order');
    const start = Date.now();
    await acknowledge(stream, '7', ['s-1']);
    const { copies, createTime, expireTime, ...message } = await office.query('messages/s-1');
    assert.deepEqual(message, { id: 's-1', event: 'order' });
    assert.equal(expireTime - createTime, 60_000);
    const [seven, eight] = copies.sort((one, other) => one.userId - other.userId);
    assert.ok(seven.endTime >= start - 1000);
    assert.deepEqual({ ...seven, endTime: 0 },
      { userId: '7', listening: false, state: 'acknowledged', written: 1, endTime: 0 });
    assert.deepEqual(eight, { userId: '8', listening: false, state: 'stored', written: 0, endTime: null });
    await stream.close();
  });

  test('is deleted, and known all the same', async () => {
    assert.deepEqual(await remove('/s-1'), { count: 1 });
    assert.deepEqual(await remove('/s-1'), { count: 0 });
    const states = (await office.query('messages/s-1')).copies.map(({ state }) => state);
    assert.deepEqual(states.sort(), ['acknowledged', 'deleted']);
    const late = await page.connect({ userId: '8' });
    await office.send({ event: 'fence', data: 1, userId: '8' });
    await late.next('fence');
    assert.equal(late.named('order').length, 0);
    await late.close();
  });

  test('is found by whatever id it has', async () => {
    for (const id of ['a b', 'u/../?&=%2f"', '..', '/', 'i'.repeat(128)]) {
      const query = `?id=${encodeURIComponent(id)}`;
      await office.send(stored({ id, userId: '9' }));
      assert.equal((await office.query(`messages${query}`)).id, id);
      assert.deepEqual(await remove(query), { count: 1 });
    }
  });
});

describe('deleting by filters', () => {
  afterEach(() => remove('?all=true'));

  test('ends only what is for those that are named', async () => {
    await office.send([
      stored({ id: 'd-user', userId: '7' }),
      stored({ id: 'd-users', userId: ['7', '8'] }),
      stored({ id: 'd-red', channel: 'red', event: 'bell', listening: true }),
      stored({ id: 'd-all', all: true }),
    ]);
    assert.deepEqual(await remove('?userId=7'), { count: 2 });
    assert.deepEqual(idsOf(await office.query('messages')), ['d-users', 'd-red', 'd-all']);
    assert.deepEqual(await remove('?listeners=bell'), { count: 1 });
    assert.deepEqual(idsOf(await office.query('messages')), ['d-users', 'd-all']);
  });
});

describe('receipts', () => {
  let watcher;
  before(async () => {
    watcher = await watch(office.client, { events: 'receipt' });
  });
  after(() => watcher.close());

  async function told(id, state) {
    const { time, endTime, ...receipt } = await server.meanwhile(watcher.next('receipt'));
    assert.ok(endTime > 0 && time > 0);
    assert.deepEqual({ id: receipt.id, state: receipt.state }, { id, state });
    return receipt;
  }

  test('tell watchers of what was asked for', async () => {
    const stream = await page.connect({ userId: '7' });
    await office.send([stored({ id: 'r-0', userId: '7' }), stored({ id: 'r-1', userId: '7', receipt: true })]);
    await stream.count('order', 2);
    assert.equal((await acknowledge(stream, '7', ['r-0', 'r-1'])).data.count, 2);
    assert.deepEqual(await told('r-1', 'acknowledged'), {
      type: 'receipt', service: 'demo', id: 'r-1', event: 'order', recipient: { userId: '7' }, state: 'acknowledged',
      written: 1,
    });
    await stream.close();
  });

  test('tell of what was deleted, with tokens shortened', async () => {
    await office.send([stored({ id: 'r-2', userId: '8' }),
      stored({ id: 'r-3', accessToken: 'a-token-that-is-long', receipt: true })]);
    await remove('?all=true');
    const { recipient } = await told('r-3', 'deleted');
    assert.notEqual(recipient.accessToken, 'a-token-that-is-long');
  });

  test('tell of what has expired in any case', async () => {
    await office.send(stored({ id: 'r-4', userId: '8', ttl: 1 }));
    assert.deepEqual((await told('r-4', 'expired')).recipient, { userId: '8' });
  });

  test('are posted where the message says, signed, and again until they are taken', async () => {
    const target = await webhookTarget((_, n) => (n === 1 ? 503 : 204));
    await office.send(stored({ id: 'r-5', userId: '8', receipt: target.url }));
    await remove('/r-5');
    await told('r-5', 'deleted');
    await server.asTimePasses('the receipt', () => target.accepted.length === 1);
    const [first, second] = target.requests;
    assert.ok(isSigned(first) && isSigned(second));
    assert.deepEqual([second.json.id, second.json.state, second.json.recipient], ['r-5', 'deleted', { userId: '8' }]);
    assert.deepEqual([first.id, first.body], [second.id, second.body]);
    const metric = (name) => office.metric(`sse_server_receipts_${name}`);
    await eventually('the count', async () => (await metric('sent_total')) === 1);
    assert.equal((await metric('waiting')) + (await metric('failed_total')) + (await metric('dropped_total')), 0);
    await target.stop();
  });

  test('are given up when three tries were refused', async () => {
    const target = await webhookTarget(() => 404);
    await office.send(stored({ id: 'r-6', userId: '8', receipt: target.url }));
    await remove('/r-6');
    await server.asTimePasses('the end', async () => (await office.metric('sse_server_receipts_failed_total')) === 1);
    assert.equal(target.requests.length, 3);
    assert.equal(await office.metric('sse_server_receipts_waiting'), 0);
    await target.stop();
  });
});

describe('setDuration', () => {
  test('waits for users who are not there', async () => {
    assert.deepEqual(await office.command('setDuration', { userId: ['21', '22'], duration: 90 }), { count: 0, stored: 2 });
    const stream = await page.connect({ userId: '21' });
    assert.deepEqual(await stream.next('sse-set-duration'), { duration: '90' });
    const { total, list } = await office.query('messages?userId=21');
    assert.deepEqual([total, list[0].event], [1, 'sse-set-duration']);
    await acknowledge(stream, '21', idsOf({ list }));
    assert.equal((await office.query('messages?userId=21')).total, 0);

    assert.deepEqual(await office.command('setDuration', { userId: ['21', '23'], duration: 91 }), { count: 1, stored: 1 });
    assert.deepEqual(await stream.next('sse-set-duration'), { duration: '91' });
    assert.equal((await office.query('messages?userId=21')).total, 0, 'who was told has nothing stored');
    await stream.close();
  });

  test('does not wait for connections, which do not come back', async () => {
    assert.deepEqual(await office.command('setDuration', { connectionId: 'gone', duration: 1 }), { count: 0, stored: 0 });
  });
});
