// SPDX-License-Identifier: Apache-2.0
// A stop, step by step: readiness, connections that are still let in, GOAWAY, the ends of event
// streams and when their pages are to come back; and that it ends, whoever does not help.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect, readAnswer } from './support/client.mjs';
import { endWithFile } from './support/leftovers.mjs';
import { BOUNDARY, MULTIPART } from './support/multipart.mjs';
import { ACK, frame, GOAWAY, HEADERS, PING, rawSession, request } from './support/raw_h2.mjs';
import { KEY, serverBinary, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';

const NOBODY_LESS = 0x7fffffff;

function start({ notice = '0', spread = '0', time = '1h', ...options }) {
  return startServer({
    ...options,
    variables: {
      SSE_SERVER_STOP_NOTICE: notice,
      SSE_SERVER_DRAIN_SPREAD: spread,
      SSE_SERVER_DRAIN_TIME: time,
      ...options.variables,
    },
  });
}

// All workers know it, once the clock has moved.
async function told(server, name = 'SIGTERM') {
  server.signal(name);
  await server.saw('that it drains', (text) => / draining stop_notice_ms=/.test(text));
}

test('while it gives notice, readiness fails and all else goes on', async () => {
  const server = await start({ notice: '10s', spread: '1s', time: '20s', stopped: true });
  const office = await backend(server);
  const page = await connect(server.origin);
  const before = await page.connect({ userId: '1' });
  await told(server);
  await server.advance(9000);

  const late = await connect(server.origin);
  const ready = await late.get('/health/ready');
  assert.equal(ready.status, 503);
  assert.equal(ready.json.success, false);
  assert.equal((await late.get('/health/live')).status, 200);
  const behind = await late.connect({ userId: '2', reasons: 'true' });
  assert.equal((await office.send({ event: 'tick', data: 1, all: true })).count, 2);
  for (const stream of [before, behind]) {
    assert.equal(stream.named('connect-close').length, 0);
  }
  assert.equal(late.session.closed, false, 'no GOAWAY yet');

  await server.advance(3000);
  assert.equal((await behind.next('connect-close')).reason, 'drain');
  await before.end();
  assert.equal(before.named('connect-close').length, 0, 'it would stay away');
  assert.ok(Number(before.retry) > 0 && before.retry !== '5000', `retry: ${before.retry}`);
  await Promise.all([page.close(), late.close(), office.close()]);
  await goesOut(server);
});

const pinged = ({ session }) => new Promise((resolve) => { session.ping(resolve); });

// Time goes on, and it ends by itself.
async function goesOut(server, status = { code: 0, signal: null }) {
  await server.startClock();
  assert.deepEqual(await server.exit(), status);
  await server.stop();
}

// How many of the times lie in each second.
function perSecond(times, seconds) {
  const counts = Array(seconds).fill(0);
  for (const time of times) {
    counts[Math.min(seconds - 1, Math.floor(time / 1000))] += 1;
  }
  return counts;
}

test('event streams end over the span, and their pages come back as spread behind it', async () => {
  const SECONDS = 6;
  const PAGES = 120;
  const server = await start({ spread: `${SECONDS}s`, time: '20s', stopped: true });
  const sessions = await Promise.all(Array.from({ length: 6 }, () => connect(server.origin)));
  const fence = await connect(server.origin);
  const unfinished = fence.open('POST', '/sse/demo/connect/message/a.do?userId=fence', { 'content-type': 'application/json' });
  unfinished.on('error', () => {});
  const ends = new Map(); // page → [ms, wait]
  let now = 0;
  const streams = await Promise.all(Array.from({ length: PAGES }, (_, n) => sessions[n % 6].connect({ userId: `u${n}`, reasons: 'true' }, {
    onEvent: ({ event, data, retry }) => {
      if (event === 'connect-close') {
        const { reason, reconnect } = JSON.parse(data);
        assert.equal(reason, 'drain');
        assert.equal(Number(retry), reconnect);
        assert.ok(!ends.has(n));
        ends.set(n, [now, reconnect]);
      }
    },
  })));
  await told(server);
  while (now < SECONDS * 1000 + 400) {
    now += 100;
    await server.advance(100);
    await pinged(fence); // what was written before has been read
    await pinged(fence);
  }
  await Promise.all(streams.map((stream) => stream.end()));
  assert.equal(ends.size, PAGES);
  const most = PAGES / SECONDS * 1.5;
  const times = [...ends.values()];
  for (const count of perSecond(times.map(([at]) => Math.max(0, at - 200)), SECONDS)) {
    assert.ok(count <= most, `${count} of ${PAGES} end in one second`);
  }
  const returns = times.map(([at, wait]) => at + wait - SECONDS * 1000 - 2000);
  assert.ok(Math.min(...returns) >= -500, 'none comes back before the last has gone');
  for (const count of perSecond(returns.map((at) => Math.max(0, at)), SECONDS)) {
    assert.ok(count <= most, `${count} of ${PAGES} come back in one second`);
  }
  await Promise.all([...sessions, fence].map((session) => session.close()));
  await goesOut(server);
});

const goaways = (session) => session.frames.filter(({ type }) => type === GOAWAY).map(({ payload }) => payload.readUInt32BE(0));

test('a request that was sent before the GOAWAY was read is answered', async () => {
  const server = await start({});
  const session = await rawSession(server);
  session.write(request(1, 'GET', '/health/live'));
  await session.answered(1);
  await told(server);
  const ping = await session.saw('a PING behind the GOAWAY', ({ type, flags }) => type === PING && !(flags & ACK));
  assert.deepEqual(goaways(session), [NOBODY_LESS]);
  session.write(request(3, 'GET', '/health/live'), frame(PING, ACK, 0, ping.payload), request(5, 'GET', '/health/live'));
  await session.answered(3);
  await session.ending();
  assert.deepEqual(goaways(session), [NOBODY_LESS, 3]);
  assert.ok(!session.frames.some(({ type, stream }) => type === HEADERS && stream === 5), 'what came behind the last GOAWAY is not begun');
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  await server.stop();
});

// A connection of HTTP/1.1 in clear text, and all that it has been sent.
async function plain(server, text) {
  const socket = net.connect({ port: server.port, host: '127.0.0.1' });
  const connection = { socket, text: '', end: once(socket, 'end') };
  socket.setEncoding('utf8').on('data', (data) => { connection.text += data; });
  await once(socket, 'connect');
  socket.write(text);
  return connection;
}

test('by HTTP/1.1 a request in flight is answered, an event stream ends whole, and idle connections close', async () => {
  const server = await start({ listen: 'http://127.0.0.1:0' });
  const body = JSON.stringify({ event: 'note', data: 1, all: true });
  const idle = await plain(server, 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
  const page = await plain(server, 'GET /sse/demo/connect?userId=1&reasons=true HTTP/1.1\r\nHost: x\r\n\r\n');
  const sender = await plain(server, `POST /sse/demo/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n`
    + `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`);
  await eventually('an answer', () => idle.text.includes('HTTP/1.1 200 '));
  await eventually('a stream', () => page.text.includes('connect-finish'));
  await eventually('the request to have begun', () => sender.text.startsWith('HTTP/1.1 100 '));
  assert.doesNotMatch(idle.text, /^connection: close/im);
  await told(server);
  await within('the idle connection and the page to end', Promise.all([idle.end, page.end]));
  assert.match(page.text, /"reason":"drain"/);
  assert.match(page.text, /\r\n0\r\n\r\n$/, 'the last chunk has come');
  sender.socket.write(body);
  await within('the answer', sender.end);
  const [, answer] = sender.text.split('\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(answer, /^connection: close$/im);
  for (const { socket } of [idle, page, sender]) {
    socket.destroy();
  }
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  await server.stop();
});

test('while it gives notice, connections of HTTP/1.1 end with an answer, and idle ones behind it', async () => {
  const server = await start({ listen: 'http://127.0.0.1:0', notice: '10s', spread: '1s', time: '20s', stopped: true });
  const live = (fields = '') => `GET /health/live HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;
  const [busy, idle] = await Promise.all([plain(server, live()), plain(server, live())]);
  for (const connection of [busy, idle]) {
    await eventually('an answer', () => connection.text.includes('HTTP/1.1 200 '));
  }
  await told(server);
  await server.advance(5000);
  busy.text = '';
  busy.socket.write(live());
  const late = await plain(server, live());
  await within('answers, and their ends', Promise.all([busy.end, late.end]));
  for (const { text } of [busy, late]) {
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.match(text, /^connection: close$/im);
  }
  const page = await plain(server, 'GET /sse/demo/connect?userId=1&reasons=true HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually('a stream', () => page.text.includes('connect-finish'));
  assert.doesNotMatch(idle.text, /^connection: close/im);
  assert.equal(idle.socket.readableEnded, false);
  await server.advance(6000);
  await within('the idle connection to end', idle.end);
  await server.meanwhile(page.end);
  for (const { socket } of [busy, late, idle, page]) {
    socket.destroy();
  }
  await goesOut(server);
});

// What becomes of clients that connect one after the other, until nobody lets them in any more.
async function crowdIn(server, count, outcomes) {
  await Promise.all(Array.from({ length: count }, async () => {
    for (;;) {
      const socket = net.connect({ port: server.port, host: '127.0.0.1' });
      const connected = await once(socket, 'connect').then(() => true, (error) => error.code);
      if (connected !== true) {
        outcomes.refused.add(connected);
        return;
      }
      const session = http2.connect('http://localhost', { createConnection: () => socket });
      session.on('error', (error) => outcomes.errors.push(`session: ${error.code} ${error.message}`));
      const stream = session.request({ ':path': '/health/live' });
      try {
        const { status } = await readAnswer(stream);
        outcomes.answered[status] = (outcomes.answered[status] ?? 0) + 1;
      } catch (error) {
        outcomes.errors.push(`request: ${error.code} ${error.message}`);
      }
      session.destroy();
    }
  }));
}

for (const workers of ['1', '4']) {
  test(`whoever is connected when it stops is answered, ${workers} workers`, async () => {
    const server = await start({ listen: 'http://127.0.0.1:0', variables: { SSE_SERVER_WORKERS: workers } });
    const outcomes = { answered: {}, errors: [], refused: new Set() };
    const crowd = crowdIn(server, 100, outcomes);
    await eventually('a crowd', () => (outcomes.answered[200] ?? 0) > 300);
    server.signal('SIGTERM');
    await within('all to be refused', crowd);
    assert.deepEqual(outcomes.errors, []);
    assert.deepEqual(Object.keys(outcomes.answered), ['200']);
    assert.deepEqual([...outcomes.refused], ['ECONNREFUSED']);
    assert.deepEqual(await server.exit(), { code: 0, signal: null });
    await server.stop();
  });
}

test('the path of a unix socket is gone before the socket is, and who came by it is answered', async () => {
  const server = await startServer({
    config: 'services: [{name: demo, auth: development}]\nlisteners: [{address: "127.0.0.1:0", tls: false}, {address: "unix:/tmp/sse-drain-test-PID.sock", tls: false}]\n'.replace('PID', process.pid),
    variables: { SSE_SERVER_DRAIN_TIME: '1h' },
  });
  const path = `/tmp/sse-drain-test-${process.pid}.sock`;
  const socket = net.connect(path);
  await once(socket, 'connect');
  await told(server);
  await eventually('the path to be gone', () => new Promise((resolve) => {
    const late = net.connect(path).on('error', ({ code }) => resolve(code === 'ENOENT')).on('connect', () => {
      late.destroy();
      resolve(false);
    });
  }));
  const session = http2.connect('http://localhost', { createConnection: () => socket });
  assert.equal((await readAnswer(session.request({ ':path': '/health/live' }))).status, 200);
  session.destroy();
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  await server.stop();
});

// Each keeps a server from ending as long as it is let; it may break off what it has begun.
const hindrances = {
  'an upload whose client has stopped': async (server) => {
    const client = await connect(server.origin);
    const upload = client.open('POST', '/sse/demo/connect/upload/a.do?userId=1', { 'content-type': MULTIPART });
    upload.on('error', () => {});
    upload.write(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nhalf`);
    await client.get('/health/live');
  },
  'a client that does not read': async (server) => {
    const session = await rawSession(server);
    session.write(request(1, 'GET', '/sse/demo/connect?userId=deaf'));
    await session.answered(1);
    session.socket.pause();
    const office = await backend(server);
    for (let n = 0; n < 10; n++) {
      await office.send({ event: 'tick', data: 'x'.repeat(60_000), userId: 'deaf' });
    }
    await office.close();
  },
  'a TLS handshake that is half done': async (server) => {
    const socket = net.connect({ port: server.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.write(Buffer.from('16030100', 'hex'));
  },
  'a client that sends half a preface': async (server) => {
    const socket = net.connect({ port: server.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.on('error', () => {});
  },
  'a back end that watches': async (server) => {
    const client = await connect(server.origin);
    const stream = client.open('GET', '/sse/demo/presence', { authorization: `Bearer ${KEY}` }, { endStream: true });
    stream.on('error', () => {});
    await once(stream, 'response');
    stream.pause();
  },
  'a handler that does not answer': async (server, target) => {
    const client = await connect(server.origin);
    client.postJson('/sse/demo/connect/message/a.do?userId=1', {}).catch(() => {});
    await within('the question', target.saw(([asked]) => asked?.complete));
  },
};

// Each waits for its server's drain time, and nothing else: beside each other.
describe('it ends in time', { concurrency: true }, () => {
  for (const [what, begin] of Object.entries(hindrances)) {
    test(`with ${what}`, async () => {
      const target = await startTarget();
      target.answer = () => undefined;
      const server = await start({ time: '2s', variables: {
        SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message'),
        SSE_SERVER_SERVICES_0_HANDLERS_TIMEOUT: '10m',
        SSE_SERVER_LIMITS_HANDSHAKE_TIMEOUT: '10m',
        SSE_SERVER_LIMITS_BODY_IDLE_TIMEOUT: '10m',
        SSE_SERVER_LIMITS_WRITE_STALL_TIMEOUT: '10m',
      } });
      await begin(server, target);
      await told(server);
      assert.deepEqual(await server.exit(), { code: 0, signal: null });
      await server.stop();
      await target.close();
    });
  }
});

for (const [first, second] of [['SIGTERM', 'SIGTERM'], ['SIGINT', 'SIGINT'], ['SIGINT', 'SIGTERM']]) {
  test(`${second} behind ${first} ends it at once`, async () => {
    // It ends without waiting for its threads.
    const variables = { TSAN_OPTIONS: 'report_thread_leaks=0' };
    const server = await start({ notice: '1h', stopped: true, variables });
    await told(server, first);
    server.signal(second);
    assert.deepEqual(await server.exit(), { code: 0, signal: null });
    assert.match(server.output, /stopping now because="a second signal"/);
    await server.stop();
  });
}

test('a signal while it starts is no worse than later', async () => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'drain-start-'));
  for (let ms = 0; ms < 400; ms += 40) {
    const child = endWithFile(spawn(serverBinary(), ['--listen', 'http://127.0.0.1:0'], {
      stdio: 'ignore',
      env: { SSE_SERVER_STATE_DIRECTORY: stateDirectory, SSE_SERVER_DRAIN_TIME: '0' },
    }));
    const ended = once(child, 'close');
    setTimeout(() => child.kill('SIGTERM'), ms);
    const [code, signal] = await within('the end', ended);
    assert.ok(code === 0 || signal === 'SIGTERM', `${ms} ms: ${code} ${signal}`);
  }
  await rm(stateDirectory, { recursive: true });
});
