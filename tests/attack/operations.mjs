// SPDX-License-Identifier: Apache-2.0
// Section F: load and operations.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect } from '../integration/support/client.mjs';
import { freePort } from '../integration/support/port.mjs';
import { serverBinary } from '../integration/support/server.mjs';
import { eventually, within } from '../integration/support/wait.mjs';

export const OPERATIONS = {
  async slowAmongMany({ server, office }) {
    const pages = await Promise.all(Array.from({ length: 40 }, () => connect(server.origin)));
    const readers = await Promise.all(pages.map((page, n) => page.connect({ userId: `u${n}` })));
    readers[0].stream.pause();
    const [rounds, batch] = [20, 50];
    const data = 'x'.repeat(2000);
    const started = performance.now();
    for (let round = 0; round < rounds; round++) {
      await office.send(Array.from({ length: batch }, () => ({ event: 'tick', data, all: true })));
    }
    await Promise.all(readers.slice(1).map((reader) => reader.count('tick', rounds * batch)));
    const seconds = (performance.now() - started) / 1000;
    await Promise.all(pages.map((page) => page.close()));
    return `${rounds * batch * (readers.length - 1)} events to the others in ${seconds.toFixed(2)} s, one reader stopped`;
  },

  async logFull() {
    const stateDirectory = await mkdtemp(join(tmpdir(), 'sse-server-log-'));
    const port = await freePort();
    const child = spawn('/bin/sh', ['-c', 'exec "$0" >/dev/full 2>/dev/full', serverBinary()], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, SSE_SERVER_API_KEY: 'key', SSE_SERVER_LISTEN: `127.0.0.1:${port}`,
        SSE_SERVER_STATE_DIRECTORY: stateDirectory, SSE_SERVER_DRAIN_TIME: '0', SSE_SERVER_LOG_LEVEL: 'debug' },
    });
    const exited = once(child, 'exit');
    try {
      const client = await eventually('the server', () => connect(`https://127.0.0.1:${port}`).catch(() => null));
      const stream = await client.connect({ userId: 'ann' });
      assert.equal((await client.postJson('/sse/demo/send', { event: 'tick', data: 1, userId: 'ann' },
        { authorization: 'Bearer key' })).data.count, 1);
      await stream.next('tick');
      // Clients are served before the line that says so.
      const dropped = await eventually('lines are counted', async () => {
        const { text } = await client.get('/metrics', { authorization: 'Bearer key' });
        return Number(text.match(/^sse_server_log_lines_dropped_total (\d+)/m)[1]);
      });
      await client.close();
      child.kill('SIGTERM');
      assert.deepEqual(await within('its end', exited), [0, null]);
      return `${dropped} lines dropped and counted`;
    } finally {
      child.kill('SIGKILL');
      await rm(stateDirectory, { recursive: true, force: true });
    }
  },
};
