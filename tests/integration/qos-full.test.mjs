// SPDX-License-Identifier: Apache-2.0
// A store that cannot be written: what needs it is refused, everything else goes on, and it is there
// again by itself once it can be.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { run } from './support/run.mjs';
import { serverBinary, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const DISK = 4 << 20;
const BALLAST = 2 << 20;
const PIECE = 'x'.repeat(16 * 1024);

// How a disk of one's own can be had: as root, or as one's own root.
async function waysToMount() {
  const ways = [['--mount'], ['--user', '--map-root-user', '--mount']];
  const mount = ['mount', '-t', 'tmpfs', 'none', tmpdir()];
  const tries = await Promise.all(ways.map((way) => run('unshare', [...way, ...mount])));
  return ways.filter((_, n) => tries[n].code === 0);
}

const [unshare] = await waysToMount();
const skip = unshare ? false : 'needs a tmpfs of its own: CAP_SYS_ADMIN, or user namespaces';

let directory;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-server-store-'));
});
after(() => rm(directory, { recursive: true }));

async function isRefused(office, message, words = /\S/) {
  const answer = await office.post('send', message);
  if (answer.status === 200) {
    return false;
  }
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
  assert.ok(answer.json.message, answer.text);
  assert.match(answer.json.errorMessage, words);
  return true;
}

// Somebody who is there gets what is not to be stored.
async function streamsLive(office, reader) {
  const { count } = await office.send({ event: 'live', data: 1, userId: 'here' });
  assert.equal(count, 1);
  await reader.next('live');
}

function stored(n) {
  return { event: 'tick', id: `m-${n}`, data: { n, piece: PIECE }, qos: 1, userId: 'away' };
}

// ballast: a file that takes the server's room away.
async function startOnSmallDisk() {
  const disk = await mkdtemp(join(directory, 'disk-'));
  const server = await startServer({
    binary: 'unshare',
    args: [...unshare, 'sh', '-c', `mount -t tmpfs -o size=${DISK} none ${disk} && exec ${serverBinary()}`],
    variables: { SSE_SERVER_SERVICES_0_QOS_FILE: join(disk, 'messages.sqlite') },
  });
  return { server, ballast: join(`/proc/${server.pid}/root`, disk, 'ballast') }; // in its namespace
}

test('a disk that is full', { skip }, async () => {
  const { server, ballast } = await startOnSmallDisk();
  const office = await backend(server);
  const page = await connect(server.origin);
  const here = await page.connect({ userId: 'here' });
  assert.equal((await office.send({ ...stored('first') })).stored, 1);
  const faults = await office.metric('sse_server_store_faults_total');
  await writeFile(ballast, Buffer.alloc(BALLAST));

  const kept = [];
  for (let n = 0; !await isRefused(office, stored(n), /\bdisk\b.* full/); n++) {
    kept.push(n);
    assert.ok(n * PIECE.length < DISK, 'the disk holds more than it can');
  }
  await streamsLive(office, here);
  assert.ok(await isRefused(office, stored('again'), /\bdisk\b.* full/));
  await streamsLive(office, here);
  assert.ok(await office.metric('sse_server_store_faults_total') > faults);

  await rm(ballast);
  await server.asTimePasses('sends to be taken again', async () => !await isRefused(office, stored('last')));
  await streamsLive(office, here);
  const away = await page.connect({ userId: 'away' });
  const names = (await away.count('tick', kept.length + 2)).map(({ data }) => JSON.parse(data).n);
  assert.deepEqual(names, ['first', ...kept, 'last']);
  await Promise.all([page.close(), office.close()]);
  await server.stop();
});

