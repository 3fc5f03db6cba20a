// SPDX-License-Identifier: Apache-2.0
// Forged tokens lock nobody out: while checks of signatures take less than their share of a
// worker's time nobody waits, and above it those do that have only failed.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { Client, addressOf, forged } from './support/forger.mjs';
import { startServer } from './support/server.mjs';
import { makeKey, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const FORGERS = 24;
const GUESTS = 40;
// The algorithm whose signatures take longest to check.
const key = makeKey('ES384', 'slow');
const BASE = '/sse/hr';

let directory;
let users = 0;
const good = () => token({ sub: `${users++}` }, key);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-forged-'));
  await writeFile(join(directory, 'public.txt'), key.publicPem);
});
after(() => rm(directory, { recursive: true, force: true }));

const start = (settings) => startServer({
  config: `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [office]
${settings}
tokenKeys: [{id: slow, algorithm: ES384, file: ${join(directory, 'public.txt')}}]
`,
  variables: { SSE_SERVER_WORKERS: '1' },
});

test('a few hundred wrong ones from one address, one by one, are all looked at', async () => {
  const server = await start('services: [{name: hr, auth: jwt}]');
  const client = await Client.at(server, addressOf(10, 1));
  const one = good();
  for (let i = 0; i < 300; i++) {
    assert.equal(await client.show(forged(one)), 401);
  }
  assert.equal(await client.show(good()), 200);
  await client.close();
  await server.stop();
});

describe('a crowd of forgers', () => {
  let server;
  let office;
  let forgers;
  let regular;
  let isOver = false;
  const answers = { 401: 0, 503: 0 };
  const running = [];
  const sample = good();

  async function forge(client) {
    while (!isOver) {
      answers[await client.show(forged(sample))] += 1;
    }
  }

  before(async () => {
    // So little that this test need not make much: 1 % of the time is a dozen checks a second.
    server = await start('signatureShare: 1\nservices: [{name: hr, auth: jwt}]');
    office = await backend(server, { base: BASE, key: 'office' });
    regular = await Client.at(server, addressOf(12, 1));
    assert.equal(await regular.show(good()), 200);
    forgers = await Promise.all(Array.from({ length: FORGERS }, (_, i) => Client.at(server, addressOf(10, i + 1))));
    running.push(...forgers.map(forge));
    await eventually('all of them refused', () => answers[503] > 10 * FORGERS);
  });
  after(async () => {
    isOver = true;
    await Promise.all(running);
    await Promise.all(forgers.map((client) => client.close()));
    await Promise.all([regular.close(), office.close()]);
    await server.stop();
  });

  test('refuses no guest with a token that nobody has seen', async () => {
    await Promise.all(Array.from({ length: GUESTS }, async (_, i) => {
      const guest = await Client.at(server, addressOf(11, i + 1));
      assert.equal(await guest.show(good()), 200, `guest ${i}`);
      await guest.close();
    }));
  });

  test('refuses no token and no address that was good before', async () => {
    const known = good();
    assert.equal(await regular.show(known), 200);
    await Promise.all(forgers.slice(0, 12).map(async (forger, i) => {
      assert.equal(await regular.show(good()), 200, `regular guest ${i}`);
      // Among the forgers, too, as of somebody behind the same router.
      assert.equal(await forger.show(known), 200, `known token ${i}`);
    }));
  });

  test('leaves back ends alone', async () => {
    await office.query('users');
    const rights = { sub: 'back end', permissions: 'query' };
    const answer = await regular.client.get(`${BASE}/users`, { authorization: `Bearer ${token(rights, key)}` });
    assert.equal(answer.status, 200);
  });

  test('is counted, and told which setting decides', async () => {
    assert.ok(answers[503] > 0 && answers[200] === undefined);
    assert.ok(await office.metric('sse_server_auth_signatures_refused_total') > 0);
    assert.ok(await office.metric('sse_server_auth_signature_seconds_total') > 0);
    assert.ok(await office.metric('sse_server_auth_addresses_kept') > FORGERS);
    await eventually('a sentence', async () => {
      const answer = await forgers[0].client.get(`${BASE}/connect`, { authorization: `Bearer ${forged(sample)}` });
      if (answer.status !== 503) {
        return false;
      }
      assert.match(answer.json.errorMessage, /signatureShare/);
      assert.ok(answer.headers['retry-after']);
      return true;
    });
  });

  test('whoever was good before and forges now comes last as well, and alone', async () => {
    const turned = await Client.at(server, addressOf(12, 2));
    assert.equal(await turned.show(good()), 200);
    await eventually('it is refused', async () => {
      const statuses = await Promise.all(Array.from({ length: 20 }, () => turned.show(forged(sample))));
      return statuses.includes(503);
    });
    assert.equal(await regular.show(good()), 200);
    await turned.close();
  });
});
