// SPDX-License-Identifier: Apache-2.0
// Runs the cases of table.mjs, those of the sections in ATTACK_SECTIONS (all: "ABCDEF").
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { startServer } from '../integration/support/server.mjs';
import { ACCESS } from './access.mjs';
import { INPUT } from './input.mjs';
import { OPERATIONS } from './operations.mjs';
import { PROTOCOL, SERVERS } from './protocol.mjs';
import { SECTIONS, TABLE } from './table.mjs';
import { TLS } from './tls.mjs';

const CASES = { ...PROTOCOL, ...ACCESS, ...INPUT, ...TLS, ...OPERATIONS };
const wanted = process.env.ATTACK_SECTIONS ?? Object.keys(SECTIONS).join('');

async function play(name) {
  const server = await startServer(SERVERS[name]);
  const office = await backend(server);
  try {
    return await CASES[name]({ server, office });
  } finally {
    await office.close();
    await server.stop();
  }
}

// The tests that a row names are there, under that title.
function assertThere([path, title]) {
  const text = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  assert.ok(text.includes(title), `${path} has no "${title}"`);
}

test('the table has each case once, and each case has a row', () => {
  assert.deepEqual(TABLE.map(({ n }) => n), Array.from({ length: 76 }, (_, i) => i + 1));
  assert.deepEqual(TABLE.flatMap(({ run }) => run ?? []).sort(), Object.keys(CASES).sort());
  for (const { n, by, run, open, here } of TABLE) {
    assert.ok(by || run || open || here, `case ${n} says nothing`);
  }
});

for (const [letter, title] of Object.entries(SECTIONS).filter(([key]) => wanted.includes(key))) {
  describe(`${letter}. ${title}`, () => {
    for (const { n, what, must, by = [], run, open, here } of TABLE.filter((row) => row.section === letter)) {
      const isTried = run || by.length > 0;
      test(`${n}. ${what}: ${must}`, { skip: !isTried && (open ?? here) }, async (t) => {
        by.forEach(assertThere);
        const figure = run ? await play(run) : `by ${[...new Set(by.map(([path]) => path))].join(', ')}`;
        t.diagnostic([`${n}: ${figure}`, open && `open: ${open}`, here && `not here: ${here}`].filter(Boolean).join('; '));
      });
    }
  });
}
