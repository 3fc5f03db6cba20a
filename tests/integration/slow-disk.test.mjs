// SPDX-License-Identifier: Apache-2.0
// A disk that hangs stops what needs it, and nothing else: not other requests of the same connection, not
// other users, services and senders, and not the end of the process.
import assert from 'node:assert/strict';
import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect, readAnswer } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { KEY, startServer } from './support/server.mjs';
import { SlowDisk, module } from './support/slow_disk.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually, within } from './support/wait.mjs';

const MIB = 1 << 20;
const skip = module ? false : 'needs SSE_SERVER_SLOW_DISK, which ctest sets';
const SERVICE = 'SSE_SERVER_SERVICES_0';

let disk;
let other; // a directory that does not hang
let server;
let clients;
let status; // that it must end with
beforeEach(async () => {
  status = 0;
  disk = await SlowDisk.make();
  other = await mkdtemp(join(tmpdir(), 'fast-disk-'));
  clients = [];
});
afterEach(async () => {
  await disk.go();
  await Promise.all(clients.map((made) => made.close()));
  assert.equal(await disk.loopsAsked(), '', 'an event loop has asked the disk');
  await server.stop(status);
  await disk.remove();
  await rm(other, { recursive: true });
});

// Two services: the first keeps its uploads on the disk that hangs, the second elsewhere.
async function start(variables = {}, options = {}) {
  await mkdir(join(disk.directory, 'uploads'));
  server = await startServer({ variables: {
    ...disk.variables(),
    [`${SERVICE}_UPLOAD_DIRECTORY`]: join(disk.directory, 'uploads'),
    SSE_SERVER_SERVICES_1_NAME: 'other',
    SSE_SERVER_SERVICES_1_BASE_PATH: '/sse/other',
    SSE_SERVER_SERVICES_1_AUTH: 'development',
    SSE_SERVER_SERVICES_1_UPLOAD_DIRECTORY: other,
    ...variables,
  }, ...options });
}

async function client() {
  const made = await connect(server.origin);
  clients.push(made);
  return made;
}

async function office(base) {
  const made = await backend(server, { base });
  clients.push(made);
  return made;
}

const file = (data) => multipart([{ name: 'file', fileName: 'f', data }]);
const pathOf = (user, service = 'demo') => `/sse/${service}/connect/upload/x.do?userId=${user}`;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const shaOf = (answer) => answer.json.data.parts[0].sha256;

function upload(page, user, data, service) {
  return page.post(pathOf(user, service), file(data), { 'content-type': MULTIPART });
}

const stored = () => readdir(join(disk.directory, 'uploads'));

test('while a disk hangs everybody else is served, and then its uploads complete', { skip }, async () => {
  await start();
  const page = await client();
  const stream = await page.connect({ userId: 'ann', listeners: 'bell' });
  const back = await office();
  await disk.hang();

  // More than a connection's window has room for, of several uploads at once.
  const bodies = Array.from({ length: 4 }, () => randomBytes(3 * MIB));
  const uploads = bodies.map((data) => upload(page, 'ann', data));
  await disk.holds();

  // The same connection: small and large requests, other services' streams and uploads.
  const message = { text: 'x'.repeat(100_000) };
  const answer = await page.postJson(`/sse/demo/connect/message/m.do?connectionId=${stream.id}`, message);
  assert.equal(answer.status, 200, answer.text);
  const elsewhere = randomBytes(2 * MIB);
  const done = await upload(page, 'ann', elsewhere, 'other');
  assert.equal(shaOf(done), sha256(elsewhere));

  // Others: a newcomer, sends with and without qos, queries, metrics (which count uploads).
  const stranger = await client();
  const second = await stranger.connect({ userId: 'bob', listeners: 'bell' });
  for (const qos of [0, 1]) {
    assert.equal((await back.post('send', { event: 'bell', data: qos, qos, userId: 'bob' })).status, 200);
    assert.deepEqual(await second.next('bell'), qos);
  }
  assert.ok(await back.metric('sse_server_upload_bytes') >= 0);
  assert.equal((await back.query('counts')).connections, 2);

  await disk.go();
  const answers = await Promise.all(uploads);
  assert.deepEqual(answers.map(shaOf), bodies.map(sha256));
  assert.equal((await stored()).length, 4);
});

