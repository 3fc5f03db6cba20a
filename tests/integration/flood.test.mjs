// SPDX-License-Identifier: Apache-2.0
// Clients that make the server work for nothing: each is let go at its limit and counted, while
// others go on, and in the end nothing of theirs is left. Time stands still unless a case needs it: a
// flood that is slow on a slow machine must not meet a time limit first.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import {
  ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, PRIORITY,
  RST_STREAM, SETTINGS, block, field, frame, rawSession, request, requestFields, reset, settings, windowUpdate,
} from './support/raw_h2.mjs';
import { startServer } from './support/server.mjs';
import { waysIn } from './support/ways_in.mjs';
import { eventually } from './support/wait.mjs';

const EVENTS = '/sse/demo/connect?userId=raw';
const MESSAGE = '/sse/demo/connect/message/x.do?userId=raw';
const PROTOCOL_ERROR = 1;
const MANY = 20_000; // far more than any limit lets by

let server;
let office;
let page;
let stream;

before(async () => {
  server = await startServer({
    stopped: true,
    variables: {
      SSE_SERVER_LIMITS_HEADERS_TIMEOUT: '300ms',
      SSE_SERVER_LIMITS_SETTINGS_ACK_TIMEOUT: '1s',
      SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: '1s',
    },
  });
  office = await backend(server);
  page = await connect(server.origin);
  stream = await page.connect({ userId: 'bystander' });
});

after(async () => {
  await page.close();
  await office.close();
  await server.stop();
});

// Whatever a client did: the others go on, and only they are left.
async function leavesNothing() {
  assert.equal((await office.send({ event: 'still', data: 1, userId: 'bystander' })).count, 1);
  await stream.next('still');
  await eventually('sessions and streams to be gone', async () => (
    await office.metric('sse_server_sessions') === 2 // office and page
    && await office.metric('sse_server_streams') === 2 // the event stream and this query
    && await office.metric('sse_server_connections') === 1
    && await office.metric('sse_server_queued_bytes') === 0));
}

// What was still on its way when the server closed makes its kernel reset the connection, and then
// the GOAWAY may not be read any more.
async function endsWith(session, code) {
  assert.ok([code, undefined].includes(await session.ending()));
}

const id = (n) => 2 * n + 1;
const openBody = (n, fields = []) => request(id(n), 'POST', MESSAGE,
  [['content-type', 'application/json'], ...fields], { endStream: false });

describe('a session ends with ENHANCE_YOUR_CALM', () => {
  const floods = [
    ['streams opened and reset', 'client_reset', (n) => Buffer.concat([request(id(n), 'GET', EVENTS), reset(id(n))])],
    ['PING', 'ping', () => frame(PING, 0, 0, Buffer.alloc(8))],
    ['PING that answers nothing', 'glitch', () => frame(PING, ACK, 0, Buffer.alloc(8))],
    ['SETTINGS', 'settings', (n) => settings({ 4: n % 2 ? 0 : 65535 })],
    ['SETTINGS that acknowledge nothing', 'glitch', () => frame(SETTINGS, ACK, 0)],
    ['PRIORITY', 'glitch', () => frame(PRIORITY, 0, 1, Buffer.from([0, 0, 0, 3, 1]))],
    ['frames of an unknown type', 'glitch', () => frame(0x77, 0, 0)],
    ['empty DATA', 'glitch', (n) => (n === 0 ? openBody(0) : frame(DATA, 0, 1))],
    ['WINDOW_UPDATE of one octet', 'glitch', () => windowUpdate(0, 1)],
    ['WINDOW_UPDATE on a closed stream', 'glitch',
      (n) => (n === 0 ? Buffer.concat([request(1, 'GET', EVENTS), reset(1)]) : windowUpdate(1, 1))],
  ];
  for (const [what, counter, make] of floods) {
    test(`after too many ${what}`, async () => {
      const name = `sse_server_${counter}_floods_total`;
      const counted = await office.metric(name);
      const session = await rawSession(server);
      await session.flood(MANY, make);
      await endsWith(session, ENHANCE_YOUR_CALM);
      assert.ok(await office.metric(name) > counted, 'it is counted');
      await leavesNothing();
    });
  }

  test('after 17 entries in one SETTINGS', async () => {
    const session = await rawSession(server);
    session.write(frame(SETTINGS, 0, 0, Buffer.concat(Array(17).fill(Buffer.from([0, 4, 0, 0, 0xff, 0xff])))));
    await endsWith(session, ENHANCE_YOUR_CALM);
    await leavesNothing();
  });
});

