// SPDX-License-Identifier: Apache-2.0
// Each key of the settings, one by one, in a server that runs: with another value in the file a reload
// shows the new one, or names the key and keeps the old one, as default-config says of it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { connect } from './support/client.mjs';
import { runCommand, startServer } from './support/server.mjs';

const KEY = 'the-key-that-never-changes';
const STATIC = 'Changes at the next start only.';

// [{path: 'services[0].queueBytes', value: '1MiB', allowed: '4KiB to 1GiB', isStatic}, …]
function readDefaults(text) {
  const rows = [];
  const stack = [];
  let comments = [];
  for (const whole of text.split('\n')) {
    const line = whole.replace(/^#(?= *(- |  ))/, '').replace(/^# (?=\S+:( |$))/, '# ');
    const [, space, dash, comment, name, value] = line.match(/^( *)(- )?(?:# (.*)|(\w+):(?: (.*))?)?$/) ?? [];
    if (comment !== undefined) {
      comments.push(comment);
      continue;
    }
    if (!name) {
      comments = [];
      continue;
    }
    const indent = space.length + (dash ? 2 : 0);
    while (stack.length > 0 && stack.at(-1).indent >= indent) {
      stack.pop();
    }
    const above = stack.at(-1);
    const isItem = above && indent - above.indent === 4;
    const path = above ? `${above.path}${isItem ? '[0]' : ''}.${name}` : name;
    if (value === undefined || value === '[]') {
      stack.push({ indent, path });
    }
    if (value !== undefined) {
      const allowed = comments.find((text) => text.startsWith('Allowed: '))?.slice(9, -1) ?? '';
      rows.push({ path, value, allowed, isStatic: comments.includes(STATIC) });
    }
    comments = [];
  }
  return rows;
}

// What a text has to be, by the path of its key; an array: of several keys at once.
const files = {};
const TEXTS = {
  trustedProxies: () => ['10.0.0.0/8'],
  'console.hosts': () => ['admin.example'],
  'outbound.caFile': () => files.certificate,
  'outbound.proxy': () => 'http://127.0.0.1:1',
  'outbound.proxyFile': () => files.proxy,
  'apiKeys[0].name': () => 'another',
  'apiKeys[0].permissions': () => ['metrics', 'send'],
  'apiKeys[0].services': () => ['demo'],
  'tls.ticketKeyFile': () => files.tickets,
  'listeners[0].strictTransportSecurity': () => 'max-age=7',
  'services[0].basePath': () => '/elsewhere',
  'services[0].envelopeOk': () => '[$data]',
  'services[0].envelopeError': () => '[$code]',
  'services[0].origins': () => ['https://app.example'],
  'services[0].corsHeaders': () => ['x-another'],
  'services[0].secretNames': () => ['another'],
  'services[0].webhookSecret': () => 'another',
  'services[0].webhookSecretFile': () => files.secret,
  'services[0].uploadDirectory': () => join(files.directory, 'other-uploads'),
  'services[0].qos.file': () => join(files.directory, 'other.sqlite'),
  'services[0].qos.receiptHosts': () => ['hooks.example'],
  'services[0].channels.allow': () => ['news'],
  'services[0].authWebhook.url': () => 'http://127.0.0.1:1/',
  'services[0].notifications.url': () => 'http://127.0.0.1:1/',
  'services[0].notifications.events': () => ['connect'],
  'services[0].handlers.messageUrl': () => 'http://127.0.0.1:1/',
  'services[0].handlers.uploadUrl': () => 'http://127.0.0.1:1/',
  'services[0].jwt.fields': () => ['another'],
};

// Keys that need others, or whose item has no other value: the tests of their kind have them.
const ELSEWHERE = [
  /^(apiKeys|tokenKeys)$/, /^apiKeys\[0\]\.(hash|key|keyFile)$/, /^tokenKeys\[0\]\./, /^listeners\[0\]\.certificates/,
  /^listeners\[0\]\.(address|certificate|key|ocspFile|socketMode|socketGroup|proxyFrom|proxyProtocol|role)$/,
  /^services\[0\]\.(name|handlers\.uploadStreams)$/, /^stateDirectory$/,
];

const UNITS = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function numberOf(text) {
  const [, digits, unit] = text.match(/^(\d+)(\w*)$/) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNITS[unit];
}

// now: what the server shows.
function anotherValue({ path, value, allowed }, now) {
  if (TEXTS[path]) {
    return TEXTS[path]();
  }
  if (typeof now === 'boolean') {
    return !now;
  }
  const range = allowed.match(/^(\w+) to (\w+)/);
  if (range && numberOf(value) !== undefined) {
    const [low, high] = [numberOf(range[1]), numberOf(range[2])];
    const now = numberOf(value);
    return now === 0 || now < low ? high : now < high ? now + 1 : now - 1;
  }
  const words = allowed.match(/^[\w-]+(?:, [\w-]+)* or [\w-]+$/) && allowed.split(/, | or /);
  if (words) {
    return words.find((word) => word !== value);
  }
  return 'another';
}

function withValue(config, path, value) {
  const copy = structuredClone(config);
  const steps = path.replaceAll(/\[(\d)\]/g, '.$1').split('.');
  let at = copy;
  for (const step of steps.slice(0, -1)) {
    at = at[step] ??= {};
  }
  at[steps.at(-1)] = value;
  return copy;
}

const CONFIG = {
  drainTime: '1m', // which leaves stopNotice and drainSpread their own values
  listeners: [{ address: '127.0.0.1:0' }],
  services: [{ name: 'demo' }],
  tokenKeys: [{ algorithm: 'HS256', secret: 'integration-test-secret-of-32-bytes-or-more' }],
  apiKeys: [{ name: 'first', key: 'another-key' }, { name: 'office', key: KEY, permissions: ['metrics'] }],
};

let server;
let client;

before(async () => {
  server = await startServer({
    config: CONFIG,
    // The file is to say it all.
    variables: Object.fromEntries(['WORKERS', 'DRAIN_TIME', 'STOP_NOTICE', 'DRAIN_SPREAD', 'LIMITS_HANDSHAKE_TIMEOUT']
      .map((name) => [`SSE_SERVER_${name}`, undefined])),
  });
  client = await connect(server.origin);
  files.directory = server.stateDirectory;
  const named = { secret: 'from-a-file\n', proxy: 'http://127.0.0.1:2\n', tickets: Buffer.alloc(80, 7) };
  for (const [name, content] of Object.entries(named)) {
    files[name] = join(files.directory, `test-${name}`);
    await writeFile(files[name], content);
  }
  const made = await runCommand(['make-cert', '--out', join(files.directory, 'made')], { SSE_SERVER_STATE_DIRECTORY: files.directory });
  assert.equal(made.code, 0, made.output);
  [, files.certificate] = made.stdout.match(/^certificate (.*)$/m);
});
after(async () => {
  await client.close();
  await server.stop();
});

async function shown() {
  const { status, text, json } = await client.get('/settings', { authorization: `Bearer ${KEY}` });
  assert.equal(status, 200, text);
  return json.settings;
}

test('each key changes, or stays and is named, as its help says', async (t) => {
  const { stdout } = await runCommand(['default-config']);
  const rows = readDefaults(stdout);
  assert.ok(rows.length > 200, `${rows.length}`);
  const before = await shown();
  let dynamic = 0;
  for (const row of rows) {
    const { path, isStatic } = row;
    if (ELSEWHERE.some((pattern) => pattern.test(path))) {
      continue;
    }
    assert.ok(path in before, path);
    const value = anotherValue(row, before[path]);
    const { code, stdout: said, stderr } = await server.reload(withValue(CONFIG, path, value));
    assert.equal(code, 0, `${path}: ${JSON.stringify(value)}: ${stderr}`);
    const now = await shown();
    if (isStatic) {
      assert.ok(said.split('\n').includes(`${path} changes at the next start only`), said);
      assert.deepEqual(now[path], before[path], path);
    } else {
      const [, names] = said.match(/^reloaded, version \d+: (.*)$/m);
      assert.ok(names.split(', ').includes(path), `${path}: ${said}`);
      assert.notDeepEqual(now[path], before[path], path);
      assert.deepEqual({ ...now, [path]: null, ...unasked(path, now) }, { ...before, [path]: null, ...unasked(path, now) });
      dynamic += 1;
    }
    await server.mustReload(CONFIG);
    assert.deepEqual(await shown(), before, path);
  }
  t.diagnostic(`${dynamic} of ${rows.length} keys change`);
  assert.ok(dynamic > 150, `${dynamic}`);
});

// What follows from the key.
function unasked(path, now) {
  if (path === 'services[0].compat') { // which keys: tests/unit/server/test_config_compat.c
    return now;
  }
  const secret = path.replace(/File$/, '');
  return secret !== path && secret in now ? { [secret]: now[secret] } : {};
}

test('a change of a certificate\'s file counts for the next handshake', async () => {
  const fingerprint = async () => {
    const next = await connect(server.origin);
    const { fingerprint256 } = next.session.socket.getPeerCertificate();
    await next.close();
    return fingerprint256;
  };
  const first = await fingerprint();
  const made = await runCommand(['make-cert', '--out', join(files.directory, 'other')], { SSE_SERVER_STATE_DIRECTORY: files.directory });
  const [, certificate] = made.stdout.match(/^certificate (.*)$/m);
  const [, itsKey] = made.stdout.match(/^key (.*)$/m);
  const say = await server.mustReload({ ...CONFIG, listeners: [{ ...CONFIG.listeners[0], certificate, key: itsKey, role: 'all', proxyProtocol: false }] });
  assert.match(say, /listeners\[0\]\.certificate, listeners\[0\]\.key/);
  assert.notEqual(await fingerprint(), first);
  // One that does not belong to its key leaves all as it was.
  const { code, stderr } = await server.reload({
    ...CONFIG, log: { level: 'debug' }, listeners: [{ ...CONFIG.listeners[0], certificate: files.certificate, key: itsKey }],
  });
  assert.equal(code, 2);
  assert.match(stderr, /sse-server\.yaml:1: listeners\[0\]\.certificate: /);
  assert.equal((await shown())['log.level'], 'info');
  await server.mustReload(CONFIG);
  assert.equal(await fingerprint(), first);
});
