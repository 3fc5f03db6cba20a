// SPDX-License-Identifier: Apache-2.0
// A page's life through the proxies of docs/behind-a-proxy.md, by the files of docs/recipes.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { freePort } from './support/port.mjs';
import { missing, startProxy } from './support/proxy.mjs';
import { writeRecipe } from './support/recipe.mjs';
import { runCommand, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const HOST = 'push.example.org';
const BASE = '/sse/hr';
const CONNECT = `${BASE}/connect`;
const MIB = 1 << 20;
const BROWSERS = 40;
const TABS = 3;
const LEAVING_BROWSERS = 20;
const LEAVING_TABS = 20;
// An address of this machine that no proxy and no server here has.
const PAGE_ADDRESS = '127.0.0.77';

const RECIPES = [
  { program: 'nginx', config: 'nginx/pass-through.conf', kind: 'pass-through' },
  { program: 'haproxy', config: 'haproxy/pass-through.cfg', kind: 'pass-through' },
  { program: 'haproxy', config: 'haproxy/cleartext.cfg', kind: 'cleartext' },
  { program: 'haproxy', config: 'haproxy/tls.cfg', kind: 'tls' },
  { program: 'caddy', config: 'caddy/cleartext.caddyfile', kind: 'cleartext' },
  { program: 'caddy', config: 'caddy/tls.caddyfile', kind: 'tls' },
];

// One pair for the proxy and for the server: both are push.example.org for who asks them.
async function makePair(directory) {
  const { code, output } = await runCommand(['make-cert', '--out', directory, HOST]);
  assert.equal(code, 0, output);
  const certificate = join(directory, 'development-cert.pem');
  const key = join(directory, 'development-key.pem');
  const both = join(directory, 'both.pem');
  const ca = await readFile(certificate);
  await writeFile(both, Buffer.concat([ca, await readFile(key)]), { mode: 0o600 });
  return { certificate, key, both, ca };
}

// sse-server and a proxy before it, as one recipe says.
class Setup {
  async start({ program, config, kind }) {
    this.directory = await mkdtemp(join(tmpdir(), 'sse-proxy-'));
    this.pair = await makePair(this.directory);
    this.port = await freePort();
    this.server = await startServer({
      listen: null,
      args: ['--config', await this.#write(`sse-server/${kind}.yaml`)],
      // No comment goes over a silent stream: nothing arrives or ends because of one.
      variables: { SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: '1h' },
    });
    this.upstream = this.server.listeners.at(-1).port;
    this.proxy = await startProxy(program,
      { directory: this.directory, config: await this.#write(config), port: this.port });
    this.office = await backend(this.server, { base: BASE });
  }

  // What stands in recipes, and what it is here.
  #write(recipe) {
    const { certificate, key, both } = this.pair;
    const upstream = `127.0.0.1:${this.upstream ?? 0}`;
    return writeRecipe(this.directory, recipe, {
      'listen 443': `listen ${this.port}`,
      ':443': `:${this.port}`,
      '127.0.0.1:8080': upstream,
      '127.0.0.1:8443': upstream,
      '127.0.0.1:9443': '127.0.0.1:0',
      '/etc/sse-server/push.example.org.pem': certificate,
      '/etc/sse-server/push.example.org.key': key,
      '/etc/caddy/push.example.org.pem': certificate,
      '/etc/caddy/push.example.org.key': key,
      '/etc/haproxy/push.example.org.pem': both,
      '/etc/ssl/certs/ca-certificates.crt': certificate,
      '/run/nginx.pid': join(this.directory, 'nginx.pid'),
      '/var/log/nginx/error.log': 'stderr',
      // Only root may become somebody else.
      'user haproxy': '',
      'group haproxy': '',
    });
  }

  async stop() {
    await this.office?.close();
    await this.proxy?.stop();
    await this.server?.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  // A browser's session with the proxy, which has to prove its name.
  browser() {
    return connect(`https://${HOST}:${this.port}`, {
      createConnection: () => tls.connect({
        host: '127.0.0.1',
        port: this.port,
        localAddress: PAGE_ADDRESS,
        servername: HOST,
        ALPNProtocols: ['h2'],
        ca: this.pair.ca,
      }),
    });
  }

  async connections() {
    return (await this.office.query('connections')).total;
  }
}

for (const recipe of RECIPES) {
  describe(recipe.config, { skip: missing(recipe.program) }, () => {
    const setup = new Setup();
    let page;
    let stream;

    before(async () => {
      await setup.start(recipe);
      page = await setup.browser();
      stream = await page.connect({ userId: '7', name: 'Ann' }, { base: BASE });
    });
    after(async () => {
      await page?.close();
      await setup.stop();
    });

    test('a stream begins, over HTTP/2', () => {
      assert.equal(page.session.alpnProtocol, 'h2');
      assert.equal(stream.status, 200);
      assert.match(stream.headers['content-type'], /^text\/event-stream/);
      assert.ok(stream.id);
    });

    test('the client is known by its own address, whatever it says', async () => {
      const liar = await page.connect({ userId: '7' },
        { base: BASE, headers: { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' } });
      const { list } = await setup.office.query('connections');
      await liar.close();
      await eventually('that stream to be gone', async () => await setup.connections() === 1);
      assert.deepEqual(list.map(({ requestIp }) => requestIp), [PAGE_ADDRESS, PAGE_ADDRESS]);
    });

    test('an event arrives when nothing comes after it', async () => {
      const { count } = await setup.office.send({ event: 'hello', data: { n: 1 }, userId: '7' });
      assert.equal(count, 1);
      assert.deepEqual(await stream.next('hello'), { n: 1 });
    });

    test('30 events arrive in order', async () => {
      const numbers = Array.from({ length: 30 }, (_, n) => n);
      await setup.office.send(numbers.map((n) => ({ event: 'tick', data: n, userId: '7' })));
      const ticks = await stream.count('tick', numbers.length);
      assert.deepEqual(ticks.map(({ data }) => Number(data)), numbers);
    });

    test('a message is answered, to a page of this origin', async () => {
      const answer = await page.postJson(`${CONNECT}/message/a/b.do?connectionId=${stream.id}`, { n: 1 },
        { origin: `https://${HOST}:${setup.port}` });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.data, 'a/b');
    });

    test('an upload of 8 MB arrives as it was sent', async () => {
      const data = randomBytes(8 * MIB);
      const answer = await page.post(`${CONNECT}/upload/docs.do?connectionId=${stream.id}`,
        multipart([{ name: 'file', fileName: 'a.bin', data }]), { 'content-type': MULTIPART });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.data.parts[0].sha256, createHash('sha256').update(data).digest('hex'));
    });

    test('many browsers with several tabs each hear of it', async () => {
      const browsers = await Promise.all(Array.from({ length: BROWSERS }, () => setup.browser()));
      const streams = await Promise.all(browsers.flatMap((browser, n) => Array.from({ length: TABS },
        () => browser.connect({ userId: `many-${n}` }, { base: BASE }))));
      assert.deepEqual([...new Set(streams.map(({ status }) => status))], [200]);
      const { count } = await setup.office.send({ event: 'all', data: 1, all: true });
      assert.equal(count, BROWSERS * TABS + 1);
      await Promise.all(streams.map((one) => one.next('all')));
      await Promise.all(browsers.map((browser) => browser.close()));
      await eventually('those browsers to be gone', async () => await setup.connections() === 1);
    });

    // As many breaks as would cost one browser its connection.
    test('browsers that come and go do not take the stream of another with them', async () => {
      for (let n = 0; n < LEAVING_BROWSERS; n++) {
        const browser = await setup.browser();
        await Promise.all(Array.from({ length: LEAVING_TABS }, () => browser.connect({ userId: 'x' }, { base: BASE })));
        await browser.close();
      }
      await setup.office.send({ event: 'still', data: 1, userId: '7' });
      assert.equal(await stream.next('still'), 1);
      await eventually('those browsers to be gone', async () => await setup.connections() === 1);
    });

    test('a tab that is closed is gone, while its browser stays', async () => {
      const tab = await page.connect({ userId: '8' }, { base: BASE });
      assert.equal(await setup.connections(), 2);
      await tab.close();
      await eventually('the tab to be gone', async () => await setup.connections() === 1);
    });

    test('disconnect.do ends the stream', async () => {
      const answer = await page.postForm(`${CONNECT}/disconnect.do`, { connectionId: stream.id });
      assert.deepEqual(answer.data, { count: 1 });
      await stream.end();
      assert.equal(await setup.connections(), 0);
    });

    test('the farewell of a server that stops arrives', async () => {
      const last = await page.connect({ userId: '9' }, { base: BASE });
      setup.server.signal('SIGTERM');
      assert.equal((await last.next('connect-close')).reason, 'drain');
      await last.end();
    });
  });
}
