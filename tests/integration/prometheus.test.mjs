// SPDX-License-Identifier: Apache-2.0
// Debian's Prometheus scrapes /metrics as the README says, over TLS and in clear text; what packaging/ has
// for it, alarms and a dashboard, is about what is really there.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { cases, promtoolTests } from './support/alert_cases.mjs';
import { backend } from './support/backend.mjs';
import { makePair } from './support/certificates.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { missing, promtool, startPrometheus } from './support/prometheus.mjs';
import { run } from './support/run.mjs';
import { acknowledge } from './support/qos.mjs';
import { KEY, runCommand, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { eventually } from './support/wait.mjs';

const root = new URL('../..', import.meta.url).pathname;
const read = (path) => readFile(join(root, path), 'utf8');
const RULES = join(root, 'packaging/prometheus/sse-server.rules.yml');
const METRIC = /\bsse_server_[a-z0-9_]*[a-z0-9]\b/g;
const SCRAPER = 'the-key-of-metrics';
const skip = missing;

// An expression has parts, each of which may ring: what each of them compares, without the comparison.
const operands = (query) => query.split(/\s(?:or|and)\s/).map((part) => (
  part.replace(/ (?:==|<|>) [\d.e+-]+(?: \* \d+)?$/, '').trim()));

let target;
let server;
let office;
let page;
let prometheus;
let rules; // by name: {query, annotations}

const config = (more = {}) => ({
  apiKeys: [
    { name: 'prometheus', key: SCRAPER, permissions: ['metrics'] },
    { name: 'office', key: KEY },
  ],
  services: [{
    name: 'demo',
    auth: 'development',
    webhookSecret: 'shared-secret',
    handlers: { messageUrl: target.url('/message'), uploadUrl: target.url('/upload') },
    notifications: { url: target.url('/presence') },
    qos: { queue: 4, messages: 9 },
  }, {
    name: 'shop',
    auth: 'webhook',
    webhookSecret: 'shared-secret',
    authWebhook: { url: target.url('/who'), cookies: ['session'] },
  }],
  listeners: [
    { address: 'localhost:0', ...more },
    { address: 'localhost:0', tls: false },
  ],
});

function jobs() {
  const of = (name, { scheme, port }) => ({
    job_name: name,
    scheme,
    authorization: { credentials: SCRAPER },
    tls_config: { ca_file: join(server.stateDirectory, 'development-cert.pem') },
    static_configs: [{ targets: [`localhost:${port}`] }],
  });
  return server.listeners.map((listener) => of(listener.scheme === 'http' ? 'sse-server' : 'tls', listener));
}

before(async () => {
  if (skip) {
    return;
  }
  target = await startTarget();
  target.answer = ({ url }) => ({ status: 200, json: url === '/who' ? { id: '7' } : null });
  server = await startServer({ config: config() });
  office = await backend(server);
  page = await connect(server.origin);
  prometheus = await startPrometheus({
    global: { scrape_interval: '1s' }, scrape_configs: jobs(), rule_files: [RULES],
  });
});
after(async () => {
  await prometheus?.stop();
  await page?.close();
  await office?.close();
  await server?.stop();
  await target?.close();
});

test('both listeners are scraped, and what they say is understood', { skip }, async () => {
  await eventually('Prometheus to have scraped both', async () => {
    const targets = (await prometheus.ask('targets'))?.activeTargets ?? [];
    const wrong = targets.filter(({ health }) => health === 'down').map(({ lastError }) => lastError);
    assert.deepEqual(wrong, []);
    return targets.length === 2 && targets.every(({ health }) => health === 'up');
  });
  await eventually('what both said to be found', async () => {
    const result = await prometheus.query('sse_server_streams');
    return isDeepStrictEqual([...new Set(result.map(({ metric }) => metric.job))].sort(), ['sse-server', 'tls']);
  });
  const types = await prometheus.ask('targets/metadata?metric=sse_server_streams_opened_total');
  assert.deepEqual([...new Set(types.map(({ type }) => type))], ['counter']);
});

test('promtool finds nothing wrong with the metrics and the alarms', { skip }, async () => {
  const { text } = await office.get('/metrics');
  await promtool(['check', 'rules'], await readFile(RULES, 'utf8'));
  const checked = await run('/usr/bin/promtool', ['check', 'metrics'], { input: text });
  assert.deepEqual([checked.code, checked.output], [0, '']);
});

test('each alarm has its cases, and its place in the runbook', { skip }, async () => {
  const { groups } = await prometheus.ask('rules');
  const runbook = await read('docs/runbook.md');
  rules = Object.fromEntries(groups.flatMap((group) => group.rules).map((rule) => [rule.name, rule]));
  assert.deepEqual(Object.keys(cases).sort(), Object.keys(rules).sort());
  const headings = [...runbook.matchAll(/^## (SseServer\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(headings.sort(), Object.keys(rules).sort());
  for (const [name, { annotations, labels }] of Object.entries(rules)) {
    assert.equal(annotations.runbook, `docs/runbook.md#${name.toLowerCase()}`);
    assert.ok(['critical', 'warning'].includes(labels.severity), name);
  }
});

test('each alarm rings when it has to, and not otherwise', { skip }, async () => {
  await promtool(['test', 'rules'], JSON.stringify(promtoolTests(RULES)));
});

// Something of everything that is measured.
async function useAll() {
  const stream = await page.connect({ userId: '7', listeners: 'bell' });
  const shop = await page.connect({}, { base: '/sse/shop', headers: { cookie: 'session=s' } });
  assert.equal(shop.status, 200);
  await office.send({ event: 'bell', data: 1, all: true });
  await office.send({ id: 'm-1', event: 'bell', data: 2, qos: 1, userId: '7' });
  assert.deepEqual([await stream.next('bell'), await stream.next('bell')], [1, 2]);
  assert.equal(await acknowledge(page, stream.id, ['m-1']), 1);
  assert.equal((await page.postJson(`/sse/demo/connect/message/a.do?connectionId=${stream.id}`, {})).status, 200);
  const file = multipart([{ name: 'file', fileName: 'a.txt', type: 'text/plain', data: 'hello' }]);
  const uploaded = await page.post('/sse/demo/connect/upload/a.do?userId=7', file, { 'content-type': MULTIPART });
  assert.equal(uploaded.status, 200);
  await (await connect(server.origin)).close(); // a handshake
  await eventually('a notification', async () => await office.metric('sse_server_notifications_sent_total') > 0);
}

// Neither nothing nor 0/0 alone.
async function hasData(expression) {
  const result = await prometheus.query(expression);
  return result.some(({ value }) => !Number.isNaN(value));
}

test('each alarm and each panel is about what is there', { skip }, async () => {
  await prometheus.scraped('sse-server');
  await useAll();
  await prometheus.scraped('sse-server');
  for (const { name, query } of Object.values(rules)) {
    for (const operand of operands(query)) {
      assert.ok(await hasData(operand), `${name} has no data for: ${operand}`);
    }
  }
  const { panels } = JSON.parse(await read('packaging/grafana/sse-server.json'));
  const plots = panels.filter(({ type }) => type !== 'row');
  assert.ok(plots.length > 30);
  for (const { title, targets } of plots) {
    for (const { expr } of targets) {
      const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(instance|service)/g, '.*');
      assert.doesNotMatch(asked, /\$/);
      assert.ok(await hasData(asked), `"${title}" has no data for: ${asked}`);
    }
  }
});

const ringing = async () => {
  const names = [];
  for (const { name, query } of Object.values(rules)) {
    if ((await prometheus.query(query)).length > 0) {
      names.push(name);
    }
  }
  return names;
};

// What a machine that is busy with other tests makes late is no fault.
const OF_TIME = ['SseServerLoopLag', 'SseServerEventsLate', 'SseServerStoreSlow'];

test('no alarm rings while all is well', { skip }, async () => {
  assert.deepEqual((await ringing()).filter((name) => !OF_TIME.includes(name)), []);
});

const garbage = () => new Promise((resolve) => {
  const socket = net.connect(server.port, 'localhost', () => socket.end('\x16\x03\x01\x00\x05hello'));
  socket.on('error', () => {}).on('close', resolve).resume();
});

test('real faults make their alarms ring', { skip }, async () => {
  const short = makePair(server.stateDirectory, 'short', { names: ['localhost'], days: 5 });
  assert.notEqual((await server.reload('services: 7')).code, 0);
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 40 }, () => page.get('/sse/demo/users')));
    await Promise.all(Array.from({ length: 20 }, garbage));
  }
  target.answer = () => ({ status: 500, json: null });
  await Promise.all(Array.from({ length: 40 }, () => page.postJson('/sse/demo/connect/message/a.do?userId=7', {})));
  await target.close();
  await Promise.all(Array.from({ length: 40 }, () => page.postJson('/sse/demo/connect/message/a.do?userId=7', {})));
  for (const userId of ['8', '8', '8', '8', '8', '9', '9', '9', '9', '9']) {
    await office.send({ event: 'bell', data: 1, qos: 1, userId });
  }
  await server.mustReload(config({ certificate: short.certificate, key: short.key }));
  await prometheus.scraped('sse-server');
  assert.deepEqual((await ringing()).filter((name) => !OF_TIME.includes(name)).sort(), ['SseServerCertificateEnds',
    'SseServerErrors', 'SseServerHandshakeFailures', 'SseServerMessagesLost', 'SseServerRefusals',
    'SseServerReloadFailed', 'SseServerStoreFull', 'SseServerStoreGrows', 'SseServerWebhookFailing']);
});

