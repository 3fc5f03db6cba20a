// SPDX-License-Identifier: Apache-2.0
// A program that is started without standard input, output or error gets the numbers 0 to 2 for
// the next files and sockets that it opens: what is written to the log would go into one of these.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readlink, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { connect } from './support/client.mjs';
import { endWithFile } from './support/leftovers.mjs';
import { KEY, serverBinary } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

// A unix socket: its name is known though nothing can be read of the start-up lines.
function start(redirections, directory) {
  const child = endWithFile(spawn('/bin/sh', ['-c', `exec "$0" ${redirections}`, serverBinary()], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {
      PATH: process.env.PATH,
      SSE_SERVER_API_KEY: KEY,
      SSE_SERVER_STATE_DIRECTORY: directory,
      SSE_SERVER_WORKERS: '1',
      SSE_SERVER_DRAIN_TIME: '0',
      SSE_SERVER_LISTEN: `http://unix:${join(directory, 'socket')}`,
    },
  }));
  const ended = once(child, 'exit');
  return { child, ended };
}

for (const redirections of ['<&- >&- 2>&-', '<&-', '2>&-', '>&- 2>&-']) {
  test(`started with ${redirections}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sse-descriptors-'));
    const { child, ended } = start(redirections, directory);
    try {
      // The socket's file is there a moment before it listens.
      const client = await eventually('its socket', () => connect('http://localhost', {
        createConnection: () => net.connect(join(directory, 'socket')),
      }).catch(() => null));
      assert.equal((await client.get('/health/live')).status, 200);
      await client.close();
      for (const number of [0, 1, 2]) {
        const file = await readlink(`/proc/${child.pid}/fd/${number}`);
        assert.match(file, number === 0 && !redirections.includes('<&-') ? /^(pipe|socket):/ : /^\/dev\/null$/, `descriptor ${number}`);
      }
    } finally {
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
      await rm(directory, { recursive: true, force: true });
    }
  });
}
