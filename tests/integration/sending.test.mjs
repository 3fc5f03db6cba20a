// SPDX-License-Identifier: Apache-2.0
// The programs of docs/sending.md, as they are: what they send arrives, what is wrong they say, and
// they check the server's certificate.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { recipePath } from './support/recipe.mjs';
import { run } from './support/run.mjs';
import { KEY, startServer } from './support/server.mjs';

const PYTHON = new URL('../../build/python/bin/python', import.meta.url).pathname;
// Without its compiler, java runs no source file.
const hasJdk = (await run('javac', ['-version'])).code === 0;

// connections: how many one run needs; curl's mistake is a second run of curl. options: half of what java takes would
// go into compiling itself better.
const PROGRAMS = [
  { file: 'send.sh', command: 'bash', connections: 2 },
  { file: 'send.mjs', command: process.execPath, connections: 1 },
  { file: 'send.py', command: PYTHON, connections: 1, skip: !existsSync(PYTHON) && `there is no ${PYTHON}` },
  { file: 'Send.java', command: 'java', options: ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'], connections: 1,
    skip: !hasJdk && 'there is no JDK' },
];

let server;
let office;
let page;
let ann;
let bob;

before(async () => {
  server = await startServer();
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});
beforeEach(async () => {
  page = await connect(server.origin);
  ann = await page.connect({ userId: '7' });
  bob = await page.connect({ userId: '8' });
});
afterEach(() => page.close());

function sending({ file, command, options = [] }, variables) {
  const url = `https://localhost:${server.port}/sse/demo`;
  return run(command, [...options, recipePath(`send/${file}`)],
    { env: { ...process.env, SSE_URL: url, SSE_API_KEY: KEY, ...variables } });
}

const trusted = () => ({ SSE_CA_FILE: join(server.stateDirectory, 'development-cert.pem') });

for (const program of PROGRAMS) {
  describe(program.file, { skip: program.skip }, () => {
    test('sends to one user and to many, and says what was wrong', async () => {
      const opened = await office.metric('sse_server_sessions_opened_total');
      const { code, output } = await sending(program, trusted());
      assert.equal(code, 0, output);
      const numbers = async (stream, count) => (await stream.count('hello', count)).map(({ data }) => JSON.parse(data).n);
      assert.deepEqual(await numbers(ann, 3), [1, 2, 3]);
      assert.deepEqual(await numbers(bob, 2), [2, 3]);
      assert.match(output, /422.*userId/);
      assert.equal(await office.metric('sse_server_sessions_opened_total') - opened, program.connections);
    });

    test('says that a key is wrong', async () => {
      const { output } = await sending(program, { ...trusted(), SSE_API_KEY: 'wrong' });
      assert.match(output, /\b40[13]\b/);
    });

    test('sends nothing to a server that cannot prove its name', async () => {
      const { code, output } = await sending(program, {});
      assert.notEqual(code, 0, output);
      assert.match(output, /certificat|PKIX/i);
      await office.send({ event: 'last', data: 1, userId: '7' });
      await ann.next('last');
      assert.deepEqual(ann.named('hello'), []);
    });
  });
}
