// SPDX-License-Identifier: Apache-2.0
// A machine that a server runs on: the server ends, by will or by force, and the next one goes on
// with the same state directory, on the same port.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './port.mjs';
import { startServer } from './server.mjs';

class Host {
  #options;
  #port;

  constructor(directory, options) {
    this.stateDirectory = directory;
    this.#options = options;
  }

  // variables: for this life of the server, besides those of all.
  async start(variables = {}) {
    this.#port ??= await freePort();
    this.server = await startServer({
      ...this.#options,
      listen: `127.0.0.1:${this.#port}`,
      stateDirectory: this.stateDirectory,
      variables: { ...this.#options.variables, ...variables },
    });
    return this.server;
  }

  async crash(variables) {
    await this.server.kill();
    return this.start(variables);
  }

  async restart(variables) {
    await this.server.stop();
    return this.start(variables);
  }

  // When something has gone wrong already: how the last server ends says nothing more.
  async abandon() {
    await this.server?.kill();
    await rm(this.stateDirectory, { recursive: true, force: true });
  }

  // The last server must have nothing to complain about.
  async close() {
    try {
      await this.server?.stop();
    } finally {
      await rm(this.stateDirectory, { recursive: true, force: true });
    }
  }
}

// options: as of startServer().
export async function newHost(options = {}) {
  return new Host(await mkdtemp(join(tmpdir(), 'sse-server-')), options);
}
