// SPDX-License-Identifier: Apache-2.0
// A proxy between that buffers: the page says so, and gets through all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startServer } from '../integration/support/server.mjs';
import { openPage, startBrowser } from './support/browser.mjs';
import { startBufferingProxy } from './support/buffering_proxy.mjs';

const GREETING_LIMIT_MS = 10_000; // as in js/src/event_stream.js
const FIRST_WAIT_MS = 1000; // at most, as in js/src/connection.js

test('a stream that a proxy holds back is noticed, and padded', async () => {
  const server = await startServer();
  const proxy = await startBufferingProxy(server);
  const browser = await startBrowser();
  try {
    const page = await openPage(browser, proxy, { hasClock: true });
    await page.evaluate(async () => {
      window.mine = await window.make();
      window.timeout = window.nextEvent(window.mine, 'connect-timeout');
      window.finish = window.nextEvent(window.mine, 'connect-finish');
    });
    await page.passTime(GREETING_LIMIT_MS);
    const said = await page.evaluate(async () => JSON.parse((await window.timeout).data));
    await page.passTime(FIRST_WAIT_MS);
    await page.evaluate(() => window.finish);
    assert.equal(said.padding, 2048);
    assert.match(said.message, /buffering/);
    assert.equal(await page.evaluate(() => window.mine.isActive()), true);
    assert.deepEqual(await page.failures(), []);
  } finally {
    await browser.close();
    await proxy.stop();
    await server.stop();
  }
});
