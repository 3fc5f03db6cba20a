// SPDX-License-Identifier: Apache-2.0
// The first five minutes of the README, by the same curl commands.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { run } from './support/run.mjs';
import { KEY, startServer } from './support/server.mjs';
import { within } from './support/wait.mjs';

const FILE = new URL('../../README.md', import.meta.url).pathname;

let server;
let base;
let stream;
let seen = '';

before(async () => {
  server = await startServer();
  base = `https://localhost:${server.port}/sse/demo`;
  stream = spawn('curl', ['--http2', '-sS', '-k', '-N', `${base}/connect?userId=7&name=Ann&listeners=hello`]);
  stream.stdout.setEncoding('utf8').on('data', (text) => {
    seen += text;
  });
});
after(async () => {
  stream.kill();
  await server.stop();
});

// Resolves with the match as soon as what curl has printed so far has one.
function streamShows(pattern) {
  return within(`${pattern} from curl`, new Promise((resolve, reject) => {
    const look = () => {
      const found = seen.match(pattern);
      if (found) {
        resolve(found);
      }
    };
    stream.stdout.on('data', look);
    stream.on('close', () => reject(new Error(`curl ended; it had printed: ${seen}`)));
    look();
  }));
}

async function curl(...args) {
  const { code, stdout, stderr } = await run('curl', ['--http2', '-sS', '-k', ...args]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const KEYED = ['-H', `Authorization: Bearer ${KEY}`];

test('curl opens a stream and prints connect-finish', async () => {
  const [, data] = await streamShows(/^event: ?connect-finish\n(?:.*\n)*?data: ?(.*)\n/m);
  assert.ok(JSON.parse(data).connectionId);
});

test('users shows Ann', async () => {
  const { data } = await curl(...KEYED, `${base}/users`);
  assert.equal(data.total, 1);
  assert.equal(data.list[0].name, 'Ann');
});

test('connections shows the stream', async () => {
  const { data } = await curl(...KEYED, `${base}/connections`);
  assert.equal(data.total, 1);
  assert.deepEqual(data.list[0].listeners, ['hello']);
});

test('a send reaches it, and it prints the event', async () => {
  const { data } = await curl(...KEYED, '-d', '{"event":"hello","data":{"n":1},"userId":"7"}',
    '-H', 'content-type: application/json', `${base}/send`);
  assert.equal(data.count, 1);
  const [, printed] = await streamShows(/^event: ?hello\n(?:.*\n)*?data: ?(.*)\n/m);
  assert.deepEqual(JSON.parse(printed), { n: 1 });
});

test('an upload is answered with its size and sha256', async () => {
  const bytes = await readFile(FILE);
  const answer = JSON.stringify(await curl('-F', `file=@${FILE}`, `${base}/connect/upload/docs.do?userId=7`));
  assert.match(answer, new RegExp(createHash('sha256').update(bytes).digest('hex')));
  assert.match(answer, new RegExp(`\\b${bytes.length}\\b`));
  assert.match(answer, /README\.md/);
});
