// SPDX-License-Identifier: Apache-2.0
// What a service manager is told of the server (sd_notify(3)), by a stand-in for its socket.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { endWithFile } from './support/leftovers.mjs';
import { run } from './support/run.mjs';
import { startServer } from './support/server.mjs';
import { within } from './support/wait.mjs';

const { code } = await run('strace', ['-o', '/dev/null', 'true']);
const cannotTrace = code === 0 ? false : 'strace is not there, or may trace nothing here';

let directory;
let manager;
let lines;
let server;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'manager-'));
  const path = join(directory, 'notify');
  manager = endWithFile(spawn('python3', [new URL('support/notify_socket.py', import.meta.url).pathname, path],
    { stdio: ['ignore', 'pipe', 'inherit'] }));
  lines = createInterface({ input: manager.stdout })[Symbol.asyncIterator]();
  await heard('listening');
  server = await startServer({ variables: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '600000', ASAN_OPTIONS: 'detect_leaks=0' } });
});
after(async () => {
  try {
    if (!server.exited) {
      await server.stop();
    }
  } finally {
    manager.kill();
    await rm(directory, { recursive: true });
  }
});

// The next message that is, or begins with, that text; what comes before it is left out.
async function heard(text) {
  for (;;) {
    const { value } = await within(`the message ${text}`, lines.next());
    const message = JSON.parse(value);
    if (message === text || message.startsWith(`${text}\n`)) {
      return message;
    }
  }
}

async function workerThread() {
  for (const thread of await readdir(`/proc/${server.pid}/task`)) {
    if ((await readFile(`/proc/${server.pid}/task/${thread}/comm`, 'utf8')).trim() === 'worker-1') {
      return thread;
    }
  }
  throw new Error('there is no such worker');
}

test('it is told when the server is ready, and again and again that it lives', async () => {
  await heard('READY=1');
  await heard('WATCHDOG=1');
  await heard('WATCHDOG=1');
});

test('it is told of a reload, and of its end', async () => {
  server.signal('SIGHUP');
  assert.match(await heard('RELOADING=1'), /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  await heard('READY=1');
});

test('it is not told that the server lives while a worker hangs', { skip: cannotTrace }, async () => {
  const hold = endWithFile(spawn('strace', ['-p', await workerThread(), '-o', '/dev/null', '-e', 'trace=epoll_wait,epoll_pwait',
    '-e', 'inject=epoll_wait,epoll_pwait:delay_exit=600000000'], { stdio: 'ignore' }));
  await server.saw('a worker that hangs', (text) => /a worker hangs: .* worker=1/.test(text));
  hold.kill();
  await once(hold, 'exit');
  await heard('WATCHDOG=1'); // those that came before the line of the log
  await heard('WATCHDOG=1');
});

test('it is told of the stop', async () => {
  const stopped = server.stop(); // with one signal: a second one is another thing
  await heard('STOPPING=1');
  await stopped;
});
