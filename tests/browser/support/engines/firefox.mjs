// SPDX-License-Identifier: Apache-2.0
// Firefox without a window, driven by WebDriver BiDi.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { findProgram, makeHome, startProgram } from './program.mjs';
import { asJson, connectWire } from './wire.mjs';

const PLACES = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];
const PREFERENCES = {
  'app.normandy.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'dom.ipc.processPrelaunch.enabled': false,
  // Nothing is shown to a newcomer, and no add-on comes with it: half of what a start costs.
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'extensions.enabledScopes': 0,
  'extensions.systemAddon.update.enabled': false,
  // s: it looks whether a silent connection lives after 58, and waits 8 for the answer.
  'network.http.http2.ping-threshold': 4,
  'network.http.http2.ping-timeout': 4,
  'services.settings.server': '', // nothing is fetched from afar
};

class Page {
  #wire;
  #context;

  constructor(wire, profile, context) {
    this.#wire = wire;
    this.profile = profile;
    this.#context = context;
  }

  #here(method, params = {}) {
    return this.#wire.call(`browsingContext.${method}`, { context: this.#context, ...params });
  }

  goto(url) {
    return this.#here('navigate', { url, wait: 'complete' });
  }

  async evaluate(source, argument) {
    const { result, exceptionDetails } = await this.#wire.call('script.callFunction', {
      functionDeclaration: asJson(source),
      arguments: [{ type: 'string', value: JSON.stringify(argument ?? null) }],
      awaitPromise: true,
      target: { context: this.#context },
    });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.text);
    }
    return result.type === 'string' ? JSON.parse(result.value) : undefined;
  }

  goBack() {
    return this.#here('traverseHistory', { delta: -1 });
  }

  toFront() {
    return this.#here('activate');
  }

  close() {
    return this.#here('close');
  }
}

class Browser {
  #wire;
  #program;
  #home;
  canSwitchTabs = true;

  constructor(wire, program, home) {
    this.#wire = wire;
    this.#program = program;
    this.#home = home;
  }

  async newProfile() {
    return (await this.#wire.call('browser.createUserContext', {})).userContext;
  }

  removeProfile(profile) {
    return this.#wire.call('browser.removeUserContext', { userContext: profile });
  }

  async newPage(profile) {
    const { context } = await this.#wire.call('browsingContext.create', { type: 'tab', userContext: profile });
    return new Page(this.#wire, profile, context);
  }

  async close() {
    this.#wire.close();
    await this.#program.end();
    await this.#home.end();
  }
}

export async function start() {
  const home = await makeHome();
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  await writeFile(join(home.directory, 'user.js'), lines.join(''));
  const file = findProgram('Firefox', 'FIREFOX', PLACES);
  const program = startProgram(file, ['--headless', '--no-remote', '--profile', home.directory, '--remote-debugging-port', '0'], home.environment);
  try {
    const [, address] = await program.says(/WebDriver BiDi listening on (ws:\S+)/);
    const wire = await connectWire(`${address}/session`, 'Firefox');
    await wire.call('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
    return new Browser(wire, program, home);
  } catch (error) {
    await program.end();
    await home.end();
    throw error;
  }
}
