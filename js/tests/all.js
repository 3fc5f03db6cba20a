/* SPDX-License-Identifier: Apache-2.0 */
/* All tests of the client in one process, since half of their time is starts of Node; also of the files that are named. */
import { readdirSync } from 'node:fs';

const here = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.test.js')).sort();
for (const name of [...here, ...process.argv.slice(2)]) {
    await import(`./${name}`);
}
