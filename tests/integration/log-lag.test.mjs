// SPDX-License-Identifier: Apache-2.0
// A worker hangs while others send to its pages: what it has not written yet is bounded (log.lag).
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { hasFaults } from './support/scarcity.mjs';
import { KEY, startServer } from './support/server.mjs';

const skip = await hasFaults() ? false : 'needs a build with SSE_SERVER_FAULTS';
const SESSIONS = 16; // of which some are with each worker
const SENDS = 10;
const data = { text: 'x'.repeat(30_000) };

const send = (session, message) => session.postJson('/sse/demo/send', { event: 'tick', userId: 'ann', ...message },
  { authorization: `Bearer ${KEY}` });

test('sends wait for a worker that hangs, and are refused when too much waits', { skip }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lag-'));
  const file = join(directory, 'stall');
  const server = await startServer({ listen: 'http://127.0.0.1:0', variables: {
    SSE_SERVER_WORKERS: '2',
    SSE_SERVER_SERVICES_0_LOG_LAG: '64KiB',
    FAULT_STALL: `advance:${file}`,
  } });
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => connect(server.origin)));
  const office = await backend(server);
  try {
    const streams = await Promise.all(sessions.map((session) => session.connect({ userId: 'ann', listeners: 'tick' })));
    await writeFile(file, '');
    const first = sessions.map((session) => send(session, { data: 1 }));
    // One whose worker does not hang.
    const running = await Promise.any(streams.map(async (stream, i) => {
      await stream.next('tick');
      return i;
    }));
    const later = Array.from({ length: SENDS }, () => send(sessions[running], { data }));
    await Promise.any(later.map(async (answer) => assert.equal((await answer).status, 503)));
    await rm(file);
    for (const answer of await Promise.all(first)) {
      assert.equal(answer.data.count, SESSIONS);
    }
    const answers = await Promise.all(later);
    const taken = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 503);
    assert.equal(taken.length + refused.length, SENDS);
    assert.ok(taken.length >= 2, `${taken.length}`);
    for (const answer of refused) {
      assert.match(answer.json.errorMessage, /services\[\]\.log\.lag/);
    }
    for (const stream of streams) { // each has had one
      for (let i = 1; i < SESSIONS + taken.length; i++) {
        await stream.next('tick');
      }
    }
    assert.equal(await office.metric('sse_server_log_refused_total'), refused.length);
    assert.equal(await office.metric('sse_server_log_waiting_bytes'), 0);
  } finally {
    await rm(directory, { recursive: true, force: true });
    await Promise.all([...sessions, office].map((session) => session.close()));
    await server.stop();
  }
});
