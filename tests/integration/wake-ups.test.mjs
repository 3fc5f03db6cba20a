// SPDX-License-Identifier: Apache-2.0
// What a message costs in messages between workers, each of which may wake a thread: to the owner of
// the service, to the one that has the page, and from there to the one that was asked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const SENDS = 100;

let server;
let offices; // sessions, which come to several workers
let page;
let stream;

before(async () => {
  server = await startServer({ listen: 'http://127.0.0.1:0', variables: { SSE_SERVER_WORKERS: '8' } });
  offices = await Promise.all(Array.from({ length: 8 }, () => backend(server)));
  page = await connect(server.origin);
  stream = await page.connect({ userId: 'ann', channel: 'red' });
});
after(async () => {
  await page.close();
  await Promise.all(offices.map((office) => office.close()));
  await server.stop();
});

const messages = () => offices[0].metric('sse_server_loop_messages_total');

// How many each send takes, without what the question itself takes. A worker counts messages that it
// takes together when it has taken all of them: the question may come a few too early.
async function taken(sends) {
  const first = await messages();
  const second = await messages();
  await sends();
  return Math.round((await messages() - second - (second - first)) / SENDS);
}

async function sendAll(message, count) {
  for (let i = 0; i < SENDS; i++) {
    const answer = await offices[i % offices.length].send(message);
    assert.equal(answer.count, count);
  }
}

const targets = {
  'a user': { userId: 'ann' },
  'two users': { userId: ['ann', 'bob'] },
  'a channel': { channel: 'red' },
  all: { all: true },
};

for (const [whom, target] of Object.entries(targets)) {
  test(`a message to ${whom} takes three messages`, async () => {
    const count = await taken(() => sendAll({ event: 'tick', ...target }, 1));
    assert.ok(count <= 3, `${count}`);
  });
}

test('a message to nobody takes two messages', async () => {
  const count = await taken(() => sendAll({ event: 'tick', userId: 'nobody' }, 0));
  assert.ok(count <= 2, `${count}`);
});

test('what is sent to a channel after its page has joined it reaches the page', async () => {
  for (let i = 0; i < SENDS; i++) {
    const channel = `c${i % 50}`;
    const action = i < 50 ? 'subscribe' : 'unsubscribe';
    const answer = await page.postJson(`/sse/demo/connect/${action}.do`, { connectionId: stream.id, channel });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await offices[i % offices.length].send({ event: 'tick', channel })).count, i < 50 ? 1 : 0);
  }
});
