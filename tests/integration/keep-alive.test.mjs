// SPDX-License-Identifier: Apache-2.0
// What keeps idle connections alive costs the server little: a PING leaves with the comment that is
// due, and the answers of many are read together. How few turns of the loop that makes is measured in
// bench/README.md; here is what it rests on.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const PAGES = 60;
const ANSWER_BYTES = 17; // RFC 9113 6.7

const read = (office) => office.metric('sse_server_received_bytes_total');

// On a session of its own: none lasts so long without a stream.
async function writesOf(server) {
  const office = await backend(server);
  const writes = await office.metric('sse_server_writes_total');
  await office.close();
  return writes;
}

// Idle pages, whose time stands still.
async function withPages(variables, run) {
  const server = await startServer({ variables: { SSE_SERVER_WORKERS: '2', ...variables } });
  const pages = [];
  const pings = [];
  try {
    await server.stopClock();
    for (let i = 0; i < PAGES; i++) {
      const page = await connect(server.origin);
      pages.push(page);
      page.session.on('ping', () => pings.push(i));
      await page.connect({ userId: `user${i}` });
    }
    await run({ server, pages, pings });
    assert.ok(pages.every(({ session }) => !session.destroyed));
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    await server.stop();
  }
}

// In the proportion of the defaults, but so long that a slow machine makes no difference.
test('most PINGs leave with a comment', () => withPages({
  SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: '1000s',
  SSE_SERVER_LIMITS_PING_INTERVAL: '960s',
  SSE_SERVER_LIMITS_PING_ACK_TIMEOUT: '600s',
}, async ({ server, pings }) => {
  const before = await writesOf(server);
  await server.advance(1_020_000, 1000);
  await eventually('a PING for each', () => pings.length >= PAGES);
  assert.equal(pings.length, PAGES);
  const writes = (await writesOf(server)) - before;
  assert.ok(writes < PAGES * 1.5, `${writes} writes`); // some PINGs are due just before
}));

test('answers to PINGs are left until they are read together', () => withPages({}, async ({ server, pings }) => {
  const office = await backend(server);
  await read(office); // its fields are known to the server from here on
  const first = await read(office);
  const before = await read(office);
  const question = before - first;
  await server.advance(60_000, 60_000); // all are due at once
  await eventually('a PING for each', () => pings.length >= PAGES);
  const left = (await read(office)) - before - question;
  assert.ok(left < PAGES * ANSWER_BYTES / 4, `${left} bytes of answers read at once`);
  await server.asTimePasses('the answers', async () => (await read(office)) - before >= PAGES * ANSWER_BYTES);
  assert.equal(await office.metric('sse_server_ping_timeouts_total'), 0);
  await office.close();
}));

// How often each of its threads has gone to sleep: one that sleeps on has not woken up meanwhile.
const sleeps = ({ pid }) => readdirSync(`/proc/${pid}/task`).map((thread) => {
  const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
  return `${/Name:\s*(.*)/.exec(status)[1]} ${/\nvoluntary_ctxt_switches:\s*(\d+)/.exec(status)[1]}`;
});

// Soon: what it has done until now has an end, and memory is looked at 10 s later.
test('a server that has nothing to do does not wake up', () => withPages({}, async ({ server }) => {
  for (let tries = 1, before, after; ; tries++) {
    before = sleeps(server);
    await sleep(1500);
    after = sleeps(server);
    if (String(before) === String(after)) {
      return;
    }
    assert.ok(tries < 20, `of ${before} woke up ${after.filter((each) => !before.includes(each))}`);
  }
}));
