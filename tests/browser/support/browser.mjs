// SPDX-License-Identifier: Apache-2.0
// A real browser, and pages of the server's origin that are empty but for what a test puts in. Each test
// is the same in all engines; which one it runs in says BROWSER. Each engine has a file in engines/, with
//
//   start(options)                    a browser: newProfile(), removeProfile(it), newPage(profile), close(), and
//                                     canSwitchTabs: a tab behind another is hidden, and toFront() shows it
//   page: goto(url), goBack(), close(), evaluate(source, argument): of a function, in the page; what it
//         returns or resolves to, and its argument, go there and back as JSON
import { eventually } from '../../integration/support/wait.mjs';

export const engine = process.env.BROWSER ?? 'chromium';

// Whether all that a profile asks of a server goes over one connection, side by side.
export const hasOneConnection = ['chromium', 'firefox'].includes(engine);

// Text, of the server's origin, with scripts as a test adds them, which the back/forward cache takes.
const EMPTY_PAGE = '/sse/demo';

let shared; // by all files that run in this process (together.test.mjs)
const openPages = new Set();

// isWhole: with all that a browser does as pages are left.
export async function startBrowser(options) {
  if (shared) {
    return borrow(shared);
  }
  const { start } = await import(`./engines/${engine}.mjs`);
  return start(options);
}

// From now on startBrowser() gives this one.
export function share(browser) {
  shared = browser;
}

// It stays when it is closed, without the pages that its borrower has left open.
function borrow(browser) {
  return {
    canSwitchTabs: browser.canSwitchTabs,
    newProfile: () => browser.newProfile(),
    removeProfile: (profile) => browser.removeProfile(profile),
    newPage: (profile) => browser.newPage(profile),
    async close() {
      for (const page of [...openPages].reverse()) { // those beside another before it, whose profile goes
        await page.close();
      }
    },
  };
}

class Page {
  #browser;
  #driver;
  #profile; // where it goes with the page

  constructor(browser, driver, profile) {
    this.#browser = browser;
    this.#driver = driver;
    this.#profile = profile;
    openPages.add(this);
  }

  goto(url) {
    return this.#driver.goto(url);
  }

  evaluate(run, argument) {
    return this.#driver.evaluate(String(run), argument);
  }

  // Resolves as soon as run, in the page, returns something true.
  waitForFunction(run, argument) {
    return eventually(`${run} in the page`, () => this.evaluate(run, argument));
  }

  // A script of the page's own: text, or from an address. Only these can import() in all engines.
  async addScript({ text, src }) {
    await this.evaluate(({ text: content, src: address }) => new Promise((resolve, reject) => {
      const script = document.createElement('script');
      if (address) {
        Object.assign(script, { src: address, onload: resolve, onerror: reject });
      } else {
        script.textContent = content;
      }
      document.head.append(script);
      if (!address) {
        resolve();
      }
    }), { text, src });
  }

  // What has gone wrong there and was not caught.
  failures() {
    return this.evaluate(() => window.failures);
  }

  // Time goes on, in a page that has a clock of the test's.
  passTime(ms) {
    return this.evaluate((span) => window.passTime(span), ms);
  }

  // Resolves when the page before is there again.
  async goBack() {
    const address = () => this.evaluate(() => window.location.href).catch(() => undefined);
    const here = await address();
    await this.#driver.goBack();
    await eventually('the page before', async () => ![undefined, here].includes(await address()));
  }

  // Of engines that can: chromium.
  look(as) {
    return this.#driver.look(as);
  }

  picture(isWhole) {
    return this.#driver.picture(isWhole);
  }

  press(key) {
    return this.#driver.press(key);
  }

  toFront() {
    return this.#driver.toFront();
  }

  async close() {
    openPages.delete(this);
    await this.#driver.close();
    if (this.#profile) {
      await this.#browser.removeProfile(this.#profile.it);
    }
  }
}

// A page in a profile of its own, or in that of the page beside; at an empty page, or at the path. With hasClock time stands still for its
// timers but for passTime(ms).
export async function openPage(browser, server, { beside, hasClock, empty = EMPTY_PAGE, path = empty } = {}) {
  const profile = beside ? beside.profile : { it: await browser.newProfile() };
  const page = new Page(browser, await browser.newPage(profile.it), beside ? undefined : profile);
  page.profile = profile;
  await page.goto(server.origin + empty);
  if (!beside) {
    await page.evaluate(() => [localStorage, sessionStorage].forEach((storage) => storage.clear()));
  }
  if (path !== empty) {
    await page.goto(server.origin + path);
  }
  page.helpers = { text: `(${hasClock ? installClock : () => {}})(); (${installHelpers})();` };
  await page.addScript(page.helpers); // which go with what is loaded: a test may add them again
  return page;
}

// As server.asTimePasses(), with the time of the page.
export function asTimePasses(what, { server, page, step = 500 }, ask) {
  return server.asTimePasses(what, async () => (await ask()) || (await page.passTime(step), false), step);
}

// Runs in the page: its timers, and the clock by which it counts, go by passTime(ms).
function installClock() {
  const soon = window.setTimeout.bind(window);
  const rest = () => new Promise((resolve) => { soon(resolve); }); // for what a timer has begun
  const timers = new Map();
  let time = performance.now();
  let last = 0;
  const setter = (repeats) => (run, wait = 0, ...args) => {
    last += 1;
    timers.set(last, { run: () => run(...args), at: time + wait, every: repeats && Math.max(wait, 1) });
    return last;
  };
  window.setTimeout = setter(false);
  window.setInterval = setter(true);
  window.clearTimeout = (id) => timers.delete(id);
  window.clearInterval = window.clearTimeout;
  performance.now = () => time;
  window.passTime = async (span) => {
    const end = time + span;
    for (;;) {
      const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
      if (!next) {
        break;
      }
      const [id, timer] = next;
      time = Math.max(time, timer.at);
      timer.at += timer.every;
      if (!timer.every) {
        timers.delete(id);
      }
      timer.run();
      await rest();
    }
    time = end;
    await rest();
  };
}

// Runs in the page: what the tests say there in a word.
function installHelpers() {
  window.failures = [];
  window.addEventListener('error', ({ message, error }) => window.failures.push(`${message} ${error?.stack}`));
  window.addEventListener('unhandledrejection', ({ reason }) => window.failures.push(`${reason} ${reason?.stack}`));
  window.load = async (url) => (await import(url)).default;
  window.make = async (options = {}) => {
    const Sse = await window.load('/sse/demo');
    return new Sse({ url: '/sse/demo', query: { userId: '7', name: 'Ann' }, ...options });
  };
  window.nextEvent = (sse, name) => new Promise((resolve) => {
    const listener = (event) => {
      sse.removeListener(name, listener).catch(() => {});
      resolve({ data: event.data, whoTriggerClose: event.whoTriggerClose, closeReason: event.closeReason });
    };
    sse.addListener(name, listener).catch(() => {});
  });
  // In a frame, as a page there would.
  window.importIn = (view) => {
    const script = view.document.createElement('script');
    script.textContent = 'window.imported = import("/sse/demo")';
    view.document.head.append(script);
    return view.imported;
  };
  window.connected = async (options) => {
    const sse = await window.make(options);
    if (!sse.isActive()) {
      await window.nextEvent(sse, 'connect-finish');
    }
    return sse;
  };
  // What a browser would say of a tab that is not looked at, where all are shown.
  window.show = (state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
    document.dispatchEvent(new Event('visibilitychange'));
  };
}
