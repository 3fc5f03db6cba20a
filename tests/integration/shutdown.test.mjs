// SPDX-License-Identifier: Apache-2.0
// SIGTERM while there is work: what can be answered is, whatever is under way between the workers
// is brought to an end, and the program ends by itself with silent sanitizers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect, readAnswer } from './support/client.mjs';
import { BOUNDARY, MULTIPART } from './support/multipart.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { within } from './support/wait.mjs';

const WORKERS = '4';
const PAGES = 20;
const STREAMS = 20;

test('requests in flight are answered, also by workers that have no client left', async () => {
  const server = await startServer({ variables: { SSE_SERVER_WORKERS: WORKERS, SSE_SERVER_DRAIN_TIME: '1h' } });
  const client = await connect(server.origin);
  const stream = await client.connect({ userId: '1', reasons: 'true' });
  const sends = Array.from({ length: 40 }, () => {
    const send = client.open('POST', '/sse/demo/send',
      { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' });
    send.write('{"event":"late","data":1,');
    return { send, answer: readAnswer(send) };
  });
  const upload = client.open('POST', '/sse/demo/connect/upload/a.do?userId=1', { 'content-type': MULTIPART });
  upload.write(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n`);
  const uploaded = readAnswer(upload);
  await client.get('/health/live'); // what was written before it has come
  const told = once(client.session, 'goaway');
  server.signal('SIGTERM');
  await told;
  assert.equal((await stream.next('connect-close')).reason, 'drain');

  for (const { send, answer } of sends) {
    send.end('"all":true}');
    assert.equal((await answer).data.count, 0);
  }
  upload.end(`whole\r\n--${BOUNDARY}--\r\n`);
  assert.equal((await uploaded).data.parts[0].size, 5);
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  await server.stop();
});

async function crowd(server) {
  const listeners = Array.from({ length: 50 }, (_, n) => `listener-${n}`).join(',');
  const pages = await Promise.all(Array.from({ length: PAGES }, () => connect(server.origin)));
  await Promise.all(pages.flatMap((page, n) => Array.from({ length: STREAMS }, async (_, m) => {
    const stream = await page.connect({ userId: `u${n}-${m}`, name: 'n'.repeat(200), listeners });
    stream.stream.pause();
  })));
  return pages;
}

// Broadcasts, kicks and listings that each take many slices, on several workers.
function work(office) {
  const batch = Array.from({ length: 1000 }, (_, n) => ({ event: 'tick', data: n, all: true }));
  const users = Array.from({ length: PAGES }, (_, n) => `u${n}-1`);
  return [
    office.post('send', batch),
    office.get('connections?pageSize=1000'),
    office.post('disconnectUser', { userId: users }),
    office.get('users?pageSize=1000&name=nnn'),
    office.get('userIds'),
    office.post('setDuration', { userId: users, duration: 1 }),
    office.post('send', batch),
  ].map((answer) => answer.then(({ status }) => status, () => 'broken off'));
}

for (const drain of ['0', '100ms']) {
  test(`broadcasts and listings under way, drain time ${drain}`, async () => {
    const server = await startServer({ variables: { SSE_SERVER_WORKERS: WORKERS, SSE_SERVER_DRAIN_TIME: drain } });
    await crowd(server);
    const offices = await Promise.all(Array.from({ length: 6 }, () => backend(server)));
    const answers = offices.flatMap((office) => [...work(office), ...work(office)]);
    const fence = await connect(server.origin);
    await fence.get('/health/live'); // by now the first of them are at work
    await server.stop();
    for (const status of await Promise.all(answers)) {
      assert.ok([200, 503, 'broken off'].includes(status), `${status}`);
    }
  });
}

test('a back end that does not answer keeps nobody from stopping when the drain time is over', async () => {
  const target = await startTarget();
  target.answer = () => undefined;
  const server = await startServer({ variables: {
    SSE_SERVER_WORKERS: WORKERS,
    SSE_SERVER_DRAIN_TIME: '100ms',
    SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message'),
    SSE_SERVER_SERVICES_0_HANDLERS_TIMEOUT: '10m',
    SSE_SERVER_OUTBOUND_IN_FLIGHT: '1',
  } });
  const pages = await Promise.all(Array.from({ length: 6 }, () => connect(server.origin)));
  const messages = pages.flatMap((page) => [1, 2].map(() =>
    page.postJson('/sse/demo/connect/message/a.do?userId=1', {}).then(({ status }) => status, () => 'broken off')));
  await within('the first question', target.saw(([asked]) => asked?.complete));
  server.signal('SIGTERM');
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  assert.deepEqual(new Set(await Promise.all(messages)), new Set(['broken off']));
  await server.stop();
  await target.close();
});

test('uploads under way leave no file', async () => {
  const server = await startServer();
  const uploads = join(server.stateDirectory, 'demo', 'uploads');
  const client = await connect(server.origin);
  for (let n = 0; n < 20; n++) {
    const upload = client.open('POST', `/sse/demo/connect/upload/a.do?userId=1`, { 'content-type': MULTIPART });
    upload.on('error', () => {});
    upload.write(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nhalf`);
  }
  await client.get('/health/live');
  server.signal('SIGTERM');
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  assert.deepEqual(await readdir(uploads), []);
  await server.stop();
});
