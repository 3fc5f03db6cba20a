// SPDX-License-Identifier: Apache-2.0
// What a browser does with one TCP connection: ten event streams, a hundred sends in flight and a
// 20 MB upload, all at once.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect, readAnswer } from './support/client.mjs';
import { BOUNDARY, MULTIPART } from './support/multipart.mjs';
import { KEY, startServer } from './support/server.mjs';
import { within } from './support/wait.mjs';

const STREAMS = 10;
const SENDS = 100;
const PIECE = 64 * 1024;
const PIECES = 320;
const HEAD = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n`;
const AUTHORIZED = { authorization: `Bearer ${KEY}` };

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

function write(stream, bytes) {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

// Uploads piece by piece; between runs after every eighth of the body has been taken.
async function upload(page, piece, between) {
  const request = page.open('POST', '/sse/demo/connect/upload/docs.do?userId=0', { 'content-type': MULTIPART });
  const answer = readAnswer(request);
  await write(request, HEAD);
  for (let n = 1; n <= PIECES; n++) {
    await write(request, piece);
    if (n % (PIECES / 8) === 0 && n < PIECES) {
      await between();
    }
  }
  request.end(`\r\n--${BOUNDARY}--\r\n`);
  return within('the answer to the upload', answer);
}

test('streams, sends and an upload share one session', async () => {
  const page = await connect(server.origin);
  const office = await backend(server);
  const sockets = new Set([page.session.socket.remotePort]);
  const streams = await Promise.all(Array.from({ length: STREAMS }, (_, n) => page.connect({ userId: String(n) })));

  // While the body is under way: each time, an event for all arrives on every stream before the
  // upload goes on.
  let rounds = 0;
  const between = async () => {
    rounds++;
    await page.postJson('/sse/demo/send', { event: 'meanwhile', data: rounds, all: true }, AUTHORIZED);
    await Promise.all(streams.map((stream) => stream.count('meanwhile', rounds)));
  };
  const piece = randomBytes(PIECE);
  const uploading = upload(page, piece, between);

  const answers = await Promise.all(Array.from({ length: SENDS }, (_, n) =>
    page.postJson('/sse/demo/send', { event: 'hello', data: n, userId: String(n % STREAMS) }, AUTHORIZED)));
  assert.ok(answers.every(({ status, data }) => status === 200 && data.count === 1));
  assert.equal(new Set(answers.map(({ data }) => data.id)).size, SENDS);
  for (const [n, stream] of streams.entries()) {
    const numbers = (await stream.count('hello', SENDS / STREAMS)).map(({ data }) => Number(data));
    assert.deepEqual(numbers, Array.from({ length: SENDS / STREAMS }, (_, i) => i * STREAMS + n));
  }

  const answer = await uploading;
  assert.equal(answer.status, 200, answer.text);
  const digest = createHash('sha256');
  for (let n = 0; n < PIECES; n++) {
    digest.update(piece);
  }
  assert.match(answer.text, new RegExp(digest.digest('hex')));
  assert.match(answer.text, new RegExp(String(PIECE * PIECES)));
  assert.equal(rounds, 7);

  sockets.add(page.session.socket.remotePort);
  assert.equal(sockets.size, 1);
  assert.equal(page.session.destroyed, false);
  assert.equal(page.error, null);
  const { list } = await office.query('connections');
  assert.equal(list.length, STREAMS);
  await page.close();
  await office.close();
});

test('one session holds 32 event streams, and one more is refused', async () => {
  const page = await connect(server.origin);
  await Promise.all(Array.from({ length: 32 }, (_, n) => page.connect({ userId: `many-${n}` })));
  const refused = await page.get('/sse/demo/connect?userId=one-more');
  assert.ok([429, 503].includes(refused.status), refused.text);
  assert.ok(refused.headers['retry-after']);
  assert.equal((await page.get('/health/live')).status, 200);
  await page.close();
});
