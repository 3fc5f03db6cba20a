// SPDX-License-Identifier: Apache-2.0
// Pages that have the client of the Java system: what becomes of them, again and again. JAVA_CLIENT_RUNS: how often.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { newHost } from '../integration/support/host.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { asTimePasses, openPage, startBrowser } from './support/browser.mjs';
import { installJavaClient } from './support/java_client.mjs';

const RUNS = Number(process.env.JAVA_CLIENT_RUNS ?? 2);

let host;
let browser;
let office;
let page;
before(async () => {
  host = await newHost({ variables: { SSE_SERVER_DRAIN_SPREAD: '1s', SSE_SERVER_DRAIN_TIME: '10s' } });
  await host.start();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await host?.close();
});
beforeEach(async () => {
  office = await backend(host.server);
  page = await openPage(browser, host.server, { hasClock: true });
  await page.addScript({ text: `(${installJavaClient})();` });
});

async function done() {
  await office.close();
  assert.deepEqual(await page.failures(), []);
  await page.close();
}

const connections = async () => (await office.query('counts')).connections;

// Resolves when the page has its stream; what: of the window.
async function online(what = 'mine') {
  await asTimePasses('a stream', { server: host.server, page }, () => page.evaluate((name) => window[name].isActive(), what));
}

async function open(what = 'mine', query = {}) {
  await page.evaluate(([name, more]) => {
    window[name] = new window.JavaClient({ query: { userId: '7', clientId: 'c7', ...more }, listeners: ['bell'] });
  }, [what, query]);
  await online(what);
}

// None of its timers brings a page back: the question behind them is answered.
async function staysAway(expected) {
  await page.passTime(10_000);
  await page.evaluate(() => fetch('/health/live'));
  assert.equal(await connections(), expected);
}

async function isTold(what = 'mine') {
  await eventually(`connect-close of ${what}`, () => page.evaluate((name) => window[name].hasHeard('connect-close'), what));
}

for (let run = 1; run <= RUNS; run += 1) {
  test(`hidden it is offline, and shown again it is back (${run})`, async () => {
    await open();
    await page.evaluate(() => window.show('hidden'));
    await isTold();
    await staysAway(0);
    await page.evaluate(() => window.show('visible'));
    await online();
    assert.equal(await connections(), 1);
    await done();
  });

  test(`close() with a reason ends it, and its listeners hear of it (${run})`, async () => {
    await open();
    const id = await page.evaluate(() => {
      const { connectionId } = window.mine;
      window.mine.close('x');
      return connectionId;
    });
    await isTold();
    assert.deepEqual(JSON.parse(await page.evaluate(() => window.mine.heard.at(-1)[1])), { connectionId: id });
    await staysAway(0);
    await done();
  });

  test(`kicked it stays away, whatever waits for it (${run})`, async () => {
    await open();
    const bells = Array.from({ length: 200 }, () => ({ event: 'bell', data: 'x'.repeat(2000), userId: '7' }));
    const kick = office.send(bells).then(() => office.command('disconnectUser', { userId: '7' }));
    assert.equal((await kick).count, 1);
    await isTold();
    assert.equal(await page.evaluate(() => window.mine.heard.length), bells.length + 2);
    await staysAway(0);
    await done();
  });

  test(`of four of one client the oldest stays away (${run})`, async () => {
    for (const what of ['mine', 'second', 'third', 'fourth']) {
      await open(what);
    }
    await isTold();
    await staysAway(3);
    assert.deepEqual(await page.evaluate(() => ['second', 'third', 'fourth'].map((name) => window[name].isActive())),
      [true, true, true]);
    await done();
  });

  for (const [how, end] of [
    ['SIGTERM', () => host.server.stop()],
    ['SIGKILL', () => host.server.kill()],
  ]) {
    test(`${how} and a start: it is back by itself (${run})`, async () => {
      await open();
      await end();
      await host.start();
      await office.close();
      office = await backend(host.server);
      await online();
      assert.equal(await page.evaluate(() => window.mine.hasHeard('connect-close')), false);
      assert.equal(await connections(), 1);
      assert.equal((await office.send({ event: 'bell', data: 'again', userId: '7' })).count, 1);
      await eventually('the bell', () => page.evaluate(() => window.mine.heard.some(([, data]) => data === 'again')));
      await done();
    });
  }
}
