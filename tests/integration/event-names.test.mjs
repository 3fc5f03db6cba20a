// SPDX-License-Identifier: Apache-2.0
// Names that no page could tell from something else are refused when they are sent, from one list,
// which the manual shows whole; any other name arrives.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const LIST = [...read('src/sse/event.c').matchAll(/^ {4}\{"(\S+)", [A-Z]+\},$/gm)].map(([, name]) => name);

let server;
let office;
let page;
before(async () => {
  server = await startServer();
  office = await backend(server);
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await office.close();
  await server.stop();
});

test('the list has what the server, the client and the browser say, and what objects inherit', () => {
  const clients = read('js/sse.d.ts').match(/interface SseOwnEvents \{(.*?)\n\}/s)[1]
    .matchAll(/^ {4}'?([\w-]+)'?: /gm);
  const inherited = Object.getOwnPropertyNames(Object.prototype);
  for (const name of [...[...clients].map(([, own]) => own), ...inherited, 'open']) {
    assert.ok(LIST.includes(name), name);
  }
});

test('the manual shows the list', () => {
  const shown = [...read('docs/sending.md').matchAll(/^\| (`.*?) \| /gm)]
    .flatMap(([, names]) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.deepEqual(shown.filter((name) => LIST.includes(name)).sort(), [...LIST].sort());
});

for (const name of [...LIST, 'a,b', ',', ' a', 'a ', ' ']) {
  for (const qos of [0, 1]) {
    test(`"${name}" is refused, qos ${qos}`, async () => {
      const answer = await office.post('send', { event: name, data: 1, userId: 'ann', qos });
      assert.equal(answer.status, 422, answer.text);
      assert.ok(answer.json.errorMessage.includes(`"${name}"`), answer.json.errorMessage);
    });
  }
}

describe('other names', () => {
  for (const name of ['message', 'Error', 'close', 'end', 'abort', 'load', 'click', 'connect', 'sse', 'sse-', 'null',
    'undefined', '0', 'data', 'id:', 'a b', 'ünï', '🔔', 'then', 'prototype', ':']) {
    test(`"${name}" arrives`, async () => {
      const stream = await page.connect({ userId: 'ann', listeners: name });
      assert.equal((await office.send({ event: name, data: 1, userId: 'ann', listening: true })).count, 1);
      assert.equal(await stream.next(name), 1);
      await stream.close();
    });
  }
});
