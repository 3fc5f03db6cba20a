// SPDX-License-Identifier: Apache-2.0
// A server whose open files are limited while it runs: more than it could know of at its start.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';

import { run } from './run.mjs';

export const countDescriptors = async ({ pid }) => (await readdir(`/proc/${pid}/fd`)).length;

// Leaves it so many beside those that are open.
export async function limitDescriptors(server, spare) {
  const open = await countDescriptors(server);
  const { code, output } = await run('prlimit', [`--pid=${server.pid}`, `--nofile=${open + spare}:`]);
  assert.equal(code, 0, output);
}
