// SPDX-License-Identifier: Apache-2.0
// What docs/pages.md says of pages with policies: CSP, COEP, sandboxed frames.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { startServer } from '../integration/support/server.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { openPage, startBrowser } from './support/browser.mjs';
import { startSite } from './support/pages.mjs';

const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

let site;
let server;
let browser;
let page;
before(async () => {
  site = await startSite();
  server = await startServer({ variables: { SSE_SERVER_SERVICES_0_ORIGINS: site.origin } });
  browser = await startBrowser();
  // What a page does, in scripts of its own site; window.said is what came of it.
  const run = `
    const said = window.said = { events: [] };
    window.run = (Sse) => {
      said.isIsolated = window.crossOriginIsolated;
      try {
        window.mine = new Sse({
          url: '${server.origin}/sse/demo',
          query: { userId: '7' },
          eventListeners: {
            error: () => { said.events.push('error'); window.tell(); },
            'connect-finish': async () => {
              said.status = (await window.mine.send('a')).status;
              window.tell();
            },
          },
        });
      } catch (error) {
        said.thrown = String(error);
      }
      said.isWhole = window.sse === window.mine && window.Sse === Sse;
      said.state = window.mine?.state;
    };
    window.fail = (error) => { said.failed = String(error); window.tell(); };
    window.tell = () => { said.isDone = true; window.parent.postMessage(said, '*'); };`;
  const module = `${run}\nimport('${server.origin}/sse/demo').then(({ default: Sse }) => window.run(Sse), window.fail);`;
  site.pages['/module.js'] = { body: module };
  site.pages['/classic.js'] = { body: `${run}\nwindow.Sse ? window.run(window.Sse) : window.fail('no script');` };
});
after(async () => {
  await browser?.close();
  await server?.stop();
  site?.stop();
});
beforeEach(async () => {
  page = await openPage(browser, server);
});

const MODULE = '<!doctype html><script src="/module.js"></script>';
const CLASSIC = () => '<!doctype html>'
  + `<script src="${server.origin}/sse/demo?script-type=text/javascript"></script><script src="/classic.js"></script>`;

let pages = 0;
// Shows a page of the site and gives what it has said.
async function show(headers, body) {
  const path = `/${pages += 1}.html`;
  site.pages[path] = { headers, body };
  await page.goto(site.origin + path);
  await eventually('what the page says', () => page.evaluate(() => Boolean(window.said?.isDone)));
  return page.evaluate(() => window.said);
}

// What is said in a frame comes to the page around it.
const framing = (path, attribute = '') => `<!doctype html><script>
  window.addEventListener('message', ({ data }) => { window.said = data; });
</script><iframe ${attribute} src="${path}"></iframe>`;

// In a frame: a policy may keep a driver's scripts out, too.
function showWith(policy, body) {
  const path = `/policy-${pages}.html`;
  site.pages[path] = { headers: { 'content-security-policy': policy }, body };
  return show({}, framing(path));
}

for (const [kind, body] of [['module', () => MODULE], ['classic script', CLASSIC]]) {
  test(`a policy that names the server: the ${kind} works`, async () => {
    const said = await showWith(`default-src 'none'; script-src 'self' ${server.origin}; connect-src ${server.origin}`, body());
    assert.deepEqual([said.status, said.isWhole, said.events], [200, true, []]);
    await page.close();
  });

  test(`a policy that forbids to connect: the ${kind} is told by an error event, and is whole`, async () => {
    const said = await showWith(`script-src 'self' ${server.origin}; connect-src 'none'`, body());
    assert.deepEqual([said.thrown, said.isWhole, said.events[0], said.state], [undefined, true, 'error', 0]);
    const left = await page.evaluate(() => {
      const frame = window.frames[0];
      const waiting = frame.mine.send('a').catch(({ code }) => code);
      frame.mine.destroy();
      return waiting.then((code) => [code, 'sse' in frame]);
    });
    assert.deepEqual(left, ['closed', false]);
    await page.close();
  });

  test(`a policy that forbids the ${kind}`, async () => {
    const said = await showWith("script-src 'self'; connect-src *", body());
    assert.ok(said.failed);
    await page.close();
  });

  test(`a page that is isolated: the ${kind} works`, async () => {
    const said = await show(ISOLATED, body());
    assert.deepEqual([said.isIsolated, said.status, said.isWhole, said.events], [true, 200, true, []]);
    await page.close();
  });
}

test('a frame of an opaque origin gets no module, and no stream', async () => {
  site.pages['/frame-module.html'] = { body: MODULE };
  assert.ok((await show({}, framing('/frame-module.html', 'sandbox="allow-scripts"'))).failed);
  site.pages['/frame-classic.html'] = { body: CLASSIC() };
  const said = await show({}, framing('/frame-classic.html', 'sandbox="allow-scripts"'));
  assert.deepEqual([said.thrown, said.isWhole, said.events[0]], [undefined, true, 'error']);
  await page.close();
});

test('a frame that keeps its origin has both', async () => {
  for (const path of ['/frame-module.html', '/frame-classic.html']) {
    const said = await show({}, framing(path, 'sandbox="allow-scripts allow-same-origin"'));
    assert.deepEqual([said.status, said.events], [200, []], path);
  }
  await page.close();
});
