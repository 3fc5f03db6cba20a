// SPDX-License-Identifier: Apache-2.0
// A page under a server that dies and comes back, in a tab that is looked at and not: it handles
// each message with qos 1 once.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { newHost } from '../integration/support/host.mjs';
import { Random, newSeed } from '../integration/support/random.mjs';
import { asTimePasses, engine, openPage, startBrowser } from './support/browser.mjs';

const MESSAGES = 1000;
const BATCH = 10;
const TURNS = 20; // restarts, and switches of tabs
// WebKitGTK keeps each connection that broke under a stream, and has six for a host, of which it needs some.
const CRASHES = engine === 'webkit' ? 3 : TURNS;
const BEHIND = 50; // messages that the page has not handled when the next turn begins, at the most

test('1000 messages, 20 restarts, 20 switches of tabs', async (t) => {
  const seed = newSeed();
  t.diagnostic(`SEED=${seed}`);
  const random = new Random(seed);
  const host = await newHost({ variables: {
    SSE_SERVER_SERVICES_0_QOS_ACK_TIMEOUT: '2s',
    // WebKit does not notice that a server has died: the page does, when there are no heartbeats.
    SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: '3s',
  } });
  const browser = await startBrowser();
  let sent = 0;
  let crashes = 0;

  // A back end sends until it is answered: the ids make it harmless.
  async function send() {
    const batch = Array.from({ length: BATCH }, (_, n) => (
      { event: 'bell', data: sent + n, id: `m-${sent + n}`, qos: 1, userId: '7' }));
    const office = await backend(host.server);
    await office.send(batch);
    await office.close();
    sent += BATCH;
  }

  try {
    await host.start();
    const page = await openPage(browser, host.server, { hasClock: true });
    await page.evaluate(async () => {
      window.heard = [];
      const bell = (event) => window.heard.push(Number(event.data));
      window.mine = await window.connected({ reconnectTime: 100, eventListeners: { bell } });
    });
    const hasCaughtUp = (behind) => asTimePasses('the page to catch up', { server: host.server, page }, async () =>
      await page.evaluate(() => window.heard.length) >= sent - behind);
    const show = (state) => page.evaluate((it) => window.show(it), state);
    const interruptions = [
      async () => {
        if (crashes < CRASHES && random.chance(0.5)) {
          crashes += 1;
          await host.crash();
        } else {
          await host.restart();
        }
      },
      async () => {
        await show('hidden');
        await send();
        await show('visible');
      },
    ];

    for (let turn = 0; turn < TURNS; turn++) {
      for (const interrupt of interruptions) {
        await send();
        await interrupt();
      }
      await send();
      await hasCaughtUp(random.below(BEHIND));
    }
    while (sent < MESSAGES) {
      await send();
    }
    await hasCaughtUp(0);
    const office = await backend(host.server);
    await asTimePasses('an empty store', { server: host.server, page }, async () =>
      (await office.query('messages')).total === 0);
    await office.close();
    assert.deepEqual(await page.evaluate(() => window.heard), Array.from({ length: MESSAGES }, (_, n) => n));
    assert.deepEqual(await page.failures(), []);
  } finally {
    await browser.close();
    await host.close();
  }
});
