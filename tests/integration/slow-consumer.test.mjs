// SPDX-License-Identifier: Apache-2.0
// A page that stops reading: what waits for it stays within the bound, the policy acts and is
// counted, and the others get everything.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { DATA as DATA_FRAME, rawSession, request, windowUpdate } from './support/raw_h2.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const EVENTS = 300;
const DATA = 'x'.repeat(32 * 1024);
const QUEUE = 1 << 20;
// What may lie between queue and page: windows, the session's output, the kernel's buffers.
const ON_THE_WAY = 8 << 20;

const servers = [];
after(() => Promise.all(servers.map((server) => server.stop())));

async function start(policy) {
  const server = await startServer({
    variables: {
      SSE_SERVER_SERVICES_0_LAST_WORDS_TIME: '1m', // a kick comes as late as the machine is slow
      SSE_SERVER_SERVICES_0_SLOW_POLICY: policy,
      // Not reading is what is tested here, however long a loaded machine takes over it.
      SSE_SERVER_LIMITS_WRITE_STALL_TIMEOUT: '10m',
      SSE_SERVER_SERVICES_0_HISTORY_BYTES: '64KiB', // of which there is one, not one for each page
      ASAN_OPTIONS: 'quarantine_size_mb=1', // freed memory is to be given back, for it is measured
    },
  });
  servers.push(server);
  return server;
}

// A page whose stream is open and reads nothing from now on.
async function stalledPage(server) {
  const client = await connect(server.origin);
  const stream = await client.connect({ userId: 'slow', clientId: 'slow', reasons: 'true' });
  stream.stream.pause();
  return { client, stream };
}

async function residentBytes(server) {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(status.match(/VmRSS:\s+(\d+)/)[1]) * 1024;
}

// Sends all events to everyone, in batches as a back end does; the brisk page gets each.
async function publish(server, office, { first = 0, name = () => 'tick' } = {}) {
  const client = await connect(server.origin);
  const stream = await client.connect({ userId: 'brisk', clientId: 'brisk' });
  for (let n = first; n < first + EVENTS; n += 10) {
    const batch = Array.from({ length: 10 }, (_, i) => ({ event: name(n + i), data: DATA, all: true }));
    const answers = await office.send(batch);
    assert.ok(answers.every(({ count }) => count >= 1));
    await eventually('the brisk page to have all', () => stream.events.length >= n + 10 - first + 1);
  }
  await client.close();
}

test('disconnect: the page is told "slow" when it reads on, and its connection has ended', async () => {
  const server = await start('disconnect');
  const office = await backend(server);
  const { client, stream } = await stalledPage(server);
  await publish(server, office);

  await eventually('the slow page to be closed', async () => !(await office.query('online?userId=slow')).online
    || (await office.query('connections?clientId=slow')).total === 0);
  assert.ok(await office.metric('sse_server_slow_disconnects_total') >= 1);
  stream.stream.resume();
  const close = await stream.next('connect-close');
  assert.equal(close.reason, 'slow');
  await stream.end();
  assert.equal(stream.events.at(-1).event, 'connect-close');
  await client.close();
  await office.close();
});

test('disconnect: a kick that comes when the queue was full already keeps the page away', async () => {
  const server = await start('disconnect');
  const office = await backend(server);
  const { client, stream } = await stalledPage(server);
  await publish(server, office);
  await eventually('the slow page to be closed', async () =>
    (await office.query('connections?clientId=slow')).total === 0);
  assert.equal((await office.command('disconnectUser', { userId: 'slow', reason: 'go' })).count, 1);
  stream.stream.resume();
  assert.deepEqual(await stream.next('connect-close'), { connectionId: stream.id, reason: 'go', reconnect: false });
  await stream.end();
  assert.equal(stream.named('connect-close').length, 1);
  await client.close();
  await office.close();
});

describe('with a policy that drops', () => {
  for (const [policy, metric] of [['drop-oldest', 'sse_server_events_dropped_oldest_total'],
    ['latest', 'sse_server_events_dropped_latest_total']]) {
    test(`${policy}: the page stays, and what it has not got is counted`, async () => {
      const server = await start(policy);
      const office = await backend(server);
      const { client, stream } = await stalledPage(server);
      await publish(server, office);
      assert.equal((await office.query('connections?clientId=slow')).total, 1);
      const dropped = await office.metric(metric);
      assert.ok(dropped > 0);

      await office.send({ event: 'last', data: 'end', userId: 'slow' });
      stream.stream.resume();
      await stream.count('last', 1);
      const ticks = stream.named('tick');
      assert.equal(ticks.length, EVENTS - dropped);
      assert.ok(ticks.every(({ data }) => data === DATA), 'no event is cut');
      await client.close();
      await office.close();
    });
  }
});

test('what waits for pages that do not read stays within its bound', async () => {
  const server = await start('drop-oldest');
  const office = await backend(server);
  const pages = await Promise.all(Array.from({ length: 4 }, () => stalledPage(server)));
  await publish(server, office); // whatever memory a first run takes
  const before = await residentBytes(server);
  for (let round = 0; round < 2; round++) {
    await publish(server, office);
  }
  const growth = (await residentBytes(server)) - before;
  assert.ok(growth < pages.length * QUEUE + ON_THE_WAY, `grew by ${growth} bytes`);
  const queued = await office.metric('sse_server_queued_bytes');
  assert.ok(queued > 0 && queued <= (pages.length + 1) * QUEUE, `queued ${queued}`);
  await Promise.all(pages.map(({ client }) => client.close()));
  await office.close();
});

test('a stream that is not read does not hold up its session', async () => {
  const server = await start('drop-oldest');
  const office = await backend(server);
  const { client } = await stalledPage(server);
  const beside = await client.connect({ userId: 'beside' });
  await publish(server, office);
  await beside.count('tick', EVENTS);
  assert.equal((await client.get('/health/live')).status, 200);
  await client.close();
  await office.close();
});

// Windows that never end leave the kernel's buffers as the only bound of what is on its way.
test('what the kernel holds for a page that does not read has a bound, and is shown', async () => {
  const server = await start('latest');
  const office = await backend(server);
  const page = await rawSession(server, { entries: { 4: 0x7fffffff } });
  page.write(windowUpdate(0, 0x7fff0000 - 65535), request(1, 'GET', '/sse/demo/connect?userId=deep'));
  await page.answered(1);
  page.socket.pause();
  await publish(server, office);
  const held = await office.metric('sse_server_socket_bytes');
  assert.ok(held > 0 && held < 1 << 20, `the kernel holds ${held}`);
  page.socket.resume();
  await office.send({ event: 'last', data: 'end', userId: 'deep' });
  await page.saw('the last event', ({ type, payload }) => type === DATA_FRAME && /^event: ?last$/m.test(payload));
  // Half of it may be in the page's own buffers.
  const stale = page.frames.reduce((sum, { type, payload }) => sum + (type === DATA_FRAME ? payload.length : 0), 0);
  assert.ok(stale < 2 << 20, `${stale} bytes were on their way`);
  await eventually('the kernel to be empty', async () => (await office.metric('sse_server_socket_bytes')) === 0);
  await page.close();
  await office.close();
});
