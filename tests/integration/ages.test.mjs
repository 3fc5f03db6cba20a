// SPDX-License-Identifier: Apache-2.0
// What has an age ends by the clock, in a service that nobody uses meanwhile, too. The containers are
// tested one by one (tests/unit); this is what message data lies in.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { watch } from './support/presence.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';
import { webhookTarget } from './support/webhook_target.mjs';

const MINUTE = 60_000;

async function watchers(server) {
  const office = await backend(server);
  const count = await office.metric('sse_server_presence_watchers');
  await office.close();
  return count;
}

// On a session of its own: none lasts through minutes without an answer to a PING.
async function kept(server) {
  const office = await backend(server);
  const [keys, events, bytes] = await Promise.all(
    ['idempotency_keys', 'history_events', 'history_bytes'].map((name) => office.metric(`sse_server_${name}`)));
  await office.close();
  return { keys, events, bytes };
}

// They are recorded for the notifications, and kept for who watches, or comes back to that.
test('presence events are not kept for nobody', async () => {
  const target = await webhookTarget();
  const server = await startServer({
    variables: { SSE_SERVER_SERVICES_0_NOTIFICATIONS_URL: target.url, SSE_SERVER_SERVICES_0_PRESENCE_KEEP: '60s' },
  });
  const bytes = async () => {
    const office = await backend(server);
    const value = await office.metric('sse_server_presence_history_bytes');
    await office.close();
    return value;
  };
  const page = await connect(server.origin);
  await page.connect({ userId: 'ann' });
  await eventually('a notification', () => target.accepted.length > 0);
  await server.stopClock();
  await server.advance(50_000);
  assert.ok(await bytes() > 0);
  const desk = await connect(server.origin);
  await watch(desk);
  await server.advance(30_000);
  assert.ok(await bytes() > 0, 'somebody watches');
  await desk.close();
  await eventually('the watcher to be gone', async () => await watchers(server) === 0);
  await page.close(); // of which there are events until the grace time is over
  await server.advance(62_000, 500);
  await server.advance(62_000, 500);
  assert.equal(await bytes(), 0);
  await server.startClock();
  await server.stop();
  await target.stop();
});

test('events and answers are not kept for longer than is said', async () => {
  const server = await startServer();
  const office = await backend(server);
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'ann' });
  await server.stopClock();
  for (let n = 0; n < 20; n++) {
    const answer = await page.postJson(`/sse/demo/connect/message/note.do?connectionId=${stream.id}`, { n },
      { 'idempotency-key': `key-${n}` });
    assert.equal(answer.status, 200, answer.text);
    await office.send({ event: 'tick', data: n, userId: 'nobody' });
  }
  await Promise.all([page.close(), office.close()]);

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
