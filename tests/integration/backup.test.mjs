// SPDX-License-Identifier: Apache-2.0
// sse-server backup: a copy of a store that is being used has every message whose sender was answered before, and
// where it cannot be made or kept there is nothing half.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { run } from './support/run.mjs';
import { serverBinary, startServer } from './support/server.mjs';

const SERVICE = 'SSE_SERVER_SERVICES';
const PIECE = 'x'.repeat(16 * 1024);
const STORE = ['messages.sqlite', 'messages.sqlite-wal', 'uploads'];

let directory;
let server;
let office;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'backup-'));
  server = await startServer({ variables: {
    [`${SERVICE}_1_NAME`]: 'other', [`${SERVICE}_1_BASE_PATH`]: '/sse/other', [`${SERVICE}_1_AUTH`]: 'development',
    [`${SERVICE}_1_QOS_STORE`]: 'memory',
  } });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

const path = (name) => join(directory, name);

function environment(stateDirectory = server.stateDirectory) {
  return { ...process.env, SSE_SERVER_STATE_DIRECTORY: stateDirectory };
}

function backUp(...words) {
  return run(serverBinary(), ['backup', ...words], { env: environment() });
}

async function send(id, data) {
  assert.equal((await office.send({ event: 'tick', id, data, qos: 1, userId: 'away' })).stored, 1);
}

async function isWhole(file) {
  const program = `import sqlite3, sys
print(sqlite3.connect('file:' + sys.argv[1] + '?immutable=1', uri=True).execute('PRAGMA integrity_check').fetchone()[0])`;
  const { output } = await run('python3', ['-c', program, file]);
  assert.equal(output, 'ok\n');
}

async function startFrom(file) {
  await mkdir(path('restored/demo'), { recursive: true });
  await rename(file, path('restored/demo/messages.sqlite'));
  return startServer({ stateDirectory: path('restored') });
}

test('a copy of a store under traffic has all that was answered before', async () => {
  for (let n = 0; n < 40; n++) {
    await send(`before-${n}`, PIECE);
  }
  let isDone = false;
  let sent = 0;
  const sender = (async () => {
    for (; !isDone; sent++) {
      await send(`meanwhile-${sent}`, PIECE);
    }
  })();
  await writeFile(path('copy'), 'of yesterday');
  await chmod(path('copy'), 0o644);
  assert.deepEqual(await backUp(path('copy')), { code: 0, stdout: '', stderr: '', output: '' });
  isDone = true;
  await sender;
  assert.ok(sent > 0);
  assert.equal((await stat(path('copy'))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ['copy']);
  assert.deepEqual((await readdir(join(server.stateDirectory, 'demo'))).sort(), STORE);
  await isWhole(path('copy'));

  const restored = await startFrom(path('copy'));
  const again = await backend(restored);
  for (const id of ['before-0', 'before-39']) {
    assert.equal((await again.query(`messages/${id}`)).id, id);
  }
  await again.close();
  await restored.stop();
});

test('it goes to standard output as well', async () => {
  const env = environment();
  const { code } = await run('sh', ['-c', '"$0" backup --service demo - >"$1"', serverBinary(), path('piped')], { env });
  assert.equal(code, 0);
  await isWhole(path('piped'));
  await rm(path('piped'));
});

test('what cannot be copied or kept is told, and nothing is left', async () => {
  const before = (await readdir(directory)).sort();
  await writeFile(path('kept'), 'of yesterday');
  for (const [words, told] of [
    [['--service', 'other', path('kept')], /service "other": its messages are in memory \(qos\.store\)/],
    [['--service', 'none', path('kept')], /there is no such service; give --service and one of demo, other/],
    [[path('missing/copy')], /missing\/copy cannot be written: No such file or directory/],
    [[directory], /cannot be written: Is a directory/],
  ]) {
    const { code, stdout, stderr } = await backUp(...words);
    assert.equal(code, 1, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, told);
  }
  const small = await run('prlimit', ['--fsize=65536', serverBinary(), 'backup', path('kept')], { env: environment() });
  assert.equal(small.code, 1);
  assert.match(small.stderr, /kept cannot be written: File too large/);
  assert.equal(await readFile(path('kept'), 'utf8'), 'of yesterday');
  await rm(path('kept'));
  assert.deepEqual((await readdir(directory)).sort(), before);

  const misused = await backUp();
  assert.equal(misused.code, 2);
  assert.match(misused.stderr, /backup needs the file to write, or - for standard output/);
  const nobody = await run(serverBinary(), ['backup', path('x')], { env: environment(directory) });
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /no server can be reached .*: No such file or directory; give the --config and the environment/);
});

test('a disk without room for it is told, and the store goes on', async () => {
  const limit = await run('prlimit', [`--pid=${server.pid}`, '--output=HARD', '--noheadings', '--fsize']);
  const { size } = await stat(join(server.stateDirectory, 'demo', 'messages.sqlite'));
  await run('prlimit', [`--pid=${server.pid}`, `--fsize=${size >> 1}:`]);
  const { code, stderr } = await backUp(path('copy'));
  await run('prlimit', [`--pid=${server.pid}`, `--fsize=${limit.stdout.trim()}:`]);
  assert.equal(code, 1);
  assert.match(stderr, /service "demo": Input\/output error/);
  await send('afterwards', 1);
  assert.deepEqual((await readdir(join(server.stateDirectory, 'demo'))).sort(), STORE);
  assert.equal((await backUp(path('copy'))).code, 0);
});
