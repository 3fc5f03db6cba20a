// SPDX-License-Identifier: Apache-2.0
// Section D: what endpoints are sent.
import assert from 'node:assert/strict';
import { once } from 'node:events';

import { connect } from '../integration/support/client.mjs';
import { BOUNDARY, MULTIPART } from '../integration/support/multipart.mjs';
import {
  DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, block, frame, rawSession, request, requestFields,
} from '../integration/support/raw_h2.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { atMost, cost } from './figures.mjs';

const MESSAGE = '/sse/demo/connect/message/x.do?userId=raw';

const status = (session, stream) => session.saw('an answer or a reset', (seen) => seen.stream === stream
  && (seen.type === HEADERS || seen.type === RST_STREAM));

export const INPUT = {
  async methods({ server }) {
    const session = await rawSession(server);
    const blocks = [
      [[':method', 'CONNECT'], [':authority', 'localhost:443']],
      requestFields('TRACE', '/sse/demo'),
      requestFields('PROPFIND', '/sse/demo'),
      requestFields('G(ET', '/sse/demo'),
      requestFields('', '/sse/demo'),
      requestFields('GET', ''),
      requestFields('OPTIONS', '*'),
      [...requestFields('GET', '/'), [':protocol', 'websocket']],
    ];
    for (const [n, fields] of blocks.entries()) {
      session.write(frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, block(fields)));
      const { type, payload } = await status(session, 2 * n + 1);
      // A literal :status of our answers is one of the static table or three digits.
      assert.ok(type === RST_STREAM || payload[0] !== 0x88, `${fields[0]} is not answered with 200`);
    }
    session.write(request(101, 'GET', '/health/live'));
    await session.answered(101);
    await session.close();
    return `${blocks.length} kinds`;
  },

  async trailersWithoutEnd({ server }) {
    const session = await rawSession(server);
    const type = [['content-type', 'application/json']];
    session.write(request(1, 'POST', MESSAGE, type, { endStream: false }), frame(DATA, 0, 1, Buffer.from('{}')),
      frame(HEADERS, END_HEADERS, 1, block([['x-trailer', '1']])));
    const { type: seen } = await session.saw('a reset or the end', (one) => one.type === GOAWAY
      || (one.type === RST_STREAM && one.stream === 1));
    await session.close();
    const proper = await rawSession(server);
    proper.write(request(1, 'POST', MESSAGE, type, { endStream: false }), frame(DATA, 0, 1, Buffer.from('{}')),
      frame(HEADERS, END_HEADERS | END_STREAM, 1, block([['x-trailer', '1']])));
    await proper.answered(1);
    await proper.close();
    return seen === GOAWAY ? 'the connection ended; proper trailers are taken' : 'reset; proper trailers are taken';
  },

  async hostileData({ server, office }) {
    const page = await connect(server.origin);
    const stream = await page.connect({ userId: 'reader' });
    const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const body = (data) => `{"event":"tick","userId":"reader","data":${data}}`;
    for (const data of [nested(513), '"\\ud800', '1e', '{"a":1,}', `"${'x'.repeat(70_000)}"`, 'NaN', '01']) {
      const answer = await office.post('send', body(data));
      assert.ok(answer.status >= 400 && answer.status < 500, `${data.slice(0, 20)}: ${answer.status}`);
    }
    const good = ['0', '-0.0', '1.10', '"\\u2028"', nested(20), '9'.repeat(400)];
    for (const data of good) {
      assert.equal((await office.post('send', body(data))).status, 200, data);
    }
    await stream.count('tick', good.length);
    await page.close();
    return `7 refused, ${good.length} taken`;
  },

  async manyUploads({ server, office }) {
    const page = await connect(server.origin);
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n`;
    // limits.sessionBodyBytes, in buffers that double when they grow, and what a request takes besides; of 90 MiB.
    const most = 2 * 8192 + 90 * 16;
    let answers;
    const first = page.open('POST', '/sse/demo/connect/upload/a.do?userId=u', { 'content-type': MULTIPART });
    first.resume().end(`${head}x\r\n--${BOUNDARY}--\r\n`);
    await once(first, 'close'); // code and threads that any upload needs
    const { kib } = await cost(server, async () => {
      const uploads = Array.from({ length: 90 }, () => page.open('POST', '/sse/demo/connect/upload/a.do?userId=u',
        { 'content-type': MULTIPART }));
      answers = uploads.map((upload) => new Promise((resolve) => {
        upload.on('response', (headers) => resolve(headers[':status'])).on('error', () => {}).on('close', () => resolve(0));
        upload.resume();
      }));
      uploads.forEach((upload) => {
        upload.write(head);
        upload.end(Buffer.concat([Buffer.alloc(1 << 20, 'x'), Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]));
      });
      await Promise.all(answers);
    });
    atMost(server, kib, most, 'KiB');
    assert.ok((await Promise.all(answers)).every((code) => [200, 429, 503, 507].includes(code)));
    await page.close();
    await eventually('streams to be gone', async () => await office.metric('sse_server_streams') === 1);
    return `${kib} KiB for 90 at once (at most ${most})`;
  },
};
