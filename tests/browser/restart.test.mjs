// SPDX-License-Identifier: Apache-2.0
// The server dies and comes back under a page.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { startServer } from '../integration/support/server.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { openPage, startBrowser } from './support/browser.mjs';

const SENDS = 30;

test('the page is back, and each call that waited ran once', async () => {
  let server = await startServer();
  const { port } = server;
  const browser = await startBrowser();
  try {
    const page = await openPage(browser, server);
    await page.evaluate(async () => {
      window.heard = [];
      window.mine = await window.connected({ eventListeners: { bell: (event) => window.heard.push(event.data) } });
    });
    await server.kill();
    await page.evaluate((sends) => {
      window.mine.addListener('late', (event) => window.heard.push(event.data));
      window.answers = Promise.all(Array.from({ length: sends }, async (_, n) => {
        const answer = await window.mine.send(`waiting/${n}`, { n });
        return (await answer.json()).data;
      }));
    }, SENDS);
    server = await startServer({ listen: `127.0.0.1:${port}` });
    const answers = await page.evaluate(() => window.answers);
    assert.deepEqual(answers, Array.from({ length: SENDS }, (_, n) => `waiting/${n}`));

    const office = await backend(server);
    const { list } = await office.query('connections');
    assert.equal(list.length, 1);
    assert.equal(list[0].requestMessageCount, SENDS);
    assert.deepEqual([...list[0].listeners].sort(), ['bell', 'late']);
    await office.send({ event: 'bell', data: 'again', all: true });
    await eventually('the event', () => page.evaluate(() => window.heard.includes('again')));
    await office.close();
    assert.deepEqual(await page.failures(), []);
  } finally {
    await browser.close();
    await server.stop();
  }
});
