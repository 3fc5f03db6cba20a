// SPDX-License-Identifier: Apache-2.0
// The console, view by view, as a person uses it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from '../integration/support/backend.mjs';
import { connect } from '../integration/support/client.mjs';
import { startServer } from '../integration/support/server.mjs';
import { startBrowser } from './support/browser.mjs';
import { openConsole } from './support/console.mjs';

const PAGES = 60;
const PHONE = { width: 360, height: 740 };
const KEYS = [
  { name: 'all', key: 'everything', permissions: ['send', 'query', 'disconnect', 'presence', 'metrics', 'inspect'] },
  { name: 'looker', key: 'looks', permissions: ['query'] },
  { name: 'watcher', key: 'watches', permissions: ['metrics'] },
  { name: 'of-the-shop', key: 'sells', permissions: ['query', 'send', 'disconnect', 'metrics'], services: ['shop'] },
  { name: 'of-the-north', key: 'freezes', permissions: ['query', 'send', 'disconnect'], tenants: ['north'], services: ['shop'] },
];
const CONFIG = {
  apiKeys: KEYS,
  listeners: [{ address: '127.0.0.1:0' }, { address: '127.0.0.1:0', role: 'admin', tls: false }],
  limits: { headerFieldBytes: '16KiB', headerListBytes: '32KiB' },
  tokenKeys: [{ id: 'one', algorithm: 'HS256', secret: 'a-secret-of-32-bytes-and-some-more' }],
  services: [
    { name: 'demo', auth: 'development', queueBytes: '128KiB' },
    { name: 'shop', auth: 'development', users: { unique: 'tenant' } },
  ],
};

let server;
let browser;
let office;
let clients;

before(async () => {
  server = await startServer({ config: CONFIG });
  browser = await startBrowser();
  office = await backend(server, { key: 'everything' });
  clients = await Promise.all(Array.from({ length: 4 }, () => connect(server.origin)));
  for (let n = 0; n < PAGES; n++) {
    if (n === PAGES - 1) {
      await server.advance(100); // in a millisecond of its own
    }
    await clients[n % 4].connect({
      userId: `u${n}`, name: `Person ${n}`, channel: n % 2 ? 'odd' : 'even', listeners: 'hello', locationHref: 'https://shop.example/a?b=1',
    });
  }
  await clients[0].connect({ userId: '7', tenantId: 'north', name: 'Nora' }, { base: '/sse/shop' });
  await clients[0].connect({ userId: '7', tenantId: 'south', name: 'Sue' }, { base: '/sse/shop' });
});
after(async () => {
  await browser?.close();
  await Promise.all([office, ...clients ?? []].map((client) => client?.close()));
  await server?.stop();
});

// One page for all tests of a group.
function use(options) {
  let shown;
  before(async () => { shown = await openConsole(browser, server, { view: 'overview', ...options }); });
  after(async () => {
    assert.deepEqual(await shown.faults(), []);
    await shown.close();
  });
  return new Proxy({}, { get: (_, name) => (typeof shown[name] === 'function' ? shown[name].bind(shown) : shown[name]) });
}

