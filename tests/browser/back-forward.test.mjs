// SPDX-License-Identifier: Apache-2.0
// A page that is left, and comes back as it was from the browser's back/forward cache.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventually } from '../integration/support/wait.mjs';
import { engine, openPage } from './support/browser.mjs';
import { stage } from './support/stage.mjs';

const RETURNS = 3; // as many connections as a client may have
const CALLS = 20;

let server;
let browser;
let office;
stage((parts) => { ({ server, browser, office } = parts); }, { variables: { SSE_SERVER_SERVICES_0_RECONNECT_TIME: '100ms' } },
  { isWhole: true });

async function connections(expected) {
  await eventually(`${expected} connections`, async () => (await office.query('counts')).connections === expected);
}

async function begin(page) {
  await page.evaluate(async () => {
    window.heard = [];
    window.returns = 0;
    window.addEventListener('pageshow', ({ persisted }) => { window.returns += persisted; });
    window.mine = await window.connected({ eventListeners: { bell: ({ data }) => window.heard.push(data) } });
  });
}

test('has one connection, however often it comes back', async (context) => {
  const page = await openPage(browser, server);
  await begin(page);
  let returns = 0;
  for (let n = 1; n <= RETURNS; n++) {
    if (engine === 'firefox') { // whose cache takes no page with an open stream
      await page.evaluate(() => document.dispatchEvent(new Event('freeze')));
      await connections(0);
    }
    await page.goto(`${server.origin}/health/live`);
    await connections(0);
    await page.goBack();
    if (await page.evaluate(() => Boolean(window.mine))) {
      returns += 1;
      await page.waitForFunction(() => window.mine.isActive() && window.returns > 0);
    } else { // a busy Chromium does not keep pages
      await page.addScript(page.helpers);
      await begin(page);
    }
    await office.send({ event: 'bell', data: String(n), userId: '7' });
    await page.waitForFunction((last) => window.heard.at(-1) === last, String(n));
  }
  context.diagnostic(`${returns} times from the cache`);
  assert.ok(returns > 0 || engine.startsWith('chromium'));
  // WebKit opens streams again that were closed as the page was left: each is to be closed anew.
  for (let n = 0; n < CALLS; n++) {
    assert.equal(await page.evaluate(async () => (await window.mine.send('there', {})).status), 200);
  }
  await connections(1);
  assert.equal((await office.send({ event: 'bell', data: 'last', userId: '7' })).count, 1);
  assert.deepEqual(await page.failures(), []);
  await page.close();
});
