// SPDX-License-Identifier: Apache-2.0
// refresh.do puts another credential of the same user in the place of the one that a stream was
// opened with; the stream goes on. What expires, and what happens then, is in expiry.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const REFRESH = '/sse/demo/connect/refresh.do';

let server;
let office;
before(async () => {
  server = await startServer({ variables: { SSE_SERVER_WORKERS: '4' } });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

const send = async (accessToken) => (await office.send({ event: 'e', data: accessToken.length, accessToken })).count;

test('the new token counts in place of the old one, in whichever worker the stream is', async () => {
  const before = await office.metric('sse_server_token_refreshes_total');
  const pages = await Promise.all(Array.from({ length: 8 }, () => connect(server.origin)));
  for (const [n, page] of pages.entries()) {
    const [old, fresh] = [`old-token-${n}`, `fresh-token-${n}`];
    const stream = await page.connect({ userId: `${n}`, 'access-token': old, channel: 'red' });
    const elsewhere = pages[(n + 1) % pages.length];
    const answer = await elsewhere.postJson(`${REFRESH}?userId=${n}`, { connectionId: stream.id, accessToken: fresh });
    assert.deepEqual(answer.data, { expiresAt: null, channel: ['red'], removed: [] });
    assert.equal(await send(old), 0);
    assert.equal(await send(fresh), 1);
    assert.equal(await stream.next('e'), fresh.length);
  }
  assert.equal(await office.metric('sse_server_token_refreshes_total'), before + pages.length);
  assert.equal((await office.query('counts')).users, pages.length);
  await Promise.all(pages.map((page) => page.close()));
});

test('the token in the body counts before the one in the query', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'ann', 'access-token': 'at the start' });
  const body = { connectionId: stream.id, accessToken: 'of the body' };
  await page.postJson(`${REFRESH}?userId=ann&access-token=of+the+query`, body);
  assert.equal(await send('of the body'), 1);
  await page.postJson(`${REFRESH}?userId=ann&access-token=of+the+query`, { connectionId: stream.id });
  assert.equal(await send('of the query'), 1);
  await page.close();
});

test('a user who is online stays so', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: 'bob', clientId: 'c' });
  const signs = async () => [
    await office.metric('sse_server_user_online_total'), await office.metric('sse_server_user_offline_total'),
  ];
  const before = await eventually('bob to be counted, the tenth', async () => {
    const counted = await signs();
    return counted[0] === 10 && counted;
  });
  await page.postJson(`${REFRESH}?userId=bob`, { connectionId: stream.id, accessToken: 'fresh-token' });
  assert.equal((await office.query('online?userId=bob')).online, true);
  assert.deepEqual(await signs(), before);
  await page.close();
});
