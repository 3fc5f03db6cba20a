// SPDX-License-Identifier: Apache-2.0
// The files of docs/recipes as they are, but for the ports and paths of this machine.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const RECIPES = new URL('../../../docs/recipes/', import.meta.url);

export function recipePath(name) {
  return new URL(name, RECIPES).pathname;
}

// Writes the recipe to the directory, each text of replacements by another; all must be in it.
export async function writeRecipe(directory, name, replacements) {
  let text = await readFile(recipePath(name), 'utf8');
  for (const [there, here] of Object.entries(replacements)) {
    assert.ok(text.includes(there), `${name} does not say ${there}`);
    text = text.replaceAll(there, here);
  }
  const path = join(directory, basename(name));
  await writeFile(path, text);
  return path;
}
