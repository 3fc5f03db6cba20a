// SPDX-License-Identifier: Apache-2.0
// What bench/slow-disk runs.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { backend } from '../tests/integration/support/backend.mjs';
import { connect } from '../tests/integration/support/client.mjs';
import { MULTIPART, multipart } from '../tests/integration/support/multipart.mjs';
import { startServer } from '../tests/integration/support/server.mjs';
import { SlowDisk } from '../tests/integration/support/slow_disk.mjs';

const { values } = parseArgs({ options: {
  delay: { type: 'string', default: '1000' },
  seconds: { type: 'string', default: '10' },
  workers: { type: 'string', default: '1' },
} });
const SENDERS = 4;
const PAUSE_MS = 5; // of each that waits for its answers

const disk = await SlowDisk.make();
const fast = await mkdtemp(join(tmpdir(), 'fast-disk-'));
const slow = join(disk.directory, 'uploads');
await mkdir(slow);
const server = await startServer({ variables: {
  ...disk.variables(),
  SSE_SERVER_WORKERS: values.workers,
  SSE_SERVER_SERVICES_0_UPLOAD_DIRECTORY: slow,
  SSE_SERVER_SERVICES_0_QOS_FILE: join(disk.directory, 'messages.sqlite'),
  SSE_SERVER_SERVICES_0_LIMITS_USER_UPLOAD_BYTES: '0',
  SSE_SERVER_SERVICES_1_NAME: 'other',
  SSE_SERVER_SERVICES_1_BASE_PATH: '/sse/other',
  SSE_SERVER_SERVICES_1_AUTH: 'development',
  SSE_SERVER_SERVICES_1_UPLOAD_DIRECTORY: fast,
  SSE_SERVER_SERVICES_1_LIMITS_USER_UPLOAD_BYTES: '0',
  SSE_SERVER_SERVICES_1_LIMITS_USER_UPLOAD_FILES: '0',
} });

const page = await connect(server.origin);
const office = await backend(server);
const others = await backend(server, { base: '/sse/other' });
const reader = await page.connect({ userId: 'ann', listeners: 'bell' });
const file = (size) => multipart([{ name: 'f', fileName: 'f', data: randomBytes(size) }]);
const [large, small] = [file(8 << 20), file(60_000)];
const ends = Date.now() + 1000 * Number(values.seconds);

const took = new Map();
async function again(what, act) {
  const list = took.get(what) ?? took.set(what, []).get(what);
  while (Date.now() < ends) {
    const began = performance.now();
    const { status, text } = await act();
    if (status !== 200) {
      throw new Error(`${what}: ${status} ${text}`);
    }
    list.push(performance.now() - began);
    await sleep(PAUSE_MS);
  }
}

const upload = (client, service, body) => () => (
  client.post(`/sse/${service}/connect/upload/x.do?userId=ann`, body, { 'content-type': MULTIPART }));
const bell = (back, qos) => () => back.post('send', { event: 'bell', data: 'x'.repeat(200), userId: 'ann', qos });

await disk.slow(Number(values.delay));
await Promise.all([
  again('slow disk: upload of 8 MiB', upload(await connect(server.origin), 'demo', large)),
  again('slow disk: upload of 60 kB', upload(page, 'demo', small)),
  again('slow disk: send with qos', bell(await backend(server), 1)),
  ...Array.from({ length: SENDERS }, () => again('send', bell(office, 0))),
  again('send with qos, another service', bell(others, 1)),
  again('upload of 60 kB, another service', upload(page, 'other', small)),
  again('message of the page that uploads', () => (
    page.postJson(`/sse/demo/connect/message/m.do?connectionId=${reader.id}`, { n: 1 }))),
  again('metrics', () => office.get('/metrics')),
]);

console.log('| what | count | p50 ms | p99 ms | most ms |\n| --- | --- | --- | --- | --- |');
for (const [what, list] of took) {
  list.sort((a, b) => a - b);
  const at = (share) => list[Math.min(list.length - 1, Math.floor(share * list.length))].toFixed(1);
  console.log(list.length === 0 ? `| ${what} | 0 | | | |`
    : `| ${what} | ${list.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`);
}
const longest = await office.metric('sse_server_loop_longest_turn_seconds');
console.log(`\nlongest turn: ${(1000 * longest).toFixed(1)} ms${values.workers === '1' ? '' : ' (sum over workers)'}`);
const asked = await disk.loopsAsked();
console.log(`calls of a loop that asked the slow disk: ${asked || 'none'}`);
await disk.go();
await Promise.all([page, office, others].map((client) => client.close()));
await server.kill();
await server.forget();
await disk.remove();
await rm(fast, { recursive: true });
process.exit();
