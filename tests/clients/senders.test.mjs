// SPDX-License-Identifier: Apache-2.0
// Libraries and programs that back ends send with, with nothing set but the key and, for TLS, the
// certificate that is to be trusted: each over both kinds of listener. What is sent arrives.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from '../integration/support/client.mjs';
import { run } from '../integration/support/run.mjs';
import { startServer } from '../integration/support/server.mjs';

const KEY = 'the-key';
const CONFIG = `
apiKeys: [${KEY}]
services:
  - name: demo
    auth: development
listeners:
  - address: localhost:0
  - address: localhost:0
    tls: false
`;
const here = new URL('.', import.meta.url).pathname;
const built = new URL('../../build/', import.meta.url).pathname;
const jars = join(built, 'clients/java');

const curl = (...options) => ['curl', '-sS', '--cacert', '{ca}', ...options, '-H', 'authorization: Bearer {key}',
  '-H', 'content-type: application/json', '--data-binary', '{message}', '-w', '\n%{http_code}', '{url}/send'];
const of = (program, libraries) => libraries.map((library) => [library, [...program, library]]);
const JAVA = ['HttpURLConnection', 'HttpClient', 'HttpClient of HTTP/1.1', 'OkHttp', 'Apache HttpClient', 'RestTemplate',
  'RestTemplate on HttpClient', 'WebClient', 'Feign'];

// Each: its name, a command that prints the status and the answer, in some order, and how many of these where it is
// not one.
const SENDERS = [
  ['curl', curl()],
  ['curl of HTTP/1.1', curl('--http1.1')],
  ['curl of HTTP/1.0', curl('--http1.0')],
  ['wget', ['wget', '-q', '-S', '-O', '-', '--ca-certificate={ca}', '--header=authorization: Bearer {key}',
    '--header=content-type: application/json', '--post-data={message}', '{url}/send']],
  ['Go', [join(built, 'clients/go/send')]],
  ['Go of HTTP/1.1', [join(built, 'clients/go/send'), 'HTTP/1.1']],
  ...of([process.execPath, join(here, 'node/send.mjs')],
    ['http', 'http2', 'fetch', 'undici', 'axios', 'got', 'got with http2', 'node-fetch', 'superagent']),
  ...of([join(built, 'python/bin/python'), join(here, 'python/send.py')],
    ['urllib', 'urllib3', 'requests', 'httpx', 'httpx[http2]', 'aiohttp']),
  // One after the other, since a start costs more than all of them; most of its time would go into compiling itself better.
  [JAVA.join(', '), ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', `${jars}:${jars}/*`, 'Send', ...JAVA], JAVA.length],
  ...of(['php', join(here, 'php/send.php')], ['streams', 'curl', 'Guzzle', 'Symfony']),
  ...of(['ruby', join(here, 'ruby/send.rb')], ['net/http', 'Faraday', 'Excon']),
  ...of(['perl', join(here, 'perl/send.pl')], ['LWP', 'HTTP::Tiny']),
];

let server;
let page;
let stream;

before(async () => {
  server = await startServer({ config: CONFIG });
  page = await connect(server.origin);
  stream = await page.connect({ userId: '7' });
});
after(async () => {
  await page?.close();
  await server?.stop();
});

async function send(command, { scheme, port }, message) {
  const values = {
    ca: join(server.stateDirectory, 'development-cert.pem'),
    url: `${scheme}://localhost:${port}/sse/demo`,
    key: KEY,
    message: JSON.stringify(message),
  };
  const [file, ...args] = command.map((text) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole));
  return run(file, args, { env: {
    ...process.env,
    SSE_URL: values.url,
    SSE_API_KEY: KEY,
    SSE_CA_FILE: values.ca,
    NODE_EXTRA_CA_CERTS: values.ca,
    SSE_MESSAGE: values.message,
  } });
}

for (const [index, [name, command, count = 1]] of SENDERS.entries()) {
  describe(`${command[0].split('/').at(-1)}: ${name}`, () => {
    for (const [n, kind] of ['TLS', 'cleartext'].entries()) {
      test(`sends over ${kind}`, async () => {
        assert.ok(!command[0].startsWith('/') || existsSync(command[0]), `no ${command[0]}: run script/bootstrap`);
        const event = `from-${index}-${n}`;
        const { code, output } = await send(command, server.listeners[n], { event, data: { name }, userId: '7' });
        assert.equal(code, 0, output);
        for (const pattern of [/(?<!"code":)\b200\b/g, /"count":1/g]) {
          assert.equal(output.match(pattern)?.length, count, output);
        }
        for (let sent = 0; sent < count; sent++) {
          assert.deepEqual(await stream.next(event), { name });
        }
      });
    }
  });
}