describe('a session that makes the server reset its streams ends', () => {
  const families = [
    ['by a window that overflows', (n) => Buffer.concat([openBody(n), windowUpdate(id(n), 0x7fffffff)])],
    ['by a window update of nothing', (n) => Buffer.concat([openBody(n), windowUpdate(id(n), 0)])],
    ['by less than its content-length', (n) => Buffer.concat(
      [openBody(n, [['content-length', '10']]), frame(DATA, END_STREAM, id(n), Buffer.from('short'))])],
    ['by more than its content-length', (n) => Buffer.concat(
      [openBody(n, [['content-length', '2']]), frame(DATA, 0, id(n), Buffer.from('longer'))])],
    ['by trailers that are none', (n) => Buffer.concat(
      [openBody(n), frame(HEADERS, END_HEADERS | END_STREAM, id(n), block([[':path', '/']]))])],
    ['by a field with capitals', (n) => request(id(n), 'GET', EVENTS, [['Upper', 'x']])],
    ['by a request without a path', (n) => frame(HEADERS, END_HEADERS | END_STREAM, id(n), block([[':method', 'GET']]))],
    ['by more streams than it may open', (n) => openBody(n)],
  ];
  for (const [what, make] of families) {
    test(what, async () => {
      const session = await rawSession(server);
      await session.flood(MANY, make);
      await session.ending();
      await leavesNothing();
    });
  }

  test('also one at a time, with ENHANCE_YOUR_CALM', async () => {
    const counted = await office.metric('sse_server_server_reset_floods_total');
    const session = await rawSession(server);
    for (let n = 0; n < 1000 && !session.closed; n++) {
      session.write(openBody(n), windowUpdate(id(n), 0x7fffffff));
      await session.saw('a reset or the end', ({ type, stream: on }) => type === GOAWAY
        || (type === RST_STREAM && on === id(n))).catch(() => {});
    }
    await endsWith(session, ENHANCE_YOUR_CALM);
    assert.ok(await office.metric('sse_server_server_reset_floods_total') > counted);
    await leavesNothing();
  });

  test('by one SETTINGS that makes all windows overflow', async () => {
    const session = await rawSession(server);
    await session.flood(20, (round) => Buffer.concat([
      ...Array.from({ length: 30 }, (_, n) => {
        const nth = round * 30 + n;
        return Buffer.concat([openBody(nth), windowUpdate(id(nth), 0x7fffffff - 65535)]);
      }),
      settings({ 4: 65536 }), settings({ 4: 65535 })]));
    await session.ending();
    await leavesNothing();
  });
});

describe('header blocks', () => {
  const begin = block(requestFields('GET', '/sse/demo'));

  test('in too many CONTINUATION frames end the session', async () => {
    const session = await rawSession(server);
    session.write(frame(HEADERS, END_STREAM, 1, begin));
    await session.flood(MANY, () => frame(CONTINUATION, 0, 1, field('a', 'b')));
    await endsWith(session, PROTOCOL_ERROR);
    await leavesNothing();
  });

  test('that are never finished end the session', async () => {
    const session = await rawSession(server);
    session.write(frame(HEADERS, END_STREAM, 1, begin));
    await server.meanwhile(endsWith(session, ENHANCE_YOUR_CALM));
    assert.ok(await office.metric('sse_server_header_timeouts_total') >= 1);
    await leavesNothing();
  });

  for (const [what, seed] of [['a long field', field('x-long', 'y'.repeat(3900), { indexed: true })],
    ['a crumb of a cookie', field('cookie', 'a=b', { indexed: true })]]) {
    test(`that name ${what} thousands of times are answered with 431, and end the session`, async () => {
      const session = await rawSession(server);
      const bomb = Buffer.alloc(16384 - begin.length - seed.length, 0xbe); // the table's newest entry
      session.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([begin, seed, bomb])));
      await session.answered(1);
      await endsWith(session, ENHANCE_YOUR_CALM);
      await leavesNothing();
    });

    test(`that name ${what} 150 times are answered with 431, and the third ends the session`, async () => {
      const session = await rawSession(server);
      const counted = await office.metric('sse_server_header_floods_total');
      const many = Buffer.concat([begin, field('cookie', 'a=b', { indexed: true }), Buffer.alloc(150, 0xbe)]);
      for (const on of [1, 3, 5]) {
        session.write(frame(HEADERS, END_HEADERS | END_STREAM, on, many));
        await session.answered(on);
      }
      await endsWith(session, ENHANCE_YOUR_CALM);
      assert.equal(await office.metric('sse_server_header_floods_total'), counted);
      await leavesNothing();
    });
  }
});

