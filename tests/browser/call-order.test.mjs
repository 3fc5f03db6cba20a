// SPDX-License-Identifier: Apache-2.0
// A page's sends travel in parallel and reach the back end in order, whatever the way does to them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startServer } from '../integration/support/server.mjs';
import { startTarget } from '../integration/support/target.mjs';
import { within } from '../integration/support/wait.mjs';
import { hasOneConnection, openPage, startBrowser } from './support/browser.mjs';
import { startProxy } from './support/h2_proxy.mjs';

const CALLS = 60; // below orderedCalls
const skip = !hasOneConnection && 'five requests of a page are under way there, and the stream';

let target;
let server;
let browser;
before(async () => {
  target = await startTarget();
  server = await startServer({
    variables: { SSE_SERVER_WORKERS: '3', SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message') },
  });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await target?.close();
});

function pass(stream, upstream) {
  stream.pipe(upstream);
  upstream.on('response', (fields) => stream.destroyed || stream.respond(Object.fromEntries(Object.entries(fields))));
  upstream.on('data', (part) => stream.destroyed || stream.write(part));
  upstream.on('end', () => stream.destroyed || stream.end());
}

// Sends so many at once by a proxy that does forward(stream, upstream); the answers' statuses.
async function sendAll(forward) {
  target.requests.length = 0;
  const proxy = await startProxy(server, forward);
  try {
    const page = await openPage(browser, proxy);
    await server.stopClock(); // what is late is waited for
    const statuses = await page.evaluate(async (count) => {
      window.mine = await window.connected();
      const sent = Array.from({ length: count }, (_, n) => window.mine.send('say', { n }));
      return (await Promise.all(sent)).map(({ status }) => status);
    }, CALLS);
    await server.startClock();
    assert.deepEqual(await page.failures(), []);
    await page.close();
    return statuses;
  } finally {
    await proxy.stop();
  }
}

const isSend = (upstream) => upstream.sentHeaders[':path'].includes('/message/say.do');
const said = () => target.posted.map(({ message }) => message.n);
const inOrder = Array.from({ length: CALLS }, (_, n) => n);

test('all are under way before the first is answered, and come the last first', { skip }, async () => {
  const held = [];
  const statuses = await within('all to travel at once', sendAll((stream, upstream) => {
    if (!isSend(upstream)) {
      pass(stream, upstream);
    } else if (held.push([stream, upstream]) === CALLS) {
      held.reverse().forEach((both) => pass(...both));
    }
  }));
  assert.deepEqual(statuses, inOrder.map(() => 200));
  assert.deepEqual(said(), inOrder);
});

test('some are lost on the way, and come again', { skip }, async () => {
  let count = 0;
  const statuses = await sendAll((stream, upstream) => {
    if (isSend(upstream) && (count += 1) <= CALLS && count % 7 === 3) {
      upstream.close(8);
      stream.close(2);
    } else {
      pass(stream, upstream);
    }
  });
  assert.ok(count > CALLS);
  assert.deepEqual(statuses, inOrder.map(() => 200));
  assert.deepEqual(said(), inOrder);
});
