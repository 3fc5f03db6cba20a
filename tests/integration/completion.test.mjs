// SPDX-License-Identifier: Apache-2.0
// What shells offer behind "sse-server", by the scripts that it prints.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { run } from './support/run.mjs';
import { runCommand, serverBinary } from './support/server.mjs';

const { stdout: bash } = await runCommand(['completion', 'bash']);
const { stdout: zsh } = await runCommand(['completion', 'zsh']);
const { stdout: help } = await runCommand(['help']);
const commands = [...help.split('commands:\n')[1].matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name);
// Of each command, those that its help has; those that all have are in the summary.
const own = Object.fromEntries(await Promise.all(commands.map(async (name) => {
  const { stdout } = await runCommand(['help', name]);
  return [name, [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option)];
})));
const common = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option);
const options = [...new Set([...common, ...Object.values(own).flat()])];

// What bash offers when the last of these words is to be completed.
async function offered(...words) {
  const line = words.map((word) => `'${word}'`).join(' ');
  const { stdout, stderr } = await run('bash', ['-c', `${bash}
    compopt() { :; }
    COMP_WORDS=(${line}) COMP_CWORD=${words.length - 1}
    _sse_server sse-server '${words.at(-1)}' '${words.at(-2)}'
    printf '%s\\n' "\${COMPREPLY[@]}"`]);
  assert.equal(stderr, '');
  return stdout.split('\n').filter(Boolean);
}

test('bash offers every command and every option', async () => {
  assert.deepEqual((await offered('sse-server', '')).sort(), [...commands].sort());
  assert.deepEqual(await offered('sse-server', '--config', 'x', 'check-'), ['check-config', 'check-token']);
  assert.deepEqual((await offered('sse-server', '-')).sort(), [...common].sort());
  for (const name of commands) {
    assert.deepEqual((await offered('sse-server', name, '-')).sort(), [...common, ...own[name]].sort(), name);
  }
});

test('bash offers a command its own options', async () => {
  assert.ok((await offered('sse-server', 'make-token', '--ex')).includes('--expires'));
  assert.deepEqual(await offered('sse-server', '--ex'), []);
  assert.deepEqual(await offered('sse-server', 'check-token', '--s'), ['--service']);
});

test('bash offers the words that a setting has, and files', async () => {
  assert.deepEqual(await offered('sse-server', '--log-level', ''), ['debug', 'info', 'warn', 'error']);
  assert.deepEqual(await offered('sse-server', 'health', 'l'), ['live']);
  assert.ok((await offered('sse-server', '--config', '/et')).includes('/etc'));
  assert.deepEqual(await offered('sse-server', '--workers', ''), []);
});

test('zsh reads its script, which has the same', async () => {
  const { code, stderr } = await run('zsh', ['-n', '-c', zsh]);
  assert.equal(code, 0, stderr);
  assert.match(zsh, /^#compdef sse-server\n/);
  for (const name of commands) {
    assert.ok(zsh.includes(`    '${name}:`), name);
  }
  for (const option of options) {
    assert.ok(zsh.includes(option), option);
  }
  assert.match(zsh, /--log-level=:log-level:\(debug info warn error\)/);
});

test('the manual page has every command and option, in good mdoc', async () => {
  const input = await readFile(new URL('../../docs/sse-server.1.in', import.meta.url), 'utf8');
  const { code, stdout: page } = await run(serverBinary(), ['manual'], { input });
  assert.equal(code, 0);
  assert.doesNotMatch(page, /^@/m);
  const lint = await run('mandoc', ['-T', 'lint', '-W', 'warning'], { input: page });
  assert.equal(lint.code, 0, lint.output);
  const { stdout: text } = await run('mandoc', ['-T', 'ascii'], { input: page });
  const plain = text.replace(/.\x08/g, '');
  for (const name of commands) {
    assert.match(plain, new RegExp(`^ +sse-server ${name}( |$)`, 'm'));
    for (const option of own[name]) {
      assert.match(plain, new RegExp(`^ +${option}( |$)`, 'm'), `${option} of ${name}`);
    }
  }
});

test('another shell is refused', async () => {
  for (const args of [['completion'], ['completion', 'fish']]) {
    const { code, stderr } = await runCommand(args);
    assert.equal(code, 2);
    assert.match(stderr, /bash or zsh/);
  }
});
