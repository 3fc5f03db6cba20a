// SPDX-License-Identifier: Apache-2.0
// Several certificates of a listener: which one is shown to whom, and what is answered where it is the
// wrong one. OCSP responses that are stapled.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import {
  client, makeAuthority, makeOcsp, makePair, remove, shown, temporaryFolder,
} from './support/certificates.mjs';
import { readAnswer } from './support/client.mjs';
import { run } from './support/run.mjs';
import { runCommand, startServer } from './support/server.mjs';

const FIRST = 1;
const WILD = 2;
const EXACT = 3;
const RSA = 4;
const ECDSA = 5;
const BOTH = 6;

let folder;
let server;
let authority;

const entry = ({ certificate, key }, ocsp) => (
  `{certificate: ${certificate}, key: ${key}${ocsp ? `, ocspFile: ${ocsp}` : ''}}`);

const settings = (pairs) => `
listeners:
  - address: 127.0.0.1:0
    certificates:
${pairs.map((pair) => `      - ${pair}`).join('\n')}
services: [{name: demo}]
`;

before(async () => {
  folder = temporaryFolder();
  authority = makeAuthority(folder);
  const pairs = [
    makePair(folder, 'first', { names: ['first.example', '*.first.example', '192.0.2.1'], serial: FIRST, authority }),
    makePair(folder, 'wild', { names: ['*.wild.example'], serial: WILD, authority }),
    makePair(folder, 'exact', { names: ['a.wild.example', 'xn--bcher-kva.example'], serial: EXACT, authority }),
    makePair(folder, 'rsa', { names: ['two.example', 'more.two.example'], kind: 'rsa', serial: RSA, authority }),
    makePair(folder, 'ecdsa', { names: ['two.example'], serial: ECDSA, authority }),
    makePair(folder, 'both', { names: ['two.wild.example'], kind: 'rsa', serial: BOTH, authority }),
  ];
  server = await startServer({ config: settings(pairs.map((pair) => entry(pair))) });
});
after(async () => {
  await server.stop();
  remove(folder);
});

const names = [
  [undefined, FIRST],
  ['first.example', FIRST],
  ['x.first.example', FIRST],
  ['unknown.example', FIRST],
  ['b.wild.example', WILD],
  ['B.Wild.EXAMPLE', WILD],
  ['a.wild.example', EXACT],
  ['b.a.wild.example', FIRST],
  ['wild.example', FIRST],
  ['xn--bcher-kva.example', EXACT],
  ['XN--BCHER-KVA.example', EXACT],
  ['more.two.example', RSA],
];

for (const [name, serial] of names) {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`who asks for ${name} by ${version} is shown certificate ${serial}`, async () => {
      assert.equal(await shown(server, name, { minVersion: version, maxVersion: version }), serial);
    });
  }
}

test('the kind of key is chosen by what the client can check', async () => {
  const serial = async (...args) => {
    const text = await client(server, ['-servername', 'two.example', ...args]);
    return text.match(/Peer signature type: (RSA.PSS|ECDSA)/i)?.[1].toUpperCase().replace('_', '-'); // by OpenSSL 3.0 and 3.5
  };
  assert.equal(await serial('-sigalgs', 'RSA-PSS+SHA256'), 'RSA-PSS');
  assert.equal(await serial('-sigalgs', 'ECDSA+SHA256'), 'ECDSA');
  assert.equal(await serial('-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'), 'RSA-PSS');
  assert.equal(await serial('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'), 'ECDSA');
});

test('curl finds each by its name, and believes it', async () => {
  for (const name of ['first.example', 'z.wild.example', 'a.wild.example', 'two.example']) {
    const { code, stdout } = await run('curl', ['-sS', '--http2', '--cacert', authority.certificate,
      '--resolve', `${name}:${server.port}:127.0.0.1`, `https://${name}:${server.port}/health/live`]);
    assert.equal(code, 0, name);
    assert.match(stdout, /live/);
  }
});

async function ask(servername, authorityField, path = '/openapi.yaml') {
  const session = http2.connect(`https://127.0.0.1:${server.port}`,
    { servername: servername ?? '', rejectUnauthorized: false });
  session.on('error', () => {});
  const answer = await readAnswer(session.request({ ':path': path, ':authority': authorityField }));
  session.destroy();
  return answer;
}

const authorities = [
  ['a.wild.example', 'a.wild.example', 200],
  ['a.wild.example', 'A.WILD.example:8443', 200],
  ['a.wild.example', 'b.wild.example', 421],
  ['a.wild.example', 'first.example', 421],
  ['b.wild.example', 'a.wild.example', 200], // "*.wild.example" is for that, too
  ['first.example', 'x.first.example', 200],
  ['first.example', 'two.example', 421],
  ['first.example', 'unknown.example', 421],
  ['unknown.example', 'unknown.example', 421],
  ['first.example', 'b.x.first.example', 421],
  ['two.example', 'more.two.example', 421], // of the two the ECDSA one is shown
  // An address cannot be asked for, nor can who asks for none be shown another.
  ['first.example', '127.0.0.1', 200],
  ['first.example', '[::1]:8443', 200],
  [undefined, 'two.example', 200],
  [undefined, 'localhost', 200],
];

