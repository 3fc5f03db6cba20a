// SPDX-License-Identifier: Apache-2.0
// What the README has to try with curl, by the same commands.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { endWithFile } from './support/leftovers.mjs';
import { run } from './support/run.mjs';
import { KEY, startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const FILE = new URL('../../README.md', import.meta.url).pathname;

// A stream that curl prints.
class CurlStream {
  #child;
  #seen = '';

  constructor(...args) {
    this.#child = endWithFile(spawn('curl', ['--http2', '-sS', '-k', '-N', ...args]));
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#seen += text;
    });
  }

  // Resolves with the match as soon as what it has printed so far has one.
  shows(pattern) {
    return within(`${pattern} from curl`, new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#seen.match(pattern);
        if (found) {
          resolve(found);
        }
      };
      this.#child.stdout.on('data', look);
      this.#child.on('close', () => reject(new Error(`curl ended; it had printed: ${this.#seen}`)));
      look();
    }));
  }

  end() {
    this.#child.kill();
  }
}

let server;
let base;
let stream;

function baseOf({ port }) {
  return `https://localhost:${port}/sse/demo`;
}

before(async () => {
  server = await startServer();
  base = baseOf(server);
  stream = new CurlStream(`${base}/connect?userId=7&name=Ann&listeners=hello`);
});
after(async () => {
  stream.end();
  await server.stop();
});

async function curl(...args) {
  const { code, stdout, stderr } = await run('curl', ['--http2', '-sS', '-k', ...args]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const KEYED = ['-H', `Authorization: Bearer ${KEY}`];

// The answer's data. message is the JSON as the README has it.
async function send(to, message) {
  const { data } = await curl(...KEYED, '-d', message, '-H', 'content-type: application/json', `${to}/send`);
  return data;
}

test('curl opens a stream and prints connect-finish', async () => {
  const [, data] = await stream.shows(/^event: ?connect-finish\n(?:.*\n)*?data: ?(.*)\n/m);
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
  const { count } = await send(base, '{"event":"hello","data":{"n":1},"userId":"7"}');
  assert.equal(count, 1);
  const [, printed] = await stream.shows(/^event: ?hello\n(?:.*\n)*?data: ?(.*)\n/m);
  assert.deepEqual(JSON.parse(printed), { n: 1 });
});

test('an upload is answered with its size and sha256', async () => {
  const bytes = await readFile(FILE);
  const answer = JSON.stringify(await curl('-F', `file=@${FILE}`, `${base}/connect/upload/docs.do?userId=7`));
  assert.match(answer, new RegExp(createHash('sha256').update(bytes).digest('hex')));
  assert.match(answer, new RegExp(`\\b${bytes.length}\\b`));
  assert.match(answer, /README\.md/);
});

// Ben's stream shows the message as one that comes again.
async function showsAgain(url, id) {
  const ben = new CurlStream(url);
  const [, shown] = await ben.shows(/^:resend\nid: ?(.*)\nevent: ?hello\n/m);
  assert.equal(shown, id);
  ben.end();
}

async function isAcknowledged({ origin }) {
  const { stdout } = await run('curl', ['--http2', '-sS', '-k', ...KEYED, `${origin}/metrics`]);
  return /sse_server_qos_acknowledged_total\{service="demo",worker="\d+"\} 1\n/.test(stdout);
}

test('a message with qos 1 survives kill -9, and comes until it is acknowledged', async (context) => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'sse-server-'));
  let current = await startServer({ stateDirectory });
  context.after(async () => {
    await current.kill();
    await rm(stateDirectory, { recursive: true, force: true });
  });
  const { id, stored } = await send(baseOf(current), '{"event":"hello","data":{"n":2},"userId":"8","qos":1}');
  assert.equal(stored, 1);

  await current.kill();
  current = await startServer({ stateDirectory });
  const url = `${baseOf(current)}/connect?userId=8&name=Ben&listeners=hello`;
  await showsAgain(url, id);
  await showsAgain(url, id);

  const back = new CurlStream('-H', `last-event-id: ${id}`, url);
  await eventually('the acknowledgement', () => isAcknowledged(current));
  back.end();
  await current.stop();
});