describe('signing in', () => {
  test('takes no wrong key, and says so', async () => {
    const page = await openConsole(browser, server);
    await page.signIn('nothing');
    await page.says(/This is no key here: the authorization field holds no API key/, '#sign-in-result');
    await page.signIn('schlüssel');
    await page.says(/no letters beyond ASCII/, '#sign-in-result');
    assert.deepEqual(await page.barriers(), []);
    await page.signIn('looks');
    await page.seen('overview');
    await page.click('#sign-out');
    await page.seen('sign-in');
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    assert.deepEqual(await page.faults(), []);
    await page.close();
  });

  test('leaves the key in its tab and out of addresses', async () => {
    const page = await openConsole(browser, server, { key: 'everything', view: 'users' });
    const { asked, address, kept } = await page.evaluate(() => ({
      asked: performance.getEntriesByType('resource').map(({ name }) => name),
      address: window.location.href,
      kept: [localStorage.length, document.cookie, Object.values(sessionStorage)],
    }));
    assert.ok(asked.some((name) => name.includes('/sse/demo/users?')), `${asked}`);
    assert.ok([...asked, address].every((name) => !name.includes('everything')), `${asked}`);
    assert.deepEqual(kept, [0, '', ['everything']]);
    await page.evaluate(() => window.location.reload());
    await page.seen('users');
    await page.close();
  });

  test('shows what the key may do, and explains the rest', async () => {
    const page = await openConsole(browser, server, { key: 'looks' });
    assert.deepEqual(await page.menu(), ['Overview', 'Users', 'Connections', 'Channels', 'Stored messages']);
    await page.says(/Connections60/);
    await page.go('send', { service: 'demo' });
    await page.says(/needs the permission “send”.*looker.*has: query/, '#view');
    await page.go('user', { service: 'demo', userId: 'u1' });
    assert.doesNotMatch(await page.text(), /Disconnect|Send an event/);
    await page.go('why');
    await page.says(/needs the permission “inspect”/);
    await page.go('settings');
    await page.says(/needs the permission “metrics”, and a key for all services and tenants/);
    await page.close();
  });

  test('a key that was taken away ends at the question for one', async () => {
    const page = await openConsole(browser, server, { key: 'looks', view: 'users' });
    await server.mustReload({ ...CONFIG, apiKeys: KEYS.filter(({ name }) => name !== 'looker') });
    await page.click('#top nav a', 'Connections');
    await page.seen('sign-in');
    assert.match(await page.text(), /takes this key no more/);
    await server.mustReload(CONFIG);
    await page.close();
  });

  test('a key for one service is shown that one', async () => {
    const page = await openConsole(browser, server, { key: 'sells', view: 'users' });
    assert.deepEqual(await page.texts('#top select'), []);
    assert.match(await page.text(), /2 users.*north.*south/s);
    await page.go('overview');
    await page.says(/Connections.*open 2/);
    assert.doesNotMatch(await page.text(), /Loop lag/);
    await page.close();
  });

  test('without TLS, by HTTP/1.1', async () => {
    const page = await openConsole(browser, server.listeners[1], { key: 'everything', view: 'users' });
    assert.match(await page.text(), /60 users/);
    await page.go('trace', { service: 'demo', userId: 'u3' });
    await page.says(/live/, '#trace-state');
    await page.go('connections', { service: 'demo' });
    assert.match(await page.text(), /60 connections/);
    assert.deepEqual(await page.faults(), []);
    await page.close();
  });

  test('a key for a tenant asks for it, and sends to it', async () => {
    const page = await openConsole(browser, server, { key: 'freezes', view: 'users' });
    assert.match(await page.text(), /1 user/);
    assert.match(await page.text(), /north/);
    await page.go('connections');
    assert.match(await page.text(), /1 connection/);
    await page.go('user', { userId: '7' });
    assert.match(await page.text(), /Nora/);
    await page.go('send', { kind: 'userId', target: '7' });
    await page.click('#send [type=submit]');
    await page.says(/Written to 1 connection\./, '#sent');
    await page.close();
  });
});

