// SPDX-License-Identifier: Apache-2.0
// Where a client is, when a proxy says so: believed from trusted proxies alone.
import assert from 'node:assert/strict';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

// What `connections` shows for a stream that was asked for with these fields.
async function shown(server, office, headers, options) {
  const page = await connect(server.origin, options);
  const stream = await page.connect({ userId: 'ann' }, { headers });
  const { list: [{ requestIp }] } = await office.query(`connections?id=${stream.id}`);
  await stream.close();
  await page.close();
  return requestIp;
}

async function withServer(variables, run, options) {
  const server = await startServer({ variables, ...options });
  const office = await backend(server);
  try {
    await run(server, office);
  } finally {
    await office.close();
    await server.stop();
  }
}

test('nobody is trusted who is not listed', () => withServer({}, async (server, office) => {
  assert.equal(await shown(server, office, { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' }), '127.0.0.1');
}));

test('a trusted proxy says the client\'s address', () => withServer({
  SSE_SERVER_TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8',
}, async (server, office) => {
  assert.equal(await shown(server, office, {}), '127.0.0.1');
  assert.equal(await shown(server, office, { 'x-forwarded-for': '6.6.6.6, 192.0.2.1, 10.0.0.7' }), '192.0.2.1');
  assert.equal(await shown(server, office, { 'x-forwarded-for': '6.6.6.6, garbage' }), '127.0.0.1');
  // The other field passes through such a proxy as the client wrote it.
  assert.equal(await shown(server, office, { forwarded: 'for=192.0.2.1' }), '127.0.0.1');
}));

test('Forwarded is read where the proxies write it', () => withServer({
  SSE_SERVER_TRUSTED_PROXIES: '127.0.0.1',
  SSE_SERVER_PROXY_FIELD: 'forwarded',
}, async (server, office) => {
  const headers = { forwarded: 'for="[2001:db8::7]:4711";proto=https', 'x-forwarded-for': '192.0.2.1' };
  assert.equal(await shown(server, office, headers), '2001:db8::7');
}));

for (const [trusted, expected] of [['unix', '192.0.2.1'], ['0.0.0.0/0, ::/0', 'unix']]) {
  test(`a proxy on a unix socket with trustedProxies ${trusted}`, async () => {
    const path = join(tmpdir(), `sse-server-${process.pid}-${trusted.length}.sock`);
    await withServer({ SSE_SERVER_TRUSTED_PROXIES: trusted }, async (server, office) => {
      const options = { createConnection: () => net.connect(path) };
      const plain = { origin: 'http://localhost' };
      assert.equal(await shown(plain, office, { 'x-forwarded-for': '192.0.2.1' }, options), expected);
    }, { listen: `127.0.0.1:0,http://unix:${path}` });
  });
}
