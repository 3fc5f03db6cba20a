// SPDX-License-Identifier: Apache-2.0
// A thousand streams, and requests all the while, during reload after reload of settings and of
// certificates: no stream ends, no request fails, and the memory comes back.
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { runCommand, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const STREAMS = 1000;
const SESSIONS = 20;
const RELOADS = 50;
const BASE = '/sse/hr';
const KEY = 'the-key-of-all-settings';
const SECRET = 'integration-test-secret-of-32-bytes-or-more';

const bearer = (userId) => ({ authorization: `Bearer ${token({ sub: userId }, { lifetime: 86_400 })}` });

// The n-th settings: something of each kind is another each time.
function settings(n, target, certificate = {}) {
  return {
    listeners: [{ address: '127.0.0.1:0', ...certificate, strictTransportSecurity: `max-age=${1000 + n}` }],
    log: { level: n % 2 ? 'warn' : 'info' },
    limits: { headerFields: 100 + n, concurrentStreams: 200 + n, inboundBytes: `${64 + (n % 3)}MiB` },
    trustedProxies: [`10.0.${n % 200}.0/24`],
    outbound: { inFlight: 100 + n, hostConnections: 8 + (n % 3) },
    services: [{
      name: 'hr',
      auth: 'jwt',
      origins: [`https://app-${n}.example`],
      corsHeaders: [`x-${n}`],
      webhookSecret: `secret-${n}`,
      reconnectTime: 5000 + n,
      queueEvents: 1000 + n,
      sessionConnections: 100 + n,
      history: { events: n % 4 ? 10_000 + n : 10 },
      channels: { allow: n % 5 === 4 ? ['news-*', `only-${n}`] : ['news-*'] },
      limits: { userConnections: n % 3 ? 1000 + n : 0, userRequests: { burst: 1_000_000 }, connections: n % 2 ? 100_000 : 0 },
      handlers: { messageUrl: target.url(`/handle-${n % 2}`) },
      notifications: n % 3 === 1 ? { url: target.url('/notify') } : {},
      presence: { history: 1000 + n },
      qos: { ttl: `${24 + n}h` },
      jwt: { verified: n % 2 ? 10_000 : 100, leeway: 30_000 + n },
    }, { name: 'chat', auth: 'webhook', authWebhook: { url: target.url(`/who-${n % 2}`), cacheEntries: 100 + n } }],
    apiKeys: [{ name: 'office', key: KEY }, ...(n % 2 ? [{ name: `other-${n}`, key: `another-key-${n}` }] : [])],
    tokenKeys: [{ algorithm: 'HS256', secret: SECRET }, { id: `k${n}`, algorithm: 'HS256', secret: `${SECRET}-${n}` }],
  };
}

async function residentBytes(pid) {
  const [, kib] = (await readFile(`/proc/${pid}/status`, 'utf8')).match(/^RssAnon:\s+(\d+) kB$/m);
  return Number(kib) * 1024;
}

async function openStreams(server) {
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => connect(server.origin)));
  const streams = [];
  for (const session of sessions) {
    streams.push(...await Promise.all(Array.from({ length: STREAMS / SESSIONS }, (_, i) => session.connect(
      { channel: 'news-1' }, { base: BASE, headers: bearer(`user-${i}`) }))));
  }
  assert.deepEqual([...new Set(streams.map(({ status }) => status))], [200]);
  return { sessions, streams };
}

// By SIGHUP, which costs no program's start each time.
async function reload(server, office, count, config) {
  await server.configure(config);
  server.signal('SIGHUP');
  await eventually('the reload', async () => {
    assert.equal(await office.metric('sse_server_reloads_total', /failed/), 0, server.output);
    return await office.metric('sse_server_reloads_total', /ok/) === count;
  });
}

