/* SPDX-License-Identifier: Apache-2.0 */
/* All tests of the client in one process: most of a file's time is the start of Node. */
import { readdirSync } from 'node:fs';

for (const name of readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.test.js')).sort()) {
    await import(`./${name}`);
}
