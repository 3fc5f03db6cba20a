// SPDX-License-Identifier: Apache-2.0
// Debian's Prometheus scrapes /metrics as the README says, over TLS and in clear text.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { endWithFile } from './support/leftovers.mjs';
import { freePort } from './support/port.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const PROGRAM = '/usr/bin/prometheus';
const KEY = 'the-key-of-metrics';
const CONFIG = `
apiKeys:
  - name: prometheus
    key: ${KEY}
    permissions: [metrics]
services:
  - name: demo
    auth: development
listeners:
  - address: localhost:0
  - address: localhost:0
    tls: false
`;
const skip = !existsSync(PROGRAM) && `there is no ${PROGRAM}: run script/bootstrap`;

let server;
let directory;
let prometheus;
let port;

before(async () => {
  if (skip) {
    return;
  }
  server = await startServer({ config: CONFIG });
  directory = await mkdtemp(join(tmpdir(), 'sse-prometheus-'));
  port = await freePort();
  const jobs = server.listeners.map(({ scheme, port: listener }) => `
  - job_name: ${scheme}
    scheme: ${scheme}
    authorization: {credentials: ${KEY}}
    tls_config: {ca_file: ${join(server.stateDirectory, 'development-cert.pem')}}
    static_configs: [{targets: ["localhost:${listener}"]}]`);
  const config = join(directory, 'prometheus.yml');
  await writeFile(config, `global: {scrape_interval: 1s}\nscrape_configs:${jobs.join('')}\n`);
  prometheus = endWithFile(spawn(PROGRAM, [`--config.file=${config}`, `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' }));
});
after(async () => {
  if (prometheus) {
    prometheus.kill('SIGKILL');
    await once(prometheus, 'exit');
    await rm(directory, { recursive: true, force: true });
  }
  await server?.stop();
});

async function ask(path) {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()).data;
  } catch { // it is starting
    return undefined;
  }
}

test('both listeners are scraped, and what they say is understood', { skip }, async () => {
  await eventually('Prometheus to have scraped both', async () => {
    const targets = (await ask('targets'))?.activeTargets ?? [];
    const wrong = targets.filter(({ health }) => health === 'down').map(({ lastError }) => lastError);
    assert.deepEqual(wrong, []);
    return targets.length === 2 && targets.every(({ health }) => health === 'up');
  });
  await eventually('what both said to be found', async () => {
    const { result } = await ask('query?query=sse_server_streams');
    return isDeepStrictEqual([...new Set(result.map(({ metric }) => metric.job))].sort(), ['http', 'https']);
  });
  const types = await ask('targets/metadata?metric=sse_server_streams_opened_total');
  assert.deepEqual([...new Set(types.map(({ type }) => type))], ['counter']);
});
