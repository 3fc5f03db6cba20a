// SPDX-License-Identifier: Apache-2.0
// A connection belongs to the user who opened it. Naming another's is answered as if it were not
// there; a request without credentials that names one acts for that connection's user.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { PAGE_ENDPOINTS, callEndpoint } from './support/page_endpoints.mjs';
import { KEY, startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';

const settings = (service) => `
workers: 4
listeners:
  - address: 127.0.0.1:0
apiKeys: [${KEY}]
services:
  - name: demo
    ${service}
`;

// How a user says who it is, by each kind of auth.
const AUTHS = {
  development: {
    config: settings('auth: development'),
    as: ({ id, tenant }) => ({ parameters: `userId=${id}&tenantId=${tenant}` }),
  },
  jwt: {
    config: `${settings('auth: jwt')}
    channels: {open: true}
tokenKeys:
  - {algorithm: HS256, secret: "${SECRET}"}
`,
    as: ({ id, tenant }) => {
      return { headers: { authorization: `Bearer ${token({ sub: id, tenantId: tenant })}` } };
    },
  },
};
const ANN = { id: 'ann', tenant: 'north' };
const BOB = { id: 'bob', tenant: 'north' };
const NAMESAKE = { id: 'ann', tenant: 'south' };

for (const [kind, { config, as }] of Object.entries(AUTHS)) {
  describe(`with auth ${kind}`, () => {
    let server;
    let office;
    let ann;
    let bob;

    before(async () => {
      server = await startServer({ config });
      office = await backend(server);
      ann = await connect(server.origin);
      bob = await connect(server.origin);
    });
    after(async () => {
      await Promise.all([ann, bob, office].map((client) => client.close()));
      await server.stop();
    });

    function open(client, user) {
      const { headers, parameters = '' } = as(user);
      return client.connect(`${parameters}&listeners=hello&channel=red`, { headers });
    }

    for (const [name, endpoint] of Object.entries(PAGE_ENDPOINTS)) {
      describe(name, () => {
        test('is refused to another user, and the connection is untouched', async () => {
          const stream = await open(ann, ANN);
          await open(bob, BOB);
          const shown = async () => (await office.query(`connections?id=${stream.id}`)).list[0];
          const before = await shown();
          for (const user of [BOB, NAMESAKE]) {
            const answer = await callEndpoint(bob, endpoint, stream.id, as(user));
            assert.ok(endpoint.stranger(answer), `${JSON.stringify(user)}: ${answer.status} ${answer.text}`);
          }
          assert.deepEqual(await shown(), before);
          assert.equal((await office.send({ event: 'still', data: 1, connectionId: stream.id })).count, 1);
          assert.equal(await stream.next('still'), 1);
          await stream.close();
        });

        test('answers an unknown id the same as a stranger\'s', async () => {
          const stream = await open(ann, ANN);
          const zeros = '0'.repeat(stream.id.length);
          const unknown = await callEndpoint(bob, endpoint, zeros, as(BOB));
          const foreign = await callEndpoint(bob, endpoint, stream.id, as(BOB));
          assert.equal(foreign.status, unknown.status);
          assert.equal(foreign.text.replaceAll(stream.id, ''), unknown.text.replaceAll(zeros, ''));
          await stream.close();
        });

        test('serves the owner, who shows it is the one or is on any session', async () => {
          const nobody = endpoint.needsUser ? [] : [[ann, {}], [bob, {}]];
          for (const [client, who] of [[ann, as(ANN)], [bob, as(ANN)], ...nobody]) {
            const stream = await open(ann, ANN);
            const answer = await callEndpoint(client, endpoint, stream.id, who);
            assert.ok(endpoint.owner(answer), `${answer.status} ${answer.text}`);
            await stream.close();
          }
        });
      });
    }
  });
}

test('sessionBinding strict keeps a bare id to its own session', async () => {
  const strict = await startServer({ config: settings('sessionBindingStrict: true') });
  const [one, other] = [await connect(strict.origin), await connect(strict.origin)];
  for (const endpoint of Object.values(PAGE_ENDPOINTS).filter(({ needsUser }) => !needsUser)) {
    const stream = await one.connect({ userId: 'ann', channel: 'red' });
    const foreign = await callEndpoint(other, endpoint, stream.id);
    assert.ok(endpoint.stranger(foreign) || foreign.status === 401, foreign.text);
    const own = await callEndpoint(one, endpoint, stream.id);
    assert.ok(endpoint.owner(own), own.text);
    await stream.close();
  }
  const http1 = await connect(strict.origin, { version: '1.1' });
  for (const endpoint of Object.values(PAGE_ENDPOINTS).filter(({ needsUser }) => !needsUser)) {
    const stream = await http1.connect({ userId: 'ann', channel: 'red' });
    const own = await callEndpoint(http1, endpoint, stream.id);
    assert.equal(own.status, 403, own.text);
    assert.match(own.json.errorMessage, /sessionBindingStrict.*HTTP\/1\.1/);
    const shown = await callEndpoint(http1, endpoint, stream.id, { parameters: 'userId=ann' });
    assert.ok(endpoint.owner(shown), shown.text);
    await stream.close();
  }
  await http1.close();
  await one.close();
  await other.close();
  await strict.stop();
});
