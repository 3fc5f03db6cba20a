// SPDX-License-Identifier: Apache-2.0
// What disconnectUser has revoked counts after a restart, however the server ended.
import assert from 'node:assert/strict';
import { readdir, rename, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { newHost } from './support/host.mjs';
import { SECRET, seconds, token } from './support/tokens.mjs';

const BASE = '/sse/hr';
const configOf = (store = 'sqlite', auth = 'auth: jwt') => `
apiKeys: [office]
services: [{name: hr, ${auth}, qos: {store: ${store}}}]
tokenKeys: [{algorithm: HS256, secret: ${SECRET}}]
`;
const bearer = (text) => ({ authorization: `Bearer ${text}` });
const old = (sub, more = {}) => token({ sub, iat: Math.floor(seconds(-60)), ...more });

async function withClients(server, act) {
  const [page, office] = await Promise.all([connect(server.origin), backend(server, { base: BASE, key: 'office' })]);
  try {
    return await act(page, office);
  } finally {
    await Promise.all([page.close(), office.close()]);
  }
}

// A test that fails leaves nothing behind.
async function newHostFor(t, config) {
  const host = await newHost({ config });
  t.after(() => host.abandon());
  return host;
}

async function statusOf(page, text) {
  const stream = await page.connect({}, { base: BASE, headers: bearer(text) });
  await stream.close();
  return stream.status;
}

const tokens = {
  'a user': [old('1'), ({ office }) => office.command('disconnectUser', { userId: '1' })],
  'a token by its text': [
    old('2'), ({ office, text }) => office.command('disconnectUser', { accessToken: text })],
  'a token by its jti': [
    old('3', { jti: 'third' }), ({ office }) => office.command('disconnectUser', { accessToken: 'third' })],
  'a connection': [
    old('4'), async ({ office, page, text }) => {
      const stream = await page.connect({}, { base: BASE, headers: bearer(text) });
      assert.deepEqual(await office.command('disconnectUser', { connectionId: stream.id }), { count: 1 });
      await stream.end();
    }],
};

for (const end of ['crash', 'restart']) {
  test(`revoked by ${Object.keys(tokens).join(', ')}: it stays so through a ${end}`, async (t) => {
    const host = await newHostFor(t, configOf());
    await withClients(await host.start(), async (page, office) => {
      for (const [name, [text, revoke]] of Object.entries(tokens)) {
        assert.equal(await statusOf(page, text), 200, name);
        await revoke({ office, page, text });
        assert.equal(await statusOf(page, text), 401, name);
      }
    });
    for (let life = 0; life < 2; life++) {
      const server = await host[end]();
      await withClients(server, async (page, office) => {
        for (const [name, [text]] of Object.entries(tokens)) {
          const answer = await page.get(`${BASE}/connect`, bearer(text));
          assert.equal(answer.status, 401, name);
          assert.match(answer.json.errorMessage, /revoked/);
        }
        assert.equal(await statusOf(page, token({ sub: '2' })), 200);
        assert.equal(await statusOf(page, old('5')), 200);
        const fresh = token({ sub: '1', iat: Math.floor(seconds(2)) });
        assert.equal(await statusOf(page, fresh), 200, 'a later token of the user');
        assert.ok(await office.metric('sse_server_auth_revocations_kept') >= 4);
      });
      assert.match(server.output, /restored revocations service=hr count=4/);
    }
    await host.close();
  });
}

test('what is not revoked is not restored', async (t) => {
  const host = await newHostFor(t, configOf());
  const text = old('1');
  await withClients(await host.start(), (page, office) => (
    office.command('disconnectUser', { userId: '1', revoke: false })));
  await withClients(await host.crash(), async (page) => assert.equal(await statusOf(page, text), 200));
  await host.close();
});

test('a store in memory forgets them', async (t) => {
  const host = await newHostFor(t, configOf('memory'));
  const text = old('1');
  await withClients(await host.start(), async (page, office) => {
    await office.command('disconnectUser', { userId: '1' });
    assert.equal(await statusOf(page, text), 401);
  });
  await withClients(await host.restart(), async (page) => assert.equal(await statusOf(page, text), 200));
  await host.close();
});

test('while the store cannot be read no token is let in, and API keys are', async (t) => {
  const host = await newHostFor(t, configOf());
  const text = old('1');
  await withClients(await host.start(), (page, office) => office.command('disconnectUser', { userId: '1' }));
  await host.server.stop();
  const folder = join(host.stateDirectory, 'hr');
  const file = join(folder, 'messages.sqlite');
  await rename(file, `${file}.kept`);
  assert.deepEqual((await readdir(folder)).filter((name) => name.endsWith('-wal')), []);
  await writeFile(file, 'no database at all, '.repeat(500));
  await host.start();
  await withClients(host.server, async (page, office) => {
    for (const shown of [text, token({ sub: '2' })]) {
      const answer = await page.get(`${BASE}/connect`, bearer(shown));
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.json.errorMessage, /revocations cannot be read/);
      assert.ok(Number(answer.headers['retry-after']) > 0);
    }
    assert.equal((await page.get(`${BASE}/users`, bearer(token({ permissions: 'all' })))).status, 503);
    assert.equal((await page.get(`${BASE}/users`, bearer('office'))).status, 200);
    const answer = await office.post('disconnectUser', { userId: '2' });
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.json.errorMessage, /0 connections were closed.*a restart would forget it/);
    await rename(`${file}.kept`, file);
    await host.server.asTimePasses('the store', async () => await statusOf(page, token({ sub: '3' })) === 200);
    assert.equal(await statusOf(page, text), 401);
    assert.equal(await statusOf(page, old('2')), 401, 'revoked in this life');
  });
  assert.match(host.server.output, /revocations cannot be read: no access token is let in until they can/);
});

test('auth webhook asks the back end again, which has to remember', async (t) => {
  let knows = true;
  const users = http.createServer((request, response) => {
    response.statusCode = knows ? 200 : 401;
    response.end(knows ? JSON.stringify({ id: '1' }) : '');
  });
  users.listen(0, '127.0.0.1');
  await once(users, 'listening');
  t.after(() => users.close().closeAllConnections());
  const url = `http://127.0.0.1:${users.address().port}/`;
  const host = await newHostFor(
    t,
    configOf('sqlite', `auth: webhook, authWebhook: {url: "${url}", headers: [authorization]}`).replace(/tokenKeys.*/, ''),
  );
  await withClients(await host.start(), async (page, office) => {
    assert.equal(await statusOf(page, 'x'), 200);
    knows = false;
    await office.command('disconnectUser', { userId: '1' });
    assert.equal(await statusOf(page, 'x'), 401);
  });
  await withClients(await host.crash(), async (page) => assert.equal(await statusOf(page, 'x'), 401));
  await host.close();
});
