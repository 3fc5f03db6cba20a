// SPDX-License-Identifier: Apache-2.0
// What those who run the server look at.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

let server;
let office;
before(async () => {
  server = await startServer();
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

test('health says live and ready, to anyone', async () => {
  const anyone = await connect(server.origin);
  for (const path of ['/health/live', '/health/ready']) {
    assert.equal((await anyone.get(path)).status, 200);
  }
  await anyone.close();
});

test('metrics are Prometheus text, each with help and type', async () => {
  const { headers, text } = await office.get('/metrics');
  assert.match(headers['content-type'], /^text\/plain/);
  const declared = new Set([...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram|summary)$/gm)].map(([, name]) => name));
  const helped = new Set([...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name));
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  assert.ok(lines.length > 20);
  for (const line of lines) {
    const [, name] = line.match(/^([a-z_][a-z0-9_]*)(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? -?[0-9.e+]+$/) ?? [];
    assert.ok(name, `not a sample: ${line}`);
    const family = name.replace(/_(bucket|sum|count)$/, '');
    assert.ok(declared.has(name) || declared.has(family), `${name} has no type`);
    assert.ok(helped.has(name) || helped.has(family), `${name} has no help`);
  }
  assert.equal(new Set(lines.map((line) => line.replace(/ \S+$/, ''))).size, lines.length, 'a series twice');
});

test('metrics follow what happens', async () => {
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: '7' });
  assert.equal(await office.metric('sse_server_connections'), 1);
  const before = await office.metric('sse_server_events_queued_total');
  await office.send({ event: 'counted', data: 1, userId: '7' });
  await stream.next('counted');
  assert.equal(await office.metric('sse_server_events_queued_total'), before + 1);
  await page.close();
});

test('a request for a path that is not there is told so in JSON', async () => {
  const answer = await office.get('/nowhere');
  assert.equal(answer.status, 404);
  assert.equal(answer.json.code, 404);
});

test('the client class is served as a module, as a script, and compressed', async () => {
  const page = await connect(server.origin);
  for (const path of ['/sse/demo', '/sse/demo/sse.js', '/sse/demo?access-token=123&arg=1']) {
    const answer = await page.get(path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.match(answer.text, /export default/);
    const again = await page.get(path, { 'if-none-match': answer.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
  }
  const script = await page.get('/sse/demo?script-type=text/javascript');
  assert.match(script.text, /window\.Sse/);
  assert.doesNotMatch(script.text, /^export /m);
  for (const coding of ['br', 'gzip']) {
    const answer = await page.get('/sse/demo/sse.js', { 'accept-encoding': coding });
    assert.equal(answer.headers['content-encoding'], coding);
    assert.match(answer.headers.vary, /accept-encoding/i);
  }
  await page.close();
});

test('the demo page is served at /', async () => {
  const page = await connect(server.origin);
  const answer = await page.get('/');
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'], /^text\/html/);
  await page.close();
});

test('SIGTERM fails readiness, ends streams with a reason and exits with 0', async () => {
  const stopping = await startServer();
  const page = await connect(stopping.origin);
  const stream = await page.connect({ userId: '7', reasons: 'true' });
  const stopped = stopping.stop();
  const close = await stream.next('connect-close');
  assert.equal(close.connectionId, stream.id);
  assert.equal(close.reason, 'drain');
  await stream.end();
  await stopped;
  await page.close();
});

test('as many files may be open as the operator allows', async () => {
  const limits = await readFile(`/proc/${server.pid}/limits`, 'utf8');
  const [, soft, hard] = limits.match(/^Max open files\s+(\S+)\s+(\S+)/m);
  assert.equal(soft, hard);
});

// The count of a histogram's samples, over all workers.
const counted = (name, labels) => office.metric(`sse_server_${name}_seconds_count`, labels);

test('durations are told apart by what they are of', async () => {
  const before = {
    connect: await counted('request', /route="connect"/),
    send: await counted('request', /route="send"/),
    written: await counted('send_written'),
    handshake: await counted('handshake'),
  };
  const page = await connect(server.origin);
  const stream = await page.connect({ userId: '8' });
  await office.send({ event: 'timed', data: 1, userId: '8' });
  await stream.next('timed');
  assert.equal(await counted('request', /route="connect"/) - before.connect, 1);
  assert.equal(await counted('request', /route="send"/) - before.send, 1);
  assert.equal(await counted('send_written') - before.written, 1);
  assert.ok(await counted('handshake') > before.handshake);
  await page.close();
});

test('answers are counted by class of route and status', async () => {
  const stranger = await connect(server.origin);
  const count = (labels) => office.metric('sse_server_requests_total', labels);
  const before = [await count(/route="query",status="401"/), await count(/route="other",status="4xx"/)];
  assert.equal((await stranger.get('/sse/demo/users')).status, 401);
  assert.equal((await stranger.get('/nowhere')).status, 404);
  assert.deepEqual([await count(/route="query",status="401"/), await count(/route="other",status="4xx"/)],
    before.map((number) => number + 1));
  await stranger.close();
});

test('what bounds the process is known beside what it takes', async () => {
  const take = await office.metric('process_resident_memory_bytes');
  assert.ok(take > 0 && take < await office.metric('sse_server_memory_limit_bytes'));
  assert.ok(await office.metric('sse_server_sessions') < await office.metric('sse_server_sessions_limit'));
  assert.equal(await office.metric('sse_server_inbound_limit_bytes'), 64 * 1024 * 1024);
  assert.ok(await office.metric('process_start_time_seconds') <= Date.now() / 1000);
  assert.ok(await office.metric('process_cpu_seconds_total') > 0);
});

test('a broadcast is sampled: the first connection that has it, and every 64th', async () => {
  const page = await connect(server.origin);
  const streams = [];
  for (let i = 0; i < 5; i++) {
    streams.push(await page.connect({ userId: `${i}` }));
  }
  const before = await counted('send_written');
  await office.send({ event: 'wide', data: 1, all: true });
  await Promise.all(streams.map((stream) => stream.next('wide')));
  const after = await counted('send_written') - before;
  assert.ok(after >= 1 && after < 5, `${after} samples`);
  await page.close();
});
