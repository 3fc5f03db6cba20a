// SPDX-License-Identifier: Apache-2.0
// Files of these tests, one after the other in one browser, whose start costs more than most of them:
//   BROWSER=firefox node together.test.mjs FILE...
import { basename, resolve } from 'node:path';
import { after, describe } from 'node:test';

import '../../integration/support/leftovers.mjs'; // first: its after() is then that of all files
import { share, startBrowser } from './browser.mjs';

const browser = await startBrowser();
share(browser);
after(() => browser.close());
for (const file of process.argv.slice(2)) {
  describe(basename(file), async () => { await import(resolve(file)); });
}
