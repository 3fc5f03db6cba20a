// SPDX-License-Identifier: Apache-2.0
// A real Chromium with a profile of its own, and pages of the server's origin that are empty but
// for what a test puts in.
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  '--no-sandbox', // the tests may run as root
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--ignore-certificate-errors',
];

function executable() {
  const found = PLACES.find((place) => place && existsSync(place));
  if (!found) {
    throw new Error('there is no Chromium: run script/bootstrap, or name one in CHROMIUM');
  }
  return found;
}

export function startBrowser() {
  return chromium.launch({
    executablePath: executable(),
    args: FLAGS,
  });
}

// A page of the server's origin, in a profile of its own unless a context is given. It fails the
// test when it throws. With hasClock a test may let its time pass: page.clock.runFor(ms).
export async function openPage(browser, server, { context, hasClock } = {}) {
  const page = await (context ?? await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  page.failures = [];
  page.on('pageerror', (error) => page.failures.push(error));
  if (hasClock) {
    await page.clock.install();
  }
  await page.goto(`${server.origin}/health/live`);
  await page.evaluate(installHelpers);
  return page;
}

// As server.asTimePasses(), with the time of the page.
export function asTimePasses(what, { server, page, step = 500 }, ask) {
  return server.asTimePasses(what, async () => (await ask()) || (await page.clock.runFor(step), false), step);
}

// Runs in the page: what the tests say there in a word.
function installHelpers() {
  window.make = async (options = {}) => {
    const { default: Sse } = await import('/sse/demo');
    return new Sse({ url: '/sse/demo', query: { userId: '7', name: 'Ann' }, ...options });
  };
  window.nextEvent = (sse, name) => new Promise((resolve) => {
    const listener = (event) => {
      sse.removeListener(name, listener).catch(() => {});
      resolve({ data: event.data, whoTriggerClose: event.whoTriggerClose, closeReason: event.closeReason });
    };
    sse.addListener(name, listener).catch(() => {});
  });
  window.connected = async (options) => {
    const sse = await window.make(options);
    if (!sse.isActive()) {
      await window.nextEvent(sse, 'connect-finish');
    }
    return sse;
  };
  // A headless browser shows all its pages; what it would say of a tab that is not looked at.
  window.show = (state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
    document.dispatchEvent(new Event('visibilitychange'));
  };
}
