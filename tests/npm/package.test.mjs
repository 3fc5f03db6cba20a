// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { publint } from 'publint';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);
const root = here('../..');
const tool = (name) => here(`node_modules/.bin/${name}`);
let work;
let archive;
let app;

before(async () => {
  work = await mkdtemp(join(tmpdir(), 'sse-server-npm-'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], { cwd: join(root, 'js') });
  archive = join(work, JSON.parse(stdout)[0].filename);
  app = join(work, 'app');
  await cp(here('app'), app, { recursive: true });
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', archive], { cwd: app });
});
after(() => rm(work, { recursive: true, force: true }));

test('it holds the client, its types, and what they need', async () => {
  const installed = join(app, 'node_modules/sse-server-client');
  assert.deepEqual((await readdir(installed)).sort(), ['LICENSE', 'README.md', 'package.json', 'src', 'sse.d.ts', 'sse.js']);
  assert.deepEqual((await readdir(join(installed, 'src'))).sort(), (await readdir(join(root, 'js/src'))).sort());
  assert.equal(await readFile(join(installed, 'LICENSE'), 'utf8'), await readFile(join(root, 'LICENSE'), 'utf8'));
});

test('it has the version of the server', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'js/package.json'), 'utf8'));
  const { default: Sse } = await import('../../js/sse.js');
  const [, project] = (await readFile(join(root, 'CMakeLists.txt'), 'utf8')).match(/project\(\S+ VERSION ([\d.]+)/);
  assert.deepEqual([version, Sse.version], [project, project]);
});

test('publint has nothing to say', async () => {
  const { messages } = await publint({ pkgDir: join(root, 'js'), strict: true });
  assert.deepEqual(messages, []);
});

test('its types are those of its module, however it is resolved', async () => {
  await run(tool('attw'), [archive, '--profile', 'esm-only']);
});

test('TypeScript takes a page that uses it, and the example of its README', async () => {
  const readme = await readFile(join(root, 'js/README.md'), 'utf8');
  const [, example] = readme.match(/^```ts\n([^]*?)^```$/m);
  await writeFile(join(app, 'src/readme.ts'), `declare const token: string, formData: FormData;
declare function show(value: unknown): void;
declare function leave(reason: string): void;
${example}`);
  await run(tool('tsc'), ['-p', app]);
});

test('Vite builds that page', async () => {
  await run(tool('vite'), ['build', '--logLevel', 'warn'], { cwd: app });
  const [script] = (await readdir(join(app, 'dist/assets'))).filter((name) => name.endsWith('.js'));
  assert.match(await readFile(join(app, 'dist/assets', script), 'utf8'), /connect-finish/);
});

test('Node imports it where there is no page, and nothing connects', async () => {
  await writeFile(join(app, 'server.mjs'), `import Sse from 'sse-server-client';
import manifest from 'sse-server-client/package.json' with { type: 'json' };
const sse = new Sse({ url: 'https://push.invalid/sse/demo' });
console.log(Sse.version === manifest.version, sse.isActive(), sse.state === Sse.STATE_CLOSED);
try { sse.connect(); } catch (error) { console.log(error.message); }
`);
  const { stdout } = await run(process.execPath, ['--no-warnings', 'server.mjs'], { cwd: app });
  assert.equal(stdout, `true false true
this is no page or worker: EventSource,addEventListener missing; give options.windowGlobal
`);
});
