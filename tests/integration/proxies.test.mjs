// SPDX-License-Identifier: Apache-2.0
// A page's life through the proxies of docs/behind-a-proxy.md, by the files of docs/recipes.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { MULTIPART, multipart } from './support/multipart.mjs';
import { BASE, HOST, PAGE_ADDRESS, Proxied } from './support/proxied.mjs';
import { missing } from './support/proxy.mjs';
import { eventually } from './support/wait.mjs';

const CONNECT = `${BASE}/connect`;
const MIB = 1 << 20;
const BROWSERS = 40;
const TABS = 3;
const LEAVING_BROWSERS = 20;
const LEAVING_TABS = 20;

const RECIPES = [
  { program: 'nginx', config: 'nginx/pass-through.conf', kind: 'pass-through' },
  { program: 'haproxy', config: 'haproxy/pass-through.cfg', kind: 'pass-through' },
  { program: 'haproxy', config: 'haproxy/cleartext.cfg', kind: 'cleartext' },
  { program: 'haproxy', config: 'haproxy/tls.cfg', kind: 'tls' },
  { program: 'caddy', config: 'caddy/cleartext.caddyfile', kind: 'cleartext' },
  { program: 'caddy', config: 'caddy/tls.caddyfile', kind: 'tls' },
  { program: 'nginx', config: 'nginx/http1.conf', kind: 'cleartext' },
  { program: 'nginx', config: 'nginx/grpc.conf', kind: 'cleartext' },
  // It finds out that a tab has gone when it writes to it, and works on six requests of a browser at once.
  { program: 'apache', config: 'apache/http1.conf', kind: 'cleartext', comments: '1s', tabs: 4 },
  { program: 'envoy', config: 'envoy/cleartext.yaml', kind: 'cleartext' },
  { program: 'traefik', config: 'traefik/traefik.yaml', beside: 'traefik/push.yaml', kind: 'cleartext' },
];

for (const recipe of RECIPES) {
  describe(recipe.config, { skip: missing(recipe.program) }, () => {
    const setup = new Proxied();
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
        await Promise.all(Array.from({ length: recipe.tabs ?? LEAVING_TABS }, () => browser.connect({ userId: 'x' }, { base: BASE })));
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

    test('the last event of a server that stops arrives', async () => {
      const last = await page.connect({ userId: '9', reasons: 'true' }, { base: BASE });
      setup.server.signal('SIGTERM');
      assert.equal((await last.next('connect-close')).reason, 'drain');
      await last.end();
    });
  });
}
