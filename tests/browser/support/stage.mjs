// SPDX-License-Identifier: Apache-2.0
// What most files of these tests need: a server, a browser, and the back end of that server.
import { after, before } from 'node:test';

import { backend } from '../../integration/support/backend.mjs';
import { startServer } from '../../integration/support/server.mjs';
import { startBrowser } from './browser.mjs';

// For the tests of the file that calls it: take({ server, browser, office }) comes before the first
// of them. options: of startServer(), and of startBrowser().
export function stage(take, options, browserOptions) {
  const parts = {};
  before(async () => {
    parts.server = await startServer(options);
    parts.browser = await startBrowser(browserOptions);
    parts.office = await backend(parts.server);
    take(parts);
  });
  after(async () => {
    await parts.office?.close();
    await parts.browser?.close();
    await parts.server?.stop();
  });
}
