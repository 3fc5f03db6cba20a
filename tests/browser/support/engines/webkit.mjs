// SPDX-License-Identifier: Apache-2.0
// WebKitGTK's MiniBrowser, on a screen that nobody sees, driven by the W3C's WebDriver calls.
import { freePort } from '../../../integration/support/port.mjs';
import { eventually } from '../../../integration/support/wait.mjs';
import { findProgram, makeHome, startProgram } from './program.mjs';

const DRIVERS = ['/usr/bin/WebKitWebDriver'];
const SCREENS = ['/usr/bin/Xvfb'];
const SCREEN = ['-displayfd', '1', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'];
// Nothing of a desktop is there, nor a graphics card.
const BARE = {
  NO_AT_BRIDGE: '1',
  GTK_A11Y: 'none',
  GDK_BACKEND: 'x11',
  LIBGL_ALWAYS_SOFTWARE: '1',
  WEBKIT_DISABLE_COMPOSITING_MODE: '1',
};

// Run in the page: to begin an evaluation, which most often is at its end at once, and to look whether it has come
// to one.
const BEGIN = `
  const [number, source, argument, tell] = arguments;
  const result = {};
  const results = (window.evaluations ??= new Map()).set(number, result);
  const run = async () => (0, eval)('(' + source + ')')(argument);
  run().then((value) => Object.assign(result, { done: true, json: JSON.stringify(value) }),
             (error) => Object.assign(result, { done: true, error: error + ' ' + error?.stack }));
  (async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      await null;
    }
    if (result.done) {
      results.delete(number);
    }
    tell(result);
  })();`;
const LOOK = `
  const [number, tell] = arguments;
  const result = window.evaluations?.get(number) ?? { done: true, error: 'the page has gone' };
  if (result.done) {
    window.evaluations?.delete(number);
  }
  tell(result);`;

// A session has one window that commands are about, and does one after the other.
class Session {
  #request;
  #last = Promise.resolve();
  #handle;

  constructor(request) {
    this.#request = request;
  }

  // body: undefined for those that have none. handle: of the window; not given where it does not matter.
  call(method, path, body, handle) {
    const turn = this.#last.then(() => this.#do(method, path, body, handle));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #do(method, path, body, handle) {
    if (handle && handle !== this.#handle) {
      await this.#request('POST', '/window', { handle });
      this.#handle = handle;
    }
    return this.#request(method, path, body);
  }
}

class Page {
  #session;
  #handle;
  #evaluations = 0;

  constructor(session, handle) {
    this.#session = session;
    this.#handle = handle;
  }

  #call(method, path, body) {
    return this.#session.call(method, path, body, this.#handle);
  }

  #run(script, ...args) {
    return this.#call('POST', '/execute/async', { script, args });
  }

  goto(url) {
    return this.#call('POST', '/url', { url });
  }

  // While one waits for something in the page, others can be made.
  async evaluate(source, argument) {
    this.#evaluations += 1;
    const number = this.#evaluations;
    let result = await this.#run(BEGIN, number, source, argument ?? null);
    while (!result.done) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      result = await this.#run(LOOK, number);
    }
    if (result.error) {
      throw new Error(result.error);
    }
    return result.json === undefined ? undefined : JSON.parse(result.json);
  }

  goBack() {
    return this.#call('POST', '/back', {});
  }

  close() {
    return this.#call('DELETE', '/window');
  }
}

class Browser {
  #session;
  #first; // window; it stays, and stays empty: with the last one the session would end
  #programs;
  canSwitchTabs = false; // windows beside each other are all shown

  constructor(session, first, programs) {
    this.#session = session;
    this.#first = first;
    this.#programs = programs;
  }

  // All pages of a session have the same.
  async newProfile() {}

  async removeProfile() {}

  async newPage() {
    const { handle } = await this.#session.call('POST', '/window/new', { type: 'window' }, this.#first);
    return new Page(this.#session, handle);
  }

  async close() {
    await this.#session.call('DELETE', '').catch(() => {});
    await endAll(this.#programs);
  }
}

async function endAll(programs) {
  for (const program of programs.reverse()) {
    await program.end();
  }
}

async function request(address, method, path, body) {
  const answer = await fetch(address + path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const { value } = await answer.json();
  if (!answer.ok) {
    throw new Error(`WebDriver: ${method} ${path}: ${value.error}: ${value.message}`);
  }
  return value;
}

export async function start() {
  const programs = [];
  const run = (...of) => {
    const program = startProgram(...of);
    programs.push(program);
    return program;
  };
  try {
    const home = await makeHome();
    programs.push(home);
    const screen = run(findProgram('Xvfb', 'XVFB', SCREENS), SCREEN);
    const [display] = await screen.says(/^\d+$/m);
    const address = `http://127.0.0.1:${await freePort()}`;
    const driver = run(findProgram('WebKitWebDriver', 'WEBKIT_DRIVER', DRIVERS),
      ['--host=127.0.0.1', `--port=${new URL(address).port}`],
      { ...home.environment, ...BARE, DISPLAY: `:${display}` });
    await eventually('WebKitWebDriver to listen', () => {
      driver.mustRun();
      return request(address, 'GET', '/status').catch(() => false);
    });
    const { sessionId } = await request(address, 'POST', '/session', {
      capabilities: { alwaysMatch: { acceptInsecureCerts: true } },
    });
    const session = new Session((method, path, body) => request(address, method, `/session/${sessionId}${path}`, body));
    return new Browser(session, await session.call('GET', '/window'), programs);
  } catch (error) {
    await endAll(programs);
    throw error;
  }
}
