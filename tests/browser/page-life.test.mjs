// SPDX-License-Identifier: Apache-2.0
// Pages that are hidden, frozen, left and come back to, as the server counts them.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { watch } from '../integration/support/presence.mjs';
import { storeIsEmpty } from '../integration/support/qos.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { openPage } from './support/browser.mjs';
import { stage } from './support/stage.mjs';

let server;
let browser;
let office;
let page;
stage((parts) => { ({ server, browser, office } = parts); }, {}, { isWhole: true });
beforeEach(async () => {
  await page?.close();
  page = await openPage(browser, server);
});

async function connections(expected) {
  await eventually(`${expected} connections`, async () => (await office.query('counts')).connections === expected);
}

test('a tab that is hidden and shown 50 times fast keeps its one connection', async () => {
  await page.evaluate(async () => { window.mine = await window.connected(); });
  const opened = await office.metric('sse_server_connections_opened_total');
  await page.evaluate(() => {
    for (let turn = 0; turn < 50; turn += 1) {
      window.show('hidden');
      window.show('visible');
    }
  });
  assert.equal((await page.evaluate(async () => (await window.mine.send('still', {})).status)), 200);
  assert.equal(await office.metric('sse_server_connections_opened_total'), opened);
  await connections(1);
});

test('a tab that stays hidden goes offline, and its calls wait until it is shown', async () => {
  await page.evaluate(async () => {
    window.mine = await window.connected();
    window.show('hidden');
  });
  await connections(0);
  const status = await page.evaluate(async () => {
    const sent = window.mine.send('later', {});
    window.show('visible');
    return (await sent).status;
  });
  assert.equal(status, 200);
  await connections(1);
});

test('a tab behind another goes offline, and is back when it is brought to the front', async (context) => {
  if (!browser.canSwitchTabs) {
    context.skip('this browser shows them all');
    return;
  }
  await page.evaluate(async () => { window.mine = await window.connected(); });
  const other = await openPage(browser, server, { beside: page });
  await connections(0);
  await page.toFront();
  await connections(1);
  await page.waitForFunction(() => window.mine.isActive());
  await other.close();
});

test('background: true stays while hidden', async () => {
  const event = await page.evaluate(async () => {
    window.mine = await window.connected({ background: true });
    window.heard = window.nextEvent(window.mine, 'bell');
    await window.mine.addListener(['bell']);
    window.show('hidden');
  }).then(() => office.send({ event: 'bell', data: 'x', userId: '7' }));
  assert.equal(event.count, 1);
  assert.equal((await page.evaluate(() => window.heard)).data, 'x');
});

test('a frozen page leaves, and is back when it is resumed', async () => {
  await page.evaluate(async () => { window.mine = await window.connected({ background: true }); });
  await page.evaluate(() => document.dispatchEvent(new Event('freeze')));
  await connections(0);
  await page.evaluate(() => document.dispatchEvent(new Event('resume')));
  await connections(1);
});

test('a page that is put away for the back button leaves, and is back when it is taken out', async () => {
  await page.evaluate(async () => {
    window.mine = await window.connected();
    window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
  });
  await connections(0);
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await connections(1);
});

test('a page that is left for another is gone', async () => {
  await page.evaluate(async () => { window.mine = await window.connected(); });
  await connections(1);
  await page.goto(`${server.origin}/health/ready`);
  await connections(0);
});

// Its stream has ended by the time at which the beacons arrive.
test('what a page says as it is left counts: what it has handled, and why it left', async () => {
  const watcher = await watch(office.client, { events: 'disconnect' });
  await page.evaluate(async () => {
    window.mine = await window.connected({
      eventListeners: { bell: () => { location.href = '/health/ready'; } },
    });
  });
  await office.send({ event: 'bell', data: 'x', qos: 1, userId: '7' });
  assert.equal((await watcher.next('disconnect')).reason, 'pagehide');
  await storeIsEmpty(office);
  await eventually('the next page', () => page.evaluate(
    () => location.pathname === '/health/ready' && document.readyState === 'complete',
  ).catch(() => false));
  await watcher.close();
});

test('a tab that is closed is gone', async () => {
  const other = await openPage(browser, server);
  await other.evaluate(async () => { window.mine = await window.connected(); });
  await connections(1);
  await other.close();
  await connections(0);
});
