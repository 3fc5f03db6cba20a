// SPDX-License-Identifier: Apache-2.0
// A message with qos 1 is on the disk before its sender is answered: what the kernel was asked for,
// in the order in which it was.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { run } from './support/run.mjs';
import { serverBinary, startServer } from './support/server.mjs';

const SENDS = 20;
const CALLS = 'fdatasync,fsync,write,writev,sendmsg,sendto';
const LEAST_ANSWER = 100; // octets: frames that only tell of windows are shorter

const { code } = await run('strace', ['-o', '/dev/null', 'true']);
const skip = code === 0 ? false : 'strace is not there, or may trace nothing here';

// Of the store's file, whatever SQLite has beside it.
const isSync = (line) => /\bf(data)?sync\(\d+<[^>]*messages\.sqlite[^>]*>/.test(line);

// The moments that count, in their order: when a sync had returned, when an answer was written.
function* moments(trace, port) {
  const syncing = new Set(); // threads
  for (const line of trace.split('\n')) {
    const [thread] = line.split(' ');
    const resumed = /<\.\.\. f(data)?sync resumed>/.test(line) && syncing.has(thread);
    if (isSync(line) && line.includes('<unfinished')) {
      syncing.add(thread);
    } else if (isSync(line) || resumed) {
      syncing.delete(thread);
      assert.match(line, /= 0$/);
      yield 'synced';
    } else if (line.includes(`:${port}]>`)) {
      const [, octets] = line.match(/"\.\.\., (\d+)/);
      if (octets >= LEAST_ANSWER) {
        yield 'answered';
      }
    }
  }
}

test('each answer is written after a sync of the store has returned', { skip }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'strace-'));
  const file = join(directory, 'trace');
  const server = await startServer({
    binary: 'strace',
    // -D: the server is our child; strings are not shown, sockets are with their ports.
    args: ['-D', '-f', '-tt', '-yy', '-s', '0', '-e', `trace=${CALLS}`, '-o', file, serverBinary()],
    variables: { ASAN_OPTIONS: 'detect_leaks=0' }, // which would trace, and only one can
  });
  const office = await backend(server);
  await office.query('counts'); // the session is open, its windows are known
  const { localPort } = office.client.session.socket;
  const before = (await readFile(file, 'utf8')).length;
  for (let n = 0; n < SENDS; n++) {
    assert.equal((await office.send({ event: 'tick', data: n, qos: 1, userId: 'away' })).stored, 1);
  }
  await office.close();
  await server.stop();

  const trace = (await readFile(file, 'utf8')).slice(before);
  await rm(directory, { recursive: true });
  let synced = 0;
  let answered = 0;
  for (const moment of moments(trace, localPort)) {
    if (moment === 'synced') {
      synced += 1;
    } else {
      assert.ok(synced > 0, `answer ${answered + 1} was written before a sync`);
      answered += 1;
      synced = 0;
    }
  }
  assert.equal(answered, SENDS);
});
