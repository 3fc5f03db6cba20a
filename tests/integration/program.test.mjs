// SPDX-License-Identifier: Apache-2.0
// The command line: commands, exit codes, and what a bad configuration is told.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { runCommand, startServer } from './support/server.mjs';

// What the program ends with: could not run; or command line or configuration are wrong.
const FAILED = 1;
const MISUSED = 2;

let directory;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-program-'));
});
after(() => rm(directory, { recursive: true, force: true }));

function program(args, variables = {}) {
  return runCommand(args, { SSE_SERVER_STATE_DIRECTORY: directory, ...variables });
}

async function configFile(text) {
  const file = join(directory, 'sse-server.yaml');
  await writeFile(file, text);
  return file;
}

test('version says name and version', async () => {
  for (const args of [['version'], ['--version']]) {
    const { code, stdout } = await program(args);
    assert.equal(code, 0);
    assert.match(stdout, /^sse-server \d+\.\d+\.\d+/);
  }
});

test('help names every command and option', async () => {
  for (const args of [['help'], ['--help']]) {
    const { code, stdout } = await program(args);
    assert.equal(code, 0);
    for (const word of ['--config', 'check-config', 'default-config', 'make-cert', 'version', 'help']) {
      assert.ok(stdout.includes(word), word);
    }
  }
});

test('what it does not know is refused with a hint', async () => {
  for (const args of [['dance'], ['--dance'], ['--config'], ['check-config', 'a', 'b', 'c']]) {
    const { code, stderr } = await program(args);
    assert.equal(code, MISUSED, `${args}`);
    assert.match(stderr, /help|usage/i);
  }
});

test('default-config is a configuration that check-config accepts', async () => {
  const { code, stdout } = await program(['default-config']);
  assert.equal(code, 0);
  assert.match(stdout, /^#/m);
  const checked = await program(['check-config', '--config', await configFile(stdout)]);
  assert.equal(checked.code, 0, checked.output);
});

test('check-config warns of a binding that pages in WebKit cannot keep', async () => {
  const check = async (value) => (await program(['check-config', '--config',
    await configFile(`services: [{name: hr}, {name: app, basePath: /app, sessionBindingStrict: ${value}}]\n`)])).stdout;
  assert.match(await check('true'), /^warning: services\[1\]\.sessionBindingStrict: WebKit, /m);
  assert.doesNotMatch(await check('false'), /sessionBindingStrict/);
});

test('check-config says whom a service asks for its users, and not with which secret', async () => {
  const service = 'name: shop, auth: webhook, authWebhook: {url: "https://back.example/who"}';
  const { stdout } = await program(['check-config', '--config', await configFile(`services: [{${service}}]\n`)]);
  assert.match(stdout, /service shop at \/sse\/shop \(auth webhook https:\/\/back\.example\/who, not signed\)/);
  const signed = await program(['check-config', '--config', await configFile(`services: [{${service}, webhookSecret: hidden}]\n`)]);
  assert.match(signed.stdout, /who, signed\)/);
  assert.doesNotMatch(signed.output, /hidden/);
});

test('make-cert makes a pair that the server serves', async () => {
  const { code, output } = await program(['make-cert', '--out', directory]);
  assert.equal(code, 0, output);
  const files = [...output.matchAll(/\S+\.pem/g)].map(([file]) => file);
  const key = files.find((file) => /key/.test(file));
  const certificate = files.find((file) => !/key/.test(file));
  assert.match(await readFile(certificate, 'utf8'), /BEGIN CERTIFICATE/);
  assert.equal((await stat(key)).mode & 0o077, 0, 'only the owner may read the key');

  const server = await startServer({
    variables: { SSE_SERVER_LISTENERS_0_CERTIFICATE: certificate, SSE_SERVER_LISTENERS_0_KEY: key },
  });
  const client = await connect(server.origin, { ca: await readFile(certificate), rejectUnauthorized: true });
  assert.equal((await client.get('/health/live')).status, 200);
  await client.close();
  await server.stop();
});