// Requests of each kind, one after the other on a session of its own, until it is told to stop.
function keepAsking(server) {
  const counts = { asked: 0, failed: [] };
  let isOver = false;
  const note = (what, answer) => {
    counts.asked += 1;
    if (answer.status !== 200) {
      counts.failed.push(`${what}: ${answer.status} ${answer.text ?? ''}`);
    }
  };
  const workers = [0, 1].map(async (n) => {
    while (!isOver) {
      const client = await connect(server.origin); // a handshake, too
      const page = await client.connect({ channel: 'news-1' }, { base: BASE, headers: bearer(`asking-${n}`) });
      note('connect', page);
      const act = (path, body) => client.postJson(`${BASE}/connect/${path}`, { connectionId: page.id, ...body }, bearer(`asking-${n}`));
      note('message', await act(`message/a.do?connectionId=${page.id}`, {}));
      note('listen', await act('addListener.do', { listener: ['one'] }));
      note('subscribe', await act('subscribe.do', { channel: 'news-2' }));
      note('refresh', await act('refresh.do', {}));
      const office = { authorization: `Bearer ${KEY}` };
      note('send', await client.postJson(`${BASE}/send`, { event: 'hello', data: n, userId: `asking-${n}`, qos: n % 2 }, office));
      note('query', await client.get(`${BASE}/connections?pageSize=5`, office));
      note('metrics', await client.get('/metrics', office));
      note('settings', await client.get('/settings', office));
      const other = await client.connect({}, { base: '/sse/chat', headers: bearer('any') });
      note('webhook', other);
      await client.close();
    }
  });
  return {
    counts,
    stop: async () => {
      isOver = true;
      await Promise.all(workers);
    },
  };
}

async function makeCertificates(directory) {
  const made = [];
  for (const name of ['one', 'two']) {
    const { code, stdout, output } = await runCommand(['make-cert', '--out', join(directory, name)], { SSE_SERVER_STATE_DIRECTORY: directory });
    assert.equal(code, 0, output);
    made.push({ certificate: stdout.match(/^certificate (.*)$/m)[1], key: stdout.match(/^key (.*)$/m)[1] });
  }
  return made;
}

test('a thousand streams live through 50 reloads of settings and 50 of certificates', async (t) => {
  const target = await startTarget();
  target.answer = ({ url }) => ({ json: url.startsWith('/who') ? { id: 'ann' } : 'handled' });
  const server = await startServer({ config: settings(0, target) });
  const { sessions, streams } = await openStreams(server);
  const office = await backend(server, { base: BASE, key: KEY });
  const asking = keepAsking(server);
  for (let n = 1; n <= RELOADS; n++) {
    await reload(server, office, n, settings(n, target));
    if (n === 10) {
      await writeFile(join(server.stateDirectory, 'mark'), String(await residentBytes(server.pid)));
    }
  }
  const [one, two] = await makeCertificates(server.stateDirectory);
  const used = { certificate: join(server.stateDirectory, 'used.pem'), key: join(server.stateDirectory, 'used.key') };
  const put = async ({ certificate, key }) => {
    for (const [from, to] of [[certificate, used.certificate], [key, used.key]]) {
      await writeFile(`${to}.new`, await readFile(from));
      await rename(`${to}.new`, to);
    }
  };
  const fingerprints = new Set();
  for (let n = 1; n <= RELOADS; n++) {
    await put(n % 2 ? one : two);
    await reload(server, office, RELOADS + n, settings(RELOADS, target, used));
    const next = await connect(server.origin);
    fingerprints.add(next.session.socket.getPeerCertificate().fingerprint256);
    await next.close();
  }
  await asking.stop();
  assert.deepEqual(asking.counts.failed, []);
  assert.ok(asking.counts.asked > RELOADS, `${asking.counts.asked}`);
  assert.equal(fingerprints.size, 2);
  await office.send({ event: 'last', data: { n: 1 }, channel: 'news-1' });
  await Promise.all(streams.map((stream) => stream.next('last')));
  assert.equal(streams.filter(({ ended }) => ended).length, 0);
  assert.equal(await office.metric('sse_server_reloads_total', /ok/), 2 * RELOADS);
  assert.equal(await office.metric('sse_server_settings_sets'), 1); // the others have been freed
  const earlier = Number(await readFile(join(server.stateDirectory, 'mark'), 'utf8'));
  const later = await residentBytes(server.pid);
  t.diagnostic(`${asking.counts.asked} requests; ${(earlier / 2 ** 20).toFixed(1)} MiB after 10 reloads, ${(later / 2 ** 20).toFixed(1)} MiB after 100`);
  await office.close();
  await Promise.all(sessions.map((session) => session.close()));
  await server.stop(); // and what was not freed would be told
  await target.close();
});
