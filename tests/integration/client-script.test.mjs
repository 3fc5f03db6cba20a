// SPDX-License-Identifier: Apache-2.0
// What the client that pages import costs and asks for on the wire.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { EventReader } from './support/events.mjs';
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

test('any page may take the client, as whatever script it is served, and nothing else', async () => {
  const resourcePolicy = async (method, path, headers) =>
    (await page.request(method, path, { headers })).headers['cross-origin-resource-policy'];
  for (const path of ['/sse/demo', '/sse/demo/sse.js', '/sse/demo?script-type=text/javascript', '/sse/demo/sse.js?script-type=x']) {
    const { headers: { etag } } = await page.get(path);
    assert.equal(await resourcePolicy('GET', path), 'cross-origin', path);
    assert.equal(await resourcePolicy('HEAD', path), 'cross-origin', path);
    assert.equal(await resourcePolicy('GET', path, { 'if-none-match': etag }), 'cross-origin', path);
  }
  for (const path of ['/sse/demo/users', '/', '/openapi.yaml', '/health/live']) {
    assert.equal(await resourcePolicy('GET', path), undefined, path);
  }
});

test('padding comes before connect-finish, as much as is wished and no more than 4096', async () => {
  for (const [padding, length] of [['2048', 2048], ['1e9', 4096], ['-1', 0], ['x', 0]]) {
    const stream = await page.connect({ userId: '7', padding });
    const comments = stream.comments.map((comment) => ` ${comment}`); // the reader takes one space off
    assert.deepEqual(comments, length > 0 ? [' '.repeat(length)] : [], `padding=${padding}`);
    await stream.close();
  }
});

describe('heartbeats', () => {
  const INTERVAL = 7000; // ms
  let beating;
  let watcher;
  before(async () => {
    const variables = { SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: `${INTERVAL}ms` };
    beating = await startServer({ variables });
    watcher = await connect(beating.origin);
  });
  after(async () => {
    await watcher.close();
    await beating.stop();
  });

  test('who asks gets events, as often as connect-finish says, whatever else is sent', async () => {
    const office = await backend(beating);
    const stream = await watcher.connect({ userId: '7', heartbeat: 'true' });
    assert.equal(stream.finish.heartbeat, INTERVAL);
    for (let beats = 1; beats <= 3; beats += 1) {
      await beating.asTimePasses('a heartbeat', async () => {
        await office.send({ event: 'unheard', data: 1, userId: '7' });
        return stream.named('sse-heartbeat').length === beats;
      });
    }
    assert.deepEqual(stream.named('sse-heartbeat').map(({ data }) => data), ['', '', '']);
    assert.deepEqual(stream.comments, []);
    await stream.close();
    await office.close();
  });

  for (const heartbeat of [undefined, '', 'false', '1']) {
    test(`who does not ask gets comments: heartbeat=${heartbeat}`, async () => {
      const stream = await watcher.connect({ userId: '7', ...(heartbeat === undefined ? {} : { heartbeat }) });
      assert.equal('heartbeat' in stream.finish, false);
      await beating.asTimePasses('a comment', () => stream.comments.length === 2);
      assert.deepEqual(stream.named('sse-heartbeat'), []);
      await stream.close();
    });
  }

  test('a form asks as well', async () => {
    const stream = watcher.open('POST', '/sse/demo/connect', { 'content-type': 'application/x-www-form-urlencoded' });
    const reader = new EventReader(stream);
    stream.end('userId=7&heartbeat=true');
    assert.equal((await reader.next('connect-finish')).heartbeat, INTERVAL);
    await reader.close();
  });
});

test('what the client adds for itself is not shown as the page\'s own', async () => {
  const office = await backend(server);
  const own = { padding: '1', lastEventId: 'x', heartbeat: 'true' };
  const stream = await page.connect({ userId: '7', ...own, mine: '2' });
  const { list: [{ httpParameters }] } = await office.query(`connections?id=${stream.id}`);
  assert.equal(httpParameters.mine, '2');
  assert.deepEqual(Object.keys(own).filter((name) => name in httpParameters), []);
  await stream.close();
  await office.close();
});
