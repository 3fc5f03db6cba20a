// SPDX-License-Identifier: Apache-2.0
// What has an age ends by the clock, in a service that nobody uses meanwhile, too. The containers are
// tested one by one (tests/unit); this is what message data lies in.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const MINUTE = 60_000;

// On a session of its own: none lasts through minutes without an answer to a PING.
async function kept(server) {
  const office = await backend(server);
  const [keys, events, bytes] = await Promise.all(
    ['idempotency_keys', 'history_events', 'history_bytes'].map((name) => office.metric(`sse_server_${name}`)));
  await office.close();
  return { keys, events, bytes };
}

test('events and answers are not kept for longer than is said', async () => {
  const server = await startServer();
  const office = await backend(server);
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'ann' });
  for (let n = 0; n < 20; n++) {
    const answer = await page.postJson(`/sse/demo/connect/message/note.do?connectionId=${stream.id}`, { n },
      { 'idempotency-key': `key-${n}` });
    assert.equal(answer.status, 200, answer.text);
    await office.send({ event: 'tick', data: n, userId: 'nobody' });
  }
  await Promise.all([page.close(), office.close()]);

  await server.stopClock();
  const fresh = await kept(server);
  assert.equal(fresh.keys, 20);
  assert.ok(fresh.events >= 20 && fresh.bytes > 0);
  await server.advance(5 * MINUTE - 2000, 2000);
  assert.deepEqual(await kept(server), fresh);
  await server.advance(5000, 500);
  assert.deepEqual(await kept(server), { ...fresh, keys: 0 });
  await server.advance(5 * MINUTE - 5000, 2000);
  assert.deepEqual(await kept(server), { ...fresh, keys: 0 });
  await server.advance(5000, 500);
  assert.deepEqual(await kept(server), { keys: 0, events: 0, bytes: 0 });
  await server.startClock();
  await server.stop();
});
