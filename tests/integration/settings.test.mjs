// SPDX-License-Identifier: Apache-2.0
// What people write into settings and commands: it is understood, or it is told what would be.
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { KEY, runCommand, startServer } from './support/server.mjs';
import { SECRET, makeKey } from './support/tokens.mjs';

let directory;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-settings-'));
});
after(() => rm(directory, { recursive: true, force: true }));

const program = (args, variables = {}) => runCommand(args, { SSE_SERVER_STATE_DIRECTORY: join(directory, 'state'), ...variables });

async function file(name, content) {
  await writeFile(join(directory, name), content);
  return join(directory, name);
}

const check = async (text, variables) => program(['check-config', await file('settings.yaml', text)], variables);
const plain = (more, service = '') => `listeners: [{address: "127.0.0.1:0", tls: false}]\napiKeys: [a-key-of-the-office]\nservices: [{name: demo${service}}]\n${more}`;

test('a byte order mark is skipped, and no other', async () => {
  assert.equal((await check(`\ufeff${plain('')}`)).code, 0);
  assert.equal((await check(`\ufeff# a comment\r\n${plain('')}`)).code, 0);
  assert.equal((await check(plain('\ufeffworkers: 2\n'))).code, 2);
});

test('days, and sizes by the thousand, are understood', async () => {
  for (const [text, value] of [['idleTimeout: 1h', 0], ['idleTimeout: 1 h', 0]]) {
    assert.equal((await check(plain(`limits: {${text}}\n`))).code, value);
  }
  for (const service of [', qos: {ttl: 1d}', ', qos: {ttlMost: 30d}', ', uploadBytes: 10MB', ', uploadBytes: 10 MB', ', uploadBytes: 500kB', ', uploadBytes: 1GB']) {
    const { code, stderr } = await check(plain('', service));
    assert.equal(code, 0, `${service}: ${stderr}`);
  }
  for (const service of [', qos: {ttl: 1w}', ', qos: {ttl: 1.5h}', ', uploadBytes: 10M', ', uploadBytes: 10mb']) {
    const { code, stderr } = await check(plain('', service));
    assert.equal(code, 2, service);
    assert.match(stderr, /use a (time such as 500ms, 30s, 5m or 1h|number of bytes such as 1048576 or 1MiB)/);
  }
});

