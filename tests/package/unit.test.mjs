// SPDX-License-Identifier: Apache-2.0
// The systemd unit: right by systemd's own word, hardened, and fitting the settings' defaults.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { run } from '../integration/support/run.mjs';
import { runCommand, serverBinary } from '../integration/support/server.mjs';

const MOST_EXPOSED = 2.0; // of 10, as "systemd-analyze security" counts
const text = await readFile(new URL('../../packaging/sse-server.service', import.meta.url), 'utf8');
const { code } = await run('systemd-analyze', ['--version']);
const skip = code === 0 ? false : 'systemd-analyze is not there';

let directory;
let unit;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unit-'));
  unit = join(directory, 'sse-server.service');
  await writeFile(unit, text.replaceAll('/usr/bin/sse-server', serverBinary()));
});
after(() => rm(directory, { recursive: true }));

function setting(name) {
  return text.match(new RegExp(`^${name}=(.*)$`, 'm'))?.[1];
}

test('systemd finds nothing wrong with it', { skip }, async () => {
  await mkdir(join(directory, 'man/man1'), { recursive: true });
  await writeFile(join(directory, 'man/man1/sse-server.1'),
    (await run(serverBinary(), ['manual'], { input: await readFile(new URL('../../docs/sse-server.1.in', import.meta.url)) })).stdout);
  const { code: verified, output } = await run('systemd-analyze', ['verify', unit],
    { env: { ...process.env, MANPATH: join(directory, 'man') } });
  assert.equal(verified, 0, output);
  assert.equal(output, '');
});

test('it may do little', { skip }, async () => {
  const { stdout, output } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', unit]);
  const [, level] = stdout.match(/exposure level for sse-server\.service: ([\d.]+)/) ?? assert.fail(output);
  assert.ok(Number(level) <= MOST_EXPOSED, level);
});

test('it waits longer than a stop takes with the defaults', async () => {
  const { stdout } = await runCommand(['default-config']);
  const [, drain] = stdout.match(/^drainTime: (\d+)s$/m);
  const stop = Number(setting('TimeoutStopSec').match(/^(\d+)s$/)[1]);
  assert.ok(stop > Number(drain) + 5, `TimeoutStopSec=${stop}s with a drainTime of ${drain}s`);
});

test('it notifies, reloads, is watched, and serves ports below 1024', () => {
  assert.equal(setting('Type'), 'notify');
  assert.match(setting('ExecReload'), / reload$/);
  assert.equal(setting('RuntimeDirectory'), 'sse-server');
  assert.match(setting('WatchdogSec'), /^\d+s$/);
  assert.equal(setting('AmbientCapabilities'), 'CAP_NET_BIND_SERVICE');
  assert.equal(setting('CapabilityBoundingSet'), 'CAP_NET_BIND_SERVICE');
});
