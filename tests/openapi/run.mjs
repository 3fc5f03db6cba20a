// SPDX-License-Identifier: Apache-2.0
// Starts the server and lets a schema-driven tester ask it what docs/openapi.yaml describes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { KEY, startServer } from '../integration/support/server.mjs';

const SCRIPT = fileURLToPath(new URL('test_conformance.py', import.meta.url));

const server = await startServer();
let run;
try {
  run = spawnSync(process.env.SSE_SERVER_PYTHON, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', SCRIPT], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, SSE_ORIGIN: server.origin, SSE_API_KEY: KEY, PYTHONDONTWRITEBYTECODE: '1' },
  });
  await server.ready(); // still answers
} finally {
  await server.stop();
}
if (run.error) {
  throw new Error('Python with tests/python/requirements.txt is missing: script/bootstrap installs it', { cause: run.error });
}
process.stdout.write(run.stdout + run.stderr);
process.exitCode = run.status ?? 1;