describe('the views', () => {
  const page = use({ key: 'everything' });

  test('the overview draws what comes, and says it', async () => {
    await page.go('overview', { service: 'demo' });
    await page.says(/open 60/);
    await office.send({ event: 'hello', data: 1, all: true });
    const drawn = () => page.evaluate(() => [...document.querySelectorAll('.plot')].map((plot) => ({
      title: plot.querySelector('h2').textContent,
      points: plot.querySelector('polyline').getAttribute('points').split(' ').length,
      words: plot.querySelector('svg').getAttribute('aria-label'),
    })));
    await page.page.waitForFunction(() => document.querySelector('polyline').getAttribute('points').split(' ').length >= 2);
    const plots = await drawn();
    assert.deepEqual(plots.map(({ title }) => title), ['Connections', 'Events', 'Event bytes', 'Queues', 'Dropped', 'Stored messages',
      'Send to written', 'Written to acknowledged', 'Store latency', 'Bytes on the wire', 'Loop lag', 'Handshakes', 'Handshake time', 'Request time',
      'Refusals']);
    assert.match(plots[0].words, /^Connections: open 60, between 60 and 60; users online 60/);
    await page.says(/Connections: open 60, users online 60\. Events/, '#figures');
    await page.click('#pause');
    assert.equal(await page.evaluate(() => document.getElementById('pause').getAttribute('aria-pressed')), 'true');
  });

  test('users are searched, sorted and turned over', async () => {
    await page.go('users', { service: 'demo' });
    assert.match(await page.text(), /60 users/);
    assert.equal((await page.texts('tbody tr')).length, 50);
    await page.click('.pager a', 'Next');
    await page.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 10);
    await page.click('.sort');
    await page.page.waitForFunction(() => document.querySelector('tbody td a')?.textContent === 'u9');
    assert.equal(await page.evaluate(() => document.querySelector('th').getAttribute('aria-sort')), 'descending');
    await page.type('[name=name]', 'person 5');
    await page.click('button', 'Search');
    await page.says(/11 users/);
    await page.click('tbody a', 'u51');
    await page.seen('user');
    assert.match(await page.text(), /Person 51.*online.*Connections: 1/s);
  });

  const sortedBy = () => page.evaluate(() => [...document.querySelectorAll('th[aria-sort]')]
    .map((head) => [head.querySelector('.sort').id, head.getAttribute('aria-sort')]));
  const rowIs = (pattern) => page.says(pattern, 'tbody tr');

  test('users are sorted by what their heads say, the most connections first', async () => {
    const streams = await Promise.all([1, 2].map(() => clients[0].connect({ userId: 'zoe', name: 'A Person' })));
    await page.go('users', { service: 'demo' });
    assert.deepEqual(await sortedBy(), [['sort-id', 'ascending']]);
    await page.click('#sort-connections');
    await rowIs(/^zoe.*A Person.*2/);
    assert.deepEqual(await sortedBy(), [['sort-connections', 'descending']]);
    await page.click('#sort-connections');
    await rowIs(/^u0/);
    assert.deepEqual(await sortedBy(), [['sort-connections', 'ascending']]);
    await page.click('#page-Next');
    await page.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 11);
    assert.match((await page.texts('tbody tr')).at(-1), /^zoe/);
    await page.click('#sort-name');
    await page.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 50);
    await rowIs(/^zoe/);
    await page.click('tbody a', '2');
    await page.seen('connections');
    await page.says(/2 connections/);
    await Promise.all(streams.map((stream) => stream.close()));
  });

  test('lists are sorted by the keyboard, which stays where it was', async () => {
    await page.go('connections', { service: 'demo' });
    assert.deepEqual(await sortedBy(), [['sort-name', 'ascending']]);
    for (const [id, direction] of [['sort-createTime', 'descending'], ['sort-messageCount', 'descending'], ['sort-queuedBytes', 'descending'],
      ['sort-queuedBytes', 'ascending']]) {
      await page.evaluate((of) => document.getElementById(of).focus(), id);
      await page.evaluate(() => { delete document.getElementById('view').dataset.shown; });
      await page.page.press('Enter');
      await page.seen('connections');
      assert.deepEqual(await sortedBy(), [[id, direction]]);
      assert.equal(await page.evaluate(() => document.activeElement.id), id);
    }
    assert.deepEqual(await page.barriers(), []);
  });

  test('connections whose pages do not read come first where that is asked for', async () => {
    const slow = await connect(server.origin, { settings: { initialWindowSize: 1000 } });
    const stream = await slow.connect({ userId: 'slow', name: 'Slow', listeners: 'hello' });
    stream.stream.pause();
    for (let n = 0; n < 3; n++) {
      await office.send({ event: 'hello', data: 'x'.repeat(30_000), userId: 'slow' });
    }
    await page.go('connections', { service: 'demo', sort: 'queuedBytes' });
    assert.match((await page.texts('tbody tr'))[0], /^Slow slow.*KiB/);
    await page.go('connection', { service: 'demo', id: stream.handle });
    assert.match(await page.text(), /Not read yet\d+ KiB/);
    await slow.close();
  });

  test('connections are searched, sorted and turned over', async () => {
    await page.go('connections', { service: 'demo', sort: 'createTime', order: 'desc' });
    assert.match(await page.text(), /60 connections/);
    assert.match((await page.texts('tbody tr'))[0], /^Person 59 u59/);
    await office.send({ event: 'hello', data: 1, userId: 'u33' });
    await page.go('connections', { service: 'demo', sort: 'messageCount', order: 'desc' });
    assert.match((await page.texts('tbody tr'))[0], /^Person 33 u33/);
    await page.type('[name=channel]', 'odd');
    await page.click('button', 'Search');
    await page.says(/30 connections/);
    assert.match(await page.evaluate(() => document.querySelector('a.away').rel), /noopener noreferrer/);
    await page.go('connections', { service: 'demo', pageNum: 7 });
    assert.match(await page.text(), /There are only 2 pages/);
  });

  test('one connection is shown, sent to and closed', async () => {
    const stream = await clients[1].connect({ userId: 'kim', name: 'Kim', channel: 'gone', listeners: 'hello' });
    await page.go('connection', { service: 'demo', id: stream.handle });
    assert.match(await page.text(), /Kim.*Stream.*gone.*Header fields/s);
    await page.click('#kick [type=submit]');
    await page.says(/Close this connection\?/, 'dialog');
    assert.deepEqual(await page.barriers(), []);
    await page.click('dialog button', 'Leave it');
    assert.ok(!stream.ended);
    await page.click('#kick [type=submit]');
    await page.click('#confirm');
    await page.says(/Closed: 1\./);
    assert.equal((await stream.next('connect-close')).reason, 'kicked');
    await page.go('connection', { service: 'demo', id: stream.handle });
    assert.match(await page.text(), /There is no such connection/);
  });

  test('channels lead to those who are in them', async () => {
    await page.go('channels', { service: 'demo' });
    assert.match(await page.text(), /2 channels/);
    await page.click('tbody a', 'odd');
    await page.seen('connections');
    await page.says(/30 connections/);
  });

  test('stored messages are listed, looked at and deleted', async () => {
    await office.send({ event: 'order', data: { text: 'for later' }, userId: 'nobody', qos: 1, id: 'order-1' });
    await office.send({ event: 'order', data: 2, userId: 'nobody', qos: 1, id: 'order-2' });
    await page.go('messages', { service: 'demo', userId: 'nobody' });
    assert.match(await page.text(), /2 copies.*order-1.*user nobody.*stored.*for later/s);
    await page.click('tbody a', 'order-1');
    await page.seen('message');
    assert.match(await page.text(), /Copies: 1.*user nobody/s);
    await page.click('#delete');
    await page.click('#confirm');
    await page.says(/Deleted: 1\./);
    await page.go('messages', { service: 'demo', userId: 'nobody' });
    await page.says(/1 copy/);
    await page.click('#delete');
    await page.click('#confirm');
    await page.says(/Deleted: 1\./);
    assert.equal((await office.query('messages')).total, 0);
  });

  test('an event is sent, and what became of it is told', async () => {
    const stream = await clients[2].connect({ userId: 'lea', listeners: 'bell' });
    await page.go('send', { service: 'demo', kind: 'userId', target: 'lea' });
    await page.type('#send [name=event]', 'bell');
    await page.type('#send [name=data]', '{"rings":2}');
    await page.click('#send [type=submit]');
    await page.says(/Written to 1 connection\./, '#sent');
    assert.deepEqual(await stream.next('bell'), { rings: 2 });
    await page.type('#send [name=target]', 'nobody');
    await page.click('#send [name=qos]');
    await page.click('#send [type=submit]');
    await page.says(/Written to 0 connections\. Stored for 1 recipient\./, '#sent');
    await page.click('#sent a', 'What becomes of it?');
    await page.seen('message');
    assert.match(await page.text(), /bell.*user nobody.*stored/s);
    await page.go('send', { service: 'demo', kind: 'tenantId', target: 'x' });
    await page.type('#send [name=event]', '');
    await page.click('#send [type=submit]');
    await page.says(/.+/, '.failure');
    await stream.close();
  });

  test('the trace tells what was, and what is', async () => {
    await page.go('trace', { service: 'demo', userId: 'u5' });
    await page.says(/opened.*u5/, '#trace');
    await page.says(/live/, '#trace-state');
    await office.send({ event: 'hello', data: 'a secret', userId: 'u5', id: 'traced-1' });
    await page.says(/dispatched.*sent.*hello traced-1.*opened/, '#trace');
    assert.doesNotMatch(await page.text('#trace'), /a secret/);
    await page.click('button', 'Pause');
    await page.click('a', 'Refusals and drops');
    await page.page.waitForFunction(() => document.querySelector('[name=kind]').value.startsWith('refused'));
    await page.says(/live/, '#trace-state');
    await clients[0].get('/sse/demo/users', { authorization: 'Bearer nothing' });
    await page.says(/refused.*users/, '#trace');
    assert.doesNotMatch(await page.text('#trace'), /opened|nothing/);
  });

  test('what is decided about a user and a connection is told beside it', async () => {
    const stream = await clients[3].connect({ userId: 'mia', listeners: 'bell' });
    await page.go('user', { service: 'demo', userId: 'mia' });
    await page.says(/opened/, '#trace');
    await office.send({ event: 'bell', data: 1, userId: 'mia' });
    await page.says(/dispatched.*sent.*bell/, '#trace');
    await page.go('connection', { service: 'demo', id: stream.handle });
    await page.says(/opened/, '#trace');
    await stream.close();
    await page.says(/closed/, '#trace');
  });

  test('why is answered, for a user and for a message', async () => {
    await page.go('why', { service: 'demo' });
    await page.type('#why [name=userId]', 'u7');
    await page.type('#why [name=event]', 'Hello'); // its page listens to hello
    await page.click('#why [type=submit]');
    await page.says(/.+/, '.cause');
    const { cause, text } = await office.query('why?userId=u7&event=Hello');
    assert.equal(await page.text('.cause'), cause);
    assert.equal(await page.text('.told'), text);
    assert.match(await page.text(), /Connections1, of which listen 0.*They listen tohello.*Connections: 1/s);
    await office.send({ event: 'order', data: 1, userId: ['nobody', 'no one'], qos: 1, id: 'asked-1' });
    await page.go('why', { service: 'demo', id: 'asked-1' });
    assert.deepEqual((await page.texts('.cause')).length, 2);
    assert.match(await page.text(), /user nobody/);
    assert.match(await page.text(), /user no one/);
    await page.click('summary');
    await page.go('why', { service: 'demo', id: 'never-sent' });
    await page.says(/there is no message with this id/, '.failure');
    await office.client.request('DELETE', '/sse/demo/messages?id=asked-1', { headers: office.authorized });
  });

  test('settings tell what differs, and no secret', async () => {
    await page.go('settings', { service: 'demo' });
    await page.type('[name=name]', 'queueBytes');
    await page.says(/services\[0\]\.queueBytes128KiB set1MiB/, '#settings');
    await page.type('[name=name]', 'apiKeys[0].key');
    await page.says(/apiKeys\[0\]\.key\*\*\*/, '#settings');
    assert.doesNotMatch(await page.text(), /everything|a-secret/);
    await page.type('[name=name]', '');
    await page.click('[name=others]');
    await page.page.waitForFunction(() => [...document.querySelectorAll('#settings tbody tr')].every((row) => row.querySelector('.badge')));
  });

  test('certificates tell when they end', async () => {
    await page.go('certificates', { service: 'demo' });
    assert.match(await page.text(), /127\.0\.0\.1:0.*localhost.*CN=sse-server development.*in 8\d d/s);
  });

  test('by the keyboard alone', async () => {
    await page.go('users', { service: 'demo' });
    await page.evaluate(() => {
      document.body.tabIndex = -1;
      document.body.focus();
    });
    const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
    await page.page.press('Tab');
    assert.equal(await focused(), 'Skip to the view');
    await page.page.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'view');
    await page.evaluate(() => window.find('#top nav a', 'Channels').focus());
    await page.page.press('Enter');
    await page.seen('channels');
    assert.equal(await focused(), 'Channels'); // the heading
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
  });

  test('nothing keeps people out, and all fits a phone, in the light and in the dark', async () => {
    await office.send({ event: 'order', data: { text: 'for later' }, userId: 'u1', tenantId: undefined, qos: 1, id: 'order-3' });
    const { list: [{ id }] } = await office.query('connections?userId=u1');
    for (const [view, parameters] of Object.entries({
      overview: {}, users: {}, user: { userId: 'u1' }, trace: {}, connections: {}, connection: { id }, channels: {}, messages: {},
      message: { id: 'order-3' }, send: {}, why: { userId: 'u1', event: 'bell' }, settings: {}, certificates: {},
    })) {
      await page.go(view, { service: 'demo', ...parameters });
      if (view === 'settings') { // of both kinds; with all of them axe-core takes as long as with all other views
        await page.type('[name=name]', 'queue');
        await page.says(/services\[0\]\.queueBytes128KiB set.*services\[1\]\.queueBytes/, '#settings');
      }
      for (const as of [{}, { ...PHONE, colours: 'dark' }]) {
        await page.look(as);
        assert.deepEqual(await page.barriers(), [], `${view} ${JSON.stringify(as)}`);
        assert.ok(await page.overflow() <= 0, `${view} is wider than a phone`);
      }
    }
    await page.look({});
  });
});

