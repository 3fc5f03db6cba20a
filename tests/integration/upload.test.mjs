// SPDX-License-Identifier: Apache-2.0
// Uploads: streamed to files, answered with what arrived, refused with what is wrong.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { BOUNDARY, MULTIPART, multipart } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';

const MIB = 1 << 20;

let server;
let page;
let stream;

before(async () => {
  server = await startServer();
  page = await connect(server.origin);
  stream = await page.connect({ userId: '7' });
});
after(async () => {
  await page.close();
  await server.stop();
});

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function upload(body, { path = 'docs', type = MULTIPART, id = stream.id } = {}) {
  return page.post(`/sse/demo/connect/upload/${path}.do?connectionId=${id}`, body, { 'content-type': type });
}

// Files below the state directory, which is where the demo's uploads go.
async function storedFiles() {
  const entries = await readdir(server.stateDirectory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && !/\.(pem|key|crt)$/.test(entry.name)).length;
}

// What the answer says of each part, by name; however the list is called.
function partsOf(answer) {
  assert.equal(answer.status, 200, answer.text);
  const list = Object.values(answer.data).find(Array.isArray) ?? answer.data;
  return Object.fromEntries(list.map((part) => [part.name, part]));
}

test('each part is listed with name, file name, type, size and sha256', async () => {
  const picture = randomBytes(70_000);
  const parts = partsOf(await upload(multipart([
    { name: 'title', data: 'Ünïcode' },
    { name: 'picture', fileName: 'cat.png', type: 'image/png', data: picture },
    { name: 'empty', fileName: 'empty.bin', data: '' },
  ])));
  assert.deepEqual(Object.keys(parts).sort(), ['empty', 'picture', 'title']);
  const { fileName, contentType, size, sha256: digest } = parts.picture;
  assert.deepEqual({ fileName, contentType, size, digest },
    { fileName: 'cat.png', contentType: 'image/png', size: 70_000, digest: sha256(picture) });
  assert.equal(parts.title.size, Buffer.byteLength('Ünïcode'));
  assert.equal(parts.empty.size, 0);
  assert.equal(parts.empty.sha256, sha256(''));
});

test('20 MB arrive as they were sent, and count with the connection', async () => {
  const bytes = randomBytes(20 * MIB);
  const parts = partsOf(await upload(multipart([{ name: 'file', fileName: 'big.bin', data: bytes }])));
  assert.equal(parts.file.size, bytes.length);
  assert.equal(parts.file.sha256, sha256(bytes));

  const office = await backend(server);
  const { list: [shown] } = await office.query(`connections?id=${stream.id}`);
  assert.ok(shown.requestUploadCount >= 1);
  await office.close();
});

test('data that looks almost like a boundary stays data', async () => {
  const data = `\r\n--${BOUNDARY.slice(0, -1)}\r\n--${BOUNDARY}x-not\r\n-\r\n--`;
  const tricky = data.replace(`--${BOUNDARY}x-not`, `--${BOUNDARY.slice(0, -2)}x-not`);
  const parts = partsOf(await upload(multipart([{ name: 'file', fileName: 'a', data: tricky }])));
  assert.equal(parts.file.sha256, sha256(tricky));
});

test('the path may have segments', async () => {
  const body = multipart([{ name: 'a', data: 'b' }]);
  assert.equal((await upload(body, { path: 'docs/2026/may' })).status, 200);
});

test('file names are only told, never used as a path', async () => {
  const names = { '../../etc/passwd': 'passwd', 'C:\\temp\\x.txt': 'x.txt', '😀.txt': '😀.txt' };
  for (const [sent, told] of Object.entries(names)) {
    const escaped = sent.replaceAll('\\', '\\\\');
    const parts = partsOf(await upload(multipart([{ name: 'file', fileName: escaped, data: 'x' }])));
    assert.equal(parts.file.fileName, told);
  }
});

test('needs no connection when a user is named', async () => {
  const answer = await page.post('/sse/demo/connect/upload/docs.do?userId=7',
    multipart([{ name: 'a', data: 'b' }]), { 'content-type': MULTIPART });
  assert.equal(answer.status, 200, answer.text);
});

test('for an unknown connection is not found', async () => {
  assert.equal((await upload(multipart([{ name: 'a', data: 'b' }]), { id: 'unknown' })).status, 404);
});

describe('is refused, with nothing left behind,', () => {
  const one = { name: 'a', fileName: 'a.txt', data: 'b'.repeat(1000) };
  const disposition = 'Content-Disposition: form-data; name="a"';
  const many = (count) => Array.from({ length: count }, (_, i) => `X-Field-${i}: v`);
  const cases = [
    ['with 65 parts', multipart(Array(65).fill(one)), [400, 413]],
    ['with 9 headers in a part', multipart([{ headers: [disposition, ...many(8)], data: 'b' }]), [400, 413]],
    ['with a header of 8 KiB', multipart([{ headers: [disposition, `X-A: ${'v'.repeat(8192)}`], data: 'b' }]), [400, 413]],
    ['without an end', multipart([one], { end: '' }), [400]],
    ['with half an end', multipart([one], { end: `--${BOUNDARY}-` }), [400]],
    ['with no part', multipart([]), [400]],
    ['with no body', Buffer.alloc(0), [400]],
    ['with a part that has no name', multipart([{ headers: ['Content-Type: text/plain'], data: 'b' }]), [400]],
    ['with another type', multipart([one]), [415], 'application/json'],
    ['with a boundary of 71', multipart([one]), [400], `multipart/form-data; boundary=${'b'.repeat(71)}`],
    ['with no boundary', multipart([one]), [400], 'multipart/form-data'],
    ['with nested multipart', multipart([{ headers: [disposition, 'Content-Type: multipart/mixed; boundary=x'], data: '--x--' }]), [400, 413]],
    ['above 32 MiB', multipart([{ ...one, data: Buffer.alloc(32 * MIB) }]), [413]],
  ];
  for (const [what, body, statuses, type] of cases) {
    test(what, async () => {
      const before = await storedFiles();
      const answer = await upload(body, { type });
      assert.ok(statuses.includes(answer.status), `${answer.status}: ${answer.text}`);
      const { success, code, message } = answer.json;
      assert.deepEqual({ success, code }, { success: false, code: answer.status });
      assert.ok(message);
      assert.equal(await storedFiles(), before);
    });
  }
});

test('a page that leaves in the middle leaves no file behind', async () => {
  const before = await storedFiles();
  const leaver = await connect(server.origin);
  const request = leaver.open('POST', '/sse/demo/connect/upload/docs.do?userId=7', { 'content-type': MULTIPART });
  request.on('error', () => {});
  const head = multipart([{ name: 'file', fileName: 'half.bin', data: randomBytes(MIB) }], { end: '' });
  await new Promise((resolve) => { request.write(head, resolve); });
  await leaver.close();

  // The server is well and has put away what came: the next upload leaves one file per part at most.
  assert.equal((await upload(multipart([{ name: 'a', data: 'b' }]))).status, 200);
  assert.ok(await storedFiles() <= before + 1);
});