test('who leaves while its disk hangs leaves nothing behind', { skip }, async () => {
  await start();
  const back = await office();
  const leaver = await client();
  const request = leaver.open('POST', pathOf('ann'), { 'content-type': MULTIPART });
  request.on('error', () => {});
  const data = file(randomBytes(MIB));
  await new Promise((resolve) => { request.write(data.subarray(0, 100_000), resolve); });
  await eventually('the upload to be on the disk', async () => await back.metric('sse_server_upload_files') === 1);
  await disk.hang();
  request.write(data.subarray(100_000, 200_000));
  await disk.holds();
  await leaver.close();
  await eventually('the request to be gone', async () => await back.metric('sse_server_sessions') === 1);

  await disk.go();
  await eventually('its room to be free', async () => await back.metric('sse_server_upload_bytes') === 0);
  assert.deepEqual(await stored(), []);
});

test('an upload that its disk does not take in time is refused, and gone when the disk is back', { skip }, async () => {
  await start({ [`${SERVICE}_UPLOAD_TIMEOUT`]: '1s' });
  const back = await office();
  const page = await client();
  await disk.hang();
  const whole = upload(page, 'ann', randomBytes(1000));
  const half = page.open('POST', pathOf('bob'), { 'content-type': MULTIPART });
  half.write(file(randomBytes(100_000)).subarray(0, 50_000));
  for (const answer of await within('both answers', Promise.all([whole, readAnswer(half)]))) {
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.json.errorMessage, /services\[\]\.uploadTimeout/);
    assert.match(answer.headers['retry-after'], /^\d+$/);
  }
  await disk.go();
  await eventually('their room to be free', async () => await back.metric('sse_server_upload_bytes') === 0);
  assert.equal((await upload(page, 'ann', randomBytes(1000))).status, 200);
  assert.equal((await stored()).length, 1);
});

test('so many uploads may wait for a disk, and more are refused', { skip }, async () => {
  await start({ [`${SERVICE}_UPLOAD_THREADS`]: '1', SSE_SERVER_WORKERS: '1' });
  const pages = await Promise.all(Array.from({ length: 6 }, () => client()));
  await disk.hang();
  const first = upload(pages[0], 'u', randomBytes(100));
  await disk.holds();
  const answers = [];
  const uploads = Array.from({ length: 300 }, async (_, n) => {
    const answer = await upload(pages[n % 6], `u${n}`, randomBytes(100));
    answers.push(answer);
    return answer;
  });
  // All that came after the first 256.
  await eventually('44 refusals', () => answers.length === 44);
  for (const answer of answers) {
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.headers['retry-after'], /^\d+$/);
  }
  await disk.go();
  assert.equal((await first).status, 200);
  const statuses = (await Promise.all(uploads)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 256);
});

test('the process ends although its disk hangs', { skip }, async () => {
  await start();
  const page = await client();
  await disk.hang();
  const lost = upload(page, 'ann', randomBytes(1000)).catch(() => {});
  await disk.holds();
  server.signal('SIGTERM');
  status = 3;
  assert.deepEqual(await server.exit(), { code: 3, signal: null });
  assert.match(server.output, /threads="[^"]*disk \(/);
  await lost;
});

test('while the disk of a store hangs everybody else is served, and then its messages come', { skip }, async () => {
  await start({
    [`${SERVICE}_QOS_FILE`]: join(disk.directory, 'messages.sqlite'),
    [`${SERVICE}_QOS_WAITING_TIME`]: '1s',
  });
  const page = await client();
  const stream = await page.connect({ userId: 'ann', listeners: 'bell' });
  const back = await office();
  const bell = (data, qos, userId = 'ann') => ({ event: 'bell', data, qos, userId });
  assert.equal((await back.post('send', bell(0, 1))).status, 200);
  assert.equal(await stream.next('bell'), 0);

  await disk.hang();
  const slow = await office();
  const begun = slow.post('send', bell(1, 1));
  await disk.holds();

  // The same service: sends without qos, newcomers, uploads, queries; another one: sends with qos.
  assert.equal((await back.post('send', bell(2, 0))).status, 200);
  assert.equal(await stream.next('bell'), 2);
  const second = await (await client()).connect({ userId: 'bob', listeners: 'bell' });
  assert.equal((await back.post('send', bell(3, 0, 'bob'))).status, 200);
  assert.equal(await second.next('bell'), 3);
  assert.equal((await back.query('counts')).connections, 2);
  const others = await office('/sse/other');
  assert.equal((await others.post('send', bell(4, 1))).status, 200);

  // What the store does not come to in time is not stored, and says so.
  const late = await Promise.all([
    back.post('send', bell(5, 1)),
    back.get('messages?userId=ann'),
    page.postJson('/sse/demo/connect/ack.do', { connectionId: stream.id, ids: ['x'] }),
  ]);
  for (const answer of late) {
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.json.errorMessage, /services\[\]\.qos\.waitingTime/);
    assert.match(answer.headers['retry-after'], /^\d+$/);
  }

  await disk.go();
  assert.equal((await begun).status, 200);
  assert.equal(await stream.next('bell'), 1);
  await eventually('the store to take messages', async () => (await back.post('send', bell(6, 1))).status === 200);
  assert.equal(await stream.next('bell'), 6);
});

