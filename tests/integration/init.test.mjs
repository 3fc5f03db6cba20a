// SPDX-License-Identifier: Apache-2.0
// init: what it writes is enough for a server, a back end and a page; it overwrites nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { connect } from './support/client.mjs';
import { endWithFile } from './support/leftovers.mjs';
import { freePort } from './support/port.mjs';
import { run } from './support/run.mjs';
import { serverBinary } from './support/server.mjs';
import { within } from './support/wait.mjs';

let directory;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-init-'));
  await symlink(serverBinary(), join(directory, 'sse-server'));
});
after(() => rm(directory, { recursive: true, force: true }));

// A line of a shell in which the program is on the PATH, as it was printed.
const env = () => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SSE_'))),
  PATH: `${directory}:${process.env.PATH}`,
  SSE_SERVER_DRAIN_TIME: '0',
});
const shell = (line) => run('sh', ['-c', line], { env: env() });
const init = (...args) => run(serverBinary(), ['init', ...args], { env: env() });

async function start(line) {
  const child = endWithFile(spawn('sh', ['-c', `exec ${line}`], { env: env(), stdio: ['ignore', 'pipe', 'pipe'] }));
  let output = '';
  await within('the server to be ready', new Promise((resolve, reject) => {
    child.on('close', () => reject(new Error(output)));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text;
        if (/ ready /.test(output)) {
          resolve();
        }
      });
    }
  }));
  return async () => {
    const end = new Promise((resolve) => { child.on('close', resolve); });
    child.kill('SIGTERM');
    assert.equal(await within('its end', end), 0, output);
  };
}

test('what it prints runs a server, and makes a token that a page can show', async () => {
  const port = await freePort();
  const place = join(directory, 'a place');
  const { code, stdout, stderr } = await init(place, '--listen', `127.0.0.1:${port}`, '--service', 'shop', '--base-path', '/push',
    '--origin', 'https://app.example.org, https://*.example.net');
  assert.equal(code, 0, stderr);
  const [serve, token] = [...stdout.matchAll(/^ {2}(sse-server .*)$/gm)].map(([, line]) => line);
  const stop = await start(serve);
  try {
    const made = await shell(token);
    assert.equal(made.code, 0, made.stderr);
    const page = await connect(`https://127.0.0.1:${port}`);
    const stream = await page.connect({ 'access-token': made.stdout.trim(), listeners: 'hello' }, { base: '/push' });
    const sent = await shell(`${serve} send hello there --user 7`);
    assert.match(sent.stdout, /^written to 1 connection/, sent.stderr);
    const [{ data }] = await stream.count('hello', 1);
    assert.equal(data, 'there');
    assert.equal((await page.get('/push', { origin: 'https://app.example.org' })).headers['access-control-allow-origin'],
      'https://app.example.org');
    await page.close();
  } finally {
    await stop();
  }
});

test('secrets are for their owner alone', async () => {
  const place = join(directory, 'modes');
  await init(place);
  const mode = async (name) => (await stat(join(place, name))).mode & 0o777;
  assert.deepEqual(await Promise.all(['api.key', 'token.key'].map(mode)), [0o600, 0o600]);
  assert.doesNotMatch(await readFile(join(place, 'sse-server.yaml'), 'utf8'), new RegExp((await readFile(join(place, 'api.key'), 'utf8')).trim()));
});

for (const name of ['sse-server.yaml', 'api.key', 'token.key', 'token-public.pem']) {
  test(`a ${name} that is there stays, and nothing is put beside it`, async () => {
    const place = join(directory, `with-${name}`);
    await mkdir(place);
    await writeFile(join(place, name), 'mine');
    const { code, stdout, stderr } = await init(place);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, new RegExp(`${name} is there already, and nothing is overwritten`));
    assert.deepEqual(await readdir(place), [name]);
    assert.equal(await readFile(join(place, name), 'utf8'), 'mine');
  });
}

test('what a start would refuse is refused, and leaves nothing', async () => {
  for (const [option, value, told] of [['--service', 'a b', /"a b" is no name/], ['--listen', 'nowhere', /listeners\[0\]\.address/],
    ['--origin', 'x', /origins/], ['--base-path', 'x"y', /basePath/]]) {
    const place = join(directory, `refused${option}`);
    const { code, stderr } = await init(place, option, value);
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
    assert.deepEqual(await readdir(place), []);
  }
});
