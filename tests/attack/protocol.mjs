// SPDX-License-Identifier: Apache-2.0
// Section A: raw frames. Each case gets a server of its own and returns its figure.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

import { connect } from '../integration/support/client.mjs';
import {
  ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, block, field, frame,
  rawSession, request, requestFields, reset, settings, windowUpdate,
} from '../integration/support/raw_h2.mjs';
import { countDescriptors, limitDescriptors } from '../integration/support/descriptors.mjs';
import { eventually, within } from '../integration/support/wait.mjs';
import { atMost, cost, cpuMs } from './figures.mjs';

const EVENTS = '/sse/demo/connect?userId=raw';
const MESSAGE = '/sse/demo/connect/message/x.do?userId=raw';
const INITIAL_WINDOW = 4;
const KIB = 1024;
const id = (n) => 2 * n + 1;
const many = (count, make) => Promise.all(Array.from({ length: count }, (_, n) => make(n)));
const openBody = (n) => request(id(n), 'POST', MESSAGE, [['content-type', 'application/json']], { endStream: false });
const tlsOptions = (server) => ({ port: server.port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false });

async function gone({ office }) {
  await eventually('sessions to be gone', async () => await office.metric('sse_server_sessions') === 1);
}

export const PROTOCOL = {
  async malformedBehindGoaway(world) {
    const malformed = [
      frame(DATA, 0, 0, Buffer.from('x')), // DATA belongs to a stream
      frame(SETTINGS, 0, 0, Buffer.alloc(5)), // not a multiple of 6
      frame(PING, 0, 0, Buffer.alloc(7)),
      frame(RST_STREAM, 0, 1, Buffer.alloc(3)),
      windowUpdate(0, 0),
      frame(HEADERS, END_HEADERS | 8, 7, Buffer.from([255, 0])), // padding longer than the frame
      frame(CONTINUATION, END_HEADERS, 9, Buffer.from([0x82])),
      frame(GOAWAY, 0, 0, Buffer.alloc(3)),
      frame(HEADERS, END_HEADERS, 11, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    ];
    for (const first of malformed) {
      const session = await rawSession(world.server);
      session.write(request(1, 'GET', EVENTS), first, ...malformed, ...malformed);
      await session.ending();
    }
    await gone(world);
    return `${malformed.length} first frames, each with ${2 * malformed.length} more behind`;
  },

  async hpackBomb(world) {
    const { server } = world;
    const begin = block(requestFields('GET', '/sse/demo'));
    const seed = field('x-long', 'y'.repeat(3900), { indexed: true });
    const bomb = Buffer.alloc(16384 - begin.length - seed.length, 0xbe);
    const sessions = await many(100, () => rawSession(server));
    const { cpu, kib } = await cost(server, async () => {
      sessions.forEach((session) => (
        session.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([begin, seed, bomb])))));
      await Promise.all(sessions.map((session) => session.answered(1).catch(() => session.ending())));
    });
    atMost(server, kib, 32 * KIB, 'KiB');
    await Promise.all(sessions.map((session) => session.close()));
    return `${kib} KiB (at most ${32 * KIB}), ${cpu} ms`;
  },

  async cookieCrumbs(world) {
    const { server } = world;
    const begin = block(requestFields('GET', EVENTS));
    const seed = field('cookie', 'a=b', { indexed: true });
    const crumbs = Buffer.alloc(4000, 0xbe);
    const sessions = await many(100, () => rawSession(server, { entries: { [INITIAL_WINDOW]: 0 } }));
    const { cpu, kib } = await cost(server, async () => {
      sessions.forEach((session) => (
        session.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([begin, seed, crumbs])))));
      await Promise.all(sessions.map((session) => session.answered(1).catch(() => session.ending())));
    });
    atMost(server, kib, 32 * KIB, 'KiB');
    await Promise.all(sessions.map((session) => session.close()));
    return `${kib} KiB (at most ${32 * KIB}), ${cpu} ms`;
  },

  async rapidReset(world) {
    const { server, office } = world;
    const before = await office.metric('sse_server_streams_opened_total');
    const session = await rawSession(server);
    const { cpu } = await cost(server, async () => {
      await session.flood(100_000, (n) => Buffer.concat([request(id(n), 'GET', EVENTS), reset(id(n))]));
      await session.ending();
    });
    const ran = await office.metric('sse_server_streams_opened_total') - before;
    assert.ok(ran <= 300, `${ran} requests ran`);
    return `${ran} requests ran (at most 300), ${cpu} ms`;
  },

  async floodsDuringDrain(world) {
    const { server } = world;
    const floods = [
      (n) => Buffer.concat([request(id(n), 'GET', EVENTS), reset(id(n))]),
      (n) => Buffer.concat([openBody(n), windowUpdate(id(n), 0x7fffffff)]),
      () => frame(PING, 0, 0, Buffer.alloc(8)),
      () => frame(0x77, 0, 0),
    ];
    const sessions = await many(floods.length, () => rawSession(server));
    sessions.forEach((session) => session.write(openBody(0))); // a request in flight keeps the session
    await Promise.all(sessions.map(async (session) => {
      session.write(frame(PING, 0, 0, Buffer.alloc(8)));
      await session.saw('its acknowledgement', ({ type, flags }) => type === PING && flags & ACK);
    }));
    const { cpu } = await cost(server, async () => {
      server.signal('SIGTERM');
      await Promise.all(sessions.map(async (session, nth) => {
        await session.saw('GOAWAY', ({ type }) => type === GOAWAY);
        await session.flood(20_000, (n) => floods[nth](n + 1));
        await session.ending();
      }));
    });
    return `${floods.length} floods, ${cpu} ms`;
  },

  async dribbledContinuation({ server }) {
    const begin = block(requestFields('GET', '/sse/demo'));
    const session = await rawSession(server);
    session.socket.setNoDelay(true);
    const { cpu } = await cost(server, async () => {
      session.write(frame(HEADERS, END_STREAM, 1, begin));
      const rest = Buffer.concat(Array.from({ length: 20 }, () => frame(CONTINUATION, 0, 1, field('a', 'b'))));
      for (let at = 0; at < rest.length && !session.closed; at++) {
        session.write(rest.subarray(at, at + 1));
        await new Promise(setImmediate);
      }
      await session.ending();
    });
    atMost(server, cpu, 50, 'ms');
    return `${cpu} ms (at most 50)`;
  },

  async pingsUnread({ server }) {
    const session = await rawSession(server);
    session.socket.pause();
    const ping = Buffer.concat(Array.from({ length: 1000 }, () => frame(PING, 0, 0, Buffer.alloc(8))));
    const { cpu, kib } = await cost(server, async () => {
      session.socket.on('close', () => {});
      await session.flood(1000, () => ping);
      session.socket.resume();
      await session.ending();
    });
    atMost(server, kib, 512, 'KiB');
    return `${kib} KiB (at most 512), ${cpu} ms`;
  },

  async settingsToggled(world) {
    const { server } = world;
    const session = await rawSession(server);
    const { cpu } = await cost(server, async () => {
      session.write(...Array.from({ length: 100 }, (_, n) => openBody(n)));
      await session.flood(10_000, (n) => settings({ [INITIAL_WINDOW]: n % 2 ? 0 : 65535 }));
      await session.ending();
    });
    atMost(server, cpu, 100, 'ms');
    return `${cpu} ms (at most 100)`;
  },

  async windowsOfOneOctet({ server, office }) {
    const streams = 25; // of each session
    const sessions = await many(4, () => rawSession(server, { entries: { [INITIAL_WINDOW]: 1 } }));
    const texts = new Map();
    let octets = 0;
    for (const [n, session] of sessions.entries()) {
      let seen = 0;
      // Gives back what has come, octet by octet, on the stream and on the session.
      session.socket.on('data', () => {
        const came = session.frames.slice(seen).filter(({ type, payload }) => type === DATA && payload.length > 0);
        seen = session.frames.length;
        for (const { stream, payload } of came) {
          const name = `${n}/${stream}`;
          octets += payload.length;
          texts.set(name, (texts.get(name) ?? '') + payload.toString());
        }
        session.write(...came.flatMap(({ stream, payload: { length } }) => [windowUpdate(stream, length), windowUpdate(0, length)]));
      });
    }
    const told = 'x'.repeat(40);
    const whole = new RegExp(`^id:\\S+\\nevent:connect-finish\\nretry:\\d+\\ndata:{.*}\\n\\nid:\\S+\\nevent:tick\\ndata:${told}\\n\\n$`);
    const { cpu, kib } = await cost(server, async () => {
      sessions.forEach((session, s) => (
        session.write(...Array.from({ length: streams }, (_, n) => request(id(n), 'GET', `${EVENTS}${s}`)))));
      await eventually('the connections', async () => await office.metric('sse_server_connections') === 100);
      assert.equal((await office.send({ event: 'tick', data: told, all: true })).count, 100);
      await eventually('the event on each stream', () => {
        assert.ok(sessions.every(({ closed }) => !closed), 'it is slow, no criminal');
        return [...texts.values()].filter((one) => whole.test(one)).length === 100;
      });
    });
    atMost(server, kib, 4 * KIB, 'KiB');
    assert.equal(await office.metric('sse_server_glitch_floods_total'), 0);
    await Promise.all(sessions.map((session) => session.close()));
    return `${octets} octets in as many frames, ${cpu} ms, ${kib} KiB`;
  },

  async streamTooMany(world) {
    const session = await rawSession(world.server);
    session.write(frame(PING, 0, 0, Buffer.alloc(8)));
    await session.saw('that our acknowledgement has come', ({ type, flags }) => type === PING && flags & ACK);
    session.write(...Array.from({ length: 101 }, (_, n) => openBody(n)));
    const { type } = await session.saw('a refusal', (seen) => seen.type === GOAWAY
      || (seen.type === RST_STREAM && seen.stream === id(100)));
    await session.close();
    await gone(world);
    return type === GOAWAY ? 'the connection ended' : 'the stream was refused';
  },

  async halfHandshakes({ server }) {
    const half = Buffer.from('1603010200010001fc0303', 'hex');
    const crowd = await many(2000, async () => {
      const socket = net.connect({ port: server.port, host: '127.0.0.1', localAddress: '127.0.0.1' });
      socket.resume().on('error', () => {});
      await within('a connection', once(socket, 'connect'));
      socket.write(half);
      return socket;
    });
    const started = performance.now();
    const client = await connect(server.origin, { localAddress: '127.0.0.2' });
    assert.equal((await client.get('/health/live')).status, 200);
    const took = Math.round(performance.now() - started);
    await client.close();
    crowd.forEach((socket) => socket.destroy());
    return `2,000 halves; another address served in ${took} ms`;
  },

  async noDescriptors({ server, office }) {
    await office.client.connect({ userId: 'office' }); // or its session might go for a newcomer
    await limitDescriptors(server, 10);
    const page = await connect(server.origin);
    const stream = await page.connect({ userId: 'early' });
    const crowd = Array.from({ length: 80 }, () => {
      const socket = net.connect(server.port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      return socket;
    });
    await eventually('descriptors to run out', async () => await office.metric('sse_server_accept_errors_total') > 0);
    const [before, started] = [cpuMs(server.pid), performance.now()];
    await new Promise((resolve) => { setTimeout(resolve, 1000); }); // the figure is a share of a second
    const cpu = Math.round((cpuMs(server.pid) - before) * 1000 / (performance.now() - started));
    atMost(server, cpu, 50, 'ms of a second');
    assert.equal((await office.send({ event: 'still', data: 1, userId: 'early' })).count, 1);
    await stream.next('still');
    crowd.forEach((socket) => socket.destroy());
    await eventually('a newcomer', () => connect(server.origin).then((client) => client.close().then(() => true), () => false));
    await page.close();
    return `${cpu} ms of a second (at most 50), ${await countDescriptors(server)} descriptors after`;
  },

  async randomOctets(world) {
    const { server } = world;
    const lines = server.output.split('\n').length;
    const attempts = [
      Buffer.from('GET / HTTP/1.1\nHost: a\n\n'),
      Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
      Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n'),
      Buffer.from('1603010200010001fc0303', 'hex'), // TLS in TLS
      Buffer.from('PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n'),
      ...Array.from({ length: 40 }, (_, n) => Buffer.from(Array.from({ length: 300 }, (_, i) => (n * 7919 + i * i * 31) & 0xff))),
    ];
    await Promise.all(attempts.flatMap((octets) => ['h2', 'http/1.1'].map((alpn) => [octets, alpn])).map(async ([octets, alpn]) => {
      const socket = tls.connect({ ...tlsOptions(server), ALPNProtocols: [alpn] });
      let text = '';
      socket.setEncoding('latin1').on('error', () => {}).on('data', (part) => { text += part; });
      await within('a connection', once(socket, 'secureConnect'));
      socket.write(octets);
      socket.end();
      await within('the end', once(socket, 'close'));
      if (alpn === 'http/1.1' && text !== '') {
        assert.match(text, /^HTTP\/1\.1 (400|501|505) [^]*\r\nconnection: close\r\n/);
      }
    }));
    await gone(world);
    const logged = server.output.split('\n').length - lines;
    assert.ok(logged <= 10, `${logged} lines`);
    return `${attempts.length} kinds by two protocols, ${logged} lines of the log (at most 10)`;
  },

  async brokenOff(world) {
    const { server, office } = world;
    const ends = [
      (socket) => socket.destroy(),
      (socket) => socket.end(), // half-close, with close_notify
      (socket) => socket.destroySoon(), // what is written, and then the end
    ];
    const sessions = await many(30, async (n) => {
      const session = await rawSession(server);
      session.write(request(1, 'GET', EVENTS), openBody(1), frame(DATA, 0, 3, Buffer.from('{"a":')));
      await session.answered(1);
      ends[n % ends.length](session.socket);
      return session;
    });
    // FIN without close_notify: the socket under TLS ends.
    await many(10, async () => {
      const plain = net.connect(server.port, '127.0.0.1');
      const secure = tls.connect({ socket: plain, ALPNProtocols: ['h2'], rejectUnauthorized: false });
      secure.on('error', () => {}).resume();
      await within('a handshake', once(secure, 'secureConnect'));
      plain.end();
      await within('the end', once(plain, 'close'));
    });
    await gone(world);
    assert.equal(await office.metric('sse_server_connections'), 0);
    return `${sessions.length + 10} connections in 4 ways`;
  },
};

// What needs a server that is started in another way.
export const SERVERS = {
  // Only the flood's own limit can end a session in time.
  floodsDuringDrain: { variables: { SSE_SERVER_DRAIN_TIME: '1h', SSE_SERVER_LIMITS_BODY_IDLE_TIMEOUT: '10m' } },
  halfHandshakes: { variables: { SSE_SERVER_LIMITS_HANDSHAKE_TIMEOUT: '10m' } },
  // Each body has to wait for the others, for long on a slow machine.
  manyUploads: { variables: { SSE_SERVER_LIMITS_BODY_IDLE_TIMEOUT: '10m' } },
  rapidReset: { variables: { SSE_SERVER_WORKERS: '1' } },
};
