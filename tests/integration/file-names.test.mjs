// SPDX-License-Identifier: Apache-2.0
// Names of files and fields, as browsers and libraries write them: all are taken, none leads anywhere,
// and the handler is told the user's own.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { run } from './support/run.mjs';
import { startServer } from './support/server.mjs';

const PYTHON = new URL('../../build/python/bin/python', import.meta.url).pathname;
const UPLOAD = '/sse/demo/connect/upload/files.do?userId=';

// Of a path the last part is the name; control characters are left out of it; of 255 bytes no more is told.
const NAMES = [
  ['plain.txt'], ['two words.txt'], ['semi;colon.txt'], ['comma,equals=.txt'], ["single'quote.txt"],
  ['double"quote.txt'], ['"quoted"'], ['ends with quote"'], ['a";name="x'], ['a"; filename="b'],
  ['percent%41.txt'], ['100%'], ['%2e%2e%2fup'], ['plus+and&amp;.txt'], ['[1].txt'], ['{a}.txt'], ['~$a.docx'], ['#a?b.txt'],
  ['übergröße €.txt'], ['emoji \u{1f600}.png'], ['日本語.pdf'], ['e\u0301 combining.txt'], ['\u202etxt.exe'],
  ['trailing dot.'], ['...'], ['.hidden'], [' leading and trailing '], ['-rf'], ['CON'], ['nul.txt'], ['a:b'], ['*?<>|'],
  ['.', ''], ['..', ''], ['../../etc/passwd', 'passwd'], ['/etc/passwd', 'passwd'], ['C:\\docs\\x.txt', 'x.txt'], ['dir/', ''],
  ['ends with backslash\\', ''], ['back\\slash"quote.txt', 'slash"quote.txt'],
  ['line\nbreak.txt', 'linebreak.txt'], ['line\r\nbreak.txt', 'linebreak.txt'],
  ['x'.repeat(255)], [`${'x'.repeat(300)}.txt`, 'x'.repeat(255)], [`${'ü'.repeat(200)}`, 'ü'.repeat(127)],
];
const FIELDS = ['field', 'two words', 'semi;colon', 'double"quote', 'a[0][b]', 'ü€\u{1f600}', 'line\r\nbreak', 'percent%41', "it's", 'a"; filename="b'];

