// SPDX-License-Identifier: Apache-2.0
// What the console reckons with, without a browser: the text of /metrics, and event streams in pieces.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { startServer } from './support/server.mjs';

const load = (name) => import(`data:text/javascript,${encodeURIComponent(
  readFileSync(new URL(`../../web/console/${name}`, import.meta.url), 'utf8'))}`);
const { Reading, quantile, rate } = await load('metrics.js');
const { EventParser } = await load('api.js');

describe('metrics', () => {
  const text = (...lines) => lines.join('\n');
  const EMPTY = new Reading('', 0);

  test('are found by name and labels', () => {
    const reading = new Reading(text('# HELP a x', '# TYPE a gauge', 'a{service="x",worker="0"} 1', 'a{service="x",worker="1"} 2.5',
      'a{service="y",worker="0"} 7', 'a_total 9', 'b 1e3'), 0);
    assert.equal(reading.sum('a'), 10.5);
    assert.equal(reading.sum('a', { service: 'x' }), 3.5);
    assert.equal(reading.sum('a', { service: 'z' }), 0);
    assert.equal(reading.most('a'), 7);
    assert.equal(reading.sum('b'), 1000);
    assert.equal(reading.has('c'), false);
  });

  test('have labels with any text', () => {
    const reading = new Reading('a{file="C:\\\\x\\"y\\nz},b=1",other="}"} 4', 0);
    assert.deepEqual(reading.of('a').map(({ labels }) => labels), [{ file: 'C:\\x"y\nz},b=1', other: '}' }]);
    assert.equal(reading.sum('a'), 4);
  });

  test('grow at a rate, from nothing after a new start', () => {
    const before = new Reading('a{worker="0"} 100\na{worker="1"} 50', 1000);
    assert.equal(rate(before, new Reading('a{worker="0"} 120\na{worker="1"} 60', 3000), 'a'), 15);
    assert.equal(rate(before, new Reading('a{worker="0"} 3\na{worker="1"} 0', 3000), 'a'), 0);
  });

  test('tell quantiles of what came meanwhile', () => {
    const histogram = (at, ...counts) => new Reading(counts.map((count, i) => (
      `t_bucket{le="${['0.1', '0.2', '1', '+Inf'][i]}",worker="0"} ${count}`)).join('\n'), at);
    const before = histogram(0, 1000, 1000, 1000, 1000);
    assert.equal(quantile(before, histogram(1, 1000, 1000, 1000, 1000), 't', 0.5), undefined);
    assert.equal(quantile(before, histogram(1, 1000, 1010, 1010, 1010), 't', 0.5).toFixed(3), '0.150');
    assert.equal(quantile(before, histogram(1, 1050, 1100, 1100, 1100), 't', 0.5).toFixed(3), '0.100');
    assert.equal(quantile(before, histogram(1, 1000, 1000, 1000, 1002), 't', 0.99), 1); // beyond the last bound
    assert.equal(quantile(EMPTY, before, 'u', 0.5), undefined);
  });
});

// What the plots of the overview draw: a name that is not there would be a line at 0.
test('the overview asks for metrics that there are', async () => {
  const server = await startServer();
  const office = await backend(server);
  const reading = new Reading((await office.client.get('/metrics', office.authorized)).text, 0);
  const source = readFileSync(new URL('../../web/console/overview.js', import.meta.url), 'utf8');
  const names = [...source.matchAll(/'(sse_server_\w+)'/g)].map(([, name]) => name);
  assert.ok(names.length > 15);
  assert.deepEqual(names.filter((name) => !reading.has(name) && !reading.has(`${name}_bucket`)), []);
  for (const kind of ['oldest', 'latest', 'slow']) {
    assert.ok(reading.has(`sse_server_events_dropped_${kind}_total`));
  }
  await office.close();
  await server.stop();
});

describe('events', () => {
  const TEXT = ':a comment\r\n\r\nevent:sent\r\ndata: {"a":1}\r\nid: 7\r\n\r\nretry: 10\n\ndata\ndata:two\n\nevent: x\n\ndata:un:colon\r\r';
  const WANTED = [{ event: 'sent', data: '{"a":1}', id: '7' }, { event: 'message', data: '\ntwo' }, { event: 'message', data: 'un:colon' }];

  for (const size of [1, 2, 3, 7, TEXT.length]) {
    test(`are the same in pieces of ${size}`, () => {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < TEXT.length; at += size) {
        events.push(...parser.push(TEXT.slice(at, at + size)));
      }
      events.push(...parser.push(':\n')); // a return at the end may be half of a line's end
      assert.deepEqual(events, WANTED);
    });
  }
});
