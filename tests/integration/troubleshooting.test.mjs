// SPDX-License-Identifier: Apache-2.0
// docs/troubleshooting.md has a row for each message that somebody may see, and no others.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFile(new URL(path, ROOT), 'utf8');

// Where texts are made that clients, back ends or the log are told of a request or a connection.
const TELLERS = /^(api\/|h1\/(connection|parser|scan)|h2\/(admission|callbacks|deadlines|inbound|listener|multipart|rates|request|session|stream|uri)|auth\/(claims|development|jwt|jwt_backend|webhook_backend|webhook_question)\.|outbound\/answer|broker\/stored\/receipts)/;
// Sentences in these files that are told to nobody, or by the start of the program, which says itself what to do.
const OTHERS = [
  /^(authorization|x-sse-order|x-sse-connection|keepaliveTime|userId, tenantId, event|default-src), ?|^default-src|^retry: /,
  /^a limit for each kind|^room for a claim|^read a JWK set|^cannot read a JWK set|^too much waits for disks/,
  /^(cannot listen on|cannot resolve|unix:%s|"%s" is no address|connections may be reset|receipts are lost)/,
];

async function filesBelow(folder, suffix) {
  const names = await readdir(new URL(folder, ROOT), { recursive: true });
  return names.filter((name) => name.endsWith(suffix));
}

// The literals of a C file, those that the compiler joins as one.
function literalsOf(text) {
  const tokens = text.replace(/^#include.*$/gm, '')
    .matchAll(/\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*/g);
  return [...tokens].map(([token]) => token).filter((token) => token.startsWith('"')).map((joined) => (
    joined.replace(/"\s*"/g, '').slice(1, -1).replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c))));
}

const isSentence = (text) => text.split(' ').length > 3 && /^[A-Za-z%"]/.test(text);

async function rows() {
  const text = await read('docs/troubleshooting.md');
  return [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) => cell.split('<br>').map((code) => code.slice(1, -1)));
}

test('each message has a row', async () => {
  const known = await rows();
  const missing = [];
  for (const name of (await filesBelow('src/', '.c')).filter((each) => TELLERS.test(each))) {
    for (const text of literalsOf(await read(`src/${name}`)).filter(isSentence)) {
      if (!known.some((part) => text.includes(part)) && !OTHERS.some((other) => other.test(text))) {
        missing.push(`${name}: ${text}`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

test('each row is of a message that there is', async () => {
  const sources = await Promise.all((await filesBelow('src/', '.c')).map(async (name) => literalsOf(await read(`src/${name}`))));
  const scripts = await Promise.all((await filesBelow('js/src/', '.js')).map((name) => read(`js/src/${name}`)));
  const texts = [...sources.flat(), ...scripts];
  const known = await rows();
  assert.ok(known.length > 100);
  assert.deepEqual(known.filter((part) => !texts.some((text) => text.includes(part))), []);
});

test('the settings that it names exist', async () => {
  const [text, settings] = await Promise.all([read('docs/troubleshooting.md'), read('docs/sse-server.yaml')]);
  const named = [...text.matchAll(/`((?:services\[\]|listeners\[\]|apiKeys\[\]|limits|qos|log|console)\.[\w.[\]]+)`/g)];
  assert.ok(named.length > 20);
  const unknown = named.filter(([, name]) => !new RegExp(`^[\\s#-]*${name.split('.').at(-1)}:`, 'm').test(settings));
  assert.deepEqual(unknown.map(([, name]) => name), []);
});