describe('a bad configuration', () => {
  const service = 'services:\n  - name: hr\n';
  const cases = [
    ['a key that is not known', `${service}    queueByte: 1MiB\n`, /:3: .*queueByte.*queueBytes/s],
    ['a number out of range', `${service}    queueEvents: 0\n`, /:3: .*queueEvents/s],
    ['a word out of place', `${service}    slowPolicy: shout\n`, /:3: .*slowPolicy.*drop-oldest/s],
    ['a text where a number belongs', 'workers: many\n', /:1: .*workers/s],
    ['what is no YAML', 'services: [\n', /:\d+: /],
    ['two services at one path', `${service}  - name: hr\n`, /hr/],
    ['a certificate that is not there', `listeners:\n  - address: 127.0.0.1:0\n    certificate: /nowhere.pem\n    key: /nowhere.key\n${service}`, /nowhere\.pem/],
  ];
  for (const [what, text, message] of cases) {
    test(`with ${what} is refused with file, line and what would be right`, async () => {
      const file = await configFile(text);
      const { code, stderr } = await program(['check-config', '--config', file]);
      assert.equal(code, MISUSED, stderr);
      assert.match(stderr, message);
      const started = await program(['--config', file]);
      assert.equal(started.code, MISUSED, started.output);
      assert.match(started.stderr, message);
    });
  }

  test('that is not there is named', async () => {
    const { code, stderr } = await program(['--config', '/nowhere.yaml']);
    assert.equal(code, MISUSED);
    assert.match(stderr, /\/nowhere\.yaml/);
  });

  test('in the environment is named by its variable', async () => {
    const { code, stderr } = await program(['check-config'], { SSE_SERVER_WORKERS: 'many' });
    assert.equal(code, MISUSED);
    assert.match(stderr, /SSE_SERVER_WORKERS/);
  });
});

describe('development auth', () => {
  for (const address of ['0.0.0.0:0', '[::]:0', '*:0']) {
    test(`is refused on ${address}, which other machines can reach`, async () => {
      const { code, stderr } = await program([], { SSE_SERVER_LISTEN: address });
      assert.equal(code, MISUSED);
      assert.match(stderr, /allowDevelopmentRemote|ALLOW_DEVELOPMENT_REMOTE/);
    });
  }

  test('is served there when told so', async () => {
    const server = await startServer({
      listen: '0.0.0.0:0',
      variables: { SSE_SERVER_ALLOW_DEVELOPMENT_REMOTE: 'true' },
    });
    await server.stop();
  });
});

test('an address that is taken is named, and the program fails', async () => {
  const other = net.createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address();
  const { code, stderr } = await program([], { SSE_SERVER_LISTEN: `127.0.0.1:${port}` });
  assert.equal(code, FAILED, stderr);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
  other.close();
});

test('the start-up lines say what listens, which services, where to click and the key', async () => {
  const server = await startServer({ variables: { SSE_SERVER_API_KEY: '' } });
  const { output } = server;
  assert.equal(server.listeners[0].address, `127.0.0.1:${server.port}`);
  assert.match(output, /service name=demo path=\/sse\/demo/);
  assert.match(output, /https:\/\/127\.0\.0\.1:\d+\//);
  assert.match(output, /key +\S{16,}/i);
  await server.stop();
});

test('services of a configuration file live beside each other', async () => {
  const file = await configFile(`
apiKeys: [file-key]
listeners:
  - address: 127.0.0.1:0
services:
  - name: hr
  - name: hunter
    basePath: /push/hunter
    envelope: false
`);
  const server = await startServer({ listen: null, args: ['--config', file], variables: { SSE_SERVER_API_KEY: 'file-key' } });
  const client = await connect(server.origin);
  const hr = await client.connect({ userId: '7' }, { base: '/sse/hr' });
  const hunter = await client.connect({ userId: '7' }, { base: '/push/hunter' });
  assert.equal(hr.finish.name, 'hr');
  assert.equal(hunter.finish.name, 'hunter');
  const key = { authorization: 'Bearer file-key' };
  const message = { event: 'only', data: 1, all: true };
  const plain = (await client.postJson('/push/hunter/send', message, key)).json;
  assert.equal(plain.count, 1);
  assert.equal((await client.postJson('/sse/hr/send', message, key)).data.count, 1);
  const refused = await client.postJson('/push/hunter/send', '{', key);
  assert.equal(refused.status, 400);
  assert.deepEqual(Object.keys(refused.json), ['error']);
  assert.equal((await client.get('/sse/demo')).status, 404);
  await client.close();
  await server.stop();
});
