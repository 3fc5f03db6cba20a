// SPDX-License-Identifier: Apache-2.0
// Users come online with their first connection and go offline after their last one, wherever these
// connections live.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const ONLINE = 'sse_server_users_online';
const CAME = 'sse_server_user_online_total';
const WENT = 'sse_server_user_offline_total';

let server;
let office;
before(async () => {
  server = await startServer({
    variables: { SSE_SERVER_WORKERS: '4', SSE_SERVER_SERVICES_0_OFFLINE_GRACE: '100ms' },
  });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

test('a user with connections on many workers is online once, and offline after the last', async () => {
  const tabs = await Promise.all(Array.from({ length: 12 }, () => connect(server.origin)));
  for (const tab of tabs) {
    await tab.connect({ userId: '7' });
  }
  const other = await connect(server.origin);
  await other.connect({ userId: '8' });
  await eventually('two users online', async () => (await office.metric(ONLINE)) === 2);
  assert.equal(await office.metric(CAME), 2);
  const last = tabs.pop();
  await Promise.all(tabs.map((tab) => tab.close()));
  await eventually('eleven gone', async () => (await office.metric('sse_server_connections')) === 2);
  assert.equal(await office.metric(ONLINE), 2);
  assert.equal(await office.metric(WENT), 0);
  await last.close();
  await eventually('one user offline', async () => (await office.metric(WENT)) === 1);
  assert.equal(await office.metric(ONLINE), 1);
  assert.equal(await office.metric(CAME), 2);
  await other.close();
  await eventually('nobody online', async () => (await office.metric(ONLINE)) === 0);
});
