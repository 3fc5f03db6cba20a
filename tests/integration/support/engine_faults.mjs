// SPDX-License-Identifier: Apache-2.0
// Operations of the engine that fail while a test says so. Needs a build with SSE_SERVER_FAULTS
// (src/base/fault.h).
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

class EngineFaults {
  constructor(directory) {
    this.directory = directory;
  }

  get variables() {
    return { FAULT_FAILURES: this.directory };
  }

  async begin(...operations) {
    await Promise.all(operations.map((operation) => writeFile(join(this.directory, `engine.${operation}`), '')));
  }

  async end(...operations) {
    await Promise.all(operations.map((operation) => rm(join(this.directory, `engine.${operation}`), { force: true })));
  }

  async while(operation, act) {
    await this.begin(operation);
    try {
      return await act();
    } finally {
      await this.end(operation);
    }
  }

  remove() {
    return rm(this.directory, { recursive: true });
  }
}

export const engineFaults = async () => new EngineFaults(await mkdtemp(join(tmpdir(), 'engine-faults-')));