test('what is near is named, and nothing else', async () => {
  const near = [
    [await check(plain('wrokers: 2\n')), /the nearest is workers/],
    [await check(plain('', ', uploadbyte: 1MiB')), /the nearest is services\[\]\.uploadBytes/],
    [await program(['check-confg']), /the nearest is check-config/],
    [await check(plain(''), { SSE_SERVER_WORKER: '2' }), /the nearest is SSE_SERVER_WORKERS/],
    [await check(plain('').replace('apiKeys: [a-key-of-the-office]', 'apiKeys: [{name: a, key: a-key-of-the-office, services: [dem]}]')), /the nearest is demo/],
  ];
  const far = [
    [await check(plain('kubernetes: 2\n')), /there is no such key \(all/],
    [await program(['dance']), /there is no command "dance"\n/],
    [await check(plain(''), { SSE_SERVER_FROBNICATOR: '2' }), /there is no such setting \(all/],
    [await check(plain('').replace('apiKeys: [a-key-of-the-office]', 'apiKeys: [{name: a, key: a-key-of-the-office, services: [warehouse]}]')), /there is no "warehouse"\n/],
  ];
  for (const [{ code, stderr }, told] of near) {
    assert.equal(code, 2);
    assert.match(stderr, told);
  }
  for (const [{ code, stderr }, told] of far) {
    assert.equal(code, 2);
    assert.match(stderr, told);
    assert.doesNotMatch(stderr, /nearest/);
  }
});

describe('make-token refuses', () => {
  let config;
  const key = makeKey('ES256', '');
  before(async () => {
    config = await file('jwt.yaml', `listeners: [{address: "127.0.0.1:0", tls: false}]\nservices: [{name: hr, auth: jwt}]\ntokenKeys: [{algorithm: ES256, file: ${await file('public.pem', key.publicPem)}}]\n`);
    await file('private.pem', key.privatePem);
  });
  const make = (...args) => program(['--config', config, 'make-token', '--key-file', join(directory, 'private.pem'), ...args]);

  const cases = [
    ['a permission that is none', ['--permissions', 'send,foo'], /--permissions: "foo" is none; use send, query/],
    ['no permission at all', ['--permissions', ','], /--permissions: names none/],
    ['no time', ['--user', '7', '--expires', '0'], /--expires: "0" is out of range/],
    ['a time that is none', ['--user', '7', '--expires', 'soon'], /--expires: "soon" is not a duration/],
    ['a user that the service refuses', ['--user', 'x'.repeat(300)], /256 bytes/],
    ['a channel that it refuses', ['--user', '7', '--channels', 'y'.repeat(200)], /128 bytes/],
  ];
  for (const [what, args, told] of cases) {
    test(what, async () => {
      const { code, stdout, stderr } = await make(...args);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, told);
    });
  }
  test('a public key', async () => {
    const { code, stderr } = await program(['--config', config, 'make-token', '--user', '7', '--key-file', join(directory, 'public.pem')]);
    assert.equal(code, 2);
    assert.match(stderr, /public\.pem" has a public key, which signs nothing; give the private one/);
  });
  test('nothing that is right', async () => {
    for (const args of [['--user', '7', '--expires', '1d'], ['--permissions', 'send, query'], ['--permissions', 'metrics', '--user', '7']]) {
      const { code, stderr } = await make(...args);
      assert.equal(code, 0, stderr);
    }
  });
});

test('a token of RFC 9068 is one', async () => {
  const { token } = await import('./support/tokens.mjs');
  const config = await file('at.yaml', `listeners: [{address: "127.0.0.1:0", tls: false}]\nservices: [{name: hr, auth: jwt}]\ntokenKeys: [{algorithm: HS256, secret: ${SECRET}}]\n`);
  for (const [typ, expected] of [['at+jwt', 0], ['application/at+jwt', 0], ['AT+JWT', 0], ['application/jwt', 0], ['dpop+jwt', 1], ['at', 1]]) {
    const { code } = await program(['--config', config, 'check-token', token({ sub: '7' }, { fields: { typ } })]);
    assert.equal(code, expected, typ);
  }
});

test('a listener for one side names its role for the paths of the other, and lists none of them', async () => {
  const server = await startServer({
    config: `
listeners:
  - {address: "127.0.0.1:0", role: public}
  - {address: "127.0.0.1:0", role: admin}
apiKeys: [${KEY}]
services: [{name: demo}]
`,
  });
  const [open, closed] = await Promise.all(server.listeners.map(({ origin }) => connect(origin)));
  for (const [client, paths, role] of [
    [open, ['/sse/demo/users', '/sse/demo/send', '/metrics'], /for listeners\[\]\.role public; /],
    [closed, ['/sse/demo/connect', '/sse/demo/connect/unsubscribe.do'], /for listeners\[\]\.role admin; /],
  ]) {
    for (const path of paths) {
      const answer = await client.get(path);
      assert.equal(answer.status, 404);
      assert.match(answer.json.errorMessage, role);
      assert.doesNotMatch(answer.json.errorMessage, new RegExp(`/${path.split('/').at(-1)}\\b`));
    }
  }
  assert.doesNotMatch((await open.get('/sse/demo/nothing')).text, /users|\/send/);
  assert.doesNotMatch((await open.get('/nothing')).text, /metrics/);
  assert.doesNotMatch((await closed.get('/sse/demo/nothing')).text, /\/connect[,/]/);
  await Promise.all([open.close(), closed.close()]);
  await server.stop();
});

test('a unix socket has the mode and the group that the settings say', async () => {
  const path = join(directory, 'h2.sock');
  const listener = (more) => `listeners: [{address: "127.0.0.1:0"}, {address: "unix:${path}", tls: false, ${more}}]\napiKeys: [${KEY}]\nservices: [{name: demo}]\n`;
  const server = await startServer({ config: listener(`socketMode: "0620", socketGroup: "${process.getgid()}"`) });
  const { mode, gid } = await stat(path);
  assert.equal(mode & 0o777, 0o620);
  assert.equal(gid, process.getgid());
  await server.stop();
  for (const [more, told] of [
    ['socketMode: "0999"', /listeners\[1\]\.socketMode: "0999" is no mode/],
    ['socketMode: "7777"', /listeners\[1\]\.socketMode: "7777" is no mode/],
    ['socketGroup: no-such-group-here', /listeners\[1\]\.socketGroup: there is no group/],
  ]) {
    const { code, stderr } = await check(listener(more));
    assert.equal(code, 2);
    assert.match(stderr, told);
  }
  const { stderr } = await check(plain('').replace('tls: false', 'tls: false, socketMode: "0660"'));
  assert.match(stderr, /listeners\[0\]\.socketMode: is of unix sockets only/);
});
