// SPDX-License-Identifier: Apache-2.0
// Certificates change while the server runs: as Kubernetes, certbot and people with an editor change them.
// Nobody is dropped for it, and what does not belong together is not used.
import assert from 'node:assert/strict';
import {
  copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { handshake, makePair, openssl, remove, shown, temporaryFolder } from './support/certificates.mjs';
import { connect } from './support/client.mjs';
import { run } from './support/run.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const NAMES = ['localhost', 'push.example'];
const STREAMS = 200;
const DAY = 86_400_000;

let folder;
const pairs = [];

before(() => {
  folder = temporaryFolder();
  for (let serial = 0; serial < 8; serial++) {
    pairs.push(makePair(folder, `pair-${serial}`, { names: NAMES, serial }));
  }
});
after(() => remove(folder));

const start = (certificate, key, variables = {}) => startServer({
  variables: { SSE_SERVER_LISTENERS_0_CERTIFICATE: certificate, SSE_SERVER_LISTENERS_0_KEY: key, ...variables },
});

const showsSoon = (server, serial) => (
  eventually(`certificate ${serial}`, async () => await shown(server, 'push.example') === serial));

const countOf = (server, pattern) => server.output.match(new RegExp(pattern, 'g'))?.length ?? 0;

// As kubelet does it (AtomicWriter): the directory is new, and "..data" becomes a link to that in one step.
function mount(secret, version) {
  const directory = `..2026_${version}`;
  mkdirSync(join(secret, directory), { recursive: true });
  copyFileSync(pairs[version].certificate, join(secret, directory, 'tls.crt'));
  copyFileSync(pairs[version].key, join(secret, directory, 'tls.key'));
  symlinkSync(directory, join(secret, '..data_tmp'));
  renameSync(join(secret, '..data_tmp'), join(secret, '..data'));
  for (const name of ['tls.crt', 'tls.key']) {
    if (!existsSync(join(secret, name))) {
      symlinkSync(`..data/${name}`, join(secret, name));
    }
  }
  rmSync(join(secret, `..2026_${version - 1}`), { recursive: true, force: true });
}

test('a Secret that Kubernetes mounts is followed', async () => {
  const secret = join(folder, 'secret');
  mount(secret, 1);
  const server = await start(join(secret, 'tls.crt'), join(secret, 'tls.key'));
  assert.equal(await shown(server, 'push.example'), 1);
  for (const version of [2, 3, 4]) {
    mount(secret, version);
    await showsSoon(server, version);
  }
  assert.equal(countOf(server, 'cannot be used'), 0);
  await server.stop();
});

test('so is one whose path goes by way of the link', async () => {
  const secret = join(folder, 'linked');
  mount(secret, 1);
  const server = await start(join(secret, '..data/tls.crt'), join(secret, '..data/tls.key'));
  for (const version of [2, 3]) {
    mount(secret, version);
    await showsSoon(server, version);
  }
  await server.stop();
});

// As certbot does it: new files in archive/, and one link after the other in live/.
function renew(base, version) {
  mkdirSync(join(base, 'archive/push'), { recursive: true });
  mkdirSync(join(base, 'live/push'), { recursive: true });
  const files = { 'privkey': pairs[version].key, 'fullchain': pairs[version].certificate };
  for (const [name, from] of Object.entries(files)) {
    copyFileSync(from, join(base, `archive/push/${name}${version}.pem`));
  }
  for (const name of Object.keys(files)) {
    const link = join(base, `live/push/${name}.pem`);
    rmSync(link, { force: true });
    symlinkSync(`../../archive/push/${name}${version}.pem`, link);
  }
}

test('a renewal by certbot is followed', async () => {
  const base = join(folder, 'letsencrypt');
  renew(base, 1);
  const server = await start(join(base, 'live/push/fullchain.pem'), join(base, 'live/push/privkey.pem'));
  for (const version of [2, 3]) {
    renew(base, version);
    await showsSoon(server, version);
  }
  await server.stop();
});

const documented = () => (
  [...readFileSync(new URL('../../docs/certificates.md', import.meta.url), 'utf8').matchAll(/```sh\n([^]*?)```/g)]
    .map(([, script]) => script));

test('the hook for certbot that the documents show does what they say', async () => {
  const [hook] = documented();
  const state = join(folder, 'unit');
  const to = join(state, 'tls');
  mkdirSync(state);
  const deploy = async (version) => {
    const lineage = join(folder, `lineage-${version}`);
    mkdirSync(lineage);
    copyFileSync(pairs[version].key, join(lineage, 'privkey.pem'));
    copyFileSync(pairs[version].certificate, join(lineage, 'fullchain.pem'));
    const script = hook.replaceAll('/var/lib/sse-server', state);
    const { code, output } = await run('sh', ['-c', script], { env: { ...process.env, RENEWED_LINEAGE: lineage } });
    assert.equal(code, 0, output);
  };
  await deploy(1);
  const server = await start(join(to, 'fullchain.pem'), join(to, 'privkey.pem'));
  await deploy(2);
  await showsSoon(server, 2);
  await server.stop();
});

test('the change of ticket keys that the documents show keeps those before', async () => {
  const script = documented().find((text) => text.includes('openssl rand 80')).replaceAll('/etc/sse-server', folder);
  const keys = join(folder, 'tickets');
  const made = [];
  writeFileSync(keys, '');
  for (let n = 1; n <= 4; n++) {
    assert.equal((await run('sh', ['-c', script])).code, 0);
    const content = readFileSync(keys);
    assert.equal(content.length, 80 * Math.min(n, 3));
    made.unshift(content.subarray(0, 80).toString('hex'));
    assert.equal(content.toString('hex'), made.slice(0, 3).join(''));
  }
});

// As a whole: a copy is empty at first, and whoever looks then finds another fault.
function replace(from, to) {
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

test('half of a pair is not used, and said once', async () => {
  const certificate = join(folder, 'half.pem');
  const key = join(folder, 'half.key');
  copyFileSync(pairs[1].certificate, certificate);
  copyFileSync(pairs[1].key, key);
  const server = await start(certificate, key);
  const said = 'certificates that changed cannot be used; those before stay in use';
  replace(pairs[2].certificate, certificate);
  await server.saw('a word about the half', (text) => text.includes(said));
  assert.equal(await shown(server), 1);
  assert.match(server.output, /reason="TLS of .* certificate and key do not belong together: .*half.key/);
  for (let n = 0; n < 3; n++) {
    replace(pairs[2].certificate, certificate);
    assert.equal(await shown(server), 1);
  }
  replace(pairs[2].key, key);
  await showsSoon(server, 2);
  assert.equal(countOf(server, said), 1);

  for (const content of ['', 'no PEM', readFileSync(pairs[3].certificate).subarray(0, 300)]) {
    const before = countOf(server, said);
    writeFileSync(certificate, content);
    await server.saw('a word about what is no certificate', () => countOf(server, said) > before);
    assert.equal(await shown(server), 2);
  }
  unlinkSync(certificate);
  await server.saw('a word about what is not there', (text) => text.includes('No such file'));
  assert.equal(await shown(server), 2);
  copyFileSync(pairs[3].key, key);
  copyFileSync(pairs[3].certificate, certificate);
  await showsSoon(server, 3);
  await server.stop();
});

test('a change that no event tells of is tried again soon', async () => {
  const certificate = join(folder, 'locked.pem');
  const key = join(folder, 'locked.key');
  const target = join(folder, 'locked-target');
  copyFileSync(pairs[1].certificate, certificate);
  mkdirSync(target);
  copyFileSync(pairs[1].key, join(target, 'key'));
  symlinkSync(join(target, 'key'), key);
  const server = await start(certificate, key);
  copyFileSync(pairs[2].certificate, certificate);
  await server.saw('a word about the half', (text) => text.includes('do not belong together'));
  copyFileSync(pairs[2].key, join(target, 'key'));
  await showsSoon(server, 2);
  await server.stop();
});

const notAfter = (file) => Date.parse(openssl(['x509', '-in', file, '-noout', '-enddate']).toString().split('=')[1]) / 1000;

test('streams stay while certificates change, and new handshakes see the new ones', async (t) => {
  const certificate = join(folder, 'busy.pem');
  const key = join(folder, 'busy.key');
  copyFileSync(pairs[1].certificate, certificate);
  copyFileSync(pairs[1].key, key);
  const server = await start(certificate, key, { SSE_SERVER_WORKERS: '3' });
  const office = await backend(server);
  const clients = await Promise.all(Array.from({ length: STREAMS / 10 }, () => connect(server.origin)));
  const pages = await Promise.all(Array.from({ length: STREAMS }, (_, n) => (
    clients[n % clients.length].connect({ userId: `u${n}`, listeners: 'tick' }))));
  t.after(async () => {
    await Promise.all([...clients, office].map((client) => client.close()));
    await server.stop();
  });
  for (const serial of [2, 3, 4, 5, 6]) {
    copyFileSync(pairs[serial].key, key);
    copyFileSync(pairs[serial].certificate, certificate);
    await showsSoon(server, serial);
    assert.equal((await office.send({ event: 'tick', data: serial, all: true })).count, STREAMS);
    assert.equal((await clients[0].get('/health/live')).status, 200);
  }
  for (const page of pages) {
    for (const serial of [2, 3, 4, 5, 6]) {
      assert.equal(await page.next('tick'), serial);
    }
  }
  assert.equal(await office.metric('sse_server_certificate_not_after_seconds'), notAfter(pairs[6].certificate));
  assert.equal(await office.metric('sse_server_connections_opened_total'), STREAMS);
  assert.equal(await office.metric('sse_server_certificate_reloads_total', /result="ok"/), 5);
  copyFileSync(pairs[1].key, key);
  await eventually('a failure', () => office.metric('sse_server_certificate_reloads_total', /result="failed"/));
});

test('the development certificate is renewed before its end', async (t) => {
  const stateDirectory = join(folder, 'state');
  mkdirSync(stateDirectory);
  openssl(['req', '-x509', '-days', '8', '-subj', '/CN=old', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
    '-keyout', join(stateDirectory, 'development-key.pem'), '-out', join(stateDirectory, 'development-cert.pem')]);
  const server = await startServer({ stateDirectory });
  t.after(() => server.stop());
  const seen = async () => {
    const socket = await handshake(server);
    const { subject, valid_to: end } = socket.getPeerCertificate();
    socket.destroy();
    return { name: subject.CN, end: Date.parse(end) };
  };
  await server.stopClock();
  assert.equal((await seen()).name, 'old');
  await server.advance(DAY - 3_600_000, DAY);
  assert.equal((await seen()).name, 'old');
  await server.advance(7_200_000, DAY);
  const renewed = await seen();
  assert.equal(renewed.name, 'sse-server development');
  assert.ok(renewed.end > server.now() + 89 * DAY);
  assert.equal(countOf(server, 'certificates loaded'), 1);
});
