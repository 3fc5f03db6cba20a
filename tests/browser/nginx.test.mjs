// SPDX-License-Identifier: Apache-2.0
// A page through nginx that speaks HTTP/1.1 with the server, as docs/recipes/nginx/http1.conf says.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Proxied } from '../integration/support/proxied.mjs';
import { missing } from '../integration/support/proxy.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { openPage, startBrowser } from './support/browser.mjs';

const UPLOAD = 20_000_000;
const skip = missing('nginx');
const setup = new Proxied();

let browser;
let page;
before(async () => {
  if (!skip) {
    await setup.start({ program: 'nginx', config: 'nginx/http1.conf', kind: 'cleartext', service: 'demo', comments: '2s' });
    browser = await startBrowser();
    page = await openPage(browser, { origin: `https://127.0.0.1:${setup.port}` });
  }
});
after(async () => {
  await browser?.close();
  await setup.stop();
});

async function connections(expected) {
  await eventually(`${expected} connections`, async () => await setup.connections() === expected);
}

async function hears(text) {
  await eventually('somebody to hear it', async () => (
    (await setup.office.send({ event: 'bell', data: text, all: true })).count === 1));
  await page.waitForFunction((said) => window.heard.includes(said), text);
}

test('a page connects and hears what is sent', { skip }, async () => {
  await page.evaluate(async () => {
    window.heard = [];
    window.mine = await window.connected({ eventListeners: { bell: ({ data }) => window.heard.push(data) } });
  });
  await connections(1);
  await hears('first');
});

test('it sends, and uploads 20 MB', { skip }, async () => {
  const answers = await page.evaluate(async (size) => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(size).fill(7)]), 'a.bin');
    const both = await Promise.all([window.mine.send('hello', { n: 1 }), window.mine.upload('files', form)]);
    return Promise.all(both.map(async (answer) => (await answer.json()).data));
  }, UPLOAD);
  assert.equal(answers[0], 'hello');
  assert.equal(answers[1].parts[0].size, UPLOAD);
});

test('it is hidden, and shown again', { skip }, async () => {
  await page.evaluate(() => window.show('hidden'));
  await connections(0);
  await page.evaluate(() => window.show('visible'));
  await connections(1);
  await hears('back');
});

test('nginx is restarted', { skip }, async () => {
  await setup.proxy.stop();
  await connections(0);
  await setup.startProxy();
  await hears('again');
  assert.equal((await page.evaluate(async () => (await window.mine.send('hello', {})).status)), 200);
  assert.deepEqual(await page.failures(), []);
});
