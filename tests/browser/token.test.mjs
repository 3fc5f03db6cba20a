// SPDX-License-Identifier: Apache-2.0
// A page whose token ends: it shows a new one on the open stream, changes its channels meanwhile, and
// comes back with both after a reconnect; without a new one it is told why it ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SECRET, token as tokenOf } from '../integration/support/tokens.mjs';
import { asTimePasses, openPage } from './support/browser.mjs';
import { stage } from './support/stage.mjs';

let server;
let browser;
let office;
stage((parts) => { ({ server, browser, office } = parts); }, {
  stopped: true,
  variables: {
    SSE_SERVER_TOKEN_KEYS_0_ALGORITHM: 'HS256',
    SSE_SERVER_TOKEN_KEYS_0_SECRET: SECRET,
    SSE_SERVER_SERVICES_0_AUTH: 'jwt',
    SSE_SERVER_SERVICES_0_JWT_LEEWAY: '0',
    SSE_SERVER_SERVICES_0_CHANNELS_ALLOW: 'news, user/{userId}',
  },
});

const token = (claims, lifetime) => tokenOf(claims, { lifetime, now: server.now() });

// Runs in the page: refreshes when it is told to, and remembers what it heard.
async function live({ first, next }) {
  window.sse = await window.connected({
    query: { 'access-token': first, channel: 'news' },
    eventListeners: ['bell'],
  });
  window.answers = [];
  window.sse.addListener('sse-token-expiring', async () => {
    const answer = await window.sse.refresh(next);
    window.answers.push((await answer.json()).data);
  });
  await window.sse.subscribe('user/7');
  return window.sse.connectionId;
}

// First: the other test moves the server's clock on by more than this token lasts.
test('a page without a new token is told, and told why it does not come back', async () => {
  const page = await openPage(browser, server, { hasClock: true });
  await page.evaluate(async (first) => {
    const sse = await window.connected({ query: { 'access-token': first }, reconnectTime: 100 });
    window.reasons = [];
    sse.addListener('connect-close', ({ closeReason }) => window.reasons.push(closeReason));
  }, token({ sub: '8' }, 3));
  const reasons = () => page.evaluate(() => window.reasons);
  await asTimePasses('two ends', { server, page }, async () => (await reasons()).length >= 2);
  assert.deepEqual(await reasons(), ['expired', 'unauthorized']);
});

test('a page keeps its stream with a new token, and its channels over a reconnect', async () => {
  const page = await openPage(browser, server, { hasClock: true });
  const id = await page.evaluate(live, {
    first: token({ sub: '7' }, 60),
    next: token({ sub: '7' }, 600),
  });
  await asTimePasses('a new token', { server, page }, () => page.evaluate(() => window.answers.length > 0));
  const [{ expiresAt, channel }] = await page.evaluate(() => window.answers);
  assert.ok(expiresAt > server.now() + 300_000);
  assert.deepEqual([...channel].sort(), ['news', 'user/7']);
  assert.equal(await page.evaluate(() => window.sse.connectionId), id, 'the same stream');

  await page.evaluate(async () => {
    window.sse.close();
    window.sse.connect();
    await window.nextEvent(window.sse, 'connect-finish');
  });
  const { list: [{ channels }] } = await office.query('connections');
  assert.deepEqual([...channels].sort(), ['news', 'user/7']);
  const bell = page.evaluate(() => window.nextEvent(window.sse, 'bell'));
  await page.evaluate(() => 0); // the listener is there before the event is sent
  assert.equal((await office.send({ event: 'bell', data: 'ding', channel: 'user/7' })).count, 1);
  assert.equal((await bell).data, 'ding');
  await page.evaluate(() => window.sse.destroy());
  assert.deepEqual(await page.failures(), []);
});
