// SPDX-License-Identifier: Apache-2.0
// Services with auth jwt: who a token names, which tokens are refused, and where keys come from.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { freePort } from './support/port.mjs';
import { runCommand, startServer } from './support/server.mjs';
import { SECRET, makeKey, seconds, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const BASE = '/sse/hr';
const CLAIMS = { sub: 7, name: 'Ann', org: 't1', role: 'boss', aud: 'hr', iss: 'idp', channels: ['news'] };

const keys = {
  rsa: makeKey('RS256', 'rsa'),
  ec: makeKey('ES256', 'ec'),
  shared: { algorithm: 'HS256', kid: 'shared', key: SECRET },
  nameless: makeKey('ES256'),
  fromFile: makeKey('RS256', 'from-file'),
  edwards: makeKey('EdDSA', 'edwards'),
  large: makeKey('Ed448', 'large'),
  pss: makeKey('PS384', 'pss'),
  edwardsOfSet: makeKey('Ed25519', 'edwards-of-set'),
  pssOfSet: makeKey('PS256', 'pss-of-set'),
};
const strange = makeKey('RS256', 'rsa');

const signed = (key, claims, fields) => token(claims, { ...key, fields });
const unsigned = (claims, alg = 'none') => token(claims, { algorithm: 'none', fields: { alg } });

let directory;
let config;
let server;
let office;
let page;

async function keyFile(name, text) {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-jwt-'));
  config = `
listeners:
  - address: 127.0.0.1:0
apiKeys: [office]
services:
  - name: hr
    auth: jwt
    jwt:
      audience: [other, hr]
      issuer: idp
      leeway: 0
      tenantId: org
      fields: [role]
tokenKeys:
  - {id: rsa, algorithm: RS256, file: ${await keyFile('rsa.pem', keys.rsa.publicPem)}}
  - {id: ec, algorithm: ES256, file: ${await keyFile('ec.pem', keys.ec.privatePem)}}
  - {id: shared, algorithm: HS256, secret: ${SECRET}}
  - {algorithm: ES256, file: ${await keyFile('nameless.pem', keys.nameless.publicPem)}}
  - {jwks: ${await keyFile('set.json', JSON.stringify({
    keys: [{ kty: 'OKP' }, keys.fromFile.jwk, keys.edwardsOfSet.jwk, { ...keys.pssOfSet.jwk, alg: 'PS256' }],
  }))}}
  - {id: edwards, algorithm: EdDSA, file: ${await keyFile('edwards.pem', keys.edwards.publicPem)}}
  - {id: large, algorithm: Ed448, file: ${await keyFile('large.pem', keys.large.publicPem)}}
  - {id: pss, algorithm: PS384, file: ${await keyFile('pss.pem', keys.pss.publicPem)}}
`;
  server = await startServer({ config });
  office = await backend(server, { base: BASE, key: 'office' });
  page = await connect(server.origin);
});
after(async () => {
  await Promise.all([page.close(), office.close()]);
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });

const open = (token, client = page) => client.connect({}, { base: BASE, headers: bearer(token) });

async function userOf(stream) {
  const { list: [{ accessUser }] } = await office.query(`connections?id=${stream.id}`);
  return accessUser;
}

describe('a token', () => {
  for (const [name, key] of Object.entries(keys)) {
    test(`of the key ${name} names its user`, async () => {
      const stream = await open(signed(key, { ...CLAIMS, jti: `a-token-of-${name}` }));
      assert.equal(stream.status, 200);
      const user = await userOf(stream);
      assert.deepEqual([user.id, user.name, user.tenantId, user.role], ['7', 'Ann', 't1', 'boss']);
      await stream.close();
    });
  }

  const ways = {
    'as a Bearer field': (token) => [{}, bearer(token)],
    'in the cookie': (token) => [{}, { cookie: `access-token=${token}`, origin: server.origin }],
    'in the query': (token) => [{ 'access-token': token }, {}],
  };
  for (const [way, place] of Object.entries(ways)) {
    test(`comes ${way}`, async () => {
      const [parameters, headers] = place(signed(keys.ec, CLAIMS));
      const stream = await page.connect(parameters, { base: BASE, headers });
      assert.equal(stream.status, 200);
      await stream.close();
    });
  }

  test('counts where it is looked for first, and no other is tried', async () => {
    const [good, bad] = [signed(keys.ec, CLAIMS), signed(keys.ec, { ...CLAIMS, aud: 'x' })];
    const ask = async (header, parameter) => {
      const stream = await page.connect({ 'access-token': parameter }, { base: BASE, headers: bearer(header) });
      await stream.close();
      return stream.status;
    };
    assert.equal(await ask(good, bad), 200);
    assert.equal(await ask(bad, good), 401);
  });

  test('allows the channels that it names', async () => {
    const stream = await page.connect({ channel: 'news' }, { base: BASE, headers: bearer(signed(keys.ec, CLAIMS)) });
    assert.equal(stream.status, 200);
    await stream.close();
    const without = await page.connect({ channel: 'secrets' }, { base: BASE, headers: bearer(signed(keys.ec, CLAIMS)) });
    assert.deepEqual(without.finish.leftOut, [{ channel: 'secrets', reason: 'forbidden' }]);
    await without.close();
  });
});

