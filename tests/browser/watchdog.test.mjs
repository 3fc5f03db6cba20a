// SPDX-License-Identifier: Apache-2.0
// A proxy between that buffers: the page says so, and gets through all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startServer } from '../integration/support/server.mjs';
import { openPage, startBrowser } from './support/browser.mjs';
import { startBufferingProxy } from './support/buffering_proxy.mjs';

test('a stream that a proxy holds back is noticed, and padded', async () => {
  const server = await startServer();
  const proxy = await startBufferingProxy(server);
  const browser = await startBrowser();
  try {
    const page = await openPage(browser, proxy);
    const said = await page.evaluate(async () => {
      window.mine = await window.make();
      const timeout = window.nextEvent(window.mine, 'connect-timeout');
      const finish = window.nextEvent(window.mine, 'connect-finish');
      const { data } = await timeout;
      await finish;
      return JSON.parse(data);
    });
    assert.equal(said.padding, 2048);
    assert.match(said.message, /buffering/);
    assert.equal(await page.evaluate(() => window.mine.isActive()), true);
    assert.deepEqual(page.failures, []);
  } finally {
    await browser.close();
    await proxy.stop();
    await server.stop();
  }
});