for (const [servername, field, status] of authorities) {
  test(`${field} by a connection to ${servername} is answered ${status}`, async () => {
    const answer = await ask(servername, field);
    assert.equal(answer.status, status, answer.text);
    if (status === 421) {
      assert.match(answer.json.errorMessage, /^the certificate of this connection is not for "/);
      assert.match(answer.json.errorMessage, /listeners\[\]\.certificates/);
    }
  });
}

test('it is the same by HTTP/1.1', async () => {
  const status = async (host) => (await run('curl', ['-sk', '--http1.1', '-o', '/dev/null', '-w', '%{http_code}',
    '--resolve', `a.wild.example:${server.port}:127.0.0.1`, '-H', `host: ${host}`,
    `https://a.wild.example:${server.port}/openapi.yaml`])).stdout;
  assert.equal(await status('a.wild.example'), '200');
  assert.equal(await status('first.example'), '421');
  assert.equal(await status('127.0.0.1:8443'), '200');
});

test('health is told to whoever asks', async () => {
  assert.equal((await ask('first.example', 'two.example', '/health/live')).status, 200);
  assert.equal((await ask('first.example', 'two.example', '/health/ready')).status, 200);
});

test('one certificate alone is for whatever is asked', async () => {
  const pair = makePair(folder, 'alone', { names: ['alone.example'] });
  const alone = await startServer({
    variables: { SSE_SERVER_LISTENERS_0_CERTIFICATE: pair.certificate, SSE_SERVER_LISTENERS_0_KEY: pair.key },
  });
  const session = http2.connect(`https://127.0.0.1:${alone.port}`, { servername: 'other.example', rejectUnauthorized: false });
  const answer = await readAnswer(session.request({ ':path': '/openapi.yaml', ':authority': 'third.example' }));
  assert.equal(answer.status, 200);
  session.destroy();
  await alone.stop();
});

test('an OCSP response is stapled to its certificate, and to no other', async (t) => {
  const good = makePair(folder, 'good', { names: ['good.example'], serial: 11, authority });
  const other = makePair(folder, 'other', { names: ['other.example'], serial: 12, authority });
  const wrong = makePair(folder, 'wrong', { names: ['wrong.example'], serial: 13, authority });
  const revoked = makePair(folder, 'revoked', { names: ['revoked.example'], serial: 14, authority });
  const staple = makeOcsp(folder, 'good', { ...good, authority, serial: 11 });
  const withdrawn = makeOcsp(folder, 'revoked', { ...revoked, authority, serial: 14, state: 'R' });
  const junk = `${folder}/junk.ocsp`;
  writeFileSync(junk, 'no response');
  const config = settings([entry(good, staple), entry(other), entry(wrong, staple), entry(revoked, withdrawn)]);
  const stapling = await startServer({ config });
  t.after(() => stapling.stop());
  for (const version of ['-tls1_2', '-tls1_3']) {
    const said = (name) => client(stapling, ['-servername', name, '-status', version, '-CAfile', authority.certificate]);
    assert.match(await said('good.example'), /OCSP Response Status: successful[^]*Cert Status: good/);
    assert.match(await said('other.example'), /OCSP response: no response sent/);
    assert.match(await said('wrong.example'), /OCSP response: no response sent/);
    assert.match(await said('revoked.example'), /OCSP response: no response sent/);
  }
  const check = async (text) => {
    const file = `${folder}/checked.yaml`;
    writeFileSync(file, text);
    return (await runCommand(['check-config', file], { SSE_SERVER_STATE_DIRECTORY: folder })).output;
  };
  assert.match(stapling.output, /not used as is meant .*wrong.pem .*nothing is stapled: .*good.ocsp.* is for another certificate/);
  assert.match(await check(settings([entry(wrong, staple)])), /good.ocsp\\?" is for another certificate/);
  assert.match(await check(settings([entry(revoked, withdrawn)])), /does not say that the certificate is good/);
  assert.match(await check(settings([entry(good, junk)])), /junk.ocsp\\?" is no OCSP response in DER/);
  assert.match(await check(settings([entry(good, `${folder}/nowhere`)])), /nowhere\\?" cannot be read: No such file/);
  assert.doesNotMatch(await check(settings([entry(good, staple), entry(other)])), /staple|OCSP|never shown/);
  const again = makePair(folder, 'again', { names: ['good.example'], authority });
  assert.match(await check(settings([entry(good), entry(other), entry(again)])),
    /warning: listeners\[0\]\.certificates\[2\]: ".*again.pem": it is never shown: one before/);
  const nameless = makePair(folder, 'nameless', { names: ['email:a@example'], authority });
  assert.match(await check(settings([entry(good), entry(nameless)])), /never shown: it has no names/);
});

test('a response that is over is not stapled any more', async () => {
  const pair = makePair(folder, 'short', { names: ['short.example'], serial: 15, authority });
  const staple = makeOcsp(folder, 'short', { ...pair, authority, serial: 15 });
  const stapling = await startServer({ config: settings([entry(pair, staple)]) });
  const said = () => client(stapling, ['-status']);
  assert.match(await said(), /Cert Status: good/);
  await stapling.stopClock();
  await stapling.advance(25 * 3600_000, 3600_000);
  assert.match(await said(), /OCSP response: no response sent/);
  await stapling.stop();
});
