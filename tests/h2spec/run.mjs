// SPDX-License-Identifier: Apache-2.0
// Starts the server, runs h2spec (path in H2SPEC) against a route whose answer has a finite body,
// and requires all cases to pass, none skipped, and a server that is well and stops cleanly after.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

import { startServer } from '../integration/support/server.mjs';

const ALL_PASSED = '147 tests, 147 passed, 0 skipped, 0 failed';

const { values, positionals } = parseArgs({
  options: { times: { type: 'string', default: '1' } },
  allowPositionals: true,
});

function runOnce(port) {
  // -o only bounds waits that fail; h2spec itself has no overall limit, so timeout(1) has.
  const target = ['-h', '127.0.0.1', '-p', String(port), '-P', '/sse/demo'];
  const run = spawnSync('timeout', ['120', process.env.H2SPEC, '-t', '-k', '-S', '-o', '5', ...target], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const summary = run.stdout.match(/^\d+ tests, .*$/m)?.[0];
  if (summary !== ALL_PASSED || run.status !== 0) {
    process.stdout.write(run.stdout + run.stderr);
    throw new Error(`h2spec ended with ${run.status}: ${summary ?? 'no summary'}; wanted ${ALL_PASSED}`);
  }
  return summary;
}

const server = await startServer({ binary: positionals[0] ?? process.env.SSE_SERVER_BINARY });
try {
  for (let run = 1; run <= Number(values.times); run++) {
    console.log(`run ${run}: ${runOnce(server.port)}`);
  }
  await server.ready(); // still answers
} finally {
  await server.stop();
}
