// SPDX-License-Identifier: Apache-2.0
// Three frames of one origin, with their streams, sends and uploads: one connection to the server, but in WebKit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { startServer } from '../integration/support/server.mjs';
import { hasOneConnection, openPage, startBrowser } from './support/browser.mjs';

const FRAMES = 3;
const SENDS = 20;

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

// Runs in the page: frames that each hold a stream, send and upload, all at once.
async function workInFrames({ frames, sends }) {
  async function work(user) {
    const frame = document.createElement('iframe');
    frame.src = '/sse/demo';
    const loaded = new Promise((resolve) => { frame.onload = resolve; });
    document.body.append(frame);
    await loaded;
    const view = frame.contentWindow;
    const { default: Sse } = await window.importIn(view);
    const sse = new Sse({ url: '/sse/demo', query: { userId: user }, windowGlobal: view, eventListeners: ['bell'] });
    const form = new view.FormData();
    form.set('file', new view.Blob([new Uint8Array(300_000)]), 'big.bin');
    const calls = Array.from({ length: sends }, (_, n) => sse.send(`work/${n}`, { n }));
    const answers = await Promise.all([...calls, sse.upload('files', form)]);
    return Promise.all(answers.map(async (answer) => ({ status: answer.status, ...await answer.json() })));
  }
  return Promise.all(Array.from({ length: frames }, (_, n) => work(`user-${n}`)));
}

test('streams, sends and uploads of three frames share one session', async () => {
  const office = await backend(server);
  const page = await openPage(browser, server);
  const results = await page.evaluate(workInFrames, { frames: FRAMES, sends: SENDS });
  for (const answers of results) {
    assert.equal(answers.length, SENDS + 1);
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(answers[SENDS].data.parts[0].size, 300_000);
  }
  const { list } = await office.query('connections');
  assert.equal(list.length, FRAMES);
  assert.deepEqual(list.map((each) => each.requestMessageCount), Array(FRAMES).fill(SENDS));
  assert.deepEqual(list.map((each) => each.requestUploadCount), Array(FRAMES).fill(1));
  if (hasOneConnection) {
    assert.equal(await office.metric('sse_server_sessions'), 2, 'the browser and this test');
  }
  assert.deepEqual(await page.failures(), []);
  await office.close();
});
