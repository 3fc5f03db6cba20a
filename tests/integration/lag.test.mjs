// SPDX-License-Identifier: Apache-2.0
// The time in which the server itself did not run is on nobody's account.
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ACK, PING, SETTINGS, frame, rawSession } from './support/raw_h2.mjs';
import { startServer } from './support/server.mjs';

test('a server that was stopped finds no client late', async () => {
  const server = await startServer({ variables: { SSE_SERVER_LIMITS_SETTINGS_ACK_TIMEOUT: '1s' } });
  try {
    const sessions = await Promise.all(Array.from({ length: 10 }, () => rawSession(server, { acknowledge: false })));
    server.signal('SIGSTOP');
    for (const session of sessions) {
      session.write(frame(SETTINGS, ACK, 0), frame(PING, 0, 0, Buffer.alloc(8)));
    }
    await sleep(2000); // longer than the server lets its clients wait
    server.signal('SIGCONT');
    for (const session of sessions) {
      await session.saw('the answer to PING', ({ type, flags }) => type === PING && flags === ACK);
      await session.close();
    }
  } finally {
    await server.stop();
  }
});