describe('refused, with a reason and without an echo:', () => {
  const good = () => signed(keys.rsa, CLAIMS);
  const cases = {
    'what is no token': [() => 'abc', /malformed/],
    'a token without signature': [() => unsigned(CLAIMS), /malformed/],
    'alg none': [() => `${unsigned(CLAIMS)}AA`, /not signed/],
    'alg None': [() => `${unsigned(CLAIMS, 'None')}AA`, /not signed/],
    'alg PS256 with the key for RS256': [
      () => signed({ ...keys.rsa, algorithm: 'PS256' }, CLAIMS), /not known/],
    'alg RS384 with the key for PS384': [
      () => signed({ ...keys.pss, algorithm: 'RS384' }, CLAIMS), /not known/],
    'alg Ed448 with a key on Ed25519': [() => signed(keys.edwards, CLAIMS, { alg: 'Ed448' }), /not known/],
    'alg ES256K': [() => signed(keys.ec, CLAIMS, { alg: 'ES256K' }), /not signed/],
    'HS256 with the public key of EdDSA': [
      () => signed({ algorithm: 'HS256', kid: 'edwards', key: keys.edwards.publicPem }, CLAIMS), /not known/],
    'a payload that is not encoded': [() => signed(keys.rsa, CLAIMS, { b64: false }), /b64/],
    'an encrypted token': [() => `${good()}.AA.AA`, /malformed/],
    'HS256 with the public key': [
      () => signed({ algorithm: 'HS256', kid: 'rsa', key: keys.rsa.publicPem }, CLAIMS), /not known/],
    'HS256 with the public key, without kid': [
      () => signed({ algorithm: 'HS256', key: keys.rsa.publicPem }, CLAIMS), /signature is wrong/],
    'another key of that kid': [() => signed(strange, CLAIMS), /signature is wrong/],
    'an unknown kid': [() => signed(keys.rsa, CLAIMS, { kid: 'rsa2' }), /not known/],
    'a kid that is a path': [() => signed(keys.rsa, CLAIMS, { kid: '../../etc/passwd' }), /not known/],
    'critical extensions': [() => signed(keys.rsa, CLAIMS, { crit: ['x'] }), /crit/],
    'a changed payload': [() => good().replace(/\.[^.]+\./, `.${unsigned({ ...CLAIMS, sub: 8 }).split('.')[1]}.`), /signature is wrong/],
    'something behind it': [() => `${good()}.`, /malformed/],
    padding: [() => `${good()}=`, /malformed/],
    'more than 8 KiB': [() => signed(keys.rsa, { ...CLAIMS, x: 'x'.repeat(7000) }), /8 KiB/],
    'one that has expired': [() => signed(keys.rsa, { ...CLAIMS, exp: seconds(-1) }), /expired/],
    'one without expiry': [() => signed(keys.rsa, { ...CLAIMS, exp: undefined }), /does not say when/],
    'an expiry that is a text': [() => signed(keys.rsa, { ...CLAIMS, exp: `${seconds(600)}` }), /exp, nbf or iat/],
    'one that is not valid yet': [() => signed(keys.rsa, { ...CLAIMS, nbf: seconds(500) }), /not valid yet/],
    'another audience': [() => signed(keys.rsa, { ...CLAIMS, aud: ['crm'] }), /audience/],
    'another issuer': [() => signed(keys.rsa, { ...CLAIMS, iss: 'evil' }), /issuer/],
    'no user': [() => signed(keys.rsa, { ...CLAIMS, sub: undefined }), /names no user/],
  };
  for (const [name, [make, reason]] of Object.entries(cases)) {
    test(name, async () => {
      const token = make();
      // Where there is room for it: header fields have at most 8 KiB.
      const answer = await page.postForm(`${BASE}/connect`, { 'access-token': token });
      assert.equal(answer.status, 401, answer.text);
      assert.match(answer.json.errorMessage, reason);
      assert.ok(!answer.text.includes(token.slice(0, 20)) || token.length < 20);
    });
  }

  test('nobody', async () => {
    const answer = await page.get(`${BASE}/connect`);
    assert.equal(answer.status, 401);
    assert.match(answer.json.errorMessage, /carries no access token/);
  });

  test('and none of it has reached the log', () => {
    assert.doesNotMatch(server.output, /eyJ/);
  });
});

