// SPDX-License-Identifier: Apache-2.0
// A page's own calls run in the order of their numbers (x-sse-order), however they travel; what fails,
// hangs, or does not come keeps the others waiting no longer than is stated.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';

const CONNECT = '/sse/demo/connect';
const WAIT = 5000; // ms, orderedWait's default
const JSON_TYPE = { 'content-type': 'application/json' };

let target;
let server;
let office;
let pages; // sessions, which come to several workers
let stream;

const once = () => ({ status: 200, json: null });

before(async () => {
  target = await startTarget();
  server = await startServer({
    variables: {
      SSE_SERVER_WORKERS: '3',
      SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message'),
      SSE_SERVER_SERVICES_0_HANDLERS_TIMEOUT: '700ms',
      SSE_SERVER_SERVICES_0_JSON_BODY_BYTES: '64KiB',
    },
  });
  office = await backend(server);
  pages = await Promise.all(Array.from({ length: 6 }, () => connect(server.origin)));
  await server.stopClock(); // nothing is waited for too long, unless a test says so
});
after(async () => {
  await Promise.all(pages.map((page) => page.close()));
  await office.close();
  await server.stop();
  await target.close();
});
beforeEach(async () => {
  stream = await pages[0].connect({ userId: 'ann' });
});
afterEach(async () => {
  target.requests.length = 0;
  target.answer = once;
  await stream.close();
});

function send(number, { page = pages[number % pages.length] ?? pages[0], id = stream.id, key, body } = {}) {
  const headers = { ...(number === undefined ? {} : { 'x-sse-order': String(number) }), ...(key ? { 'idempotency-key': key } : {}) };
  return page.postJson(`${CONNECT}/message/say.do?connectionId=${id}`, body ?? { n: number }, headers);
}

function change(number, action, listener, page = pages[number % pages.length]) {
  return page.postJson(`${CONNECT}/${action}.do`, { connectionId: stream.id, listener: [listener] }, { 'x-sse-order': String(number) });
}

const said = () => target.posted.map(({ message }) => message.n);
const waiting = (count) => eventually(`${count} to wait`, async () => await office.metric('sse_server_ordered_calls_waiting') === count);
const ran = (count) => within(`${count} to run`, target.saw((requests) => requests.filter(({ complete }) => complete).length === count));

function shuffled(numbers) {
  return numbers.map((number) => [Math.random(), number]).sort(([a], [b]) => a - b).map(([, number]) => number);
}

describe('calls with numbers', () => {
  test('run in their order and one at a time, whichever way they come', async () => {
    let atWork = 0;
    let most = 0;
    target.answer = async () => {
      atWork += 1;
      most = Math.max(most, atWork);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
      atWork -= 1;
      return once();
    };
    const numbers = Array.from({ length: 60 }, (_, i) => i + 1);
    const answers = await Promise.all(shuffled(numbers).map((number) => send(number, { key: `${stream.id.slice(0, 20)}-${number}` })));
    assert.deepEqual(answers.map(({ status }) => status), numbers.map(() => 200));
    assert.deepEqual(said(), numbers);
    assert.equal(most, 1);
    assert.equal(await office.metric('sse_server_ordered_calls_waiting'), 0);
  });

  test('without numbers run as they come', async () => {
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.answer = async () => (await hold, once());
    const sent = [send(undefined, { body: { n: 'a' } }), send(undefined, { body: { n: 'b' } })];
    await ran(2);
    release();
    await Promise.all(sent);
  });

  test('of other connections do not wait', async () => {
    const other = await pages[1].connect({ userId: 'ann' });
    const early = send(2);
    await waiting(1);
    assert.equal((await send(1, { id: other.id })).status, 200);
    assert.deepEqual(said(), [1]);
    await send(1);
    await early;
    await other.close();
  });

  test('that fail end their turn, as those that hang, at the limit of their handler', async () => {
    target.answer = ({ body }) => [{ status: 500, json: null }, undefined, { status: 409, json: null }, once()][JSON.parse(body).message.n - 1];
    const early = [4, 3, 2].map((number) => send(number));
    await waiting(3);
    const first = send(1);
    await ran(2);
    await server.startClock(); // the handler's limit goes by it
    const answers = await Promise.all([...early, first]);
    await server.stopClock();
    assert.deepEqual(answers.map(({ status }) => status), [200, 409, 504, 500]);
    assert.deepEqual(said(), [1, 2, 3, 4]);
  });
});

