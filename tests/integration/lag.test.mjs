// SPDX-License-Identifier: Apache-2.0
// The time in which the server itself did not run is on nobody's account.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { backend } from './support/backend.mjs';
import { ACK, DATA, PING, SETTINGS, frame, rawSession, request, windowUpdate } from './support/raw_h2.mjs';
import { startServer } from './support/server.mjs';

describe('a server that was stopped', { concurrency: true }, () => {
  test('finds no client late', async () => {
    const server = await startServer({ stopped: true, variables: { SSE_SERVER_LIMITS_SETTINGS_ACK_TIMEOUT: '1s' } });
    try {
      const sessions = await Promise.all(Array.from({ length: 10 }, () => rawSession(server, { acknowledge: false })));
      await server.startClock();
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

  test('does not blame a page for output that waited', async () => {
    const server = await startServer({ stopped: true, variables: {
      SSE_SERVER_LIMITS_WRITE_STALL_TIMEOUT: '1s',
      SSE_SERVER_SERVICES_0_SLOW_POLICY: 'drop-oldest',
    } });
    const office = await backend(server);
    try {
      const pages = await Promise.all(Array.from({ length: 5 }, () => rawSession(server, { entries: { 4: 0x7fffffff } })));
      for (const page of pages) {
        page.write(windowUpdate(0, 0x7fff0000 - 65535), request(1, 'GET', '/sse/demo/connect?userId=deep'));
        await page.answered(1);
        page.socket.pause();
      }
      const data = 'x'.repeat(40_000);
      do { // until sockets take no more
        await office.send(Array.from({ length: 10 }, () => ({ event: 'tick', data, userId: 'deep' })));
      } while (!await office.metric('sse_server_output_bytes'));
      await server.startClock();
      server.signal('SIGSTOP');
      pages.forEach((page) => page.socket.resume());
      await sleep(2000); // longer than the server lets output wait
      server.signal('SIGCONT');
      await office.send({ event: 'last', data: 'end', userId: 'deep' });
      for (const page of pages) {
        await page.saw('the last event', ({ type, payload }) => type === DATA && payload.includes('event:last\n'));
        await page.close();
      }
      assert.equal(await office.metric('sse_server_write_stalls_total'), 0);
    } finally {
      await office.close();
      await server.stop();
    }
  });
});
