// SPDX-License-Identifier: Apache-2.0
// The server dies and comes back under a page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { newHost } from '../integration/support/host.mjs';
import { freePort } from '../integration/support/port.mjs';
import { startServer } from '../integration/support/server.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { openPage, startBrowser } from './support/browser.mjs';

const SENDS = 30;

let browser;
before(async () => { browser = await startBrowser(); });
after(() => browser?.close());

test('the page is back, and each call that waited ran once', async () => {
  let server = await startServer({ listen: `127.0.0.1:${await freePort()}` });
  const { port } = server;
  let page;
  try {
    page = await openPage(browser, server);
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
    // Changes go beside the sends: those of connected() may have waited, too.
    await eventually('its listeners', async () => {
      const { list: [{ listeners }] } = await office.query('connections');
      return listeners.length === 2 && listeners.includes('bell') && listeners.includes('late');
    });
    await office.send({ event: 'bell', data: 'again', all: true });
    await eventually('the event', () => page.evaluate(() => window.heard.includes('again')));
    await office.close();
    assert.deepEqual(await page.failures(), []);
  } finally {
    await page?.close();
    await server.stop();
  }
});

// Not every browser notices that a connection has broken: what the server says of it counts.
test('a page that was quiet meanwhile is back with its next call', async () => {
  const host = await newHost();
  let page;
  try {
    page = await openPage(browser, await host.start());
    await page.evaluate(async () => {
      window.heard = [];
      window.mine = await window.connected({ eventListeners: { bell: ({ data }) => window.heard.push(data) } });
    });
    const office = await backend(await host.crash());
    const statuses = await page.evaluate(async () => {
      const calls = [window.mine.send('again', {}), window.mine.addListener('late'), window.mine.subscribe('news')];
      return (await Promise.all(calls)).map(({ status }) => status);
    });
    assert.deepEqual(statuses, [200, 200, 200]);
    const { list: [connection, ...others] } = await office.query('connections');
    assert.deepEqual(others, []);
    assert.equal(connection.requestMessageCount, 1);
    assert.ok(connection.listeners.includes('late'));
    assert.deepEqual(connection.channels, ['news']);
    assert.equal(await office.metric('sse_server_connections_opened_total'), 1, 'once is enough');
    assert.equal((await office.send({ event: 'bell', data: 'again', userId: '7' })).count, 1);
    await page.waitForFunction(() => window.heard.includes('again'));
    await office.close();
    assert.deepEqual(await page.failures(), []);
  } finally {
    await page?.close();
    await host.close();
  }
});
