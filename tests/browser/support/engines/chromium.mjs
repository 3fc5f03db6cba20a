// SPDX-License-Identifier: Apache-2.0
// Chromium without a window, driven by its DevTools protocol. Most tests take its headless shell, the same engine
// without a browser's user interface, which costs a quarter. That sends no beacon of a page that has gone: what is
// about leaving pages takes all of Chromium (isWhole).
import { eventually, within } from '../../../integration/support/wait.mjs';
import { findProgram, makeHome, startProgram } from './program.mjs';
import { asJson, connectWire } from './wire.mjs';

const SHELLS = ['/usr/bin/chromium-headless-shell'];
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  '--headless',
  '--remote-debugging-port=0',
  '--no-startup-window',
  '--no-sandbox', // the tests may run as root
  '--disable-dev-shm-usage', // which containers have little of
  '--disable-gpu',
  '--disable-quic',
  '--ignore-certificate-errors',
  // All pages are as if they were looked at.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // Nothing of its own, and nothing from afar.
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-breakpad',
  '--disable-client-side-phishing-detection',
  '--disable-component-extensions-with-background-pages',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-field-trial-config',
  '--disable-search-engine-choice-screen',
  '--disable-sync',
  '--metrics-recording-only',
  '--mute-audio',
  '--password-store=basic',
];
// The first is a process that waits for the next page of another site.
const UNWANTED = ['SpareRendererForSitePerProcess', 'MediaRouter', 'OptimizationHints', 'Translate'];

class Page {
  #browser;
  #profile;
  #session;
  #target;

  constructor(browser, profile) {
    this.#browser = browser;
    this.#profile = profile;
  }

  #call(method, params = {}) {
    return this.#browser.call(method, params, { sessionId: this.#session });
  }

  // A page begins at its first address: one that was blank before would be two processes.
  async #open(url) {
    const { targetId } = await this.#browser.call('Target.createTarget', { url, browserContextId: this.#profile, newWindow: true });
    ({ sessionId: this.#session } = await this.#browser.call('Target.attachToTarget', { targetId, flatten: true }));
    this.#target = targetId;
    await this.#call('Emulation.setFocusEmulationEnabled', { enabled: true });
    await eventually(`the page ${url}`, () => this.evaluate("() => location.href !== 'about:blank'").catch(() => false));
  }

  async goto(url) {
    if (this.#session) {
      const { errorText } = await this.#call('Page.navigate', { url });
      if (errorText) {
        throw new Error(`${url}: ${errorText}`);
      }
    } else {
      await this.#open(url);
    }
    await this.evaluate(`() => document.readyState === 'complete'
      || new Promise((resolve) => { window.addEventListener('load', () => resolve(true)); })`);
  }

  async evaluate(source, argument) {
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', {
      expression: `(${asJson(source)})(${JSON.stringify(JSON.stringify(argument ?? null))})`,
      awaitPromise: true,
    });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.type === 'string' ? JSON.parse(result.value) : undefined;
  }

  async goBack() {
    const { currentIndex, entries } = await this.#call('Page.getNavigationHistory');
    return this.#call('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1].id });
  }

  // In CSS pixels; colours: 'light' or 'dark'.
  async look({ width, height, colours }) {
    await this.#call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await this.#call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: colours }] });
  }

  // As PNG; isWhole: also what is beyond the window.
  async picture(isWhole = false) {
    const { data } = await this.#call('Page.captureScreenshot', { captureBeyondViewport: isWhole });
    return Buffer.from(data, 'base64');
  }

  // As a person presses it: 'Tab', 'Enter'.
  async press(key) {
    const code = { Tab: 9, Enter: 13, Escape: 27 }[key];
    const pressed = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' ? { text: '\r' } : {}) };
    await this.#call('Input.dispatchKeyEvent', { type: 'keyDown', ...pressed });
    await this.#call('Input.dispatchKeyEvent', { type: 'keyUp', ...pressed });
  }

  // As a tab is closed: the page is told. It must not be on its way to another address: Chromium would say that it
  // closes, and stay.
  async close() {
    const gone = this.#browser.detached(this.#session);
    await this.#browser.call('Target.closeTarget', { targetId: this.#target });
    await within('a page of Chromium to close', gone);
  }
}

class Browser {
  #wire;
  #program;
  #home;
  #detached = new Map(); // session → what resolves when its page has gone
  canSwitchTabs = false; // each page has a window, and all are shown

  constructor(wire, program, home) {
    this.#wire = wire;
    this.#program = program;
    this.#home = home;
    wire.onEvent = ({ method, params }) => {
      if (method === 'Target.detachedFromTarget') {
        this.#detached.get(params.sessionId)?.();
      }
    };
  }

  call(...command) {
    return this.#wire.call(...command);
  }

  detached(session) {
    return new Promise((resolve) => { this.#detached.set(session, resolve); });
  }

  async newProfile() {
    return (await this.call('Target.createBrowserContext', {})).browserContextId;
  }

  removeProfile(profile) {
    return this.call('Target.disposeBrowserContext', { browserContextId: profile });
  }

  async newPage(profile) {
    return new Page(this, profile);
  }

  async close() {
    this.#wire.close();
    await this.#program.end();
    await this.#home.end();
  }
}

export async function launch(flags, { isWhole } = {}) {
  const home = await makeHome();
  const file = findProgram('Chromium', 'CHROMIUM', [...(isWhole ? [] : SHELLS), ...BROWSERS]);
  const args = [...FLAGS, `--disable-features=${UNWANTED}`, `--user-data-dir=${home.directory}`, ...flags];
  const program = startProgram(file, args, home.environment);
  try {
    const [, address] = await program.says(/DevTools listening on (ws:\S+)/);
    return new Browser(await connectWire(address, 'Chromium'), program, home);
  } catch (error) {
    await program.end();
    await home.end();
    throw error;
  }
}

export function start(options) {
  return launch([], options);
}
