// SPDX-License-Identifier: Apache-2.0
// kill -9, again and again: nothing that was answered is lost. bench/crash does it for longer.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WINDOW, faultPoints, runCrash } from './support/crash.mjs';
import { newSeed } from './support/random.mjs';

const MESSAGES = 600;
const KILLS = 8;

test('messages with qos 1 survive the server and the pages', async (t) => {
  const seed = newSeed();
  t.diagnostic(`SEED=${seed}`);
  const points = await faultPoints();
  const report = await runCrash({ messages: MESSAGES, kills: KILLS, points, seed });
  t.diagnostic(JSON.stringify(report, null, 1));
  assert.deepEqual(report.problems, []);
  assert.ok(report.answered >= MESSAGES);
  assert.equal(report.answered, report.messages);
  assert.ok(points.every((point) => report.kills[point] > 0));
  assert.equal(Object.values(report.kills).reduce((sum, kills) => sum + kills), KILLS);
  assert.ok(report.repeats <= WINDOW * KILLS);
});
