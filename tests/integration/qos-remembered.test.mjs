// SPDX-License-Identifier: Apache-2.0
// What the store keeps of messages that have ended stays in its bounds, however busy the service is, and
// the room of a burst is given back.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { acknowledge, idsOf } from './support/qos.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const REMEMBERED = 50;
const variables = { SSE_SERVER_SERVICES_0_QOS_REMEMBERED: String(REMEMBERED) };

async function start() {
  const server = await startServer({ variables });
  const office = await backend(server);
  const page = await connect(server.origin);
  return {
    server,
    office,
    page,
    async stop() {
      await Promise.all([page.close(), office.close()]);
      await server.stop();
    },
  };
}

const stored = (n, data) => ({ event: 'tick', id: `m-${n}`, data, qos: 1, userId: 'ann' });

function statusOf(office, id) {
  return office.client.get(`/sse/demo/messages/${id}`, office.authorized).then(({ status }) => status);
}

// No pause for a sweep: each message comes right behind the acknowledgement of the one before.
test('ended messages beyond qos.remembered are forgotten under traffic', async () => {
  const { office, page, stop } = await start();
  const ann = await page.connect({ userId: 'ann' });
  const count = 4 * REMEMBERED;
  for (let n = 0; n < count; n++) {
    await office.send(stored(n, n));
    assert.equal(await acknowledge(page, ann.id, [`m-${n}`]), 1);
  }
  assert.equal(await statusOf(office, 'm-0'), 404);
  assert.equal(await statusOf(office, `m-${count - REMEMBERED - 1}`), 404);
  assert.equal(await statusOf(office, `m-${count - 1}`), 200);
  assert.equal(await office.metric('sse_server_qos_remembered'), REMEMBERED);
  await stop();
});

test('the file of a burst is small again when it has been taken', async () => {
  const { server, office, page, stop } = await start();
  const size = async () => (await stat(join(server.stateDirectory, 'demo', 'messages.sqlite'))).size;
  const piece = 'x'.repeat(48 * 1024);
  for (let n = 0; n < 180; n += 20) {
    await office.send(Array.from({ length: 20 }, (_, i) => stored(n + i, piece)));
  }
  await eventually('a large file', async () => await size() > 6 << 20);
  const ann = await page.connect({ userId: 'ann' });
  for (let taken = 0; taken < 180;) {
    const ids = idsOf((await ann.count('tick', taken + 1)).slice(taken));
    taken += await acknowledge(page, ann.id, ids);
  }
  await eventually('a small file', async () => await size() < 3 << 20);
  await stop();
});
