// SPDX-License-Identifier: Apache-2.0
// Within offlineGrace a user counts as online, whoever is asked: queries, counts, metrics and presence say the
// same, and a field tells that no connection is left.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { KEY, startServer } from './support/server.mjs';

let server;
let office;
let other;

before(async () => {
  server = await startServer({
    config: `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [${KEY}]
services:
  - {name: demo, offlineGrace: 5s}
  - {name: strict, offlineGrace: 0}
`,
  });
  office = await backend(server);
  other = await backend(server, { base: '/sse/strict' });
  await server.stopClock();
});
after(async () => {
  await other.close();
  await office.close();
  await server.stop();
});

const users = async (query = '') => (await office.query(`users?${query}`)).list.map(({ id, grace }) => [id, grace]);

// On sessions of their own, so that they live on several workers.
async function visit(parameters, base = '/sse/demo') {
  const page = await connect(server.origin);
  const stream = await page.connect(parameters, { base });
  return { stream, leave: async () => { await stream.close(); await page.close(); } };
}

test('who has left is online until the grace is over, everywhere', async () => {
  const ann = await visit({ userId: 'ann', name: 'Ann', tenantId: 'red', listeners: 'e' });
  const bob = await visit({ userId: 'bob', name: 'Bob', tenantId: 'blue' });
  assert.deepEqual(await office.query('online?userId=ann'), { online: true });
  await ann.leave();
  await server.asTimePasses('the connection to be gone', async () => (await office.query('counts')).connections === 1, 0);
  assert.deepEqual(await office.query('online?userId=ann'), { online: true, grace: true });
  assert.deepEqual(await office.query('online?userId=bob'), { online: true });
  assert.deepEqual(await users(), [['ann', true], ['bob', undefined]]);
  assert.deepEqual(await users('name=ann'), [['ann', true]]);
  assert.deepEqual(await users('tenantId=red'), [['ann', true]]);
  assert.deepEqual(await users('tenantId=blue'), [['bob', undefined]]);
  assert.deepEqual(await users('listening=e'), []);
  assert.deepEqual((await office.query('userIds')).list, ['ann', 'bob']);
  assert.deepEqual((await office.query('users?pageSize=1')).total ?? (await office.query('users')).total, 2);
  assert.equal((await office.query('counts')).users, 2);
  assert.equal(await office.metric('sse_server_users_online', /demo/), 2);

  const again = await visit({ userId: 'ann', name: 'Ann' });
  assert.deepEqual(await office.query('online?userId=ann'), { online: true });
  assert.deepEqual(await users('name=ann'), [['ann', undefined]]);
  await again.leave();
  await server.asTimePasses('its end', async () => (await office.query('online?userId=ann')).grace === true, 0);
  await server.asTimePasses('her being offline', async () => (await office.query('online?userId=ann')).online === false);
  assert.deepEqual(await users(), [['bob', undefined]]);
  assert.equal((await office.query('counts')).users, 1);
  assert.equal(await office.metric('sse_server_users_online', /demo/), 1);
  await bob.leave();
});

test('without a grace time nobody is online who has no connection', async () => {
  const ann = await visit({ userId: 'ann' }, '/sse/strict');
  await ann.leave();
  await server.asTimePasses('the connection to be gone', async () => (await other.query('counts')).connections === 0, 0);
  assert.deepEqual(await other.query('online?userId=ann'), { online: false });
  assert.deepEqual((await other.query('users')).list, []);
  assert.equal((await other.query('counts')).users, 0);
});
