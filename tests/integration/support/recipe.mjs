// SPDX-License-Identifier: Apache-2.0
// The files of docs/recipes as they are, but for the ports and paths of this machine.
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const RECIPES = new URL('../../../docs/recipes/', import.meta.url);

export function recipePath(name) {
  return new URL(name, RECIPES).pathname;
}

// Writes the recipe to the directory, with each text of replacements that is in it by another.
export async function writeRecipe(directory, name, replacements) {
  let text = await readFile(recipePath(name), 'utf8');
  for (const [there, here] of Object.entries(replacements)) {
    text = text.replaceAll(there, here);
  }
  const path = join(directory, basename(name));
  await writeFile(path, text);
  return path;
}