// What a decoder costs is bounded by every way in, also where nghttp2 decodes and tells nobody.
describe('a client that floods is let go', () => {
  for (const { what, counter, session: options, begin, make } of waysIn.filter(({ drains }) => !drains)) {
    test(what, async () => {
      const name = `sse_server_${counter}_total`;
      const counted = counter && await office.metric(name);
      const session = await rawSession(server, options);
      await begin?.(session);
      await session.flood(MANY, make);
      await session.ending();
      if (counter) {
        assert.ok(await office.metric(name) > counted, `${name} counts it`);
      }
      await leavesNothing();
    });
  }

  for (const { what, begin, make } of waysIn.filter(({ drains }) => drains)) {
    test(what, async () => {
      const draining = await startServer({ variables: { SSE_SERVER_DRAIN_TIME: '1h', SSE_SERVER_WORKERS: '1' } });
      try {
        const watcher = await connect(draining.origin);
        const watched = await watcher.connect({ userId: 'bystander' });
        const session = await rawSession(draining);
        await begin(session);
        draining.signal('SIGTERM');
        await session.saw('GOAWAY', ({ type }) => type === GOAWAY);
        await session.flood(MANY, make);
        await session.ending();
        await watched.close();
        await watcher.close();
      } finally {
        await draining.stop();
      }
    });
  }
});

describe('a malformed request costs its own stream and nothing else', () => {
  for (const [what, make] of [
    ['a field with capitals', () => request(3, 'GET', EVENTS, [['Upper', 'x']])],
    ['no path', () => frame(HEADERS, END_HEADERS | END_STREAM, 3, block([[':method', 'GET']]))],
    ['two paths', () => request(3, 'GET', EVENTS, [[':path', '/']])],
    ['a field of the connection', () => request(3, 'GET', EVENTS, [['connection', 'close']])],
    ['te: gzip', () => request(3, 'GET', EVENTS, [['te', 'gzip']])],
    ['trailers that are none', () => Buffer.concat([openBody(1),
      frame(HEADERS, END_HEADERS | END_STREAM, 3, block([[':path', '/']]))])],
  ]) {
    test(what, async () => {
      const session = await rawSession(server);
      session.write(request(1, 'GET', EVENTS));
      await session.answered(1);
      session.write(make());
      await session.saw('the reset', ({ type, stream: on }) => type === RST_STREAM && on === 3);
      // Longer than a header block may take.
      await server.meanwhile(
        session.saw('a comment', ({ type, payload }) => type === DATA && payload.toString().startsWith(':')));
      session.write(request(5, 'GET', '/health/live'));
      await session.answered(5);
      await session.close();
      await leavesNothing();
    });
  }
});

test('bodies that are never finished take a bounded share of the memory', async () => {
  const client = await connect(server.origin);
  const bodies = Array.from({ length: 90 }, () => {
    const body = client.open('POST', MESSAGE, { 'content-type': 'application/json' });
    body.on('error', () => {});
    body.write(' '.repeat(200 * 1024)); // 18 MB in all
    return body;
  });
  const refused = await Promise.race(bodies.map(async (body) => (await once(body, 'response'))[0]));
  assert.equal(refused[':status'], 429);
  assert.ok(await office.metric('sse_server_body_floods_total') > 0);

  bodies.forEach((body) => body.close(CANCEL)); // what was held is free again
  assert.equal((await client.postJson(MESSAGE, { text: 'x'.repeat(500 * 1024) })).status, 200);
  await client.close();
  await leavesNothing();
});

test('a client that never acknowledges SETTINGS is let go', async () => {
  const session = await rawSession(server, { acknowledge: false });
  await server.meanwhile(endsWith(session, 4)); // SETTINGS_TIMEOUT
  assert.ok(await office.metric('sse_server_settings_ack_timeouts_total') >= 1);
  await leavesNothing();
});

test('streams beyond the limit are refused before the limit is acknowledged', async () => {
  const session = await rawSession(server, { acknowledge: false });
  for (let n = 0; n <= 100; n++) {
    session.write(openBody(n));
  }
  const { stream: refused, payload } = await session.saw('a refusal', ({ type }) => type === RST_STREAM);
  assert.equal(refused, id(100));
  assert.equal(payload.readUInt32BE(0), 7); // REFUSED_STREAM
  await session.close();
  await leavesNothing();
});
