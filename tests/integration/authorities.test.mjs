// SPDX-License-Identifier: Apache-2.0
// outbound.caFile is read when a back end is first asked by https, in a thread. Here it is a pipe, which gives
// nothing until somebody writes into it: who reads it waits, and who does not need it does not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { makeAuthority, makePair, remove, temporaryFolder } from './support/certificates.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';

let folder;
let authority;
let targets;
let server;
let page;

const asked = (name) => page.post(`/sse/${name}/connect/message/x.do?userId=7`, '{}', { 'content-type': 'application/json' });
const configuration = (caFile) => `
workers: 1
listeners: [{address: "127.0.0.1:0"}]
outbound: {caFile: ${caFile}, http2: false}
services:
  - {name: safe, handlers: {messageUrl: "${targets.safe.url('/h')}"}}
  - {name: clear, handlers: {messageUrl: "${targets.clear.url('/h')}"}}
`;

before(async () => {
  folder = temporaryFolder();
  authority = makeAuthority(folder);
  const pair = makePair(folder, 'backend', { names: ['127.0.0.1'], authority });
  const secure = { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) };
  targets = { safe: await startTarget(undefined, secure), clear: await startTarget() };
  targets.safe.answer = () => ({ json: null, headers: { connection: 'close' } }); // each call asks for a certificate
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  server = await startServer({ config: configuration(join(folder, 'pipe')) });
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await server.stop();
  await Promise.all(Object.values(targets).map((target) => target.close()));
  remove(folder);
});

test('the first call by https waits for them, and nobody else does', async () => {
  const waiting = [asked('safe'), asked('safe')];
  assert.equal((await asked('clear')).status, 200);
  assert.equal(targets.safe.connections, 0);
  await writeFile(join(folder, 'pipe'), readFileSync(authority.certificate));
  for (const answer of await Promise.all(waiting)) {
    assert.equal(answer.status, 200, answer.text);
  }
});

test('after a reload those of the other file count', async () => {
  const other = makeAuthority(temporaryFolder());
  await server.mustReload(configuration(other.certificate));
  assert.equal((await asked('safe')).status, 502);
  await server.mustReload(configuration(authority.certificate));
  assert.equal((await asked('safe')).status, 200);
  remove(join(other.certificate, '..'));
});
