// SPDX-License-Identifier: Apache-2.0
// Bodies that a thread reads: what is answered, and what comes of them, is as with small ones.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';

import { connect, HTTP_VERSION, readAnswer } from './support/client.mjs';
import { newHost } from './support/host.mjs';
import { KEY } from './support/server.mjs';
import { startTarget } from './support/target.mjs';

const AUTHORIZED = { authorization: `Bearer ${KEY}` };
const others = Array.from({ length: 9_999 }, (_, i) => `somebody${i}`);

// About 150 KB each.
const large = (user, data, more = {}) => ({ event: 'e', data, userId: [user, ...others], ...more });
const numbers = (count) => Array.from({ length: count }, (_, i) => i);

describe('bodies that a thread reads', () => {
  let host;
  let target;
  let office;

  before(async () => {
    target = await startTarget();
    host = await newHost({
      variables: {
        SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message'),
        SSE_SERVER_WORKERS: '2',
        SSE_SERVER_SERVICES_0_QOS_WAITING_TIME: '10m', // however long 10,000 copies take
      },
    });
    await host.start();
    office = await connect(host.server.origin);
  });
  after(async () => {
    await office.close();
    await host.close();
    await target.close();
  });

  const send = (client, body) => client.postJson('/sse/demo/send', body, AUTHORIZED);

  // Resolves with the stream when all of its body has been handed to the network.
  async function post(client, command, body) {
    const stream = client.open('POST', `/sse/demo/${command}`, { 'content-type': 'application/json', ...AUTHORIZED });
    stream.end(JSON.stringify(body));
    if (!stream.writableFinished) {
      await once(stream, 'finish');
    }
    return stream;
  }

  // None waits for the answer to the one before it.
  async function inTurn(client, commands) {
    const answers = [];
    for (const [command, body] of commands) {
      answers.push(readAnswer(await post(client, command, body)));
    }
    return Promise.all(answers);
  }

  async function reading(user) {
    const page = await connect(host.server.origin);
    const reader = await page.connect({ userId: user });
    return { page, reader, close: async () => { await reader.close(); await page.close(); } };
  }

  test('one message, and an array of them, come to whom they are for', async () => {
    const { reader, close } = await reading('ann');
    const one = await send(office, large('ann', 1));
    assert.equal(one.status, 200, one.text);
    assert.equal(one.data.count, 1);
    const array = await send(office, numbers(5).map((n) => large('ann', n, { id: `ann${n}` })));
    assert.equal(array.status, 200, array.text);
    assert.deepEqual(array.data, numbers(5).map((n) => ({ id: `ann${n}`, count: 1 })));
    await reader.count('e', 6);
    assert.deepEqual(reader.named('e').map(({ data }) => Number(data)), [1, ...numbers(5)]);
    await close();
  });

  test('with qos they are stored as they were sent', async () => {
    const message = large('bob', { a: 1.5, b: ['\u00e9'] }, { qos: 1, id: 'bob1' });
    const first = await send(office, [message]);
    assert.deepEqual(first.data, [{ id: 'bob1', count: 0, stored: 10_000 }]);
    const again = await send(office, [message]);
    assert.deepEqual(again.data, [{ id: 'bob1', count: 0, stored: 10_000, repeated: true }]);
    const other = await send(office, [{ ...message, data: 2 }]);
    assert.equal(other.status, 409, other.text);
    const { reader, close } = await reading('bob');
    await reader.count('e', 1);
    assert.equal(reader.named('e')[0].data, JSON.stringify(message.data));
    await close();
  });

  test('many messages with qos for many come to each in order, also those sent meanwhile', async () => {
    const users = ['hans', 'iris', 'judy'];
    const readings = await Promise.all(users.map((user) => reading(user)));
    const message = (n) => ({ event: 'e', data: n, qos: 1, id: `all${n}`, userId: [...users, ...others.slice(3)] });
    const client = await connect(host.server.origin);
    const [array, one, plain] = await Promise.all([
      send(office, numbers(4).map(message)),
      send(client, { event: 'e', data: 'one', qos: 1, userId: users }),
      send(client, { event: 'f', data: 'plain', userId: users })]);
    assert.deepEqual(array.data.map(({ id, count, stored }) => [id, count, stored]),
      numbers(4).map((n) => [`all${n}`, 3, 9_999]));
    assert.deepEqual([one.data.count, plain.data.count], [3, 3]);
    for (const { reader, page } of readings) {
      await reader.count('e', 5);
      const got = reader.named('e').map(({ data }) => data);
      assert.deepEqual(got.filter((data) => data !== '"one"' && data !== 'one').map(Number), numbers(4));
      const ids = reader.named('e').map(({ id }) => id);
      const acknowledged = await page.postJson('/sse/demo/connect/ack.do', { connectionId: reader.id, ids });
      assert.equal(acknowledged.data.count, 5, acknowledged.text);
    }
    await client.close();
    await Promise.all(readings.map(({ close }) => close()));
    const back = await reading('hans');
    const end = await send(office, { event: 'end', data: 1, userId: 'hans' });
    assert.equal(end.data.count, 1);
    await back.reader.next('end');
    assert.deepEqual(back.reader.named('e'), []); // nothing comes twice
    await back.close();
  });

  test('what one connection sends is done in its order', { skip: HTTP_VERSION !== '2' }, async () => {
    const { reader, close } = await reading('carl');
    const client = await connect(host.server.origin);
    const answers = await inTurn(client, numbers(20).map((n) => ['send', n % 4 === 0 ? large('carl', n, { qos: n % 8 ? 1 : 0 })
      : { event: 'e', data: n, userId: 'carl', qos: n % 2 }]));
    assert.deepEqual(answers.map(({ status }) => status), numbers(20).map(() => 200));
    await reader.count('e', 20);
    assert.deepEqual(reader.named('e').map(({ data }) => Number(data)), numbers(20));
    const [last, kick] = await inTurn(client, [
      ['send', large('carl', 'last')], ['disconnectUser', { userId: 'carl' }]]);
    assert.equal(last.data.count, 1);
    assert.equal(kick.data.count, 1);
    await reader.end();
    assert.deepEqual(reader.events.slice(-2).map(({ event }) => event), ['e', 'connect-close']);
    await client.close();
    await close();
  });

  test('a sender that has left meanwhile has sent', { skip: HTTP_VERSION !== '2' }, async () => {
    const { reader, close } = await reading('dora');
    const client = await connect(host.server.origin);
    for (const n of numbers(6)) {
      const stream = await post(client, 'send', large('dora', n));
      stream.on('error', () => {});
    }
    await new Promise((resolve) => { client.session.ping(resolve); }); // all that was sent has been read
    client.session.destroy();
    await reader.count('e', 6);
    assert.deepEqual(reader.named('e').map(({ data }) => Number(data)), numbers(6));
    await close();
  });

  test('what is wrong is told with line and column', async () => {
    const text = JSON.stringify(numbers(3).map((n) => large('eve', n)), null, 1);
    const wrong = text.replace(/\]\s*$/, ',\n x]');
    const lines = wrong.split('\n').length;
    const answer = await send(office, wrong);
    assert.equal(answer.status, 400);
    assert.match(answer.json.errorMessage, new RegExp(`line ${lines}, column 2: `));
    const twice = await send(office, text.replace('"event": "e"', '"event": "e", "event": "f"'));
    assert.equal(twice.status, 400);
    assert.match(twice.json.errorMessage, /duplicate/);
  });

  test('messages are refused as small ones are', async () => {
    const fine = large('fred', 1);
    const refusals = [
      [[fine, { ...fine, event: '' }], 422, /^message 1 \(counted from 0\): "event" must be .*; none was sent$/],
      [[fine, { ...fine, qos: 1, ttl: 1e12 }], 422, /^message 1 .*"ttl" may be \d+ seconds at the most/],
      [{ ...fine, userId: [...others, 'one', 'more'] }, 400, /line 1, column \d+: too many values in one array/],
      [{ ...fine, data: 'x'.repeat(70_000) }, 413, /eventDataBytes/],
      [numbers(1001).map((n) => ({ event: 'e', data: 'x'.repeat(100), userId: `u${n}` })), 422, /at most 1000/],
      [JSON.stringify(' '.repeat(70_000)), 422, /must be a message/],
    ];
    for (const [body, status, what] of refusals) {
      const answer = await send(office, body);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.errorMessage, what);
    }
    const more = await send(office, 'x'.repeat(1024 * 1024 + 1));
    assert.equal(more.status, 413);
    assert.match(more.json.errorMessage, /services\[\]\.jsonBodyBytes/);
  });

  test('other commands, and what pages say, are read so, too', async () => {
    const { page, reader, close } = await reading('gina');
    const told = await office.postJson('/sse/demo/setDuration', { userId: ['gina', ...others], duration: 7 }, AUTHORIZED);
    assert.equal(told.status, 200, told.text);
    assert.equal(told.data.count, 1);
    await reader.next('sse-set-duration');
    const said = { text: 'x'.repeat(60_000) };
    target.answer = () => ({ status: 200, json: 'heard' });
    const heard = await page.postJson(`/sse/demo/connect/message/say.do?connectionId=${reader.id}`, said);
    assert.equal(heard.data, 'heard', heard.text);
    assert.deepEqual(JSON.parse(target.requests.at(-1).body).message, said);
    const none = await page.postJson(`/sse/demo/connect/message/say.do?connectionId=${reader.id}`,
      `["${said.text}"]`);
    assert.equal(none.status, 422, none.text);
    const refused = await page.postJson('/sse/demo/connect/addListener.do',
      { connectionId: reader.id, listener: others.slice(0, 5_000) });
    assert.equal(refused.status, 422, refused.text);
    const kick = await office.postJson('/sse/demo/disconnectUser', { userId: ['gina', ...others] }, AUTHORIZED);
    assert.equal(kick.data.count, 1, kick.text);
    await close();
  });
});
