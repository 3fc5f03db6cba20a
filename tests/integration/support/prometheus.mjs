// SPDX-License-Identifier: Apache-2.0
// Debian's Prometheus, with a directory and a port of its own, and what it is asked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { endWithFile } from './leftovers.mjs';
import { freePort } from './port.mjs';
import { run } from './run.mjs';
import { eventually } from './wait.mjs';

const PROGRAM = '/usr/bin/prometheus';

export const missing = !existsSync(PROGRAM) && `there is no ${PROGRAM}: run script/bootstrap`;

// config is an object: JSON is YAML as well.
export async function startPrometheus(config) {
  const directory = await mkdtemp(join(tmpdir(), 'sse-prometheus-'));
  const file = join(directory, 'prometheus.yml');
  await writeFile(file, JSON.stringify(config));
  const port = await freePort();
  const child = endWithFile(spawn(PROGRAM, [`--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' }));

  // What its API has; undefined: it is starting.
  async function ask(path) {
    let answer;
    try {
      answer = await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json();
    } catch {
      return undefined;
    }
    if (answer.status !== 'success') {
      throw new Error(`${decodeURIComponent(path)}: ${answer.error}`);
    }
    return answer.data;
  }

  // The vector that the expression gives now: [{metric, value}], value a number.
  async function query(expression) {
    const { result } = await ask(`query?query=${encodeURIComponent(expression)}`);
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  // It has what a scrape of that job says that began after now: its times may be off by 2 ms.
  async function scraped(job) {
    const since = Date.now() + 5;
    await eventually(`Prometheus to scrape ${job}`, async () => {
      const result = await query(`timestamp(up{job="${job}"})`);
      return result.length > 0 && result.every(({ value }) => value * 1000 >= since);
    });
  }

  async function stop() {
    child.kill('SIGKILL');
    await once(child, 'exit');
    await rm(directory, { recursive: true, force: true });
  }

  return { ask, query, scraped, stop };
}

// promtool ARGUMENTS FILE, of a file with that text. What it says; fails when promtool finds something.
export async function promtool(args, text) {
  const directory = await mkdtemp(join(tmpdir(), 'sse-promtool-'));
  const file = join(directory, 'input');
  await writeFile(file, text);
  const { code, output } = await run('/usr/bin/promtool', [...args, file], { input: text });
  await rm(directory, { recursive: true });
  if (code !== 0) {
    throw new Error(`promtool ${args.join(' ')} ended with ${code}: ${output}`);
  }
  return output;
}
