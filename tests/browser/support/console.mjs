// SPDX-License-Identifier: Apache-2.0
// The console in a browser, used as a person does it: by what is written on it.
import { readFileSync } from 'node:fs';

import { openPage } from './browser.mjs';

const AXE = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const SERIOUS = ['serious', 'critical'];

// Runs in the page, which takes no further script.
function installHands() {
  window.faults = [];
  window.addEventListener('error', ({ message, error }) => window.faults.push(`${message} ${error?.stack}`));
  window.addEventListener('unhandledrejection', ({ reason }) => window.faults.push(`${reason} ${reason?.stack}`));
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
    window.faults.push(`${violatedDirective} ${blockedURI} ${sample}`));
  window.find = (selector, words) => [...document.querySelectorAll(selector)].find((node) => !words || node.textContent.trim() === words);
  window.type = (selector, value) => {
    const field = document.querySelector(selector);
    field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
  };
}

export class Console {
  constructor(page) {
    this.page = page;
  }

  evaluate(run, argument) {
    return this.page.evaluate(run, argument);
  }

  // Until the view is there, all of it.
  async seen(view) {
    await this.page.waitForFunction((name) => document.getElementById('view')?.dataset.shown === name, view);
  }

  async signIn(key) {
    await this.seen('sign-in');
    await this.type('#key', key);
    await this.click('button', 'Sign in');
  }

  async go(view, parameters = {}, seen = view) {
    await this.evaluate((hash) => {
      delete document.getElementById('view').dataset.shown;
      if (window.location.hash === `#${hash}`) {
        window.dispatchEvent(new Event('hashchange'));
      }
      window.location.hash = hash;
    }, `${view}?${new URLSearchParams(parameters)}`);
    await this.seen(seen);
  }

  // Something with this text, which may have to come first.
  async click(selector, words) {
    await this.page.waitForFunction(({ selector: of, words: text }) => window.find(of, text), { selector, words });
    await this.evaluate(({ selector: of, words: text }) => window.find(of, text).click(), { selector, words });
  }

  type(selector, value) {
    return this.evaluate(({ selector: of, value: text }) => window.type(of, text), { selector, value });
  }

  async says(pattern, selector = '#view') {
    await this.page.waitForFunction(({ of, source }) => new RegExp(source, 's').test(document.querySelector(of)?.textContent ?? ''),
      { of: selector, source: pattern.source });
  }

  text(selector = '#view') {
    return this.evaluate((of) => document.querySelector(of)?.textContent ?? '', selector);
  }

  texts(selector) {
    return this.evaluate((of) => [...document.querySelectorAll(of)].map((node) => node.textContent.trim()), selector);
  }

  menu() {
    return this.texts('#top nav a');
  }

  look(as) {
    return this.page.look({ width: 1280, height: 900, colours: 'light', ...as });
  }

  // What axe-core finds that keeps people out.
  async barriers() {
    await this.evaluate(`() => { if (!window.axe) { ${AXE} } return true; }`);
    const { violations } = await this.evaluate(async () => {
      const found = await window.axe.run(document, { resultTypes: ['violations'] });
      return { violations: found.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => html.slice(0, 200)) })) };
    });
    return violations.filter(({ impact }) => SERIOUS.includes(impact));
  }

  // How much wider the page is than what is seen of it.
  overflow() {
    return this.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  }

  faults() {
    return this.evaluate(() => window.faults);
  }

  close() {
    return this.page.close();
  }
}

// key: signs in with it; else it is at the question for one.
export async function openConsole(browser, server, { key, view = 'overview', parameters = {} } = {}) {
  const page = await openPage(browser, server, { empty: '/health/live', path: `/console#${view}?${new URLSearchParams(parameters)}` });
  const shown = new Console(page);
  await page.evaluate(installHands);
  await shown.look();
  if (key) {
    await shown.signIn(key);
    await shown.seen(view);
  }
  return shown;
}
