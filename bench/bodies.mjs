// SPDX-License-Identifier: Apache-2.0
// What bench/bodies runs.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { connect } from '../tests/integration/support/client.mjs';
import { DATA, END_STREAM, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, rawSession, request } from '../tests/integration/support/raw_h2.mjs';
import { startServer } from '../tests/integration/support/server.mjs';
import { SECRET, token } from '../tests/integration/support/tokens.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  sessions: { type: 'string', default: '1000' },
  // KiB of address space; 0: as much as there is
  space: { type: 'string', default: '0' },
} });
const servers = positionals.length > 0 ? positionals : [new URL('../build/release/sse-server', import.meta.url).pathname];
const MIB = 1 << 20;
const BODY = MIB - 1000;
const FRAME = 16 * 1024;
const PATIENCE_MS = 3000;
const MESSAGE = '/sse/demo/connect/message/x.do';
const JSON_TYPE = ['content-type', 'application/json'];
const INITIAL_WINDOW = 4;

const has = (binary, setting) => execFileSync(binary, ['default-config'], { encoding: 'utf8' }).includes(setting);
const bearer = (who) => ['authorization', `Bearer ${token({ sub: who })}`];
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function mebibytes(server) {
  const text = await readFile(`/proc/${server.pid}/status`, 'utf8');
  const of = (name) => Number(text.match(new RegExp(`${name}:\\s+(\\d+)`))[1]) / 1024;
  return { now: of('VmRSS'), most: of('VmHWM') };
}

// A request and its answer: what a session takes for these it keeps.
async function warmUp(server) {
  const session = await rawSession(server);
  session.write(request(1, 'GET', '/sse/demo/connect/none'));
  await session.saw('an answer', ({ type, stream, flags }) => type === DATA && stream === 1 && (flags & END_STREAM));
  return session;
}

function firstWindow(session) {
  const { payload } = session.frames.find(({ type, payload: { length } }) => type === SETTINGS && length > 0);
  for (let at = 0; at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === INITIAL_WINDOW) {
      return payload.readUInt32BE(at + 2);
    }
  }
  return 65535;
}

// Sends as much of so many bodies as it may, and ends none.
async function hold(session, count, fields) {
  const given = (on) => session.frames.filter(({ type, stream }) => type === WINDOW_UPDATE && stream === on)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
  const first = firstWindow(session);
  let all = 0;
  for (let n = 0; n < count; n++) {
    const id = 2 * n + 3;
    let sent = 0;
    const room = () => Math.min(first + given(id) - sent, 65535 + given(0) - all, FRAME, BODY - sent);
    const isOver = () => session.closed || session.frames.some(({ type, stream }) => stream === id && (type === HEADERS || type === RST_STREAM));
    session.write(request(id, 'POST', MESSAGE, [JSON_TYPE, ...fields], { endStream: false }));
    while (sent < BODY && !isOver()) {
      if (room() <= 0) {
        await Promise.race([session.saw('room', () => room() > 0 || isOver()).catch(() => {}), pause(PATIENCE_MS)]);
        if (room() <= 0) {
          break;
        }
      }
      const length = room();
      session.write(frame(DATA, 0, id, Buffer.alloc(length, 'x')));
      sent += length;
      all += length;
    }
  }
}

async function isServed(server) {
  const page = await connect(server.origin);
  const credential = Object.fromEntries([bearer('another')]);
  const { status } = await page.postJson(MESSAGE, { text: 'x'.repeat(100_000) }, credential);
  await page.close();
  return status;
}

async function measure(binary, who) {
  const limited = { binary: 'sh', args: ['-c', `ulimit -v ${values.space} && exec ${binary}`] };
  const server = await startServer({
    ...(values.space === '0' ? { binary } : limited),
    variables: {
      SSE_SERVER_SERVICES_0_AUTH: 'jwt',
      SSE_SERVER_TOKEN_KEYS_0_ALGORITHM: 'HS256',
      SSE_SERVER_TOKEN_KEYS_0_SECRET: SECRET,
      SSE_SERVER_LIMITS_HANDSHAKES_PER_ADDRESS: '10000',
      ...(has(binary, 'addressSessions') ? { SSE_SERVER_LIMITS_ADDRESS_SESSIONS: '10000' } : {}),
      SSE_SERVER_LIMITS_PING_INTERVAL: '1h', // which nobody here answers
    },
  });
  const sessions = [];
  for (let n = 0; n < Number(values.sessions); n++) {
    sessions.push(await warmUp(server));
  }
  const before = await mebibytes(server);
  await Promise.all(sessions.map((session, n) => (
    who === 'users' ? hold(session, 1, [bearer(`u${n}`)]) : hold(session, 7, []))));
  const open = sessions.filter(({ closed }) => !closed).length;
  const held = server.exited ? null : await mebibytes(server);
  const other = server.exited ? 'nobody' : await isServed(server).catch(({ message }) => message);
  console.log(held
    ? `${binary}: ${open} of ${sessions.length} ${who}: ${before.now.toFixed(1)} MiB before, at the most ${(held.most - before.now).toFixed(1)} more, ${(held.now - before.now).toFixed(1)} at the end; another's message: ${other}`
    : `${binary}: ${sessions.length} ${who}: it ended: ${JSON.stringify(server.exited)}`);
  await server.kill();
  await server.forget();
}

for (const binary of servers) {
  for (const who of ['strangers', 'users']) {
    await measure(binary, who);
  }
}
process.exit(0);
