// SPDX-License-Identifier: Apache-2.0
// The command health, which supervisors run where there is no other client, as in a container.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { freePort } from './support/port.mjs';
import { runCommand, startServer } from './support/server.mjs';

let server;
let listeners;
before(async () => {
  const ports = await Promise.all(Array.from({ length: 5 }, freePort));
  server = await startServer({ stopped: true, variables: { SSE_SERVER_STOP_NOTICE: '5s', SSE_SERVER_DRAIN_TIME: '20s' }, config: {
    allowDevelopmentRemote: true,
    services: [{ name: 'hr' }],
    listeners: [
      { address: `localhost:${ports[0]}` },
      { address: `*:${ports[1]}`, tls: false, http1: false },
      { address: `0.0.0.0:${ports[2]}`, role: 'public' },
      { address: `127.0.0.1:${ports[3]}`, tls: false, role: 'admin' },
      { address: `[::]:${ports[4]}`, tls: false },
      { address: `unix:${join(tmpdir(), `sse-health-${process.pid}.sock`)}`, tls: false },
      { address: `127.0.0.1:${await freePort()}`, proxyProtocol: true },
    ],
  } });
  ({ listeners } = JSON.parse(await readFile(join(server.stateDirectory, 'sse-server.yaml'), 'utf8')));
});
after(async () => {
  await server.kill();
  await server.forget();
});


// With that listener alone, of those that the server has.
function health(listener, ...what) {
  const variables = Object.entries(listener).map(([key, value]) => (
    [`SSE_SERVER_LISTENERS_0_${key.replace(/[A-Z]/, '_$&').toUpperCase()}`, String(value)]));
  return runCommand(['health', ...what], { ...Object.fromEntries(variables), SSE_SERVER_STATE_DIRECTORY: server.stateDirectory,
    SSE_SERVER_ALLOW_DEVELOPMENT_REMOTE: 'true' });
}

test('a server that is ready says so on each kind of listener', async () => {
  for (const listener of listeners) {
    for (const what of [[], ['ready'], ['live']]) {
      const { code, stdout, output } = await health(listener, ...what);
      assert.equal(code, 0, `${listener.address}: ${output}`);
      assert.equal(stdout, `${what[0] ?? 'ready'}\n`);
    }
  }
});

test('of several listeners it asks one that needs no proxy', async () => {
  const { code, output } = await runCommand(['--config', join(server.stateDirectory, 'sse-server.yaml'), 'health'],
    { SSE_SERVER_STATE_DIRECTORY: server.stateDirectory });
  assert.equal(code, 0, output);
});

test('where nobody listens it fails, and says where it asked', async () => {
  const { code, stderr } = await health({ address: `127.0.0.1:${await freePort()}` });
  assert.equal(code, 1);
  assert.match(stderr, /https:\/\/127\.0\.0\.1:\d+\/health\/ready: no answer/);
});

test('what it does not know is refused', async () => {
  const { code, stderr } = await health(listeners[0], 'well');
  assert.equal(code, 2);
  assert.match(stderr, /ready or live/);
});

test('a server that stops is live, and not ready', async () => {
  server.signal('SIGTERM');
  await server.saw('that it drains', (text) => text.includes(' draining '));
  const { code, stderr } = await health(listeners[3]);
  assert.equal(code, 1);
  assert.match(stderr, /the server answers 503/);
  assert.equal((await health(listeners[3], 'live')).code, 0);
});
