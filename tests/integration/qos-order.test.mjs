// SPDX-License-Identifier: Apache-2.0
// What one sender sends arrives in its order, whether it is stored or not, and who sends faster than
// the disk writes is told so.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { connect } from './support/client.mjs';
import { KEY, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const BACK_END = { authorization: `Bearer ${KEY}` };
const MESSAGES = 60;

let server;
let office;
let page;
before(async () => {
  server = await startServer({
    variables: { SSE_SERVER_WORKERS: '3', SSE_SERVER_SERVICES_0_QOS_WAITING_BYTES: '64KiB' },
  });
  office = await connect(server.origin);
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await office.close();
  await server.stop();
});

function send(message) {
  return office.postJson('/sse/demo/send', message, BACK_END);
}

test('messages of one session stay in order, whatever their qos', async () => {
  const stream = await page.connect({ userId: 'ann', listeners: 'news' });
  const answers = Array.from({ length: MESSAGES }, (_, data) => (
    send({ event: 'news', userId: 'ann', qos: data % 3 === 0 ? 1 : 0, data })));
  for (const answer of await Promise.all(answers)) {
    assert.equal(answer.status, 200, answer.text);
  }
  for (let expected = 0; expected < MESSAGES; expected++) {
    assert.equal(await stream.next('news'), expected);
  }
});

test('a disconnect waits for what was sent before it', async () => {
  const stream = await page.connect({ userId: 'carl', listeners: 'news' });
  const answers = await Promise.all([
    send({ event: 'news', userId: 'carl', qos: 1, data: 7 }),
    office.postJson('/sse/demo/disconnectUser', { userId: 'carl', reconnect: 1000 }, BACK_END),
  ]);
  assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
  assert.equal(answers[0].data.count, 1);
  assert.equal(await stream.next('news'), 7);
});

test('a message to thousands loses and doubles nothing that others send meanwhile', async () => {
  const other = await connect(server.origin);
  const stream = await page.connect({ userId: 'dora', listeners: 'news' });
  const many = Array.from({ length: 9_999 }, (_, n) => `away${n}`);
  for (let round = 0; round < 3; round++) {
    let isAnswered = false;
    const answer = send({ event: 'news', userId: [...many, 'dora'], qos: 1, ttl: 60, data: -1 - round })
      .finally(() => { isAnswered = true; });
    let n = 0;
    for (; !isAnswered; n++) {
      const { status, data } = await other.postJson('/sse/demo/send',
        { event: 'news', userId: 'dora', data: n }, BACK_END);
      assert.deepEqual([status, data.count], [200, 1]);
    }
    assert.equal((await answer).data.count, 1);
    const got = [];
    while (got.length <= n) {
      got.push(await stream.next('news'));
    }
    assert.deepEqual(got.filter((each) => each < 0), [-1 - round]);
    assert.deepEqual(got.filter((each) => each >= 0), Array.from({ length: n }, (_, each) => each));
  }
  await other.close();
});

test('messages that come faster than they can be stored get 503, and are counted', async () => {
  const data = 'x'.repeat(60 * 1024);
  const busy = [];
  // Where the server takes them as slowly as the disk does, fifty may pass.
  await eventually('more than can be stored', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => (
      send({ event: 'news', userId: 'bob', qos: 1, data }))));
    busy.push(...answers.filter(({ status }) => status === 503));
    return busy.length > 0;
  });
  assert.match(busy[0].json.errorMessage, /faster than they can be stored/);
  assert.ok(Number(busy[0].headers['retry-after']) > 0);
  const metrics = await office.get('/metrics', BACK_END);
  const counted = [...metrics.text.matchAll(/^sse_server_qos_busy_total\{.*\} (\d+)$/gm)]
    .reduce((sum, [, count]) => sum + Number(count), 0);
  assert.equal(counted, busy.length);
  assert.equal((await send({ event: 'news', userId: 'bob', qos: 1, data })).status, 200);
});
