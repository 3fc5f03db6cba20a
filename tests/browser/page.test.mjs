// SPDX-License-Identifier: Apache-2.0
// What a page does with the client that the server hands out.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { eventually } from '../integration/support/wait.mjs';
import { startWire } from '../integration/support/wire.mjs';
import { openPage } from './support/browser.mjs';
import { stage } from './support/stage.mjs';

let server;
let browser;
let office;
let page;
stage((parts) => { ({ server, browser, office } = parts); });
beforeEach(async () => {
  page = await openPage(browser, server);
});
afterEach(async () => {
  const failures = await page.failures();
  await page.close();
  await eventually('nobody to be there', async () => await count() === 0);
  assert.deepEqual(failures, []);
});

async function count() {
  return (await office.query('counts')).connections;
}

test('the snippet of the manual, pasted into an empty page', async () => {
  await page.addScript({
    text: `
      function sseEventListener(url, eventListeners, query) {
        return import(url + '?' + new URLSearchParams(query))
          .then(module => new module.default({url,eventListeners,query}))
      }
      window.heard = [];
      const listeners = {
        'myHunterBell': (event) => { window.heard.push(event.data) },
      }
      sseEventListener('/sse/demo', listeners, { userId: '7' }).then(sseConnection => {
        window.sseConnection = sseConnection
      })`,
  });
  await page.waitForFunction(() => window.sseConnection?.isActive());
  assert.equal((await office.send({ event: 'myHunterBell', data: { n: 1 }, userId: '7' })).count, 1);
  await page.waitForFunction(() => window.heard.length === 1);
  assert.deepEqual(await page.evaluate(() => window.heard), ['{"n":1}']);
  const answer = await page.evaluate(async () => (await window.sseConnection.send('greet', { a: 1 })).json());
  assert.equal(answer.data, 'greet');
  assert.equal(await page.evaluate(async () => (await (await window.sseConnection.send('你 好/100%')).json()).data), '你 好/100%');
});

test('the classic script gives window.Sse', async () => {
  await page.addScript({ src: '/sse/demo?script-type=text/javascript' });
  await page.evaluate(() => {
    window.mine = new window.Sse({ url: '/sse/demo', query: { userId: '7' } });
  });
  await page.waitForFunction(() => window.mine.isActive());
});

test('listeners that come and go are the server\'s too; events reach the window', async () => {
  await page.evaluate(async () => {
    window.heard = [];
    window.addEventListener('late', (event) => window.heard.push(event.data));
    window.mine = await window.connected();
    await window.mine.addListener('late', () => {});
  });
  const listening = { event: 'late', data: 'x', userId: '7', listening: true };
  assert.equal((await office.send(listening)).count, 1);
  await page.waitForFunction(() => window.heard.length === 1);
  await page.evaluate(() => window.mine.removeListener('late'));
  assert.equal((await office.send(listening)).count, 0);
});

test('an event that comes again with its id is dropped, another with that id is not', async () => {
  await page.evaluate(async () => {
    window.heard = [];
    window.mine = await window.connected({ eventListeners: { bell: (event) => window.heard.push(event.data) } });
  });
  await office.send({ event: 'bell', data: 'first', userId: '7', id: 'same' });
  await office.send({ event: 'bell', data: 'first', userId: '7', id: 'same' });
  await office.send({ event: 'bell', data: 'another', userId: '7', id: 'same' });
  await office.send({ event: 'bell', data: 'last', userId: '7' });
  await page.waitForFunction(() => window.heard.includes('last'));
  assert.deepEqual(await page.evaluate(() => window.heard), ['first', 'another', 'last']);
});

test('401 stops, with an event that says why', async () => {
  const event = await page.evaluate(async () => {
    window.mine = await window.make({ query: {} });
    return window.nextEvent(window.mine, 'connect-close');
  });
  assert.deepEqual([event.whoTriggerClose, event.closeReason], ['server', 'unauthorized']);
  assert.match(JSON.parse(event.data).message, /connect\(\)/);
  assert.equal(await page.evaluate(() => window.mine.state), 2);
});

test('a page that is one too many of its client stays away until somebody turns to it', async () => {
  const closed = await page.evaluate(async () => {
    window.mine = await window.connected();
    const evicted = window.nextEvent(window.mine, 'connect-close');
    window.others = [];
    for (let n = 0; n < 3; n += 1) {
      window.others.push(await window.connected());
    }
    return evicted;
  });
  assert.deepEqual([closed.whoTriggerClose, closed.closeReason], ['server', 'evicted']);
  assert.equal(await count(), 3);
  const opened = await office.metric('sse_server_connections_opened_total');
  await page.evaluate(async () => {
    const back = window.nextEvent(window.mine, 'connect-finish');
    window.dispatchEvent(new Event('focus'));
    await back;
  });
  assert.equal(await office.metric('sse_server_connections_opened_total'), opened + 1);
  assert.equal(await count(), 3);
});

