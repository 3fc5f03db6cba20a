// SPDX-License-Identifier: Apache-2.0
// What the client that pages import costs and asks for on the wire.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

let server;
let page;
before(async () => {
  server = await startServer();
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await server.stop();
});

test('the client is less than 9 KB as it is served', async () => {
  const answer = await page.get('/sse/demo', { 'accept-encoding': 'gzip, deflate, br' });
  assert.equal(answer.headers['content-encoding'], 'br');
  assert.ok(answer.body.length < 9000, `${answer.body.length} bytes`);
  assert.match(brotliDecompressSync(answer.body).toString(), /export default Sse;$/);
});

test('padding comes before connect-finish, as much as is wished and no more than 4096', async () => {
  for (const [padding, length] of [['2048', 2048], ['1e9', 4096], ['-1', 0], ['x', 0]]) {
    const stream = await page.connect({ userId: '7', padding });
    const comments = stream.comments.map((comment) => ` ${comment}`); // the reader takes one space off
    assert.deepEqual(comments, length > 0 ? [' '.repeat(length)] : [], `padding=${padding}`);
    await stream.close();
  }
});

test('what the client adds for itself is not shown as the page\'s own', async () => {
  const office = await backend(server);
  const stream = await page.connect({ userId: '7', padding: '1', lastEventId: 'x', mine: '2' });
  const { list: [{ httpParameters }] } = await office.query(`connections?id=${stream.id}`);
  assert.equal(httpParameters.mine, '2');
  assert.equal('padding' in httpParameters || 'lastEventId' in httpParameters, false);
  await stream.close();
  await office.close();
});