describe('a back end with a token', () => {
  const ask = (token) => page.postJson(`${BASE}/send`, { event: 'e', data: 1, all: true }, bearer(token));

  test('may do what its permissions say', async () => {
    const back = { aud: 'hr', iss: 'idp', permissions: ['send'] };
    assert.equal((await ask(signed(keys.rsa, back))).status, 200);
    assert.equal((await page.get(`${BASE}/users`, bearer(signed(keys.rsa, back)))).status, 403);
    assert.equal((await ask(signed(keys.rsa, { ...back, permissions: 'query all' }))).status, 200);
  });

  test('may do nothing when it is a page\'s, or not good', async () => {
    assert.equal((await ask(signed(keys.rsa, CLAIMS))).status, 403);
    assert.equal((await ask(signed(strange, { ...CLAIMS, permissions: 'all' }))).status, 401);
  });
});

describe('a user who is disconnected', () => {
  test('cannot come back with what was issued before', async () => {
    const token = signed(keys.rsa, { ...CLAIMS, sub: 'kicked', iat: seconds(-5) });
    await (await open(token)).close();
    const recalled = await office.metric('sse_server_auth_signatures_recalled_total');
    const stream = await open(token);
    assert.equal(await office.metric('sse_server_auth_signatures_recalled_total'), recalled + 1);
    await office.command('disconnectUser', { userId: 'kicked' });
    await stream.end();
    const answers = await Promise.all(Array.from({ length: 4 }, async () => {
      const client = await connect(server.origin); // any worker
      const answer = await client.get(`${BASE}/connect`, bearer(token));
      await client.close();
      return answer;
    }));
    for (const answer of answers) {
      assert.equal(answer.status, 401);
      assert.match(answer.json.errorMessage, /revoked/);
    }
    await server.advance(1000);
    const later = Math.floor(server.now() / 1000);
    const again = await open(signed(keys.rsa, { ...CLAIMS, sub: 'kicked', iat: later }));
    await again.close();
    assert.equal(again.status, 200, 'a token of a later second');
    assert.ok(await office.metric('sse_server_auth_revocations_total') > 0);
  });
});

test('keys of a URL: an outage changes nothing, and new keys come by themselves', async () => {
  let body;
  const provider = http.createServer((request, response) => response.end(body));
  const serve = async (port, ...published) => {
    body = JSON.stringify({ keys: published.map(({ jwk }) => jwk) });
    provider.listen(port, '127.0.0.1');
    await once(provider, 'listening');
  };
  const stop = async () => {
    provider.closeAllConnections();
    provider.close();
    await once(provider, 'close');
  };
  const [first, second] = [makeKey('RS256', 'first'), makeKey('ES256', 'second')];
  const port = await freePort();
  await serve(port, first);
  const other = await startServer({
    config: `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [office]
services: [{name: hr, auth: jwt}]
tokenKeys: [{jwks: "http://127.0.0.1:${port}/jwks", refresh: 1s}]
`,
    variables: { SSE_SERVER_WORKERS: '1' },
  });
  const client = await connect(other.origin);
  const desk = await backend(other, { base: BASE, key: 'office' });
  const statusOf = async (token) => {
    const stream = await open(token, client);
    await stream.close();
    return stream.status;
  };
  const status = (key) => statusOf(signed(key, { sub: '7' }));
  const known = signed(first, { sub: '7' });
  assert.equal(await statusOf(known), 200);
  assert.equal(await status(first), 200);
  assert.equal(await status(second), 401);
  await stop();
  await other.asTimePasses('a failed read', async () => await desk.metric('sse_server_auth_key_read_failures_total') > 0);
  assert.equal(await status(first), 200);
  assert.equal(await status(second), 401);
  const recalled = await desk.metric('sse_server_auth_signatures_recalled_total');
  assert.equal(await statusOf(known), 200);
  assert.equal(await desk.metric('sse_server_auth_signatures_recalled_total'), recalled + 1);
  await serve(port, second);
  await other.asTimePasses('the new key', async () => await status(second) === 200);
  assert.equal(await status(first), 401);
  assert.equal(await statusOf(known), 401);
  await stop();
  await Promise.all([client.close(), desk.close()]);
  await other.stop();
});

