// SPDX-License-Identifier: Apache-2.0
// What is refused for a limit is told the value that counts here, and the setting that it comes from.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { KEY, startServer } from './support/server.mjs';
import { multipart, MULTIPART } from './support/multipart.mjs';

let server;
let page;
let office;

before(async () => {
  server = await startServer({
    config: `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [${KEY}]
limits: {headerFieldBytes: 1KiB, headerListBytes: 3KiB, headerFields: 20, pathBytes: 300}
services:
  - name: demo
    jsonBodyBytes: 2KiB
    uploadBytes: 4KiB
    uploadParts: 2
    eventDataBytes: 1KiB
    listeners: 2
    channelsPerConnection: 1
    sessionConnections: 2
    channels: {open: true}
    presence: {watchers: 1}
`,
  });
  page = await connect(server.origin);
  office = await backend(server);
});
after(async () => {
  await office.close();
  await page.close();
  await server.stop();
});

const CONNECT = '/sse/demo/connect';
const FILE = { name: 'file', fileName: 'a.txt', type: 'text/plain', data: 'hello' };
const upload = (parts) => page.post(`${CONNECT}/upload/x.do?userId=7`, multipart(parts), { 'content-type': MULTIPART });
const fields = (count, length) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, 'y'.repeat(length)]));
const onStream = async (path, body) => {
  const stream = await page.connect({ userId: '7' });
  const answer = await page.postJson(`${CONNECT}/${path}?userId=7`, { connectionId: stream.id, ...body });
  await stream.close();
  return answer;
};

const cases = [
  ['a long field', 431, /more than 1024 bytes, which is limits\.headerFieldBytes/, () => page.get('/health/live', fields(1, 1100))],
  ['long fields', 431, /more than 3072 bytes, .*limits\.headerListBytes/, () => page.get('/health/live', fields(4, 900))],
  ['many fields', 431, /more than 20 header fields, which is limits\.headerFields/, async () => (
    // A session of its own: the third 431 is its last.
    (await connect(server.origin)).get('/health/live', fields(25, 1)))],
  ['a long path', 414, /more than 300 bytes, which is limits\.pathBytes/, () => page.get(`/${'x'.repeat(310)}`)],
  ['a long body', 413, /larger than the 2048 bytes .*services\[\]\.jsonBodyBytes/, () => page.postJson(`${CONNECT}/message/x.do?userId=7`, { a: 'x'.repeat(2100) })],
  ['a large upload', 413, /larger than the 4096 bytes .*services\[\]\.uploadBytes/, () => upload([{ ...FILE, data: 'x'.repeat(5000) }])],
  ['many parts', 413, /more than 2 parts, which is uploadParts/, () => upload([FILE, FILE, FILE])],
  ['a large event', 413, /at most 1024 are taken \(services\[\]\.eventDataBytes\)/, () => office.post('send', { all: true, event: 'e', data: 'x'.repeat(1100) })],
  ['many listeners', 422, /2 events at the most \(services\[\]\.listeners\)/, () => onStream('addListener.do', { listener: ['a', 'b', 'c'] })],
  ['many channels', 422, /1 channels at the most \(services\[\]\.channelsPerConnection\)/, () => onStream('subscribe.do', { channel: ['a', 'b'] })],
  ['many streams', 429, /2 event streams already, which is services\[\]\.sessionConnections/, async () => {
    const streams = [await page.connect({ userId: '1' }), await page.connect({ userId: '2' })];
    const answer = await page.get(`${CONNECT}?userId=3`);
    await Promise.all(streams.map((stream) => stream.close()));
    return answer;
  }],
];

for (const [what, status, told, ask] of cases) {
  test(what, async () => {
    const answer = await ask();
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.json.errorMessage, told);
    assert.doesNotMatch(answer.text, /by default/);
  });
}