describe('a call that does not come', () => {
  test('is waited for so long, and runs at once when it comes after all', async () => {
    const before = await office.metric('sse_server_ordered_calls_gaps_total');
    const early = [send(2), send(3), send(5)];
    await waiting(3);
    await server.advance(WAIT - 200);
    assert.equal(await office.metric('sse_server_ordered_calls_waiting'), 3);
    await server.meanwhile(Promise.all(early)); // what the loop itself is late by is on nobody's account
    assert.deepEqual(said(), [2, 3, 5]);
    assert.equal(await office.metric('sse_server_ordered_calls_gaps_total') - before, 2);
    assert.equal((await send(4)).status, 200);
    assert.equal((await send(6)).status, 200);
    assert.deepEqual(said(), [2, 3, 5, 4, 6]);
  });

  test('as it was broken off has its place when it comes again', async () => {
    const early = send(2);
    await waiting(1);
    const path = `${CONNECT}/message/say.do?connectionId=${stream.id}`;
    const broken = pages[1].open('POST', path, { ...JSON_TYPE, 'x-sse-order': '1', 'content-length': '8' });
    broken.on('error', () => {});
    broken.write('{"n"');
    await pages[1].get('/health/live');
    broken.close(8);
    await pages[1].get('/health/live');
    await send(1);
    await early;
    assert.deepEqual(said(), [1, 2]);
  });

  const refusals = [
    ['no JSON', 400, (path, headers) => [path, '{', { ...JSON_TYPE, ...headers }]],
    ['a wrong type', 415, (path, headers) => [path, '{}', { 'content-type': 'text/plain', ...headers }]],
    ['too large', 413, (path, headers) => [path, `{"a":"${'x'.repeat(70_000)}"}`, { ...JSON_TYPE, ...headers }]],
    ['a wrong key', 422, (path, headers) => [path, '{}', { ...JSON_TYPE, 'idempotency-key': 'x'.repeat(65), ...headers }]],
    ['of another user', 404, (path, headers) => [`${path}&userId=bob`, '{}', { ...JSON_TYPE, ...headers }]],
  ];
  for (const [what, status, make] of refusals) {
    test(`as it was refused (${what}) is not waited for`, async () => {
      const early = send(2);
      await waiting(1);
      const request = make(`${CONNECT}/message/say.do?connectionId=${stream.id}`, { 'x-sse-order': '1' });
      assert.equal((await pages[3].post(...request)).status, status);
      if (status === 404) {
        await send(1); // it was none of this page
      }
      assert.equal((await early).status, 200);
    });
  }
});

describe('a number', () => {
  for (const wrong of ['0', '-1', '1.5', 'first', '9007199254740992', '1e3', '1, 2', '1;after=0', '1;after=', '1;before=2', '1;after=2;', ';after=1', '99999999999999999999']) {
    test(`that is none (${wrong}) is refused`, async () => {
      const answer = await send(wrong, { page: pages[2], body: {} });
      assert.equal(answer.status, 422);
      assert.match(answer.json.errorMessage, /x-sse-order .* from 1 to 9007199254740991/);
      assert.equal((await send(1)).status, 200);
    });
  }

  test('without a connection is refused', async () => {
    const answer = await pages[0].postJson(`${CONNECT}/message/say.do?userId=ann`, {}, { 'x-sse-order': '1' });
    assert.equal(answer.status, 422);
    assert.match(answer.json.errorMessage, /connectionId/);
  });

  test('that is huge waits as any, and then the small ones are late', async () => {
    const huge = send(Number.MAX_SAFE_INTEGER, { page: pages[0] });
    await waiting(1);
    await send(1);
    assert.equal((await server.meanwhile(huge)).status, 200);
    assert.equal((await send(2)).status, 200);
    assert.equal(target.requests.length, 3);
  });

  test('that comes again takes the place of the one that waits; it runs once', async () => {
    const first = send(2, { body: { n: 'first' }, key: 'again-2' });
    await waiting(1);
    const second = send(2, { body: { n: 'second' }, key: 'again-2', page: pages[4] });
    const refused = await first;
    assert.equal(refused.status, 409);
    assert.match(refused.json.errorMessage, /number 2/);
    await send(1);
    assert.equal((await second).status, 200);
    assert.deepEqual(said(), [1, 'second']);
  });

  test('that comes again when it is at work, or over, gets the answer of its key', async () => {
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.answer = async () => (await hold, { status: 200, json: 'the answer' });
    const first = send(1, { key: 'late-1' });
    await ran(1);
    const meanwhile = send(1, { key: 'late-1', page: pages[5] });
    release();
    const later = [await first, await meanwhile, await send(1, { key: 'late-1' })];
    assert.deepEqual(later.map(({ data }) => data), ['the answer', 'the answer', 'the answer']);
    assert.equal(target.requests.length, 1);
  });
});

