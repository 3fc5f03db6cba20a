// SPDX-License-Identifier: Apache-2.0
// check-config says what a start would say: it loads what a start loads, and asks where that writes.
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { run } from './support/run.mjs';
import { runCommand } from './support/server.mjs';

let directory;
const at = (name) => join(directory, name);

async function openssl(...args) {
  const { code, stderr } = await run('openssl', args, { cwd: directory });
  assert.equal(code, 0, stderr);
}

// A certificate for a key of its own, signed by the issuer or by itself.
async function certify(name, issuer, ...options) {
  await openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=${name}`);
  const signer = issuer ? ['-CA', at(`${issuer}.pem`), '-CAkey', at(`${issuer}.key`)] : ['-signkey', at(`${name}.key`)];
  await openssl('x509', '-req', '-in', at(`${name}.csr`), ...signer, '-out', at(`${name}.pem`), '-days', '30', ...options);
}

async function chain(to, ...names) {
  await writeFile(at(to), (await Promise.all(names.map((name) => readFile(at(name), 'utf8')))).join(''));
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-check-'));
  await certify('root');
  await certify('middle', 'root');
  await certify('leaf', 'middle');
  await certify('other');
  await writeFile(at('ca.cnf'), `[ca]\ndefault_ca=c\n[c]\ndatabase=${at('index.txt')}\nnew_certs_dir=${directory}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`);
  await writeFile(at('index.txt'), '');
  for (const [name, from, to] of [['old', '20200101000000Z', '20200201000000Z'], ['young', '20990101000000Z', '20990201000000Z']]) {
    await openssl('ca', '-batch', '-notext', '-config', at('ca.cnf'), '-in', at('leaf.csr'), '-selfsign', '-keyfile', at('leaf.key'),
      '-startdate', from, '-enddate', to, '-out', at(`${name}.pem`));
    await writeFile(at('index.txt'), '');
  }
  await openssl('x509', '-in', at('leaf.pem'), '-outform', 'DER', '-out', at('leaf.der'));
  await openssl('pkey', '-in', at('leaf.key'), '-outform', 'DER', '-out', at('key.der'));
  await openssl('pkey', '-in', at('leaf.key'), '-aes256', '-passout', 'pass:secret', '-out', at('locked.key'));
  await openssl('pkcs12', '-export', '-in', at('leaf.pem'), '-inkey', at('leaf.key'), '-passout', 'pass:', '-out', at('leaf.p12'));
  await openssl('pkey', '-in', at('leaf.key'), '-pubout', '-out', at('public.pem'));
  await writeFile(at('empty.pem'), '\n');
  await writeFile(at('noise.pem'), 'no certificate\n');
  await chain('chain.pem', 'leaf.pem', 'middle.pem', 'root.pem');
  await chain('mixed.pem', 'leaf.pem', 'root.pem', 'middle.pem');
  await chain('upside-down.pem', 'middle.pem', 'leaf.pem');
  await writeFile(at('file'), 'no directory');
});
after(() => rm(directory, { recursive: true, force: true }));

async function check(text, variables = {}) {
  const file = at('sse-server.yaml');
  await writeFile(file, text);
  return runCommand(['check-config', file], { SSE_SERVER_STATE_DIRECTORY: at('state'), ...variables });
}

const pair = (certificate, key) => (
  `listeners: [{address: "127.0.0.1:0", certificate: ${at(certificate)}, key: ${at(key)}}]\napiKeys: [a-key-of-the-office]\nservices: [{name: demo}]\n`);

describe('certificate and key', () => {
  test('that are right are right', async () => {
    for (const certificate of ['leaf.pem', 'chain.pem']) {
      const { code, stderr } = await check(pair(certificate, 'leaf.key'));
      assert.equal(code, 0, stderr);
    }
  });

  // certificate, key, what is said; whether a start ends by it
  const cases = [
    ['other.pem', 'leaf.key', /do not belong together/, true],
    ['leaf.der', 'leaf.key', /leaf\.der" is a certificate in DER; .*openssl x509/, true],
    ['leaf.p12', 'leaf.key', /PKCS #12/, true],
    ['empty.pem', 'leaf.key', /empty\.pem" is empty/, true],
    ['noise.pem', 'leaf.key', /noise\.pem" is not PEM/, true],
    ['leaf.key', 'leaf.key', /holds no certificate/, true],
    ['leaf.pem', 'key.der', /key\.der" is a key in DER; .*openssl pkey/, true],
    ['leaf.pem', 'locked.key', /locked\.key" is protected by a password/, true],
    ['leaf.pem', 'empty.pem', /empty\.pem" is empty/, true],
    ['leaf.pem', 'public.pem', /public\.pem" holds no private key/, true],
    ['leaf.pem', 'nothing.key', /No such file/, true],
    ['upside-down.pem', 'leaf.key', /put the server's own first/, true],
    ['mixed.pem', 'leaf.key', /not in order: its certificate 2 /, false],
    ['old.pem', 'leaf.key', /has expired on 2020-02-01/, false],
    ['young.pem', 'leaf.key', /is not valid before 2099-01-01/, false],
  ];
  for (const [certificate, key, told, isFatal] of cases) {
    test(`${certificate} and ${key}`, async () => {
      const { code, stdout, stderr } = await check(pair(certificate, key));
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, /listeners\[0\]\.(certificate|key): /);
      assert.match(stderr, told);
      assert.doesNotMatch(stderr, /secret/);
      if (isFatal) {
        const start = await runCommand(['--config', at('sse-server.yaml')], { SSE_SERVER_STATE_DIRECTORY: at('state') });
        assert.deepEqual([start.code, start.stderr], [2, stderr]);
      }
    });
  }
});

describe('where a start writes', () => {
  const service = (settings) => `listeners: [{address: "127.0.0.1:0", tls: false}]\napiKeys: [a-key-of-the-office]\nservices: [{name: demo, ${settings}}]\n`;

  test('is not made, but by the start', async () => {
    const { code, stderr } = await check(service(`uploadDirectory: ${at('new/uploads')}`), { SSE_SERVER_STATE_DIRECTORY: at('fresh/state') });
    assert.equal(code, 0, stderr);
    await assert.rejects(readFile(at('new/uploads')), { code: 'ENOENT' });
    await assert.rejects(readFile(at('fresh')), { code: 'ENOENT' });
  });

  const cases = [
    ['the state directory', () => check(pair('leaf.pem', 'leaf.key').replace(/, cert.*key}/, '}'), { SSE_SERVER_STATE_DIRECTORY: at('file/state') }), /services\[0\]\.uploadDirectory: .*Not a directory/],
    ['a file in its place', () => check('apiKeys: [a-key]\nservices: [{name: demo}]\n', { SSE_SERVER_STATE_DIRECTORY: at('file') }), /stateDirectory: .*Not a directory/],
    ['uploads', () => check(service(`uploadDirectory: ${at('file/uploads')}`)), /services\[0\]\.uploadDirectory: .*Not a directory/],
    ['stored messages', () => check(service(`qos: {file: ${at('file/messages.sqlite')}}`)), /services\[0\]\.qos\.file: .*Not a directory/],
    ['a directory as their file', async () => {
      await mkdir(at('folder'), { recursive: true });
      return check(service(`qos: {file: ${at('folder')}}`));
    }, /services\[0\]\.qos\.file: .*is no file/],
    ['a socket', () => check(`listeners: [{address: "unix:${at('missing/h2.sock')}", tls: false}]\napiKeys: [a-key]\nservices: [{name: demo}]\n`), /listeners\[0\]\.address: .*No such file or directory/],
    ['a socket with a long name', () => check(`listeners: [{address: "unix:${at('x'.repeat(120))}", tls: false}]\napiKeys: [a-key]\nservices: [{name: demo}]\n`), /listeners\[0\]\.address: .*too long/],
  ];
  for (const [what, ask, told] of cases) {
    test(`${what}: what is wrong is told`, async () => {
      const { code, stderr } = await ask();
      assert.equal(code, 2, stderr);
      assert.match(stderr, told);
    });
  }
});

describe('keys of tokens', () => {
  const jwt = (file, more = '') => `listeners: [{address: "127.0.0.1:0", tls: false}]\nservices: [{name: hr, auth: jwt}]\ntokenKeys: [{algorithm: ES256, file: ${at(file)}}]\n${more}`;

  test('are loaded', async () => {
    for (const [file, told] of [['empty.pem', /tokenKeys\[0\]\.file/], ['leaf.der', /tokenKeys\[0\]\.file/], ['locked.key', /tokenKeys\[0\]\.file/]]) {
      const { code, stderr } = await check(jwt(file));
      assert.equal(code, 2);
      assert.match(stderr, told);
    }
  });

  test('and who may send is asked', async () => {
    await copyFile(at('public.pem'), at('token.pem'));
    const alone = await check(jwt('token.pem'));
    assert.equal(alone.code, 0, alone.stderr);
    assert.match(alone.stdout, /warning: nobody can send to the service hr but with a token whose claim "permissions" has send/);
    assert.doesNotMatch((await check(jwt('token.pem', 'apiKeys: [a-key-of-the-office]\n'))).stdout, /warning/);
    const reader = await check(jwt('token.pem', 'apiKeys: [{name: a, key: a-key-of-the-office, permissions: [query]}]\n').replace('auth: jwt', 'auth: jwt, jwt: {permissions: ""}'));
    assert.match(reader.stdout, /warning: nobody can send to the service hr;/);
    const elsewhere = await check('listeners: [{address: "127.0.0.1:0", tls: false}]\nservices: [{name: hr}, {name: shop}]\napiKeys: [{name: a, key: a-key-of-the-office, services: [shop]}]\n');
    assert.match(elsewhere.stdout, /warning: nobody can send to the service hr;/);
    assert.doesNotMatch(elsewhere.stdout, /service shop;/);
  });
});

describe('what is allowed, and may not be meant, is told', () => {
  const KEYS = `tokenKeys: [{algorithm: HS256, secret: "${'s'.repeat(32)}"}]\n`;
  const config = (service) => `listeners: [{address: "127.0.0.1:0", tls: false}]\napiKeys: [a-key-of-the-office]\nservices: [{name: hr, ${service}}]\n`;
  const cases = [
    ['eventDataBytes: 64KiB', null],
    ['eventDataBytes: 64KiB, jsonBodyBytes: 68KiB', null],
    ['eventDataBytes: 64KiB, jsonBodyBytes: 64KiB', /services\[0\]\.jsonBodyBytes: 65536 bytes are too few .*eventDataBytes \(65536\).* at least 69632/],
    ['eventDataBytes: 1MiB', /services\[0\]\.jsonBodyBytes: 1048576 bytes are too few/],
    ['jsonBodyBytes: 1KiB', /services\[0\]\.jsonBodyBytes: 1024 bytes are too few/],
    ['users: {unique: tenant}', null],
    ['users: {unique: tenant}, auth: jwt', null],
    ['auth: jwt, jwt: {tenantId: ""}', null],
    ['users: {unique: tenant}, auth: jwt, jwt: {tenantId: ""}', /services\[0\]\.users\.unique: tenant, but jwt\.tenantId is ""/],
    ['channels: {allow: ["user/{userId}"]}', null],
    ['users: {unique: tenant}, channels: {allow: ["user/{tenantId}/{userId}", "news"]}', null],
    ['users: {unique: tenant}, channels: {allow: ["news", "user/{userId}"]}', /services\[0\]\.channels\.allow: .* share "user\/\{userId\}"/],
  ];
  for (const [service, told] of cases) {
    test(service, async () => {
      const { code, stdout, stderr } = await check(config(service) + (/jwt/.test(service) ? KEYS : ''));
      assert.equal(code, 0, stderr);
      if (told) {
        assert.match(stdout, told);
      }
      assert.equal(stdout.match(/^warning: /gm)?.length ?? 0, told ? 1 : 0, stdout);
    });
  }

  test('and a word that is none is refused', async () => {
    const { code, stderr } = await check(config('users: {unique: other}'));
    assert.equal(code, 2);
    assert.match(stderr, /services\[0\]\.users\.unique: "other" is not known; use service or tenant/);
  });
});

describe('compat: java', () => {
  const config = (service, more = '') => `listeners: [{address: "127.0.0.1:0", tls: false}]\napiKeys: [a-key-of-the-office]\nservices: [{name: shop}, {name: hr${service}}]\n${more}`;

  test('prints what it sets, which is what the guide says', async () => {
    const { code, stdout, stderr } = await check(config(', compat: java'));
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout, /warning/);
    assert.match(stdout, /^compat: java of service hr sets$/m);
    const printed = [...stdout.matchAll(/^ {2}(\S+): (.*), without it /gm)].map(([, key, value]) => [key.replace('[1]', '[]'), value]);
    const guide = await readFile(new URL('../../docs/moving-from-java.md', import.meta.url), 'utf8');
    const [, section] = guide.match(/^## compat: java\n(.*?)^## /ms);
    const rows = [...section.matchAll(/^\| `(\S+)` \| (.*?) \| /gm)].map(([, key, value]) => [key, value]);
    assert.deepEqual(printed.sort(), rows.sort());
  });

  test('and what the settings say instead', async () => {
    const { code, stdout, stderr } = await check(config(', compat: java, listeners: 7', 'limits: {pathBytes: 8KiB}\n'));
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ {2}services\[1\]\.listeners: 300, but the settings say 7$/m);
    assert.match(stdout, /^and for all services\n(?: {2}limits.*\n)* {2}limits\.pathBytes: 16KiB, but the settings say 8KiB$/m);
    assert.doesNotMatch((await check(config(''))).stdout, /compat/);
  });
});
