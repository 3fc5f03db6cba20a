// SPDX-License-Identifier: Apache-2.0
// Each library, and the server itself, is refused its n-th allocation while pages connect, back ends
// send, pages acknowledge, upload and ask; and while the server starts. A request gets an error, or its
// session ends, or the process, where that is said; nothing that was promised is lost, and nobody is
// told that it was their mistake. FAULT_SWEEP=<n> tries so many values for each.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Sweep, hasFaults, spread } from './support/scarcity.mjs';

// How many values each area is tried with; what our own memory lacks ends the process each time.
const VALUES = { own: 4, json: 6, tls: 20, h2: 24, store: 16, http: 3 };
const START_VALUES = { tls: 2, store: 3 };
const BURST = 40;

const skip = await hasFaults() ? false : 'needs a build with SSE_SERVER_FAULTS';

test('without memory requests end, and no data', { skip }, async (t) => {
  const sweep = new Sweep();
  await sweep.start();
  try {
    for (const [area, count] of Object.entries(VALUES)) {
      const all = await sweep.measure(area);
      assert.ok(all > 0 || area in START_VALUES, `${area} never asks for memory`);
      if (all === 0) { // SQLite from 3.46 on has by now what it needs for that; its start asks
        continue;
      }
      const before = { ...sweep.ledger.report };
      await sweep.run(area, spread(count, all));
      await sweep.run(area, spread(Math.ceil(count / 4), all), BURST);
      const { tried, deaths, refused, broken } = sweep.ledger.report;
      t.diagnostic(`${area}: ${all} allocations; ${tried - before.tried} tried, ${deaths - before.deaths} deaths, ${refused - before.refused} refused, ${broken - before.broken} broken off`);
    }
    for (const [area, count] of Object.entries(START_VALUES)) {
      const all = await sweep.measureStart(area);
      assert.ok(all > 0, `${area} asks for no memory at the start`);
      await sweep.runStart(area, spread(count, all));
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
