// SPDX-License-Identifier: Apache-2.0
// The descriptors that a server has open, and a limit of them while it runs.
import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';

import { run } from './run.mjs';

export const countDescriptors = async ({ pid }) => (await readdir(`/proc/${pid}/fd`)).length;

// Each with what it is open for: two of one number are told apart.
export async function openDescriptors({ pid }) {
  const folder = `/proc/${pid}/fd`;
  return new Set(await Promise.all((await readdir(folder)).map(async (number) => (
    `${number} ${await readlink(`${folder}/${number}`).catch(() => 'closed meanwhile')}`))));
}

// Leaves it so many beside those that are open.
export async function limitDescriptors(server, spare) {
  const open = await countDescriptors(server);
  const { code, output } = await run('prlimit', [`--pid=${server.pid}`, `--nofile=${open + spare}:`]);
  assert.equal(code, 0, output);
}
