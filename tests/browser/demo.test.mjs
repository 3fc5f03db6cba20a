// SPDX-License-Identifier: Apache-2.0
// The demo page, used as a person would.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { KEY, startServer } from '../integration/support/server.mjs';
import { hasOneConnection, openPage, startBrowser } from './support/browser.mjs';

const PHONE = 390; // CSS pixels wide

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

async function openDemo() {
  const page = await openPage(browser, server, { path: `/#key=${KEY}` });
  await page.addScript({ text: `(${installHands})();` });
  // Those of the page before are online, too, within the grace time.
  await server.asTimePasses('three people', () => page.evaluate(() => document.querySelectorAll('#online li').length === 3));
  await page.waitForFunction(() => window.tabs().every((tab) => tab.getElementById('status')?.dataset.state === 'open'));
  return page;
}

// Runs in the page: what a person sees and does there.
function installHands() {
  window.tabs = () => [...document.querySelectorAll('iframe')].map((frame) => frame.contentDocument);
  window.says = (page, id, pattern) => pattern.test(page.getElementById(id)?.textContent);
  window.press = (page, selector) => page.querySelector(selector).click();
}

test('three tabs as three people, on one connection', async () => {
  const page = await openDemo();
  await page.evaluate(() => window.press(document, '#push [type=submit]'));
  await page.waitForFunction(() => window.tabs().every((tab) => window.says(tab, 'log', /Good morning/)));
  if (hasOneConnection) {
    await page.waitForFunction(() => document.querySelector('#inspector dd')?.textContent === '1');
  }
  await page.evaluate(() => window.press(document, '#add'));
  await page.waitForFunction(() => document.querySelectorAll('#online li').length === 4);
  await page.evaluate(() => window.press(document, '#tabs li:last-child button'));
  await page.waitForFunction(() => window.says(document, 'tabs-count', /^3 tabs$/));
  assert.deepEqual(await page.failures(), []);
  await page.close();
});

test('a push goes to whom it names, by an event that nobody listened to before', async () => {
  const page = await openDemo();
  await page.evaluate(() => {
    window.press(document, '#online button');
    document.querySelector('#push [name=event]').value = 'bell';
    window.press(document, '#push [type=submit]');
  });
  await page.waitForFunction(() => window.says(document, 'push-result', /^Written to 1 connection.$/));
  await page.waitForFunction(() => window.tabs().some((tab) => window.says(tab, 'log', /bell/)));
  await page.close();
});

test('an upload shows its progress, and a send waits while offline', async () => {
  const page = await openDemo();
  await page.evaluate(() => {
    const [tab] = window.tabs();
    const chosen = new DataTransfer();
    chosen.items.add(new File([new Uint8Array(1_000_000)], 'a.bin'));
    tab.getElementById('file').files = chosen.files;
    window.press(tab, '#upload [type=submit]');
  });
  await page.waitForFunction(() => window.says(window.tabs()[0], 'upload-result', /sha256/));
  assert.equal(await page.evaluate(() => window.tabs()[0].getElementById('progress').value), 1);
  await page.evaluate(() => {
    const [tab] = window.tabs();
    window.press(tab, '#offline');
    window.press(tab, '#message [type=submit]');
  });
  await page.waitForFunction(() => window.says(window.tabs()[0], 'message-result', /waits/));
  await page.evaluate(() => window.press(window.tabs()[0], '#offline'));
  await page.waitForFunction(() => window.says(window.tabs()[0], 'message-result', /"greet" in/));
  assert.deepEqual(await page.failures(), []);
  await page.close();
});

test('it fits a phone', async () => {
  const page = await openPage(browser, server);
  await page.evaluate(({ address, width }) => {
    const frame = Object.assign(document.createElement('iframe'), { src: address });
    frame.style.width = `${width}px`;
    document.body.append(frame);
    window.views = () => [frame.contentWindow, frame.contentDocument.querySelector('iframe')?.contentWindow];
  }, { address: `/#key=${KEY}`, width: PHONE });
  await page.waitForFunction(() => window.views()[1]?.document.getElementById('log'));
  const tooWide = await page.evaluate(() => window.views().map((view) =>
    view.document.documentElement.scrollWidth > view.innerWidth));
  assert.deepEqual(tooWide, [false, false]);
  await page.close();
});
