// SPDX-License-Identifier: Apache-2.0
// Pages that come back with the id of the last event that they have seen: they get what they have
// missed, or are told that they cannot have it.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { cutSocket } from './support/cut_socket.mjs';
import { newHost } from './support/host.mjs';
import { Random, newSeed } from './support/random.mjs';
import {
  CONTINUATION, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, block, frame, rawSession, requestFields,
} from './support/raw_h2.mjs';
import { startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

describe('pages that are cut off 1000 times', () => {
  const CUTS = 250; // of each page
  const PAGES = 4; // at once, since a cut is mostly waiting
  const LONGEST_LIFE = 32 * 1024; // octets of HTTP/2
  const PUBLISHERS = 2;
  const AHEAD = 2000; // events that a publisher is ahead of a page at the most

  class CutPage extends EventEmitter {
    received = Array.from({ length: PUBLISHERS }, () => []);
    others = [];

    constructor(server, number, random) {
      super();
      Object.assign(this, { server, random });
      this.parameters = { userId: 'cut', channel: 'news', clientId: `cut-${number}` };
    }

    #take({ event, data, id }) {
      this.lastId = id ?? this.lastId;
      if (event === 'tick') {
        const { from, n } = JSON.parse(data);
        this.received[from].push(n);
        this.emit('tick');
      } else if (event !== 'connect-finish') {
        this.others.push(event);
      }
    }

    #open(client) {
      return client.connect(this.parameters, { lastId: this.lastId, onEvent: (event) => this.#take(event) });
    }

    // Until the connection ends: after so many octets.
    async #live(octets) {
      const socket = await cutSocket(this.server, octets);
      const closed = once(socket, 'close');
      const client = await connect(this.server.origin, { createConnection: () => socket });
      this.#open(client).catch(() => {});
      await within('the cut', closed);
      await client.close();
    }

    // From where it hears everything from then on.
    async start() {
      const client = await connect(this.server.origin);
      await this.#open(client);
      await client.close();
    }

    // At the end it stays.
    async run() {
      for (let cut = 0; cut < CUTS; cut++) {
        await this.#live(this.random.magnitude(LONGEST_LIFE));
      }
      this.client = await connect(this.server.origin);
      this.reader = await this.#open(this.client);
    }
  }

  // Sends to the pages in every way, and to somebody else, as fast as it is answered; stays within
  // what the history keeps.
  class Publisher {
    sent = [];
    isDone = false;

    constructor(office, pages, number, random) {
      Object.assign(this, { office, pages, number, random });
    }

    #message(n) {
      const [isForPages, target] = this.random.pick([
        [true, { userId: 'cut' }], [true, { channel: ['news', 'weather'] }], [true, { all: true }],
        [false, { userId: 'other' }], [false, { channel: 'weather' }],
      ]);
      if (isForPages) {
        this.sent.push(n);
      }
      const text = 'ü'.repeat(this.random.magnitude(300));
      return { event: 'tick', data: { from: this.number, n, text }, ...target };
    }

    async #waitForPages(n) {
      for (const page of this.pages) {
        while (n - (page.received[this.number].at(-1) ?? 0) > AHEAD) {
          await once(page, 'tick');
        }
      }
    }

    async run() {
      for (let n = 0; !this.isDone;) {
        const batch = Array.from({ length: this.random.magnitude(50) }, () => this.#message(n++));
        await this.office.send(batch);
        await this.#waitForPages(n);
      }
    }
  }

  const many = (length, make) => Promise.all(Array.from({ length }, (_, number) => make(number)));

  test('have the whole sequence, once and in order', async (t) => {
    const seed = newSeed();
    t.diagnostic(`SEED=${seed}`);
    const random = new Random(seed);
    const fork = () => new Random(random.below(2 ** 31));
    const server = await startServer();
    const pages = await many(PAGES, async (number) => new CutPage(server, number, fork()));
    await Promise.all(pages.map((page) => page.start()));
    const publishers = await many(PUBLISHERS, async (number) =>
      new Publisher(await backend(server), pages, number, fork()));

    const publishing = publishers.map((publisher) => publisher.run());
    await Promise.all(pages.map((page) => page.run()));
    publishers.forEach((publisher) => {
      publisher.isDone = true;
    });
    await Promise.all(publishing);
    await publishers[0].office.send({ event: 'last', data: 0, userId: 'cut' });
    await Promise.all(pages.map(({ reader }) => reader.count('last', 1)));

    for (const page of pages) {
      for (const { number, sent } of publishers) {
        const received = page.received[number];
        const wrong = sent.findIndex((n, i) => received[i] !== n);
        assert.equal(wrong, -1, `after ${sent[wrong - 1]}: ${received.slice(wrong, wrong + 5)}`);
        assert.equal(received.length, sent.length);
      }
      assert.deepEqual(page.others, ['last']);
    }
    const clients = [...pages.map(({ client }) => client), ...publishers.map(({ office }) => office)];
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
  });
});

