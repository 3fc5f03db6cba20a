// SPDX-License-Identifier: Apache-2.0
// The routes of the server, read from its own tables: who adds one there cannot forget the tests that
// go through all of them.
import { readFile } from 'node:fs/promises';

const SOURCES = ['api', 'inspect'].map((folder) => new URL(`../../../src/${folder}/routes.c`, import.meta.url));
const ROW = /^ *\{((?:H2_[A-Z]+(?: \| )?)+), +"([^"]*)", +([A-Z_]+)\(/;

// "GET {base}/users" and so on, in the table's order. guard: only those rows, as the table calls it
// (PAGE, BACK_END and BACK_END_LIST, OPEN).
export async function routeNames(guard) {
  const sources = await Promise.all(SOURCES.map((source) => readFile(source, 'utf8')));
  const names = [];
  let base;
  for (const line of sources.join('').split('\n')) {
    if (/h2_route \w+\[\]/.test(line)) {
      base = line.includes('service_routes') ? '{base}' : '';
    } else if (/^ *\{H2_/.test(line)) {
      const row = line.match(ROW);
      if (!row) {
        throw new Error(`a route that this cannot read: ${line}`);
      }
      if (guard && !row[3].startsWith(guard)) {
        continue;
      }
      names.push(...row[1].split(' | ').map((method) => `${method.slice('H2_'.length)} ${base}${row[2]}`));
    }
  }
  return names;
}
