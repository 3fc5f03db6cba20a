// SPDX-License-Identifier: Apache-2.0
// Programs that drive a browser: started, listened to until they say what is asked, and ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { endWithFile } from '../../../integration/support/leftovers.mjs';
import { within } from '../../../integration/support/wait.mjs';

// The first of these files that is there; variable: the name of the one that comes before all.
export function findProgram(what, variable, places) {
  const found = [process.env[variable], ...places].find((place) => place && existsSync(place));
  if (!found) {
    throw new Error(`there is no ${what}: run script/bootstrap, or name one in ${variable}`);
  }
  return found;
}

// With all that it has started.
function killGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

class Program {
  #child;
  #exited;
  #said = '';
  #look = () => {};

  constructor(file, child) {
    this.file = file;
    this.#child = child;
    this.#exited = once(child, 'close');
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#said += text;
        this.#look();
      });
    }
  }

  // Resolves with the match when the program has said it.
  says(pattern) {
    const match = new Promise((resolve) => {
      this.#look = () => {
        const found = this.#said.match(pattern);
        if (found) {
          resolve(found);
        }
      };
      this.#look();
    });
    const over = this.#exited.then(() => this.mustRun());
    return within(`${this.file} to say ${pattern}`, Promise.race([match, over]));
  }

  mustRun() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      throw new Error(`${this.file} has ended and said:\n${this.#said}`);
    }
  }

  async end() {
    killGroup(this.#child);
    await this.#exited;
  }
}

export function startProgram(file, args, environment = {}) {
  const child = spawn(file, args, {
    detached: true, // a group of its own
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  return new Program(file, endWithFile(child, () => killGroup(child)));
}

// A directory that nobody else uses, and what says to programs that it is their home.
export async function makeHome() {
  const directory = await mkdtemp(join(tmpdir(), 'sse-browser-'));
  return {
    directory,
    environment: { HOME: directory, XDG_CONFIG_HOME: directory, XDG_CACHE_HOME: directory, XDG_DATA_HOME: directory },
    end: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }),
  };
}
