// SPDX-License-Identifier: Apache-2.0
// What bench/crash runs.
import { parseArgs } from 'node:util';

import { WINDOW, faultPoints, runCrash } from '../tests/integration/support/crash.mjs';
import { newSeed } from '../tests/integration/support/random.mjs';

const { values } = parseArgs({ options: {
  messages: { type: 'string', default: '100000' },
  kills: { type: 'string', default: '200' },
  seed: { type: 'string', default: String(newSeed()) },
} });
const [messages, kills, seed] = [values.messages, values.kills, values.seed].map(Number);

console.log(`${messages} messages, ${kills} kills, --seed ${seed}`);
const started = Date.now();
const report = await runCrash({
  messages,
  kills,
  points: await faultPoints(),
  seed,
  onKill: (kill, { answered, received, problems }) => {
    const seconds = Math.round((Date.now() - started) / 1000);
    console.log(`${seconds} s: kill ${kill}, ${answered} answered, ${received} received, ${problems.length} problems`);
  },
});
console.log(JSON.stringify(report, null, 2));

const isGood = report.problems.length === 0 && report.answered === report.messages && report.repeats <= WINDOW * kills;
console.log(isGood ? 'Nothing was lost.' : 'FAILED');
process.exitCode = isGood ? 0 : 1;