test('wrong signatures are computed only so often; who is known does not notice', async () => {
  const other = await startServer({
    config: `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [office]
services: [{name: hr, auth: jwt, jwt: {addressFailures: {burst: 3, perSecond: 1}}}]
tokenKeys: [{id: rsa, algorithm: RS256, file: ${await keyFile('only.pem', keys.rsa.publicPem)}}]
`,
    variables: { SSE_SERVER_WORKERS: '1' },
  });
  const client = await connect(other.origin);
  const desk = await backend(other, { base: BASE, key: 'office' });
  const known = signed(keys.rsa, { sub: '7' });
  const forge = (number) => signed(strange, { sub: `${number}` });
  const ask = (token) => client.get(`${BASE}/connect`, bearer(token));
  const enter = async () => {
    const stream = await open(known, client);
    await stream.close();
    return stream.status;
  };
  assert.equal(await enter(), 200);
  const same = forge(0);
  for (let i = 0; i < 10; i++) {
    assert.equal((await ask(same)).status, 401);
  }
  assert.equal(await desk.metric('sse_server_auth_signatures_wrong_total'), 1);
  let number = 1;
  await eventually('one too many', async () => {
    const answer = await ask(forge(number++));
    assert.match(answer.text, answer.status === 503 ? /wrong signatures/ : /signature is wrong/);
    assert.equal(answer.status === 503, answer.headers['retry-after'] !== undefined);
    return answer.status === 503;
  });
  assert.equal((await ask(same)).status, 401);
  assert.equal(await enter(), 200);
  await eventually('the same for a back end', async () => {
    const answer = await client.get(`${BASE}/users`, bearer(forge(number++)));
    return answer.status === 503 && answer.headers['retry-after'] !== undefined;
  });
  assert.equal((await client.get(`${BASE}/users`, { authorization: 'Bearer office' })).status, 200);
  assert.ok(await desk.metric('sse_server_auth_signatures_refused_total') >= 2);
  await Promise.all([client.close(), desk.close()]);
  await other.stop();
});

test('keys of a URL that has never answered are a 502', async () => {
  const port = await freePort();
  const other = await startServer({
    config: `
listeners: [{address: "127.0.0.1:0"}]
services: [{name: hr, auth: jwt}]
tokenKeys: [{jwks: "http://127.0.0.1:${port}/jwks"}]
`,
  });
  const client = await connect(other.origin);
  const answer = await client.get(`${BASE}/connect`, bearer(signed(keys.rsa, { sub: '7' })));
  assert.equal(answer.status, 502, answer.text);
  await client.close();
  await other.stop();
});

describe('the commands', () => {
  const program = async (args) => runCommand(['--config', await keyFile('sse-server.yaml', config), ...args]);

  test('make-token makes what check-token and the server take', async () => {
    const made = await program(['make-token', '--user', '7', '--name', 'Ann', '--permissions', 'send']);
    assert.equal(made.code, 0, made.stderr);
    const checked = await program(['check-token', made.stdout.trim()]);
    assert.equal(checked.code, 0, checked.stderr);
    assert.match(checked.stdout, /^OK\nuser \{"id":"7","name":"Ann",.*\}\npermissions send\nkey "ec" \(ES256\)\nexpires in \d+ s\n$/);
    const stream = await open(made.stdout.trim());
    assert.equal(stream.status, 200);
    await stream.close();
  });

  test('check-token knows keys of a set, and says what a client would be told', async () => {
    assert.equal((await program(['check-token', signed(keys.fromFile, CLAIMS)])).code, 0);
    const { code, stdout, stderr } = await program(['check-token', signed(strange, CLAIMS)]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /signature is wrong/);
  });

  for (const algorithm of ['PS256', 'PS512', 'EdDSA', 'Ed25519', 'Ed448', 'RS512', 'ES384']) {
    test(`make-token signs with ${algorithm}, which its public key checks`, async () => {
      const key = makeKey(algorithm);
      const file = await keyFile(`${algorithm}.yaml`, `
services: [{name: hr, auth: jwt}]
tokenKeys: [{id: one, algorithm: ${algorithm}, file: ${await keyFile(`${algorithm}.pem`, key.publicPem)}}]
`);
      const run = (...args) => runCommand(['--config', file, ...args]);
      const made = await run('make-token', '--user', '7', '--key-file', await keyFile(`${algorithm}.key`, key.privatePem));
      assert.equal(made.code, 0, made.stderr);
      const checked = await run('check-token', made.stdout.trim());
      assert.equal(checked.code, 0, checked.stderr);
      assert.match(checked.stdout, new RegExp(`^OK\\nuser .*\\nkey "one" \\(${algorithm}\\)\\n`));
    });
  }

  test('check-config names the keys, and shows no secret', async () => {
    const { code, output } = await program(['check-config']);
    assert.equal(code, 0, output);
    assert.match(output, /service hr at \/sse\/hr \(auth jwt\)/);
    assert.match(output, /token key "shared" \(HS256, a secret\), for all services/);
    assert.ok(!output.includes(SECRET));
  });
});
