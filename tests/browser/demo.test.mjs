// SPDX-License-Identifier: Apache-2.0
// The demo page, used as a visitor would.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { KEY, startServer } from '../integration/support/server.mjs';
import { startBrowser } from './support/browser.mjs';

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function openDemo(options) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  page.failures = [];
  page.on('pageerror', (error) => page.failures.push(error));
  await page.goto(`${server.origin}/#key=${KEY}`);
  await page.waitForFunction(() => document.querySelectorAll('#online li').length === 3);
  return page;
}

const tabs = (page) => page.frames().filter((frame) => frame.url().includes('/demo/tab.html'));

test('three tabs as three people, on one connection', async () => {
  const page = await openDemo();
  await page.click('#push [type=submit]');
  for (const tab of tabs(page)) {
    await tab.waitForFunction(() => /Good morning/.test(document.getElementById('log').textContent));
  }
  await page.waitForFunction(() => document.querySelector('#inspector dd')?.textContent === '1');
  await page.click('#add');
  await page.waitForFunction(() => document.querySelectorAll('#online li').length === 4);
  await page.click('#tabs li:last-child button');
  await page.waitForFunction(() => document.getElementById('tabs-count').textContent === '3 tabs');
  assert.deepEqual(page.failures, []);
  await page.context().close();
});

test('a push goes to whom it names, by an event that nobody listened to before', async () => {
  const page = await openDemo();
  await page.click('#online button');
  await page.fill('#push [name=event]', 'bell');
  await page.click('#push [type=submit]');
  await page.waitForFunction(() => document.getElementById('push-result').textContent === 'Written to 1 connection.');
  const heard = tabs(page).map((tab) => tab.waitForFunction(() => /bell/.test(document.getElementById('log').textContent)));
  await Promise.any(heard);
  await page.context().close();
  await Promise.allSettled(heard);
});

test('an upload shows its progress, and a send waits while offline', async () => {
  const page = await openDemo();
  const [tab] = tabs(page);
  await tab.setInputFiles('#file', { name: 'a.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1_000_000) });
  await tab.click('#upload [type=submit]');
  await tab.waitForFunction(() => /sha256/.test(document.getElementById('upload-result').textContent));
  assert.equal(await tab.evaluate(() => document.getElementById('progress').value), 1);
  await tab.check('#offline');
  await tab.click('#message [type=submit]');
  await tab.waitForFunction(() => /waits/.test(document.getElementById('message-result').textContent));
  await tab.uncheck('#offline');
  await tab.waitForFunction(() => /"greet" in/.test(document.getElementById('message-result').textContent));
  assert.deepEqual(page.failures, []);
  await page.context().close();
});

test('it fits a phone', async () => {
  const page = await openDemo({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  const tooWide = (frame) => frame.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.equal(await tooWide(page), false);
  assert.equal(await tooWide(tabs(page)[0]), false);
  await page.context().close();
});
