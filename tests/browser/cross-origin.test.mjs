// SPDX-License-Identifier: Apache-2.0
// A page of another origin: which header fields its calls may have, what it hears of those that it may
// not, and what it can read of the answers.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { startServer } from '../integration/support/server.mjs';
import { startTarget } from '../integration/support/target.mjs';
import { openPage, startBrowser } from './support/browser.mjs';

let home; // of the page
let target; // knows its user by x-session
let server;
let browser;
let page;
before(async () => {
  [home, target] = await Promise.all([startServer(), startTarget()]);
  target.answer = ({ headers, body }) => {
    const session = headers['x-session'] ?? JSON.parse(body).parameters?.session;
    return session ? { status: 200, json: { id: session } } : { status: 401, json: null };
  };
  server = await startServer({
    variables: {
      SSE_SERVER_SERVICES_0_ORIGINS: home.origin,
      SSE_SERVER_SERVICES_0_CORS_HEADERS: 'x-own',
      SSE_SERVER_SERVICES_0_AUTH: 'webhook',
      SSE_SERVER_SERVICES_0_AUTH_WEBHOOK_URL: target.url('/who'),
      SSE_SERVER_SERVICES_0_AUTH_WEBHOOK_HEADERS: 'x-session',
      SSE_SERVER_SERVICES_0_AUTH_WEBHOOK_PARAMETERS: 'session',
    },
  });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all([home, server].map((each) => each?.stop()));
  await target?.close();
});

beforeEach(async (context) => {
  page = await openPage(browser, home);
  context.after(() => page.close());
  await page.evaluate(async (url) => {
    const Sse = await window.load(url);
    window.mine = new Sse({ url, query: { session: 'ann' } });
    await window.nextEvent(window.mine, 'connect-finish');
    window.post = async (headers) => {
      try {
        return (await window.mine.send('hello', {}, {}, headers)).status;
      } catch ({ code, message }) {
        return `${code}: ${message}`;
      }
    };
  }, `${server.origin}/sse/demo`);
});

test('fields that the settings name arrive', async () => {
  assert.equal(await page.evaluate(() => window.post({ 'x-session': 'ann', 'X-Own': '1' })), 200);
  assert.equal(await page.evaluate(() => window.post({ 'x-session': 'bob' })), 404, 'it counts');
});

test('one that none names is told at once, with the setting', async () => {
  assert.match(await page.evaluate(() => window.post({ 'x-other': '1' })), /^blocked: .*x-other.*corsHeaders/);
  assert.equal(await page.evaluate(() => window.post({})), 200, 'and the next is in time');
});

test('what tools add to fetch does no harm', async () => {
  await page.evaluate(() => {
    const { fetch } = window;
    window.fetch = (url, { headers, ...init }) => {
      const more = new Headers(headers);
      for (const name of ['traceparent', 'tracestate', 'baggage', 'sentry-trace']) {
        more.set(name, 'a=b');
      }
      return fetch(url, { ...init, headers: more });
    };
  });
  assert.equal(await page.evaluate(() => window.post({})), 200);
});

test('the page reads what an answer says beside its body', async () => {
  const read = await page.evaluate(async () => {
    const address = `${window.mine.options.url}/connect/message/x.do?connectionId=none`;
    const { headers } = await fetch(address, { method: 'POST', credentials: 'include' });
    return headers.get('x-sse-connection');
  });
  assert.equal(read, 'unknown');
});
