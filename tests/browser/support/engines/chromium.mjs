// SPDX-License-Identifier: Apache-2.0
// Chromium without a window, driven by playwright.
import { chromium } from 'playwright-core';

import { findProgram } from './program.mjs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
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
const UNWANTED = ['--disable-back-forward-cache']; // of playwright's

class Page {
  #page;

  constructor(page) {
    this.#page = page;
  }

  goto(url) {
    return this.#page.goto(url);
  }

  evaluate(source, argument) {
    return this.#page.evaluate(`(${source})(${JSON.stringify(argument ?? null)})`);
  }

  goBack() {
    return this.#page.goBack({ waitUntil: 'commit' });
  }

  close() {
    return this.#page.close({ runBeforeUnload: true });
  }
}

class Browser {
  #browser;
  canSwitchTabs = false; // without a window all are shown

  constructor(browser) {
    this.#browser = browser;
  }

  newProfile() {
    return this.#browser.newContext({ ignoreHTTPSErrors: true });
  }

  removeProfile(context) {
    return context.close();
  }

  async newPage(context) {
    return new Page(await context.newPage());
  }

  close() {
    return this.#browser.close();
  }
}

export async function start() {
  const executablePath = findProgram('Chromium', 'CHROMIUM', PLACES);
  return new Browser(await chromium.launch({ executablePath, args: FLAGS, ignoreDefaultArgs: UNWANTED }));
}
