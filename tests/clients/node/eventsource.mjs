// SPDX-License-Identifier: Apache-2.0
// npm's eventsource: reconnects by itself and shows the last id, as browsers do.
import { EventSource } from 'eventsource';

import { address, fetch, report } from './report.mjs';

const NAMES = ['message', 'bell', 'connect-finish', 'connect-close', 'sse-gap'];

const source = new EventSource(address, { fetch });
for (const name of NAMES) {
  source.addEventListener(name, ({ lastEventId, data }) => report(lastEventId, name, data));
}
source.addEventListener('error', ({ code, message }) => console.error(`eventsource: ${code} ${message}`));
