// SPDX-License-Identifier: Apache-2.0
// Clients that leave in the midst of things: requests reset while other workers are at work on
// them, uploads broken off at every stage, sessions gone without a word. Nothing of them is left.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { limitDescriptors, openDescriptors } from './support/descriptors.mjs';
import { BOUNDARY, MULTIPART, multipart } from './support/multipart.mjs';
import { DATA, END_STREAM, frame, rawSession, request, reset } from './support/raw_h2.mjs';
import { KEY, startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const AUTHORIZED = [['authorization', `Bearer ${KEY}`]];
const JSON_TYPE = [['content-type', 'application/json']];
const UPLOAD_TYPE = [['content-type', MULTIPART]];

let server;
let office;
let uploads;

before(async () => {
  server = await startServer({
    variables: {
      SSE_SERVER_WORKERS: '4',
      SSE_SERVER_SERVICES_0_QUEUE_EVENTS: '50', // so that queues fill, too
      SSE_SERVER_LIMITS_CLIENT_RESETS_BURST: '1000000',
    },
  });
  office = await backend(server);
  uploads = join(server.stateDirectory, 'demo', 'uploads');
});

after(async () => {
  await office.close();
  await server.stop();
});

const descriptors = () => openDescriptors(server);

// Of those before, some may be closed now: a folder that was read while the server began.
function nothingOpened(before) {
  return eventually('descriptors to be closed', async () => (
    [...await descriptors()].every((one) => before.has(one))));
}

// The office's session and the stream of its query are all that there is.
function atBase() {
  const base = { sessions: 1, streams: 1, connections: 0, clients: 0, queued_bytes: 0, output_bytes: 0 };
  return eventually('everything to be gone', async () => {
    for (const [name, value] of Object.entries(base)) {
      if (await office.metric(`sse_server_${name}`) !== value) {
        return false;
      }
    }
    return true;
  });
}

// Everything that asks other workers or takes its time; id: a connection of some worker.
function requests(id) {
  const batch = Array.from({ length: 30 }, (_, n) => ({ event: 'tick', data: n, all: true }));
  const file = multipart([{ name: 'f', fileName: 'f', data: 'whole' }]);
  const post = (path, fields, body) => ({ method: 'POST', path, fields, body });
  const json = (path, fields, value) => post(path, [...fields, ...JSON_TYPE], JSON.stringify(value));
  const get = (path) => ({ method: 'GET', path, fields: AUTHORIZED });
  const base = '/sse/demo';
  return [
    json(`${base}/send`, AUTHORIZED, batch),
    json(`${base}/send`, AUTHORIZED, { event: 'a', data: 'x'.repeat(3000), userId: ['u1', 'u2'], listening: true }),
    json(`${base}/disconnectUser`, AUTHORIZED, { userId: 'kicked' }),
    json(`${base}/setDuration`, AUTHORIZED, { userId: ['u1', 'u2'], duration: 5 }),
    json(`${base}/connect/addListener.do`, [], { connectionId: id, listener: ['x', 'y'] }),
    json(`${base}/connect/removeListener.do`, [], { connectionId: id, listener: ['x', 'y'] }),
    json(`${base}/connect/message/a.do?connectionId=${id}`, [], { a: 1 }),
    post(`${base}/connect/disconnect.do?connectionId=${'0'.repeat(32)}`, []),
    post(`${base}/connect/upload/a.do?connectionId=${id}`, UPLOAD_TYPE, file),
    { ...post(`${base}/connect/upload/a.do?connectionId=${id}`, UPLOAD_TYPE, file.subarray(0, -20)), unfinished: true },
    get(`${base}/connections?pageSize=1000`),
    get(`${base}/userIds?listening=a`),
    get('/metrics'),
    get(`${base}/connect?userId=kicked&clientId=evicted`),
    { ...post(`${base}/connect?userId=kicked&clientId=evicted`, [], 'x'), unfinished: true },
  ];
}

function frames(stream, { method, path, fields, body, unfinished }) {
  const head = request(stream, method, path, fields, { endStream: !body });
  return body ? [head, frame(DATA, unfinished ? 0 : END_STREAM, stream, Buffer.from(body))] : [head];
}

test('requests are reset while workers are at work on them', async () => {
  const base = await descriptors();
  const pages = await Promise.all(Array.from({ length: 8 }, () => connect(server.origin)));
  const streams = await Promise.all(pages.flatMap((page) => [1, 2, 3].map((n) => (
    page.connect({ userId: `u${n}`, listeners: 'a,b' })))));
  streams.filter((_, n) => n % 3 === 0).forEach(({ stream }) => stream.pause());
  for (let round = 0; round < 8; round++) {
    const sessions = await Promise.all(Array.from({ length: 6 }, () => rawSession(server)));
    await Promise.all(sessions.map(async (session, nth) => {
      for (let n = 0; n < 4; n++) {
        const all = requests(streams[(nth + n + round) % streams.length].id);
        for (const [index, one] of all.entries()) {
          const id = 2 * (n * all.length + index) + 1;
          session.write(...frames(id, one));
          if (nth % 3 === 1) {
            await new Promise(setImmediate); // lets the server begin
          }
          if (nth % 3 !== 2) {
            session.write(reset(id));
          }
        }
      }
      if (nth % 2) {
        session.socket.destroy();
      } else {
        session.socket.end();
      }
    }));
  }
  await Promise.all(pages.map((page) => page.close()));
  await atBase();
  await nothingOpened(base);
});

test('uploads are broken off after any number of octets', async () => {
  const base = await descriptors();
  const before = (await readdir(uploads)).length;
  const body = multipart([{ name: 'a', data: 'text' }, { name: 'f', fileName: 'f', type: 'text/plain', data: 'file' }]);
  const head = () => ['POST', '/sse/demo/connect/upload/a.do?userId=7', UPLOAD_TYPE, { endStream: false }];
  const session = await rawSession(server);
  for (let length = 0; length < body.length; length++) {
    const id = 2 * length + 1;
    session.write(request(id, ...head()), frame(DATA, 0, id, body.subarray(0, length)), reset(id));
  }
  const last = 2 * body.length + 1;
  session.write(request(last, ...head()), frame(DATA, END_STREAM, last, body));
  await session.answered(last); // and so all before it are over
  await session.close();
  assert.equal((await readdir(uploads)).length, before + 1);
  await atBase();
  await nothingOpened(base);
});

test('a session of 100 uploads ends in the midst of them', async () => {
  const base = await descriptors();
  const before = (await readdir(uploads)).length;
  const session = await rawSession(server);
  for (let n = 0; n < 100; n++) {
    session.write(request(2 * n + 1, 'POST', '/sse/demo/connect/upload/a.do?userId=7', UPLOAD_TYPE, { endStream: false }),
      frame(DATA, 0, 2 * n + 1, Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nhalf`)));
  }
  await eventually('all to be at work', async () => await office.metric('sse_server_streams') === 101);
  await session.close();
  await atBase();
  assert.equal((await readdir(uploads)).length, before);
  await nothingOpened(base);
});

test('pages with one client id, on all workers, are brought to three, and told to stay away', async () => {
  const pages = await Promise.all(Array.from({ length: 10 }, () => connect(server.origin)));
  const streams = await Promise.all(pages.flatMap((page) => Array.from({ length: 4 }, () => (
    page.connect({ userId: 'many', clientId: 'one' })))));
  const evicted = (stream) => stream.named('connect-close').length > 0;
  await eventually('37 to be closed', () => streams.filter(evicted).length === 37);
  for (const stream of streams.filter(evicted)) {
    const { reason, reconnect } = await stream.next('connect-close');
    assert.deepEqual({ reason, reconnect }, { reason: 'evicted', reconnect: false });
    await stream.end();
  }
  const { list, total } = await office.query('connections?clientId=one');
  assert.equal(total, 3);
  assert.deepEqual(list.map(({ id }) => id).sort(),
    streams.filter((stream) => !stream.ended).map(({ handle }) => handle).sort());
  await Promise.all(pages.map((page) => page.close()));
  await atBase();
});

test('a page kicks itself on its own session', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'self' });
  const answer = await page.postJson('/sse/demo/disconnectUser', { userId: 'self', reconnect: false },
    { authorization: `Bearer ${KEY}` });
  assert.equal(answer.data.count, 1);
  assert.equal((await stream.next('connect-close')).reconnect, false);
  await stream.end();
  await page.close();
  await atBase();
});

test('without descriptors newcomers wait, those who are there are served, and it recovers', async () => {
  const limited = await startServer();
  const desk = await backend(limited);
  const page = await connect(limited.origin);
  const stream = await page.connect({ userId: 'early' });
  await limitDescriptors(limited, 10);
  const crowd = Array.from({ length: 60 }, () => rawSession(limited).catch(() => null));
  await eventually('descriptors to run out', async () => await desk.metric('sse_server_accept_errors_total') > 0);
  assert.equal((await desk.send({ event: 'still', data: 1, userId: 'early' })).count, 1);
  await stream.next('still');
  const upload = await page.post('/sse/demo/connect/upload/a.do?userId=early',
    multipart([{ name: 'f', fileName: 'f', data: 'x' }]), { 'content-type': MULTIPART });
  assert.ok([200, 500, 503].includes(upload.status), `${upload.status}`);

  // As those who are in leave, the others come in.
  const left = crowd.map(async (session) => (await session)?.close());
  await within('all of the crowd to have been served', Promise.all(left));
  assert.equal((await page.get('/health/live')).status, 200);
  await page.close();
  await desk.close();
  await limited.stop();
});
