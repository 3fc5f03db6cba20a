// SPDX-License-Identifier: Apache-2.0
// Something on the way goes silent: the page notices, and goes on by another way.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventually } from '../integration/support/wait.mjs';
import { openPage } from './support/browser.mjs';
import { startForgetfulProxy, startForgetfulRouter } from './support/silent_proxies.mjs';
import { stage } from './support/stage.mjs';

const INTERVAL = 25_000; // ms: services[].commentInterval
const STEP = 500;

let server;
let browser;
let office;
stage((parts) => { ({ server, browser, office } = parts); });

async function openWatching(proxy) {
  const page = await openPage(browser, proxy, { hasClock: true });
  await page.evaluate(async () => {
    window.heard = [];
    window.lost = [];
    window.mine = await window.connected({
      clientId: location.port,
      eventListeners: {
        bell: (event) => window.heard.push(event.data),
        error: ({ error }) => window.lost.push(error?.code),
      },
    });
    window.calls = [];
    window.call = (path) => window.calls.push(window.mine.send(path).then(({ status }) => status));
  });
  return page;
}

// ms of the page's time until it is so. What the browser itself has to notice first takes many looks: each is one
// call to the page.
async function timeUntil(page, look) {
  const lookOrPass = `async (step) => (${look})() || (await window.passTime(step), false)`;
  let passed = 0;
  await eventually('what the page is to notice', async () => {
    const isSo = await page.evaluate(lookOrPass, STEP);
    passed += isSo ? 0 : STEP;
    return isSo;
  });
  return passed;
}

for (const [what, start] of [['proxy', startForgetfulProxy], ['router', startForgetfulRouter]]) {
  test(`a ${what} that forgets: nothing is missed, nothing hangs`, async () => {
    const proxy = await start(server);
    const page = await openWatching(proxy);
    try {
      await office.send({ event: 'bell', data: 'before', all: true });
      await eventually('the event', () => page.evaluate(() => window.heard.length === 1));
      proxy.silence();
      await page.evaluate(() => window.call('asked/of/nobody'));
      await office.send({ event: 'bell', data: 'meanwhile', all: true });
      assert.equal(await page.evaluate(() => window.mine.isActive()), true);
      const noticed = await timeUntil(page, () => !window.mine.isActive());
      assert.ok(noticed <= 2 * INTERVAL + STEP, `${noticed} ms`);
      assert.deepEqual(await page.evaluate(() => window.lost), ['silent']);
      await timeUntil(page, () => window.mine.isActive());
      assert.deepEqual(await page.evaluate(() => Promise.all(window.calls)), [200]);
      await eventually('what was sent meanwhile', () => page.evaluate(() => window.heard.length > 1));
      assert.deepEqual(await page.evaluate(() => window.heard), ['before', 'meanwhile']);
      assert.deepEqual(await page.failures(), []);
    } finally {
      await page.close();
      await proxy.stop();
    }
  });
}

test('a heartbeat, which is without data, is an event to a browser', async () => {
  const page = await openPage(browser, server);
  await page.evaluate(() => {
    const source = new EventSource('/sse/demo/connect?userId=7&heartbeat=true');
    source.addEventListener('sse-heartbeat', ({ data }) => { window.sign = data; });
  });
  await server.asTimePasses('a heartbeat', () => page.evaluate(() => window.sign === ''));
  await page.close();
});
