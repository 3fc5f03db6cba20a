// SPDX-License-Identifier: Apache-2.0
// The console while 10,000 event streams are open: each view that has to do with them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { connect } from '../integration/support/client.mjs';
import { startServer } from '../integration/support/server.mjs';
import { within } from '../integration/support/wait.mjs';
import { startBrowser } from './support/browser.mjs';
import { openConsole } from './support/console.mjs';

const CONNECTIONS = 10_000;
const OF_SESSION = 100; // limits.concurrentStreams
const CHANNELS = 100;
const CONFIG = {
  apiKeys: [{ name: 'all', key: 'everything' }],
  listeners: [{ address: '127.0.0.1:0', tls: false }],
  services: [{ name: 'demo', auth: 'development', sessionConnections: OF_SESSION }],
};

let server;
let browser;
let office;
let crowd = [];
let page;

const id = (n) => String(n).padStart(5, '0');

// Streams that nobody reads closely: their answers count.
async function come(client, from) {
  await Promise.all(Array.from({ length: OF_SESSION }, async (_, i) => {
    const n = from + i;
    const parameters = new URLSearchParams({ userId: id(n), name: `Person ${id(n)}`, channel: `room/${n % CHANNELS}`, listeners: 'hello' });
    const stream = client.open('GET', `/sse/demo/connect?${parameters}`, {}, { endStream: true });
    stream.on('error', () => {}).resume();
    const [headers] = await within('an answer', once(stream, 'response'));
    assert.equal(headers[':status'], 200);
  }));
}

before(async () => {
  server = await startServer({ config: CONFIG });
  office = await backend(server, { key: 'everything' });
  crowd = await Promise.all(Array.from({ length: CONNECTIONS / OF_SESSION }, () => connect(server.origin)));
  for (const [n, client] of crowd.entries()) {
    await come(client, n * OF_SESSION);
  }
  browser = await startBrowser();
  page = await openConsole(browser, server, { key: 'everything' });
});
after(async () => {
  await browser?.close();
  await Promise.all([office, ...crowd].map((client) => client?.close()));
  await server?.stop();
});

test('the overview counts them, and what is sent to all', async () => {
  await page.says(/Connections10,000Users10,000Channels100/);
  await office.send({ event: 'hello', data: 1, all: true });
  await page.says(/open 10,000.*users online 10,000/);
  await page.page.waitForFunction(() => !window.find('.plot h2', 'Events').closest('.plot').textContent.includes('connections 0/s'));
});

test('users and connections are turned over to the last page, and sorted from their end', async () => {
  for (const view of ['users', 'connections']) {
    await page.go(view, { service: 'demo' });
    assert.match(await page.text(), new RegExp(`10,000 ${view}`));
    assert.match((await page.texts('tbody tr'))[0], /00000/);
    await page.click('.pager a', 'Last');
    await page.says(/Page/);
    await page.page.waitForFunction(() => document.querySelector('#page')?.value === '200');
    assert.equal((await page.texts('tbody tr')).length, 50);
    assert.match((await page.texts('tbody tr')).at(-1), /09999/);
    await page.go(view, { service: 'demo', sort: view === 'users' ? 'id' : 'createTime', order: 'desc' });
    assert.match((await page.texts('tbody tr'))[0], /099\d\d/);
  }
});

test('one of them is found, and shown', async () => {
  await page.go('connections', { service: 'demo' });
  await page.type('[name=name]', 'person 07777');
  await page.click('button', 'Search');
  await page.says(/1 connection/);
  await page.click('tbody td:nth-child(2) a');
  await page.seen('connection');
  assert.match(await page.text(), /Person 07777.*room\/77/s);
  await page.click('dd a', '07777');
  await page.seen('user');
  assert.match(await page.text(), /online.*Connections: 1/s);
});

test('a channel leads to its hundred', async () => {
  await page.go('channels', { service: 'demo' });
  assert.match(await page.text(), /100 channels/);
  await page.click('tbody a', 'room/42');
  await page.says(/100 connections/);
});

test('a send reaches them all, and one of them is sent away', async () => {
  await page.go('send', { service: 'demo', kind: 'all' });
  await page.type('#send [name=event]', 'hello');
  await page.click('#send [type=submit]');
  await page.says(/Written to 10,000 connections\./, '#sent');
  await page.go('user', { service: 'demo', userId: '00042' });
  await page.click('#kick [type=submit]');
  await page.click('#confirm');
  await page.says(/Closed: 1\./);
  assert.equal((await office.query('counts')).connections, CONNECTIONS - 1);
});

test('nothing went wrong meanwhile', async () => {
  await page.go('connections', { service: 'demo' });
  assert.deepEqual(await page.barriers(), []);
  await page.look({ width: 360, height: 740 });
  assert.ok(await page.overflow() <= 0);
  assert.deepEqual(await page.faults(), []);
});