test('what could not be committed has not ended', { skip }, async () => {
  const { server, ballast } = await startOnSmallDisk();
  const office = await backend(server);
  const page = await connect(server.origin);
  const here = await page.connect({ userId: 'here', listeners: 'tick' });
  const ids = Array.from({ length: 100 }, (_, n) => `m-${n}`);
  await office.send(ids.map((id) => ({ event: 'tick', id, data: 1, qos: 1, userId: 'here' })));
  await here.count('tick', ids.length);
  await writeFile(ballast, Buffer.alloc(DISK)).catch(({ code }) => assert.equal(code, 'ENOSPC'));

  let refused = 0;
  for (const id of ids) {
    const answer = await page.postJson('/sse/demo/connect/ack.do', { connectionId: here.id, ids: [id] });
    refused += answer.status === 503;
    assert.match(answer.status === 503 ? answer.json.errorMessage : 'disk is full', /\bdisk\b.* full/);
  }
  assert.ok(refused > 0, 'the disk holds more than it can');
  assert.equal(await office.metric('sse_server_qos_acknowledged_total'), ids.length - refused);
  assert.ok(await office.metric('sse_server_qos_in_flight') >= refused);

  await rm(ballast);
  await server.asTimePasses('acknowledgements to be taken again', async () => (
    (await page.postJson('/sse/demo/connect/ack.do', { connectionId: here.id, ids })).status === 200));
  assert.equal(await office.metric('sse_server_qos_acknowledged_total'), ids.length);
  await Promise.all([page.close(), office.close()]);
  await server.stop();
});

test('a file that is damaged', async () => {
  const file = join(directory, 'messages.sqlite');
  await writeFile(file, Buffer.from('this is no store\n'.repeat(1000)));
  const server = await startServer({ variables: { SSE_SERVER_SERVICES_0_QOS_FILE: file } });
  const office = await backend(server);
  const page = await connect(server.origin);
  const here = await page.connect({ userId: 'here' });
  assert.ok(await isRefused(office, stored(1)));
  await server.saw('the reason', (output) => output.split('\n').find((line) => / error /i.test(line) && line.includes(file)));
  await streamsLive(office, here);
  assert.ok(await office.metric('sse_server_store_faults_total') > 0);

  for (const name of (await readdir(directory)).filter((name) => name.startsWith('messages.sqlite'))) {
    await rename(join(directory, name), join(directory, `damaged-${name}`));
  }
  await server.asTimePasses('sends to be taken', async () => !await isRefused(office, stored(1)));
  await streamsLive(office, here);
  const away = await page.connect({ userId: 'away' });
  await away.count('tick', 1);
  await Promise.all([page.close(), office.close()]);
  await server.stop();
});

test('pages that come while the store does not work get what lies there later', async () => {
  const file = join(directory, 'later.sqlite');
  const variables = { SSE_SERVER_SERVICES_0_QOS_FILE: file };
  const before = await startServer({ variables });
  const sender = await backend(before);
  assert.equal((await sender.send(stored(1))).stored, 1);
  await sender.close();
  await before.stop();
  await rename(file, `${file}-good`);
  await writeFile(file, Buffer.from('this is no store\n'.repeat(1000)));

  const server = await startServer({ variables });
  const office = await backend(server);
  const page = await connect(server.origin);
  const away = await page.connect({ userId: 'away' });
  const gone = await page.connect({ userId: 'away' });
  const change = (path) => page.postJson(`/sse/demo/connect/${path}.do`, { connectionId: away.id, listener: ['more'] });
  for (let n = 0; n < 10; n++) {
    assert.equal((await change('addListener')).status, 200);
    assert.equal((await change('removeListener')).status, 200);
  }
  await eventually('one visit to wait for each connection', async () => (
    await office.metric('sse_server_qos_visitors') === 2));
  await page.postForm('/sse/demo/connect/disconnect.do', { connectionId: gone.id });
  await eventually('the other to be forgotten', async () => await office.metric('sse_server_qos_visitors') === 1);
  await rename(`${file}-good`, file);
  const [{ id }] = await server.meanwhile(away.count('tick', 1));
  assert.equal(id, 'm-1');
  assert.equal(await office.metric('sse_server_qos_visitors'), 0);
  await Promise.all([page.close(), office.close()]);
  await server.stop();
});
