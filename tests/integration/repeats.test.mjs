// SPDX-License-Identifier: Apache-2.0
// A request that is sent again with its idempotency-key runs once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';

let server;
let office;
before(async () => {
  server = await startServer();
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

function send(page, path, key, query) {
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  return page.postJson(`/sse/demo/connect/message/${path}.do?${new URLSearchParams(query)}`, { n: 1 }, headers);
}

// A handler that answers how many messages it has had.
async function countingTarget() {
  const target = await startTarget();
  target.answer = () => ({ status: 200, json: target.requests.length });
  return target;
}

async function counted(stream, field = 'requestMessageCount') {
  const { list } = await office.query(`connections?id=${stream.id}`);
  return list[0][field];
}

test('a key gets the first answer again, on another session and connection too', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'ann' });
  assert.equal((await send(page, 'first', 'k1', { connectionId: stream.id })).data, 'first');
  const later = await connect(server.origin);
  const newStream = await later.connect({ userId: 'ann' });
  assert.equal((await send(later, 'first', 'k1', { connectionId: newStream.id })).data, 'first');
  assert.equal((await send(later, 'first', 'k1', { userId: 'ann' })).data, 'first');
  assert.equal(await counted(stream), 1);
  assert.equal(await counted(newStream), 0);
  assert.equal((await send(page, 'other', 'k2', { connectionId: stream.id })).data, 'other');
  assert.equal((await send(page, 'none', undefined, { connectionId: stream.id })).data, 'none');
  assert.equal(await counted(stream), 3);
  assert.equal(await office.metric('sse_server_requests_replayed_total'), 2);
  await page.close();
  await later.close();
});

test('a key on another path is another request', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'gil' });
  for (const path of ['save', 'save/2', 'Save', 'delete', 'save']) {
    assert.equal((await send(page, path, 'k1', { connectionId: stream.id })).data, path);
  }
  assert.equal(await counted(stream), 4);
  const upload = (path) => page.post(`/sse/demo/connect/upload/${path}.do?connectionId=${stream.id}`,
    multipart([{ name: 'f', fileName: 'a', data: 'x' }]), { 'content-type': MULTIPART, 'idempotency-key': 'k1' });
  for (const path of ['save', 'delete', 'save']) {
    assert.equal((await upload(path)).status, 200);
  }
  assert.equal(await counted(stream, 'requestUploadCount'), 2);
  await page.close();
});

test('a key belongs to its user', async () => {
  const page = await connect(server.origin);
  assert.equal((await send(page, 'of-bo', 'same', { userId: 'bo' })).data, 'of-bo');
  assert.equal((await send(page, 'of-cy', 'same', { userId: 'cy' })).data, 'of-cy');
  assert.equal((await send(page, 'tenant', 'same', { userId: 'cy', tenantId: '2' })).data, 'tenant');
  await page.close();
});

test('many at once run once', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'dan' });
  const sends = Array.from({ length: 20 }, () => send(page, 'at-once', 'burst', { connectionId: stream.id }));
  const answers = new Set((await Promise.all(sends)).map(({ data }) => data));
  assert.equal(answers.size, 1);
  assert.equal(await counted(stream), 1);
  await page.close();
});

test('what was refused has not run, and may be sent again', async () => {
  const page = await connect(server.origin);
  assert.equal((await send(page, 'b', 'again', { connectionId: 'unknown' })).status, 404);
  const stream = await page.connect({ userId: 'eve' });
  assert.equal((await send(page, 'b', 'again', { connectionId: stream.id })).data, 'b');
  await page.close();
});

test('a key that is none is refused', async () => {
  const page = await connect(server.origin);
  for (const key of ['', 'x'.repeat(65)]) {
    const answer = await send(page, 'a', key, { userId: 'fay' });
    assert.equal(answer.status, 422);
    assert.match(answer.json.errorMessage, /1 to 64/);
  }
  assert.equal((await send(page, 'a', 'x'.repeat(64), { userId: 'fay' })).status, 200);
  await page.close();
});

test('an upload that is sent again is dropped, and gets the first answer', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'gus' });
  const upload = (data) => page.post(
    `/sse/demo/connect/upload/files.do?connectionId=${stream.id}`,
    multipart([{ name: 'file', fileName: 'a.txt', data }]),
    { 'content-type': MULTIPART, 'idempotency-key': 'up' },
  );
  const first = await upload('first');
  assert.equal(first.data.parts[0].size, 5);
  const again = await upload('x'.repeat(200_000));
  assert.deepEqual(again.data, first.data);
  assert.equal(await counted(stream, 'requestUploadCount'), 1);
  await page.close();
});

