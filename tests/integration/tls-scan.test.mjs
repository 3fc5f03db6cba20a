// SPDX-License-Identifier: Apache-2.0
// What sslscan, a scanner that is not ours, finds at a listener: versions, suites and groups are those that
// the documents name, and nothing that it knows to be broken.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import tls from 'node:tls';

import { makePair, remove, temporaryFolder } from './support/certificates.mjs';
import { run } from './support/run.mjs';
import { startServer } from './support/server.mjs';
import { within } from './support/wait.mjs';

const MODERN = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const INTERMEDIATE = ['ECDSA', 'RSA'].flatMap((kind) => (
  ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((suite) => `ECDHE-${kind}-${suite}`)));
const GROUPS = ['secp256r1 (NIST P-256)', 'secp384r1 (NIST P-384)', 'x25519'];
const SIGNATURES = ['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'];

let folder;
let pairs;

before(() => {
  folder = temporaryFolder();
  pairs = ['ecdsa', 'rsa'].map((kind) => makePair(folder, kind, { names: ['localhost'], kind }));
});
after(() => remove(folder));

async function scan(profile) {
  const server = await startServer({
    config: `
listeners:
  - address: 127.0.0.1:0
    tlsProfile: ${profile}
    certificates: [${pairs.map(({ certificate, key }) => `{certificate: ${certificate}, key: ${key}}`).join(', ')}]
services: [{name: demo}]
`,
  });
  try {
    const { code, stdout } = await run('sslscan', ['--xml=-', '--show-sigs', '--sni-name=localhost', `127.0.0.1:${server.port}`]);
    assert.equal(code, 0, 'sslscan is installed by script/bootstrap');
    await ordered(server);
    return [...stdout.matchAll(/<([\w-]+) ([^>]*?)\/?>/g)].map(([, element, text]) => (
      { element, ...Object.fromEntries([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])) }));
  } finally {
    await server.stop();
  }
}

// The suite that a client with these gets.
async function chosen(server, ciphers) {
  const socket = tls.connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ciphers, rejectUnauthorized: false });
  await within('a handshake', once(socket, 'secureConnect'));
  const { name } = socket.getCipher();
  socket.destroy();
  return name;
}

// The server's order, but for clients that put ChaCha20 first.
async function ordered(server) {
  const [aes128, aes256, chacha20] = MODERN;
  assert.equal(await chosen(server, [aes256, aes128, chacha20].join(':')), aes128);
  assert.equal(await chosen(server, [chacha20, aes256, aes128].join(':')), chacha20);
}

const all = (found, name) => found.filter(({ element }) => element === name);
const sorted = (values) => [...new Set(values)].sort();

for (const [profile, versions, suites] of [
  ['intermediate', ['1.2', '1.3'], [...MODERN, ...INTERMEDIATE]],
  ['modern', ['1.3'], MODERN],
]) {
  test(`nothing weak is found with tlsProfile ${profile}`, async () => {
    const found = await scan(profile);
    const protocols = all(found, 'protocol');
    assert.equal(protocols.length, 6);
    assert.deepEqual(protocols.filter(({ enabled }) => enabled === '1').map(({ type, version }) => `${type} ${version}`),
      versions.map((version) => `tls ${version}`));
    assert.deepEqual(sorted(all(found, 'cipher').map(({ cipher }) => cipher)), sorted(suites));
    assert.ok(all(found, 'cipher').every(({ strength }) => ['acceptable', 'strong'].includes(strength)));
    assert.deepEqual(sorted(all(found, 'group').map(({ name }) => name)), GROUPS);
    assert.deepEqual(all(found, 'renegotiation').filter(({ supported }) => supported !== '0'), []);
    assert.ok(all(found, 'heartbleed').length > 0);
    assert.deepEqual(all(found, 'heartbleed').filter(({ vulnerable }) => vulnerable !== '0'), []);
    assert.deepEqual(sorted(all(found, 'connection-signature-algorithm').map(({ name }) => name)), SIGNATURES);
  });
}
