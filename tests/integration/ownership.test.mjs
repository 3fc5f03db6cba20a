// SPDX-License-Identifier: Apache-2.0
// A connection belongs to the user who opened it. Naming another's is answered as if it were not
// there; a request without credentials that names one acts for that connection's user.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';

const CONNECT = '/sse/demo/connect';
const BODY = multipart([{ name: 'a', data: 'b' }]);

// Each endpoint that takes a connectionId: how the owner may call it, and what a stranger is told.
const ENDPOINTS = {
  'addListener.do': {
    call: (client, id, who) => client.postJson(`${CONNECT}/addListener.do?${who}`, { connectionId: id, listener: ['x'] }),
    owner: ({ status, data }) => status === 200 && data.listener.includes('x'),
    stranger: ({ status, data }) => status === 200 && data.error === 'connectionId not exist',
  },
  'removeListener.do': {
    call: (client, id, who) => client.postJson(`${CONNECT}/removeListener.do?${who}`, { connectionId: id, listener: ['x'] }),
    owner: ({ status, data }) => status === 200 && !data.listener.includes('x'),
    stranger: ({ status, data }) => status === 200 && data.error === 'connectionId not exist',
  },
  'subscribe.do': {
    call: (client, id, who) => client.postJson(`${CONNECT}/subscribe.do?${who}`, { connectionId: id, channel: 'x' }),
    owner: ({ status, data }) => status === 200 && data.channel.includes('x'),
    stranger: ({ status, data }) => status === 200 && data.error === 'connectionId not exist',
  },
  'unsubscribe.do': {
    call: (client, id, who) => client.postJson(`${CONNECT}/unsubscribe.do?${who}`, { connectionId: id, channel: ['x'] }),
    owner: ({ status, data }) => status === 200 && !data.channel.includes('x'),
    stranger: ({ status, data }) => status === 200 && data.error === 'connectionId not exist',
  },
  'refresh.do': {
    call: (client, id, who) => client.postJson(`${CONNECT}/refresh.do?${who}`, { connectionId: id }),
    owner: ({ status, data }) => status === 200 && data.expiresAt === null && Array.isArray(data.channel),
    stranger: ({ status, data }) => status === 200 && data.error === 'connectionId not exist',
    needsCredential: true,
  },
  message: {
    call: (client, id, who) => client.postJson(`${CONNECT}/message/hello.do?connectionId=${id}&${who}`, {}),
    owner: ({ status }) => status === 200,
    stranger: ({ status }) => status === 404,
  },
  upload: {
    call: (client, id, who) =>
      client.post(`${CONNECT}/upload/docs.do?connectionId=${id}&${who}`, BODY, { 'content-type': MULTIPART }),
    owner: ({ status }) => status === 200,
    stranger: ({ status }) => status === 404,
  },
  'ack.do': {
    call: (client, id, who) => client.postJson(`${CONNECT}/ack.do?${who}`, { connectionId: id, ids: ['x'] }),
    owner: ({ status, data }) => status === 200 && data.count === 0,
    stranger: ({ status, data }) => status === 200 && data.count === 0,
  },
  // Last, since it ends the owner's connection.
  'disconnect.do': {
    call: (client, id, who) => client.postForm(`${CONNECT}/disconnect.do?${who}`, { connectionId: id }),
    owner: ({ status, data }) => status === 200 && data.count === 1,
    stranger: ({ status, data }) => status === 200 && data.count === 0,
  },
};

let server;
let office;
let ann;
let bob;

before(async () => {
  server = await startServer({ variables: { SSE_SERVER_WORKERS: '4' } });
  office = await backend(server);
  ann = await connect(server.origin);
  bob = await connect(server.origin);
});
after(async () => {
  await Promise.all([ann, bob, office].map((client) => client.close()));
  await server.stop();
});

for (const [name, { call, owner, stranger, needsCredential }] of Object.entries(ENDPOINTS)) {
  describe(name, () => {
    test('is refused to another user, and the connection is untouched', async () => {
      const stream = await ann.connect({ userId: 'ann', tenantId: 'north', listeners: 'hello', channel: 'red' });
      await bob.connect({ userId: 'bob', tenantId: 'north' });
      const fieldsOf = async () => {
        const { list: [{ channels, listeners, requestMessageCount, requestUploadCount }] } =
          await office.query(`connections?id=${stream.id}`);
        return { channels, listeners, requestMessageCount, requestUploadCount };
      };
      const before = await fieldsOf();
      for (const who of ['userId=bob&tenantId=north', 'userId=ann&tenantId=south']) {
        const answer = await call(bob, stream.id, who);
        assert.ok(stranger(answer), `${who}: ${answer.status} ${answer.text}`);
      }
      assert.deepEqual(await fieldsOf(), before);
      assert.equal((await office.send({ event: 'still', data: 1, connectionId: stream.id })).count, 1);
      assert.equal(await stream.next('still'), 1);
      await stream.close();
    });

    test('answers an unknown id the same as a stranger\'s', async () => {
      const stream = await ann.connect({ userId: 'ann' });
      const [unknown, foreign] = [
        await call(bob, '0'.repeat(stream.id.length), 'userId=bob'), await call(bob, stream.id, 'userId=bob'),
      ];
      assert.equal(foreign.status, unknown.status);
      assert.equal(foreign.text.replaceAll(stream.id, ''), unknown.text.replaceAll('0'.repeat(stream.id.length), ''));
      await stream.close();
    });

    test('serves the owner, who shows it is the one or is on any session', async () => {
      for (const [client, who] of [[ann, 'userId=ann'], [ann, ''], [bob, '']]) {
        const stream = await ann.connect({ userId: 'ann' });
        const answer = await call(client, stream.id, who);
        const isServed = needsCredential && who === '' ? answer.status === 401 : owner(answer);
        assert.ok(isServed, `${who}: ${answer.status} ${answer.text}`);
        await stream.close();
      }
    });
  });
}

test('sessionBinding strict keeps a bare id to its own session', async () => {
  const strict = await startServer({ variables: { SSE_SERVER_SERVICES_0_SESSION_BINDING_STRICT: 'true' } });
  const [one, other] = [await connect(strict.origin), await connect(strict.origin)];
  const bareIds = Object.values(ENDPOINTS).filter(({ needsCredential }) => !needsCredential);
  for (const { call, owner, stranger } of bareIds) {
    const stream = await one.connect({ userId: 'ann' });
    const foreign = await call(other, stream.id, '');
    assert.ok(stranger(foreign) || foreign.status === 401, foreign.text);
    const own = await call(one, stream.id, '');
    assert.ok(owner(own), own.text);
    await stream.close();
  }
  await one.close();
  await other.close();
  await strict.stop();
});
