// SPDX-License-Identifier: Apache-2.0
// A server whose disk hangs, below one directory, from when a test says so until it says otherwise: by a
// preloaded module (tests/support/slow_disk.c), which also tells whether an event loop has asked that disk.
import { mkdtemp, open, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from './wait.mjs';

export const module = process.env.SSE_SERVER_SLOW_DISK;

const NUMBERS = ['delayMs', 'held', 'passed', 'byLoops'];
const NAME_BYTES = 32;
const FOR_EVER = 2n ** 64n - 1n;

export class SlowDisk {
  static async make() {
    const disk = new SlowDisk();
    disk.directory = await realpath(await mkdtemp(join(tmpdir(), 'slow-disk-')));
    disk.path = `${disk.directory}.numbers`;
    disk.file = await open(disk.path, 'w+');
    await disk.file.write(Buffer.alloc(NUMBERS.length * 8 + NAME_BYTES));
    return disk;
  }

  // For the environment of a server. below: the directory that is slow.
  variables(below = this.directory) {
    return {
      SLOW_DISK: this.path, SLOW_DISK_BELOW: below, LD_PRELOAD: module, ASAN_OPTIONS: 'verify_asan_link_order=0',
    };
  }

  async #read(name) {
    const { buffer } = await this.file.read(Buffer.alloc(8), 0, 8, NUMBERS.indexOf(name) * 8);
    return Number(buffer.readBigUInt64LE());
  }

  async #delay(value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    await this.file.write(bytes, 0, 8, 0);
  }

  hang() {
    return this.#delay(FOR_EVER);
  }

  slow(ms) {
    return this.#delay(BigInt(ms));
  }

  go() {
    return this.#delay(0n);
  }

  // Resolves when so many calls wait for the disk.
  holds(count = 1) {
    return eventually(`${count} calls that wait for the disk`, async () => await this.#read('held') >= count);
  }

  passed() {
    return this.#read('passed');
  }

  // What an event loop has asked the disk for first; "" when none has.
  async loopsAsked() {
    if (await this.#read('byLoops') === 0) {
      return '';
    }
    const { buffer } = await this.file.read(Buffer.alloc(NAME_BYTES), 0, NAME_BYTES, NUMBERS.length * 8);
    return buffer.toString().replace(/\0.*/s, '');
  }

  async remove() {
    await this.file.close();
    await rm(this.path);
    await rm(this.directory, { recursive: true });
  }
}
