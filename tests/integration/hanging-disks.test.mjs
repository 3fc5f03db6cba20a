// SPDX-License-Identifier: Apache-2.0
// A stop comes to its end although a disk does not answer any more: late, with a status of its own,
// with a word on what hangs; and nothing that was answered is lost.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { newHost } from './support/host.mjs';
import { BOUNDARY, MULTIPART } from './support/multipart.mjs';
import { callTable } from './support/scarcity.mjs';
import { eventually, within } from './support/wait.mjs';

const calls = process.env.SSE_SERVER_SCARCE_CALLS;
const skip = calls ? false : 'needs a build with SSE_SERVER_FAULTS';
const HANGS = 0;
const ALL = 1_000_000;
const HUNG = 3;

async function world() {
  const directory = await mkdtemp(join(tmpdir(), 'hanging-'));
  const { table, variables } = await callTable(join(directory, 'table'), calls);
  const host = await newHost({ variables: { ...variables, SSE_SERVER_DRAIN_TIME: '300ms', SSE_SERVER_WORKERS: '2', FAULT_PATIENCE: '1' } });
  return { host, table, async close() {
    await host.close();
    await table.file.close();
    await rm(directory, { recursive: true });
  } };
}

async function endsHung(server, thread) {
  server.signal('SIGTERM');
  assert.deepEqual(await server.exit(), { code: HUNG, signal: null });
  assert.match(server.output, new RegExp(`does not come to its end.* threads="[^"]*${thread} \\((running|system call \\d+)\\)[^"]*" status=3`));
  assert.ok(!server.hasComplained);
}

// Each waits for a server that has to be patient: beside each other.
describe('it ends, and says what hangs', { skip, concurrency: true }, () => {
  for (const call of ['pwrite', 'sync']) {
    test(`a store whose ${call} hangs`, async () => {
      const { host, table, close } = await world();
      const server = await host.start();
      const office = await backend(server);
      const promised = [];
      for (let n = 0; n < 20; n++) {
        const id = `m-${n}`;
        assert.equal((await office.send({ event: 'tick', data: n, qos: 1, userId: 'away', id })).stored, 1);
        promised.push(id);
      }
      await table.refuse(call, 1, ALL, HANGS);
      const unanswered = Array.from({ length: 10 }, (_, n) => (
        office.post('send', { event: 'tick', data: n, qos: 1, userId: 'away', id: `u-${n}` }).then(({ status }) => status, () => 'broken off')));
      const stuck = await table.passed(call);
      await eventually('it to hang', async () => await table.passed(call) >= stuck);
      await endsHung(server, 'store-demo');
      for (const status of await Promise.all(unanswered)) {
        assert.ok([503, 'broken off'].includes(status), `${status}`);
      }
      await office.close();

      await table.relent(call);
      const again = await host.start();
      const asking = await backend(again);
      const { list } = await asking.query('messages?userId=away&pageSize=1000');
      const there = new Set(list.map(({ id }) => id));
      assert.deepEqual(promised.filter((id) => !there.has(id)), []);
      await asking.close();
      await close();
    });
  }

  test('a store whose opening hangs', async () => {
    const { host, table, close } = await world();
    await table.refuse('pwrite', 1, ALL, HANGS);
    const server = await host.start();
    await endsHung(server, 'store-demo');
    await table.relent('pwrite');
    await host.start();
    await close();
  });

  test('an upload whose disk hangs', async () => {
    const { host, table, close } = await world();
    const server = await host.start();
    const page = await connect(server.origin);
    await table.refuse('write', 1, ALL, HANGS);
    const before = await table.passed('write');
    const upload = page.open('POST', '/sse/demo/connect/upload/a.do?userId=1', { 'content-type': MULTIPART });
    upload.on('error', () => {});
    upload.write(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n${'x'.repeat(60_000)}`);
    await within('it to hang', eventually('a write', async () => await table.passed('write') > before));
    await endsHung(server, '\\S+');
    await page.close();
    await table.relent('write');
    await host.start();
    await close();
  });
});
