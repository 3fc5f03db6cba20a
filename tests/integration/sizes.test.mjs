// SPDX-License-Identifier: Apache-2.0
// What the documents say that is taken, at its edge: alone, and all of it together.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const KIB = 1024;
const IDS = 10_000;
const MESSAGES = 1000;

const many = (count, make) => Array.from({ length: count }, (_, n) => make(n));
const ids = (count) => many(count, (n) => `u${n}`);
const wide = (n) => ({ a: n, b: [n, n], c: { d: 'e' }, f: null, g: true, h: 1.5, i: 'text' });

// All that a message may have, each as large as it may be.
const full = (n, more) => ({
  event: 'e'.repeat(128), data: wide(n), id: `${n}`.padStart(128, 'i'), listening: false, qos: 1, ttl: 3600,
  receipt: `https://example.org/${'r'.repeat(1024 - 20)}`, ...more,
});

describe('sizes', () => {
  let server;
  let office;
  let page;
  let reader;

  before(async () => {
    server = await startServer({ variables: {
      SSE_SERVER_SERVICES_0_QOS_RECEIPT_HOSTS: 'example.org',
      SSE_SERVER_SERVICES_1_NAME: 'large',
      SSE_SERVER_SERVICES_1_BASE_PATH: '/sse/large',
      SSE_SERVER_SERVICES_1_AUTH: 'development',
      SSE_SERVER_SERVICES_1_JSON_BODY_BYTES: '8MiB',
      SSE_SERVER_SERVICES_1_LINE_BYTES: '64KiB',
    } });
    office = await backend(server);
    page = await connect(server.origin);
    reader = await page.connect({ userId: `u${IDS - 1}` });
  });
  after(async () => {
    await page.close();
    await office.close();
    await server.stop();
  });

  const refused = async (command, body, status, words, of = office) => {
    const answer = await of.post(command, body);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.json.errorMessage, words);
  };

  test('10,000 values of each selector, and not one more', async () => {
    for (const selector of ['userId', 'accessToken', 'tenantId', 'channel', 'connectionId']) {
      const answer = await office.send({ event: 'tick', data: wide(1), listening: false, id: `of-${selector}`, qos: 0, [selector]: ids(IDS) });
      assert.equal(answer.count, selector === 'userId' ? 1 : 0);
      await refused('send', { event: 'tick', [selector]: ids(IDS + 1) }, 400, /10000/);
    }
    await reader.next('tick');
    assert.equal((await office.send({ event: 'tick', data: 1, userId: many(IDS, (n) => 10 ** 6 + n), qos: 1, ttl: 3600 })).stored, IDS);
    for (const [command, more] of [['disconnectUser', { reason: 'none', reconnect: 1000, revoke: false }], ['setDuration', { duration: 1 }]]) {
      for (const selector of ['userId', 'accessToken', 'connectionId']) {
        const answer = await office.post(command, { [selector]: many(IDS, (n) => `nobody-${n}`), ...more });
        assert.equal(answer.status, 200, answer.text);
        await refused(command, { [selector]: many(IDS + 1, (n) => `nobody-${n}`), ...more }, 400, /10000/);
      }
    }
  });

  test('1000 messages with 7 fields in their data', async () => {
    const answers = await office.send(many(MESSAGES, (n) => ({ event: 'bell', data: wide(n), userId: `u${IDS - 1}` })));
    assert.equal(answers.length, MESSAGES);
    await reader.count('bell', MESSAGES);
    assert.deepEqual(reader.named('bell').map(({ data }) => JSON.parse(data)), many(MESSAGES, wide));
    await refused('send', many(MESSAGES + 1, (n) => ({ event: 'bell', data: n, userId: 'x' })), 422, /1000/);
  });

  test('1000 messages with all that they may have, and 10,000 recipients of some', async () => {
    const large = await backend(server, { base: '/sse/large' });
    const messages = many(MESSAGES, (n) => full(n, { userId: n % 250 === 0 ? ids(IDS) : `u${n}`, qos: n % 250 === 0 ? 0 : 1, receipt: n % 250 === 0 ? undefined : full(n).receipt }));
    const answers = await large.send(messages);
    assert.deepEqual(answers.map(({ id }) => id), messages.map(({ id }) => id));
    assert.equal(answers.filter(({ stored }) => stored === 1).length, MESSAGES - 4);
    await large.close();
  });

  test('names, ids, receipts and data as long as they may be', async () => {
    await office.send(full('x', { userId: 'long' }));
    for (const [field, longer] of [['event', 'e'.repeat(129)], ['id', 'i'.repeat(129)], ['receipt', `${full('').receipt}r`]]) {
      await refused('send', full('y', { userId: 'long', [field]: longer }), 422, new RegExp(field));
    }
    const lines = `${'x'.repeat(4 * KIB - 1)}\n`.repeat(16);
    await office.send({ event: 'data', data: lines, userId: `u${IDS - 1}` });
    assert.equal((await reader.count('data', 1))[0].data, lines);
    await refused('send', { event: 'data', data: `${lines}x`, all: true }, 413, /65537 bytes.*65536/);
  });

  // Go's bufio.Scanner stops at lines of 64 KiB.
  test('no line is longer than 60 KiB, unless the setting says so', async () => {
    const LINE = 60 * KIB;
    const receiver = await page.connect({ userId: 'lines' });
    const lengths = [];
    let rest = '';
    receiver.stream.on('data', (text) => {
      const whole = (rest + text).split('\n');
      rest = whole.pop();
      lengths.push(...whole.map(({ length }) => length));
    });
    const message = (data) => ({ event: 'data', data, userId: 'lines' });
    const values = [
      'x'.repeat(LINE), `${'x'.repeat(LINE)}\ny`, Array(32 * KIB - 1).fill(7), { a: 'x'.repeat(LINE - 2), b: [1, 2] },
      ['x'.repeat(LINE - 2)], many(500, (n) => ({ n, text: `,{"${n}":[]}\\`.repeat(5) })), [['"'.repeat(20 * KIB)], '\\'.repeat(10 * KIB)],
    ];
    await office.send(values.map(message));
    await office.send(values.map((data) => ({ ...message(data), userId: 'lines later', qos: 1 })));
    const come = await receiver.count('data', values.length);
    assert.deepEqual(come.map(({ data }, n) => (typeof values[n] === 'string' ? data : JSON.parse(data))), values);
    assert.ok(Math.max(...lengths) <= LINE + 'data:'.length, `${Math.max(...lengths)}`);
    const late = await page.connect({ userId: 'lines later' });
    assert.deepEqual((await late.count('data', values.length)).map(({ data }) => data), come.map(({ data }) => data));
    for (const data of ['x'.repeat(LINE + 1), `y\n${'x'.repeat(LINE + 1)}`, ['x'.repeat(LINE - 1)], { ['x'.repeat(LINE - 1)]: 1 }]) {
      await refused('send', message(data), 413, /61441 bytes.*61440.*lineBytes/);
    }
    await office.client.postJson('/sse/large/send', message('x'.repeat(64 * KIB)), office.authorized)
      .then((answer) => assert.equal(answer.status, 200, answer.text));
  });

  test('a body as long as it may be', async () => {
    const body = (length) => JSON.stringify({ event: 'tick', userId: 'x', data: '' }).padEnd(length);
    assert.equal((await office.post('send', body(KIB * KIB))).status, 200);
    await refused('send', body(KIB * KIB + 1), 413, /1048576 bytes/);
  });

  test('what pages say in lists', async () => {
    const connectionId = reader.id;
    const post = (path, body) => page.postJson(`/sse/demo/connect/${path}.do`, { connectionId, ...body });
    for (const [path, field, name] of [['addListener', 'listener', 'l'], ['subscribe', 'channel', 'c']]) {
      const answer = await post(path, { [field]: many(100, (n) => `${name}${n}`.padEnd(128, 'x')) });
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await post(path, { [field]: ['one more'] })).status, 422);
    }
    assert.deepEqual((await post('ack', { ids: many(1000, (n) => `${n}`.padEnd(128, 'i')) })).data, { count: 0 });
    assert.equal((await post('ack', { ids: many(1001, (n) => `${n}`) })).status, 422);
  });
});