describe('what strangers have sent', () => {
  const MARKUP = '<img src=x onerror="window.hit=1"><script>window.hit=2</script>';
  const NAMES = {
    markup: MARKUP,
    long: 'x'.repeat(256), // more is refused
    turned: 'abc\u202egnp.exe\u200b',
    quoted: '"><svg onload=window.hit=3>\'',
  };
  const HREFS = ['javascript:window.hit=4', 'https://user:word@evil.example/', 'data:text/html,<script>window.hit=5</script>', 'not a link'];
  const page = use({ key: 'everything' });
  let streams;

  before(async () => {
    streams = await Promise.all(Object.entries(NAMES).map(([userId, name], n) => clients[n].connect({
      userId: `hostile ${userId}`, name, clientId: `${n}${MARKUP}`, locationHref: HREFS[n], screen: MARKUP, [MARKUP]: MARKUP,
    }, { headers: { 'user-agent': userId === 'long' ? `${MARKUP}${'y'.repeat(10_000)}` : MARKUP } })));
    assert.deepEqual(streams.map(({ status }) => status), [200, 200, 200, 200]);
    await office.send({ event: 'order', data: MARKUP, userId: MARKUP, qos: 1, id: 'hostile-1' });
  });
  after(() => Promise.all(streams.map((stream) => stream.close())));

  const assertHarmless = async () => {
    const found = await page.evaluate(() => ({
      hit: window.hit,
      images: document.querySelectorAll('#view img, #view script, #view svg[onload], #view iframe').length,
      schemes: [...document.querySelectorAll('#view a')].map(({ protocol }) => protocol),
      away: [...document.querySelectorAll('a[target]')].every(({ rel }) => rel === 'noopener noreferrer'),
      wide: document.documentElement.scrollWidth - window.innerWidth,
    }));
    assert.equal(found.hit, undefined);
    assert.equal(found.images, 0);
    assert.ok(found.schemes.every((scheme) => ['http:', 'https:'].includes(scheme)), `${found.schemes}`);
    assert.ok(found.away);
    assert.ok(found.wide <= 0);
  };

  for (const [view, parameters] of [['users', { name: '' }], ['users', { sort: 'name', order: 'desc' }], ['users', { sort: MARKUP }],
    ['connections', {}], ['connections', { sort: 'createTime', order: 'desc' }],
    ['messages', {}], ['message', { id: 'hostile-1' }], ['message', { id: MARKUP }], ['user', { userId: MARKUP }], ['connection', { id: MARKUP }],
    ['why', { userId: MARKUP, event: 'order' }], ['why', { id: 'hostile-1' }], ['trace', { userId: MARKUP }], ['send', { target: MARKUP }], [MARKUP, {}]]) {
    test(`is text in ${view} ${JSON.stringify(parameters)}`, async () => {
      await page.go(view, { service: 'demo', ...parameters }, view === MARKUP ? 'overview' : view);
      for (const as of [{}, PHONE]) {
        await page.look(as);
        await assertHarmless();
      }
    });
  }

  test('is text in the page of a connection', async () => {
    for (const { handle } of streams) {
      await page.go('connection', { service: 'demo', id: handle });
      await assertHarmless();
      assert.match(await page.text(), /<img src=x onerror=/);
    }
    await page.go('connection', { service: 'demo', id: streams[2].handle });
    assert.match(await page.text(), /abc<U\+202E>gnp\.exe<U\+200B>/);
  });
});
