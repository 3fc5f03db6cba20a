// SPDX-License-Identifier: Apache-2.0
// What bench/scale runs: the order of the runs, and the tables.
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { parseArgs } from 'node:util';

import { sections } from './scale_work.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  workers: { type: 'string', default: '1,2,4,8' },
  rounds: { type: 'string', default: '3' },
  sessions: { type: 'string', default: '1000' },
  messages: { type: 'string', default: '20000' },
  broadcasts: { type: 'string', default: '300' },
  reconnects: { type: 'string', default: '0' },
  sections: { type: 'string' },
  json: { type: 'string' },
} });
const built = (name) => new URL(`../build/release/${name}`, import.meta.url).pathname;
const binaries = positionals.length > 0 ? positionals : [built('sse-server')];
const rounds = Number(values.rounds);
const workers = values.workers.split(',').map(Number);
const chosen = values.sections?.split(',') ?? Object.keys(sections).filter((name) => (
  name !== 'reconnects' || Number(values.reconnects) > 0));
const unknown = chosen.find((name) => !(name in sections));
if (unknown) {
  console.error(`--sections: '${unknown}'; use ${Object.keys(sections).join(', ')}`);
  process.exit(2);
}
const options = {
  load: process.env.BENCH_LOAD ?? built('sse-load'),
  sessions: Number(values.sessions),
  messages: Number(values.messages),
  broadcasts: Number(values.broadcasts),
  operations: 400,
  reconnects: Number(values.reconnects) || 100_000,
};

const sorted = (numbers) => numbers.filter(Number.isFinite).sort((one, other) => one - other);
const median = (numbers) => sorted(numbers)[Math.floor((numbers.length - 1) / 2)];
const digits = (number) => (Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2);

function cell(numbers) {
  const all = sorted(numbers);
  if (all.length === 0) {
    return '–';
  }
  const [middle, least, most] = [median(all), all[0], all.at(-1)].map((n) => n.toFixed(digits(median(all))));
  return all.length === 1 ? middle : `${middle} (${least} to ${most})`;
}

function ratio(ours, others) {
  const [one, other] = [ours, others].map(median);
  return one > 0 && other !== undefined ? (other / one).toFixed(3) : '–';
}

function table(section, runs) {
  const of = (binary, count, figure) => runs
    .filter((run) => run.section === section && run.binary === binary && run.workers === count)
    .map((run) => run.figures[figure]);
  const figures = Object.keys(runs.find((run) => run.section === section).figures);
  const row = (name, cells) => `| ${[name, ...cells].join(' | ')} |`;
  const lines = [row('workers', workers), row('---', workers.map(() => '---'))];
  for (const figure of figures) {
    const label = (n) => (binaries.length === 1 ? figure : `${figure}: ${'AB'[n]}`);
    binaries.forEach((_, n) => lines.push(row(label(n), workers.map((count) => cell(of(n, count, figure))))));
    if (binaries.length === 2) {
      lines.push(row(`${figure}: B / A`, workers.map((count) => ratio(of(0, count, figure), of(1, count, figure)))));
    }
  }
  return `${sections[section].title(options)}\n\n${lines.join('\n')}\n`;
}

const machine = `${os.cpus()[0].model}, ${os.cpus().length} cores, Linux ${os.release()}`;
const runs = [];
for (let round = 0; round < rounds; round++) {
  // A B, B A, …: whoever is first has no advantage.
  const turns = binaries.map((_, n) => (round % 2 === 0 ? n : binaries.length - 1 - n));
  for (const section of chosen) {
    for (const count of workers) {
      for (const binary of turns) {
        const figures = await sections[section].run({ ...options, binary: binaries[binary], workers: count });
        runs.push({ section, workers: count, binary, round, load: os.loadavg()[0], figures });
        if (values.json) {
          await writeFile(values.json, `${JSON.stringify({ machine, binaries, options, rounds, runs }, null, 2)}\n`);
        }
        console.error(`round ${round + 1}, ${section}, ${count} workers, ${binaries[binary]}`);
      }
    }
  }
}
const loads = sorted(runs.map(({ load }) => load));
console.log(`${machine}; load ${loads[0].toFixed(1)} to ${loads.at(-1).toFixed(1)}; medians of ${rounds} (least to most).\n`);
binaries.forEach((binary, n) => console.log(`${'AB'[n]}: ${binary}`));
console.log();
for (const section of chosen) {
  console.log(table(section, runs));
}
process.exit(0);
