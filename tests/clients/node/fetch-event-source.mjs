// SPDX-License-Identifier: Apache-2.0
// @microsoft/fetch-event-source: shows the last id, and comes back when onclose or onerror want it. It is
// made for pages: it looks at window and document.
import { fetchEventSource } from '@microsoft/fetch-event-source/lib/cjs/index.js';

import { address, fetch, report } from './report.mjs';

globalThis.window = globalThis;
globalThis.document = new EventTarget();

await fetchEventSource(address, {
  fetch,
  openWhenHidden: true,
  onmessage: ({ id, event, data }) => report(id, event, data),
  onclose() {
    throw new Error('the stream has ended'); // its way to say: come back
  },
  onerror(error) {
    console.error(`fetch-event-source: ${error.message}`);
  },
});