test('a kicked page stays away, also when its tab is shown again', async () => {
  await page.evaluate(async () => {
    window.mine = await window.connected();
    window.lastEvent = window.nextEvent(window.mine, 'connect-close');
  });
  assert.equal((await office.command('disconnectUser', { userId: '7', reason: 'shift over' })).count, 1);
  assert.equal((await page.evaluate(() => window.lastEvent)).closeReason, 'shift over');
  const state = await page.evaluate(() => {
    window.show('hidden');
    window.show('visible');
    return window.mine.state;
  });
  assert.equal(state, 2);
});

test('destroy leaves nothing behind, and nothing of others is disturbed', async () => {
  const globals = await page.evaluate(async () => {
    const first = await window.connected();
    const second = await window.connected({ query: { userId: '8' } });
    const names = [window.sse === first];
    first.destroy();
    names.push(window.sse === second, second.isActive());
    second.destroy();
    names.push('sse' in window, 'Sse' in window);
    return names;
  });
  assert.deepEqual(globals, [true, true, true, false, false]);
  await eventually('nobody to be there', async () => await count() === 0);
});

test('what is asked while the network is away is done once it is back', async () => {
  const wire = await startWire(server.port);
  const far = await openPage(browser, wire);
  await far.evaluate(async () => { window.mine = await window.connected({ reconnectTime: 100 }); });
  wire.down();
  await eventually('the server to see it', async () => await count() === 0);
  const sent = far.evaluate(async () => (await window.mine.send('later', {})).status);
  await far.evaluate(() => 0); // the send has begun
  wire.up();
  assert.equal(await sent, 200);
  const { list } = await office.query('connections');
  assert.equal(list.reduce((sum, each) => sum + each.requestMessageCount, 0), 1);
  await far.close();
  await wire.close();
});

test('a call whose answer was lost is made again, and ran once', async () => {
  const answers = await page.evaluate(async () => {
    // A window whose network loses the first answer of each call.
    const lost = new Set();
    async function forgetful(url, request) {
      const answer = await window.fetch(url, request);
      const key = request.headers?.get('idempotency-key');
      if (key && !lost.has(key)) {
        lost.add(key);
        throw new TypeError('the answer was lost');
      }
      return answer;
    }
    const bound = (value) => (typeof value === 'function' && !value.prototype ? value.bind(window) : value);
    const windowGlobal = new Proxy(window, {
      get: (target, name) => (name === 'fetch' ? forgetful : bound(Reflect.get(target, name))),
      set: (target, name, value) => Reflect.set(target, name, value),
    });
    window.mine = await window.connected({ windowGlobal, documentGlobal: document });
    const form = new FormData();
    form.set('file', new Blob(['abc']), 'a.txt');
    const both = await Promise.all([window.mine.send('once', { n: 1 }), window.mine.upload('files', form)]);
    return Promise.all(both.map(async (answer) => (await answer.json()).data));
  });
  assert.equal(answers[0], 'once');
  assert.equal(answers[1].parts[0].size, 3);
  const { list: [connection] } = await office.query('connections');
  assert.deepEqual([connection.requestMessageCount, connection.requestUploadCount], [1, 1]);
  assert.equal(await office.metric('sse_server_requests_replayed_total'), 2);
});

test('the back end sets the counted time', async () => {
  await page.evaluate(async () => { window.mine = await window.connected(); });
  assert.equal((await office.command('setDuration', { userId: '7', duration: 100 })).count, 1);
  await page.waitForFunction(() => sessionStorage.getItem('sseDuration/sse/demo') === '100');
});

test('a module worker has the same client, and no page that could be hidden', async () => {
  const told = await page.evaluate(async () => {
    const text = `
      const url = '${location.origin}/sse/demo';
      const { default: Sse } = await import(url);
      const sse = new Sse({ url, query: { userId: '7' }, eventListeners: { bell: ({ data }) => postMessage(data) } });
      sse.addListener('connect-finish', async () => postMessage((await (await sse.send('hello')).json()).data));`;
    window.worker = new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })), { type: 'module' });
    window.said = [];
    window.worker.onmessage = ({ data }) => window.said.push(data);
    window.show('hidden');
    return new Promise((resolve, reject) => {
      window.worker.onerror = ({ message }) => reject(new Error(message));
      window.worker.addEventListener('message', ({ data }) => resolve(data));
    });
  });
  assert.equal(told, 'hello');
  assert.equal((await office.send({ event: 'bell', data: 'x', userId: '7', listening: true })).count, 1);
  await page.waitForFunction(() => window.said.includes('x'));
  await page.evaluate(() => window.worker.terminate());
});
