// SPDX-License-Identifier: Apache-2.0
// What bench/forged runs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Client, addressOf, forged } from '../tests/integration/support/forger.mjs';
import { startServer } from '../tests/integration/support/server.mjs';
import { makeKey, token } from '../tests/integration/support/tokens.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  addresses: { type: 'string', default: '240' },
  rate: { type: 'string', default: '2400' },
  guests: { type: 'string', default: '40' },
  seconds: { type: 'string', default: '8' },
  rounds: { type: 'string', default: '2' },
  algorithm: { type: 'string', default: 'RS256' },
} });
const [addresses, rate, guests, seconds, rounds] = ['addresses', 'rate', 'guests', 'seconds', 'rounds'].map((name) => Number(values[name]));
const servers = positionals.length > 0 ? positionals : [new URL('../build/release/sse-server', import.meta.url).pathname];
const PAUSE_MS = 10;
const MOST_OPEN = 240; // a machine that is too slow for the rate has fewer

const key = makeKey(values.algorithm, 'key');
const directory = await mkdtemp(join(tmpdir(), 'sse-forged-'));
await writeFile(join(directory, 'key.public'), key.publicPem);

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// utime and stime, in seconds.
async function cpuSeconds(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

// Forged ones at the rate, whatever their answers, until isOver().
async function flood(clients, counts, isOver) {
  const sample = token({ sub: 'nobody' }, key);
  const begun = performance.now();
  for (let shown = 0; !isOver();) {
    const due = Math.floor((performance.now() - begun) * rate / 1000);
    for (; shown < due && counts.open < MOST_OPEN; shown++) {
      counts.open += 1;
      counts.shown += 1;
      clients[shown % clients.length].show(forged(sample))
        .then((status) => { counts[status] = (counts[status] ?? 0) + 1; }, () => { counts.broken += 1; })
        .finally(() => { counts.open -= 1; });
    }
    await pause(PAUSE_MS);
  }
}

async function measure(binary) {
  const server = await startServer({
    binary,
    config: `
listeners: [{address: "127.0.0.1:0"}]
services: [{name: hr, auth: jwt}]
tokenKeys: [{id: key, algorithm: ${key.algorithm}, file: ${join(directory, 'key.public')}}]
`,
  });
  const at = (first, count) => Promise.all(Array.from({ length: count }, (_, i) => Client.at(server, addressOf(first, i + 1))));
  const [forgers, clients] = [await at(10, addresses), await at(11, guests)];
  const counts = { shown: 0, open: 0, broken: 0 };
  const times = [];
  let [refused, isOver] = [0, false];
  const flooding = flood(forgers, counts, () => isOver);
  await pause(1000 * seconds / 4);
  const [begun, cpu, before] = [performance.now(), await cpuSeconds(server.pid), counts.shown];
  for (let i = 0; i < guests; i++) {
    const one = token({ sub: `${i}` }, key);
    const asked = performance.now();
    refused += (await clients[i].show(one)) === 200 ? 0 : 1;
    times.push(performance.now() - asked);
    await pause(1000 * seconds * 0.75 / guests);
  }
  const elapsed = (performance.now() - begun) / 1000;
  const used = (await cpuSeconds(server.pid)) - cpu;
  const shown = counts.shown - before;
  isOver = true;
  await flooding;
  await Promise.all([...forgers, ...clients].map((client) => client.close()));
  await server.stop();
  times.sort((a, b) => a - b);
  return {
    server: binary,
    refused: `${refused} of ${guests}`,
    'forged/s': Math.round(shown / elapsed),
    '401': counts[401] ?? 0,
    '503': counts[503] ?? 0,
    'CPU %': Math.round(100 * used / elapsed),
    'p50 ms': times[guests >> 1].toFixed(1),
    'max ms': times.at(-1).toFixed(1),
  };
}

try {
  const rows = [];
  for (let round = 0; round < rounds; round++) {
    for (const binary of servers) {
      rows.push(await measure(binary));
    }
  }
  console.table(rows);
} finally {
  await rm(directory, { recursive: true, force: true });
}