describe('when the connection ends', () => {
  test('what has come runs in order; what waits for more does not, and is told so', async () => {
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.answer = async () => (await hold, once());
    const [first, second, third] = [send(1), send(2), send(3)];
    await waiting(2);
    const beyond = send(5);
    await waiting(3);
    const gone = stream.id;
    assert.equal((await pages[0].postForm(`${CONNECT}/disconnect.do`, { connectionId: gone })).data.count, 1);
    const answer = await beyond;
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['x-sse-connection'], 'unknown');
    release();
    assert.deepEqual((await Promise.all([first, second, third])).map(({ status }) => status), [200, 200, 200]);
    assert.deepEqual(said(), [1, 2, 3]);
    assert.deepEqual(target.posted.map(({ connection }) => connection.id), Array(3).fill(stream.handle));
    assert.equal((await send(4, { id: gone })).status, 404);
  });

  test('by a back end nothing runs that has not begun', async () => {
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.answer = async () => (await hold, once());
    const first = send(1);
    await ran(1);
    const second = send(2);
    await waiting(1);
    assert.equal((await office.post('disconnectUser', { connectionId: stream.id })).data.count, 1);
    assert.equal((await second).status, 404);
    release();
    await first;
    assert.deepEqual(said(), [1]);
  });

  test('calls that are repeated on the next one run once, in their order', async () => {
    let release;
    const hold = new Promise((resolve) => { release = resolve; });
    target.answer = async () => (await hold, once());
    const page = await connect(server.origin);
    const old = await page.connect({ userId: 'eve' });
    for (const number of [1, 2, 4]) {
      send(number, { page, id: old.id, key: `eve-${number}` }).catch(() => {}); // the network ends them
    }
    await waiting(2);
    await page.close();
    const next = await pages[1].connect({ userId: 'eve' });
    await waiting(1);
    const again = [1, 2, 3, 4].map((n) => send(n, { id: next.id, key: `eve-${n}` }));
    release();
    assert.deepEqual((await Promise.all(again)).map(({ status }) => status), [200, 200, 200, 200]);
    assert.deepEqual(said(), [1, 2, 3, 4]);
    await next.close();
  });
});

describe('listeners and channels', () => {
  test('change in the order in which the page has asked', async () => {
    const removed = change(2, 'removeListener', 'bell');
    await waiting(1);
    await change(1, 'addListener', 'bell');
    assert.deepEqual((await removed).data, { listener: [] });
    const subscribe = (number, action) => pages[number].postJson(`${CONNECT}/${action}.do`,
      { connectionId: stream.id, channel: 'news' }, { 'x-sse-order': String(number) });
    const left = subscribe(4, 'unsubscribe');
    await waiting(1);
    await subscribe(3, 'subscribe');
    assert.deepEqual((await left).data, { channel: [] });
  });

  test('have been made when a message runs that comes after them', async () => {
    const after = [send('1;after=2', { page: pages[1], body: { n: 1 } }), send(2)];
    await waiting(2);
    await change(1, 'addListener', 'bell');
    assert.equal(target.requests.length, 0);
    await change(2, 'addListener', 'door');
    await Promise.all(after);
    assert.deepEqual(said(), [1, 2]);
    assert.deepEqual(target.posted[0].connection.listeners.sort(), ['bell', 'door']);
    const early = send('3;after=5', { page: pages[2], body: { n: 3 } });
    await waiting(1);
    assert.equal((await server.meanwhile(early)).status, 200, 'and no longer than that');
  });

  test('do not wait for messages, nor messages without such a number for them', async () => {
    const message = send(2);
    await waiting(1);
    assert.deepEqual((await change(1, 'addListener', 'bell')).data, { listener: ['bell'] });
    const early = change(3, 'addListener', 'door');
    await waiting(2);
    await send(1);
    await message;
    await change(2, 'addListener', 'gate');
    assert.deepEqual((await early).data.listener.sort(), ['bell', 'door', 'gate']);
  });

  test('that are refused are not waited for', async () => {
    const early = change(2, 'addListener', 'bell');
    await waiting(1);
    assert.equal((await change(1, 'addListener', 'new\nline')).status, 422);
    assert.deepEqual((await early).data, { listener: ['bell'] });
  });
});

describe('what waits', () => {
  test('is counted with what clients have sent', async () => {
    const early = Array.from({ length: 8 }, (_, i) => send(i + 2, { body: { n: i + 2, text: 'x'.repeat(60_000) } }));
    await waiting(8);
    assert.ok(await office.metric('sse_server_inbound_bytes') > 8 * 60_000);
    await send(1);
    await Promise.all(early);
  });

  test('is bounded by its number; one more is refused, and may come again', async () => {
    const small = await startServer({ variables: { SSE_SERVER_SERVICES_0_ORDERED_CALLS: '2', SSE_SERVER_WORKERS: '2' } });
    await small.stopClock();
    const page = await connect(small.origin);
    const own = await page.connect({ userId: 'ann' });
    assert.equal(own.finish.ordered, 2);
    const early = [2, 3].map((number) => send(number, { page, id: own.id }));
    const desk = await backend(small);
    await eventually('two to wait', async () => await desk.metric('sse_server_ordered_calls_waiting') === 2);
    const refused = await send(4, { page, id: own.id });
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.match(refused.json.errorMessage, /orderedCalls/);
    assert.equal(await desk.metric('sse_server_ordered_calls_refused_total'), 1);
    await send(1, { page, id: own.id });
    await Promise.all(early);
    assert.equal((await send(4, { page, id: own.id })).status, 200);
    await page.close();
    await desk.close();
    await small.stop();
  });

  test('does not, where the setting is 0', async () => {
    const plain = await startServer({ variables: { SSE_SERVER_SERVICES_0_ORDERED_CALLS: '0' } });
    const page = await connect(plain.origin);
    const own = await page.connect({ userId: 'ann' });
    assert.equal('ordered' in own.finish, false);
    assert.equal((await send(7, { page, id: own.id })).status, 200);
    await page.close();
    await plain.stop();
  });
});
