// SPDX-License-Identifier: Apache-2.0
// Section B: who may do what.
import assert from 'node:assert/strict';

import { connect } from '../integration/support/client.mjs';
import { newHost } from '../integration/support/host.mjs';
import { token } from '../integration/support/tokens.mjs';
import { cost } from './figures.mjs';

export const ACCESS = {
  async idsOverRestarts() {
    const ids = new Set();
    const host = await newHost();
    const [lives, pages, streams] = [4, 20, 30];
    for (let life = 0; life < lives; life++) {
      await (life === 0 ? host.start() : host.crash());
      const clients = await Promise.all(Array.from({ length: pages }, () => connect(host.server.origin)));
      const readers = await Promise.all(clients.flatMap((client) => Array.from({ length: streams }, (_, n) => (
        client.connect({ userId: `u${n}` })))));
      readers.forEach(({ id, status }) => {
        assert.equal(status, 200);
        ids.add(id);
      });
      await Promise.all(clients.map((client) => client.close()));
    }
    await host.close();
    assert.equal(ids.size, lives * pages * streams);
    // Each octet of text is as good as random: what all ids share at their beginning says where they live.
    const [one, two] = ids;
    let shared = 0;
    while (one[shared] === two[shared]) {
      shared++;
    }
    assert.ok(one.length - shared >= 22, `${one} ${two}`);
    return `${ids.size} ids over ${lives} lives, ${one.length} characters`;
  },

  async badLogins({ server }) {
    const client = await connect(server.origin);
    const answers = new Set();
    const attempts = 2000;
    const { cpu } = await cost(server, async () => {
      for (let n = 0; n < attempts; n += 50) {
        await Promise.all(Array.from({ length: 50 }, async (_, i) => {
          const key = i % 2 ? `no-key-${n + i}` : token({ sub: i % 4 ? 'ann' : 'nobody' }, { key: 'another secret' });
          const answer = await client.get('/sse/demo/users', { authorization: `Bearer ${key}` });
          answers.add(`${answer.status} ${answer.text}`);
        }));
      }
    });
    assert.equal(answers.size, 1, 'a wrong key is like any other');
    assert.match([...answers][0], /^401/);
    await client.close();
    return `${attempts} refused alike, ${(cpu * 1000 / attempts).toFixed(0)} µs each`;
  },
};
