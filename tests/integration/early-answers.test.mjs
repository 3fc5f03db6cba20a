// SPDX-License-Identifier: Apache-2.0
// An answer that comes while the body is still being sent: clients see it, whether they look at once or
// only when they have sent all.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { run } from './support/run.mjs';
import { KEY, startServer } from './support/server.mjs';

const PYTHON = new URL('../../build/python/bin/python', import.meta.url).pathname;
const MIB = 1 << 20;
const SIZE = 8 * MIB;

// Its first request says nothing: httpx takes no window that shrinks under a body.
const PROGRAM = `
import httpx, sys
url, key, kind = sys.argv[1:4]
client = httpx.Client(http2=True, verify=False)
client.get(url)
size = ${SIZE}
whole = b'x' * size
content = whole if kind == 'whole' else (whole[at:at + 65536] for at in range(0, size, 65536))
answer = client.post(url, content=content, headers={'authorization': 'Bearer ' + key, 'content-type': 'application/json'})
print(answer.status_code, answer.text)
`;

describe('an answer before the end of the body', () => {
  let server;
  let directory;
  let file;
  let url;

  before(async () => {
    server = await startServer();
    url = `${server.origin}/sse/demo/send`;
    directory = await mkdtemp(join(tmpdir(), 'sse-server-early-'));
    file = join(directory, 'body');
    await writeFile(file, Buffer.alloc(SIZE, 'x'));
  });
  after(async () => {
    await server.stop();
    await rm(directory, { recursive: true });
  });

  const isSeen = (text) => {
    assert.match(text, /413/);
    assert.match(text, /1048576 bytes/);
  };

  for (const [what, more] of [['its length', []], ['no length', ['-H', 'transfer-encoding: chunked']]]) {
    test(`is seen by curl, which sends ${what}`, async () => {
      const { code, stdout, stderr } = await run('curl', ['-sSk', '--http2', ...more, '-H', `authorization: Bearer ${KEY}`,
        '-H', 'content-type: application/json', '--data-binary', `@${file}`, '-w', '%{http_code}', url]);
      assert.equal(code, 0, stderr);
      isSeen(stdout);
    });
  }

  for (const [what, headers] of [['its length', { 'content-length': `${SIZE}` }], ['no length', {}]]) {
    test(`is seen by Node, which sends ${what} and reads on to the end`, async () => {
      const client = await connect(server.origin);
      const answer = await client.post('/sse/demo/send', Buffer.alloc(SIZE, 'x'),
        { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers });
      isSeen(`${answer.status} ${answer.text}`);
      assert.equal((await client.get('/health/live')).status, 200, 'the session goes on');
      await client.close();
    });
  }

  for (const kind of ['whole', 'parts']) {
    test(`is seen by httpx, which sends all before it looks: ${kind}`, { skip: !existsSync(PYTHON) && `there is no ${PYTHON}` }, async () => {
      const { stdout, stderr } = await run(PYTHON, ['-c', PROGRAM, url, KEY, kind]);
      assert.ok(stdout, stderr);
      isSeen(stdout);
    });
  }
});