test('docs/monitoring.md has each metric, in the words of /metrics', { skip }, async () => {
  const { text } = await office.get('/metrics');
  const { stdout } = await run(join(root, 'script/metrics-table'), [], { input: text });
  const table = (await read('docs/monitoring.md')).match(/^\| metric \|[^]*?\n(?!\|)/m)?.[0];
  assert.equal(table, stdout, 'script/metrics-table makes the table anew');
});

test('the documents name no metric that is not there', { skip }, async () => {
  const { text } = await office.get('/metrics');
  const there = new Set(text.match(METRIC));
  for (const name of (await readdir(join(root, 'docs'))).filter((file) => file.endsWith('.md'))) {
    const named = [...new Set((await read(`docs/${name}`)).match(METRIC))];
    assert.deepEqual(named.filter((metric) => !there.has(metric)), [], name);
  }
});

test('the runbook names no command that the program has not', { skip }, async () => {
  const { stdout } = await runCommand(['help']);
  const commands = [...stdout.matchAll(/^  ([a-z-]+)/gm)].map(([, name]) => name);
  const named = [...(await read('docs/runbook.md')).matchAll(/sse-server (?:--config \S+ )?([a-z][a-z-]*)/g)].map(([, name]) => name);
  assert.ok(named.includes('doctor') && named.includes('reload'));
  assert.deepEqual(named.filter((name) => !commands.includes(name)), []);
});

test('a server that has gone makes its alarm ring', { skip }, async () => {
  await server.stop();
  await prometheus.scraped('sse-server');
  assert.ok((await ringing()).includes('SseServerDown'));
});