test('a store that takes long to be opened keeps nobody else waiting', { skip }, async () => {
  await disk.hang();
  await start({
    [`${SERVICE}_UPLOAD_DIRECTORY`]: join(other, 'uploads'),
    [`${SERVICE}_QOS_FILE`]: join(disk.directory, 'messages.sqlite'),
  });
  await disk.holds();
  const stream = await (await client()).connect({ userId: 'ann', listeners: 'bell' });
  const back = await office();
  assert.equal((await back.post('send', { event: 'bell', data: 1, userId: 'ann' })).status, 200);
  assert.equal(await stream.next('bell'), 1);
  const waits = back.post('send', { event: 'bell', data: 2, qos: 1, userId: 'ann' });
  const others = await office('/sse/other');
  assert.equal((await others.post('send', { event: 'bell', data: 3, qos: 1, userId: 'ann' })).status, 200);
  await disk.go();
  assert.equal((await waits).status, 200);
  assert.equal(await stream.next('bell'), 2);
});

test('while the disk of the log hangs everybody is served, and then its lines come', { skip }, async () => {
  const log = join(disk.directory, 'log');
  const tail = `touch ${log}; env -u LD_PRELOAD tail --pid=$$ -f ${log} &`;
  await start({ SSE_SERVER_LOG_LEVEL: 'debug' }, {
    binary: 'sh', args: ['-c', `${tail} exec ${process.env.SSE_SERVER_BINARY} 2>${log}`],
  });
  await disk.hang();
  const page = await client();
  const stream = await page.connect({ userId: 'ann', listeners: 'bell' });
  const back = await office();
  for (let n = 0; n < 20; n++) {
    assert.equal((await page.get(`/sse/demo/nothing-${n}`)).status, 404);
    assert.equal((await back.post('send', { event: 'bell', data: n, userId: 'ann' })).status, 200);
    assert.equal(await stream.next('bell'), n);
  }
  await disk.holds();
  assert.doesNotMatch(server.output, / refused /);
  await disk.go();
  await server.saw('the lines of refusals', (text) => / refused /.test(text));
});

test('while the disk of a JWK set hangs the keys that are known count', { skip }, async () => {
  const set = join(disk.directory, 'set.json');
  const key = { ...createSecretKey(Buffer.from(SECRET)).export({ format: 'jwk' }), kid: 'a', alg: 'HS256' };
  await writeFile(set, JSON.stringify({ keys: [key] }));
  server = await startServer({
    config: `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [${KEY}]
services: [{name: hr, auth: jwt}]
tokenKeys: [{jwks: "${set}", refresh: 1s}]
`,
    variables: { ...disk.variables(), SSE_SERVER_WORKERS: '1' },
  });
  const page = await client();
  const connectAs = (sub) => page.connect({ listeners: 'bell' }, {
    base: '/sse/hr', headers: { authorization: `Bearer ${token({ sub }, { kid: 'a' })}` },
  });
  const first = await connectAs('ann');
  assert.equal(first.status, 200);
  await disk.hang();
  await disk.holds();
  const second = await connectAs('bob');
  assert.equal(second.status, 200);
  const back = await office('/sse/hr');
  for (const [userId, stream] of [['ann', first], ['bob', second]]) {
    assert.equal((await back.post('send', { event: 'bell', data: 1, userId })).status, 200);
    assert.equal(await stream.next('bell'), 1);
  }
  const reads = await back.metric('sse_server_auth_key_reads_total');
  await disk.go();
  await eventually('it to be read again', async () => await back.metric('sse_server_auth_key_reads_total') > reads);
  assert.equal(await back.metric('sse_server_auth_key_read_failures_total'), 0);
});
