// SPDX-License-Identifier: Apache-2.0
// The kernel refuses the n-th call of a kind while pages connect, back ends send, pages acknowledge,
// upload and ask. The same holds as without memory (out-of-memory.test.mjs), but that the process does
// not end of it, unless libev cannot watch its own pipe. FAULT_SWEEP=<n> tries so many values for each.
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';

import { Sweep, hasFaults, spread } from './support/scarcity.mjs';

const { EMFILE, ENFILE, ENOMEM, ENOSPC, EIO, ECONNABORTED, ECONNRESET, ENOBUFS, EINTR, EAGAIN } = constants.errno;
const KINDS = {
  accept: [EMFILE, ENFILE, ENOMEM, ECONNABORTED, EINTR],
  open: [EMFILE, ENFILE, EIO, ENOSPC],
  write: [ENOSPC, EIO, EINTR],
  pwrite: [ENOSPC, EIO],
  sync: [EIO, ENOSPC],
  recv: [ENOMEM, ECONNRESET, EINTR],
  send: [ENOBUFS, ECONNRESET, EAGAIN, EINTR],
  epoll: [ENOMEM, ENOSPC],
  socket: [EMFILE, ENOBUFS],
  connect: [ENOBUFS, EINTR],
};
const VALUES = 2;
const BURST = 5;

const calls = process.env.SSE_SERVER_SCARCE_CALLS;
const skip = !calls ? 'needs SSE_SERVER_SCARCE_CALLS, which ctest sets'
  : await hasFaults() ? false : 'needs a build with SSE_SERVER_FAULTS';

test('what the kernel refuses ends requests, and no data', { skip }, async (t) => {
  const sweep = new Sweep(calls);
  await sweep.start();
  try {
    for (const [kind, errors] of Object.entries(KINDS)) {
      const all = await sweep.measure(kind);
      assert.ok(all > 0, `${kind} is never called`);
      const before = { ...sweep.ledger.report };
      for (const error of errors) {
        await sweep.run(kind, spread(VALUES, all), 1, error);
      }
      await sweep.run(kind, spread(1, all), BURST, errors[0]);
      const { tried, refused, broken, deaths } = sweep.ledger.report;
      if (kind !== 'epoll') {
        assert.equal(deaths, before.deaths, kind);
      }
      t.diagnostic(`${kind}: ${all} calls; ${tried - before.tried} tried, ${refused - before.refused} refused, ${broken - before.broken} broken off`);
    }
    const { lost, ...report } = await sweep.finish();
    t.diagnostic(JSON.stringify({ ...report, lost: lost.length }));
    assert.deepEqual(sweep.ledger.problems, []);
    assert.deepEqual(lost, []);
    assert.ok(report.delivered > 0);
  } finally {
    await sweep.close();
  }
});