describe('a page that comes back', () => {
  const HISTORY = 20;
  let host;
  let office;
  let page;

  before(async () => {
    host = await newHost({ variables: { SSE_SERVER_SERVICES_0_HISTORY_EVENTS: String(HISTORY) } });
    await host.start();
    office = await backend(host.server);
    page = await connect(host.server.origin);
  });
  after(async () => {
    await page.close();
    await office.close();
    await host.close();
  });

  const numbers = (reader) => reader.named('tick').map(({ data }) => Number(data));

  async function send(from, to, target = { userId: 'ann' }) {
    const ticks = Array.from({ length: to - from + 1 }, (_, i) => ({ event: 'tick', data: from + i, ...target }));
    return office.send(ticks);
  }

  // What it gets until it has caught up: events, the gap that it is told of.
  async function comeBack(lastId, { query = {}, userId = 'ann' } = {}) {
    const reader = await page.connect({ userId, ...query }, { lastId });
    await office.send({ event: 'fence', data: 0, connectionId: reader.id });
    await reader.count('fence', 1);
    const names = reader.events.map(({ event }) => event);
    const [gap] = reader.named('sse-gap');
    await reader.close();
    return { reader, names, numbers: numbers(reader), gap, told: gap && JSON.parse(gap.data) };
  }

  test('gets what it has missed, before anything new', async () => {
    const before = await page.connect({ userId: 'ann' });
    await send(1, 3);
    await before.count('tick', 3);
    await before.close();
    // The office's session is another one: its send may overtake the close.
    await eventually('the page to be gone', async () => await office.metric('sse_server_connections') === 0);
    const [, , answer] = await send(4, 6);
    assert.equal(answer.count, 0);
    const back = await comeBack(before.lastId);
    assert.deepEqual(back.numbers, [4, 5, 6]);
    assert.deepEqual(back.names, ['connect-finish', 'tick', 'tick', 'tick', 'fence']);
    assert.deepEqual((await comeBack(answer.id)).numbers, []);
  });

  test('gets all that came after connect-finish, when that is all that it has seen', async () => {
    const before = await page.connect({ userId: 'ann' });
    await before.close();
    await send(1, 2);
    assert.deepEqual((await comeBack(before.lastId)).numbers, [1, 2]);
  });

  test('may show the id as a query parameter', async () => {
    const before = await page.connect({ userId: 'ann' });
    await before.close();
    await send(1, 2);
    const back = await comeBack(undefined, { query: { lastEventId: before.lastId } });
    assert.deepEqual(back.numbers, [1, 2]);
  });

  test('gets only what is for it, by its channels and its listeners', async () => {
    const query = { channel: 'red', listeners: 'tick' };
    const before = await page.connect({ userId: 'ann', ...query });
    await before.close();
    await send(1, 1, { channel: 'red' });
    await send(2, 2, { channel: 'blue' });
    await send(3, 3, { userId: 'bob' });
    await send(4, 4, { all: true, listening: true });
    await send(5, 5, { connectionId: before.id });
    await office.send({ event: 'unheard', data: 6, all: true, listening: true });
    const back = await comeBack(before.lastId, { query });
    assert.deepEqual(back.numbers, [1, 4]);
    assert.ok(!back.names.includes('unheard'));
  });

  test('too late is told so, and gets what is still there', async () => {
    const before = await page.connect({ userId: 'ann' });
    await before.close();
    await send(1, HISTORY + 10);
    const back = await comeBack(before.lastId);
    assert.equal(back.told.from, before.lastId);
    assert.equal(back.told.reason, 'too-old');
    assert.equal(back.told.to, back.gap.id);
    assert.deepEqual(back.names.slice(0, 2), ['connect-finish', 'sse-gap']);
    assert.deepEqual(back.numbers, Array.from({ length: HISTORY }, (_, i) => i + 11));
  });

  test('gets all, however many others were sent away meanwhile', async () => {
    const before = await page.connect({ userId: 'ann' });
    await before.close();
    for (let i = 1; i <= 3; i++) {
      await send(i, i);
      await Promise.all(Array.from({ length: 10 * HISTORY }, () => office.command('disconnectUser',
        { userId: 'nobody', revoke: false })));
    }
    const back = await comeBack(before.lastId);
    assert.equal(back.gap, undefined);
    assert.deepEqual(back.numbers, [1, 2, 3]);
  });

  test('that is cut off before it is told of a gap, is told when it comes back', async () => {
    const before = await page.connect({ userId: 'ann' });
    await before.close();
    await send(1, HISTORY + 1);
    const told = await page.connect({ userId: 'ann' }, { lastId: before.lastId });
    await told.count('tick', HISTORY);
    const [finish, gap] = told.events;
    await told.close();

    const cut = await page.connect({ userId: 'ann' }, { lastId: finish.id });
    assert.equal((await cut.next('sse-gap')).reason, 'too-old');
    await cut.close();
    const after = await page.connect({ userId: 'ann' }, { lastId: gap.id });
    await after.count('tick', HISTORY);
    assert.deepEqual(numbers(after), numbers(told));
    assert.deepEqual(after.named('sse-gap'), []);
    await after.close();
  });

  test('with an id that nobody gave is told so', async () => {
    const back = await comeBack('never-given');
    assert.deepEqual(back.told, { from: 'never-given', to: back.gap.id, reason: 'unknown-id' });
    assert.equal((await comeBack(back.gap.id)).gap, undefined);
  });

  // Every way to be addressed, of which the page may have had the event, and has it no longer.
  for (const [what, target] of [
    ['its connection', (reader) => ({ connectionId: reader.id })],
    ['a channel that it has left', () => ({ channel: 'room1' })],
    ['listeners that it has no more', () => ({ userId: 'ann', listening: true })],
    ['everybody', () => ({ all: true })],
  ]) {
    for (const id of [undefined, `to ${what}`]) {
      test(`whose last event went to ${what} goes on there, ${id ? "with a sender's id" : 'with our id'}`, async () => {
        const before = await page.connect({ userId: 'ann', channel: 'room1', listeners: 'tick' });
        await office.send({ event: 'tick', data: 1, id, ...target(before) });
        await before.count('tick', 1);
        await before.close();
        await send(2, 3);
        const back = await comeBack(before.lastId, { query: { channel: 'room2' } });
        assert.equal(back.gap, undefined);
        assert.deepEqual(back.numbers, [2, 3]);
      });
    }
  }

  test('as another user, with an id of ours, goes on there, and gets nothing of others', async () => {
    const [{ id }] = await send(1, 1, { userId: 'bob' });
    await send(2, 2);
    await send(3, 3, { userId: 'bob' });
    const back = await comeBack(id);
    assert.equal(back.gap, undefined);
    assert.deepEqual(back.numbers, [2]);
  });

  test('with an id that a sender gave to another user learns nothing from the answer', async () => {
    const { id } = await office.send({ event: 'tick', data: 1, userId: 'bob', id: 'order-of-bob' });
    await send(2, 2);
    const others = await comeBack(id);
    const unknown = await comeBack('never-given-either');
    assert.deepEqual(others.told, { from: id, to: others.gap.id, reason: 'unknown-id' });
    assert.deepEqual(others.names, unknown.names);
    assert.deepEqual(others.numbers, []);
  });

  for (const id of [undefined, "the sender's"]) {
    test(`is told of no gap when what is gone was for others, ${id ? "with a sender's id" : 'with our id'}`, async () => {
      const query = { channel: 'room1' };
      const before = await page.connect({ userId: 'ann', ...query });
      await office.send({ event: 'tick', data: 1, id, userId: 'ann' });
      await before.count('tick', 1);
      await before.close();
      await send(2, HISTORY - 5, { userId: 'bob' });
      await send(2, 11, { channel: 'room2' });
      await send(12, 12);
      const back = await comeBack(before.lastId, { query });
      assert.equal(back.gap, undefined);
      assert.deepEqual(back.numbers, [12]);
      assert.equal((await comeBack(before.events[0].id, { query })).told.reason, 'too-old');

      await send(1, HISTORY, { channel: 'room2' });
      const told = await comeBack(before.lastId, { query });
      assert.equal(told.told.reason, 'too-old');
      assert.deepEqual(told.numbers, []);
    });
  }

  for (const [what, make] of [
    ['a position that is yet to come', (id) => id.replace(/p[^p]+$/, 'pffffff')],
    ['a position beyond all numbers', (id) => id.replace(/p[^p]+$/, `p${'f'.repeat(30)}`)],
    ['a position that is none', (id) => id.replace(/p[^p]+$/, 'p-1')],
  ]) {
    test(`with ${what} is told of a gap, and goes on from now`, async () => {
      const before = await page.connect({ userId: 'ann' });
      await before.close();
      await send(1, 1);
      const id = make(before.lastId);
      assert.notEqual(id, before.lastId);
      const back = await comeBack(id);
      assert.equal(back.told.from, id);
      assert.equal(back.told.reason, 'unknown-id');
      assert.deepEqual(back.numbers, []);
    });
  }

  test('with text that is no id is refused or told of a gap, and everything goes on', async () => {
    const texts = ['\0', 'a\0b', 'a\x01b', 'a\nb', 'x'.repeat(3000), '%', 'ü'.repeat(100), '"},{"'];
    for (const text of texts) {
      const reader = await page.connect({ userId: 'ann', lastEventId: text });
      if (reader.status === 200) {
        const { reason, from } = await reader.next('sse-gap');
        assert.equal(reason, 'unknown-id');
        assert.ok(from === null || from === text, `${text} became ${from}`);
        await reader.close();
      } else {
        assert.ok([400, 414, 422].includes(reader.status), `${reader.status} for ${JSON.stringify(text)}`);
      }
    }
    assert.deepEqual((await comeBack(undefined)).names, ['connect-finish', 'fence']);
  });

  test('with an id of 1 MiB is refused', async () => {
    const id = 'x'.repeat(1 << 20);
    const raw = await rawSession(host.server);
    const fields = block(requestFields('GET', '/sse/demo/connect?userId=ann', [['last-event-id', id]]));
    await raw.flood(Math.ceil(fields.length / 16384), (n) => {
      const part = fields.subarray(n * 16384, (n + 1) * 16384);
      return frame(n === 0 ? HEADERS : CONTINUATION, part.length < 16384 ? END_HEADERS : 0, 1, part);
    });
    await raw.ending();
    const answer = await page.get(`/sse/demo/connect?userId=ann&lastEventId=${id.slice(0, 20_000)}`);
    assert.ok([414, 431].includes(answer.status), answer.text);
  });

  test('with octets in the field that no field may have is refused', async () => {
    for (const octet of ['\0', '\n', '\r', '\x01']) {
      const raw = await rawSession(host.server);
      const fields = requestFields('GET', '/sse/demo/connect?userId=ann', [['last-event-id', `a${octet}b`]]);
      raw.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields)));
      const { type, payload } = await raw.saw('a refusal', ({ type, stream }) => stream === 1
        && (type === RST_STREAM || type === HEADERS));
      assert.ok(type === RST_STREAM || !payload.includes('200'), 'a stream was opened');
      await raw.close();
    }
    assert.equal((await page.get('/health/live')).status, 200);
  });

  // The last one: it ends this life of the server.
  test('after the server has died is told that it was another life', async () => {
    const before = await page.connect({ userId: 'ann' });
    await send(1, 1);
    await before.count('tick', 1);
    const position = before.events[0].id;
    await Promise.all([page.close(), office.close()]);
    await host.crash();
    office = await backend(host.server);
    page = await connect(host.server.origin);
    await send(2, 3);
    for (const old of [before.lastId, position]) {
      const back = await comeBack(old);
      assert.deepEqual(back.told, { from: old, to: back.gap.id, reason: 'epoch' });
      assert.deepEqual(back.names.slice(0, 2), ['connect-finish', 'sse-gap']);
      assert.deepEqual(back.numbers, [2, 3]);
      assert.equal(back.reader.events[0].id, old);
    }
  });
});

test('a service that keeps no history tells each page that comes back of a gap', async () => {
  const server = await startServer({ variables: { SSE_SERVER_SERVICES_0_HISTORY_EVENTS: '0' } });
  const office = await backend(server);
  const page = await connect(server.origin);
  const before = await page.connect({ userId: 'ann' });
  await before.close();
  assert.equal((await page.connect({ userId: 'ann' }, { lastId: before.lastId })).named('sse-gap').length, 0);
  const { id } = await office.send({ event: 'tick', data: 1, userId: 'ann' });
  for (const lastId of [id, before.lastId]) {
    const reader = await page.connect({ userId: 'ann' }, { lastId });
    await reader.next('sse-gap');
    assert.deepEqual(reader.named('tick'), []);
  }
  await Promise.all([page.close(), office.close()]);
  await server.stop();
});