test('the key of a message is none of an upload', async () => {
  const page = await connect(server.origin);
  assert.equal((await send(page, 'a', 'shared', { userId: 'joe' })).data, 'a');
  const headers = { 'content-type': MULTIPART, 'idempotency-key': 'shared' };
  const body = multipart([{ name: 'file', fileName: 'a.txt', data: 'abc' }]);
  const answer = await page.post('/sse/demo/connect/upload/a.do?userId=joe', body, headers);
  assert.equal(answer.data.parts[0].size, 3);
  await page.close();
});

test('an upload that failed may be sent again', async () => {
  const page = await connect(server.origin);
  const path = '/sse/demo/connect/upload/files.do?userId=hal';
  const headers = { 'content-type': MULTIPART, 'idempotency-key': 'broken' };
  assert.equal((await page.post(path, 'no multipart', headers)).status, 400);
  const answer = await page.post(path, multipart([{ name: 'file', fileName: 'a.txt', data: 'abc' }]), headers);
  assert.equal(answer.data.parts[0].size, 3);
  await page.close();
});

test('no more answers are kept than the setting says, the newest', async () => {
  const target = await countingTarget();
  const small = await startServer({ variables: {
    SSE_SERVER_WORKERS: '1', SSE_SERVER_SERVICES_0_IDEMPOTENCY_KEYS: '2', SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url(),
  } });
  const page = await connect(small.origin);
  const desk = await backend(small);
  for (const key of ['k1', 'k2', 'k3']) {
    await send(page, 'save', key, { userId: 'ida' });
  }
  assert.equal((await send(page, 'save', 'k3', { userId: 'ida' })).data, 3);
  assert.equal((await send(page, 'save', 'k1', { userId: 'ida' })).data, 4);
  assert.equal(await desk.metric('sse_server_idempotency_keys'), 2);
  assert.equal(await desk.metric('sse_server_idempotency_keys_displaced_total'), 2);
  await page.close();
  await desk.close();
  await small.stop();
  await target.close();
});

describe('what one user brings', () => {
  const prefix = 'SSE_SERVER_SERVICES_0_IDEMPOTENCY_';
  // Asks with keys of users until the end; who: [user, key, tenant]. What came back for each.
  async function world(variables, use) {
    const target = await countingTarget();
    const small = await startServer({ variables: {
      SSE_SERVER_WORKERS: '3', SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url(), ...variables,
    } });
    const page = await connect(small.origin);
    const desk = await backend(small);
    const ask = async (userId, key, tenantId = '') => (await send(page, 'save', key, { userId, tenantId })).data;
    try {
      await use(ask, desk);
    } finally {
      await page.close();
      await desk.close();
      await small.stop();
      await target.close();
    }
  }

  test('evicts no answer of another user, when all are too many', () => world({ [`${prefix}KEYS`]: '10' }, async (ask) => {
    const first = {};
    // Users' owners are many, so that some meet the flood's.
    for (const user of ['ann', 'bob', 'cyd', 'dan', 'eve', 'fay']) {
      first[user] = await ask(user, 'mine');
    }
    for (let i = 0; i < 100; i += 1) {
      await ask('flood', `key-${i}`);
    }
    for (const [user, answer] of Object.entries(first)) {
      assert.equal(await ask(user, 'mine'), answer, user);
    }
  }));

  test('is bounded by itself, of its tenant', () => world({ [`${prefix}USER_KEYS`]: '2' }, async (ask, desk) => {
    const [first, second, third] = [await ask('ann', 'k1'), await ask('ann', 'k2'), await ask('ann', 'k3')];
    const namesake = await ask('ann', 'k1', 'other');
    const other = await ask('bob', 'k1');
    assert.equal(await desk.metric('sse_server_idempotency_keys_displaced_total'), 1);
    assert.equal(await ask('ann', 'k3'), third);
    assert.equal(await ask('ann', 'k2'), second);
    assert.equal(await ask('ann', 'k1', 'other'), namesake);
    assert.equal(await ask('bob', 'k1'), other);
    assert.notEqual(await ask('ann', 'k1'), first);
    assert.equal(await desk.metric('sse_server_idempotency_keys'), 4);
  }));

  test('has one owner, whichever keys and sessions it comes with', () => world({ [`${prefix}USER_KEYS`]: '5' }, async (ask, desk) => {
    for (let i = 0; i < 40; i += 1) {
      await ask('ann', `key-${i}`);
    }
    assert.equal(await desk.metric('sse_server_idempotency_keys'), 5);
  }));
});