// As each writes a name between quotes.
const percent = (name) => name.replaceAll(/"|\r|\n/g, (c) => encodeURIComponent(c));
const quotedPairs = (name) => name.replaceAll(/["\\]/g, '\\$&').replaceAll(/[\r\n]/g, (c) => encodeURIComponent(c));
const extended = (name) => `utf-8''${encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`;
const encodedWord = (name) => `=?UTF-8?B?${Buffer.from(name).toString('base64')}?=`;
const isAscii = (name) => /^[\x20-\x7e]*$/.test(name);
const token = (name) => (/^[\w.-]+$/.test(name) ? name : `"${quotedPairs(name)}"`);

const WRITERS = {
  'browsers, okhttp, Dart, urllib3': (name) => `filename="${percent(name)}"`,
  'Go, curl before 7.81': (name) => `filename="${quotedPairs(name)}"`,
  'older browsers: the quote alone with a backslash': (name) => `filename="${percent(name.replaceAll('"', '\\"')).replaceAll('\\%22', '\\"')}"`,
  'Spring 6': (name) => (isAscii(name) ? `filename="${quotedPairs(name)}"` : `filename="${encodedWord(name)}"; filename*=${extended(name)}`),
  '.NET': (name) => `filename=${isAscii(name) ? token(name) : `"${encodedWord(name)}"`}; filename*=${extended(name)}`,
  aiohttp: (name) => (isAscii(name) ? `filename="${quotedPairs(name)}"` : `filename*=${extended(name)}`),
};

describe('names of files', () => {
  let server;
  let page;
  let directory;
  let user = 0; // of each test another one: their files are counted

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sse-server-names-'));
    server = await startServer({ variables: { SSE_SERVER_SERVICES_0_UPLOAD_DIRECTORY: directory } });
    page = await connect(server.origin);
  });
  after(async () => {
    await page.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const toldOf = ([name, told = name]) => told;

  async function parts(body, type) {
    const answer = await page.post(`${UPLOAD}${user}`, body, { 'content-type': type });
    assert.equal(answer.status, 200, `${answer.text}\n${body.toString().slice(0, 300)}`);
    return answer.data.parts;
  }

  const raw = (dispositions) => Buffer.from(`${dispositions.map((disposition) => (
    `--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\nx\r\n`)).join('')}--b--\r\n`);

  for (const [writer, write] of Object.entries(WRITERS)) {
    test(`as ${writer} write them`, async () => {
      user += 1;
      for (const one of NAMES) {
        const disposition = write(one[0]);
        for (const whole of [`name="f"; ${disposition}`, `${disposition}; name="f"`]) {
          const [part] = await parts(raw([whole]), 'multipart/form-data; boundary=b');
          assert.equal(part.fileName, toldOf(one), whole);
          assert.equal(part.name, 'f', whole);
        }
      }
    });
  }

  test('as Node writes them, and the names of fields', async () => {
    const form = new FormData();
    NAMES.forEach(([name], n) => form.append(FIELDS[n % FIELDS.length], new Blob(['x']), name));
    const written = new Response(form);
    const told = await parts(Buffer.from(await written.arrayBuffer()), written.headers.get('content-type'));
    assert.deepEqual(told.map(({ fileName }) => fileName), NAMES.map(toldOf));
    assert.deepEqual(told.map(({ name }) => name), NAMES.map((_, n) => FIELDS[n % FIELDS.length]));
  });

  test('as curl writes them, with either way of escapes', async () => {
    const file = join(tmpdir(), `sse-server-sent-${process.pid}`);
    await writeFile(file, 'x');
    user += 1;
    for (const escapes of [[], ['--form-escape']]) {
      // With --form-escape it writes line breaks as they are, which is no field any more.
      for (const one of NAMES.filter(([name]) => escapes.length === 0 || !/[\r\n]/.test(name))) {
        const quoted = one[0].replaceAll(/["\\]/g, '\\$&');
        const { stdout, stderr } = await run('curl', ['-sSk', '--http2', ...escapes, '-F', `f=@"${file}";filename="${quoted}"`, `${server.origin}${UPLOAD}${user}`]);
        assert.equal(JSON.parse(stdout || '{}').data?.parts?.[0]?.fileName, toldOf(one), `${escapes} ${one[0]}: ${stdout} ${stderr}`);
      }
    }
    await rm(file);
  });

  for (const [library, program] of [
    ['httpx', 'import httpx\ndef prepare(files): return httpx.Request("POST", "https://x/", files=files)\ndef body(r): return r.read()'],
    ['requests', 'import requests\ndef prepare(files): return requests.Request("POST", "https://x/", files=files).prepare()\ndef body(r): return r.body'],
  ]) {
    test(`as ${library} writes them`, { skip: !existsSync(PYTHON) && `there is no ${PYTHON}` }, async () => {
      const source = `${program}
import base64, json, sys
r = prepare([(field, (name, b"x")) for field, name in json.load(sys.stdin)])
print(json.dumps([r.headers["content-type"], base64.b64encode(body(r)).decode()]))`;
      const named = NAMES.map(([name], n) => [FIELDS[n % FIELDS.length], name]);
      const { stdout, stderr } = await run(PYTHON, ['-c', source], { input: JSON.stringify(named) });
      assert.ok(stdout, stderr);
      const [type, body] = JSON.parse(stdout);
      const told = await parts(Buffer.from(body, 'base64'), type);
      assert.deepEqual(told.map(({ fileName }) => fileName), NAMES.map(toldOf));
      assert.deepEqual(told.map(({ name }) => name), named.map(([field]) => field));
    });
  }

  test('lie in the directory, under names of their own', async () => {
    const all = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    assert.ok(all.length > NAMES.length);
    for (const { name } of all) {
      assert.match(name, /^[0-9a-f]{16}[\w.-]*$/);
    }
  });
});
