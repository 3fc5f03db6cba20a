/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mock, test } from 'node:test';

import { answer, connectedSse, makeSse, page, Sse } from './page_under_test.js';

test("the version is the project's", () => {
    const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
    const project = read('../../CMakeLists.txt');
    assert.equal(Sse.version, /project\(sse-server VERSION ([\d.]+)/.exec(project)[1]);
    assert.equal(Sse.version, JSON.parse(read('../package.json')).version);
});

test('those who bundle find it by the name of its package', async () => {
    const { default: packaged } = await import('sse-server-client');
    assert.equal(packaged.version, Sse.version);
});

test("connect tells who and where, and no secret of the page's address", () => {
    page.location = { ...page.location, search: '?token=s', hash: '#key=s', href: 'no' };
    const sse = makeSse({ eventListeners: { a: null, b() {} }, query: { channel: 'x', none: null } });
    const { url, withCredentials } = page.source;
    assert.equal(url.pathname, '/sse/demo/connect');
    const search = Object.fromEntries(url.searchParams);
    assert.equal(search.clientId, sse.clientId);
    assert.equal(search.listeners, 'a,b');
    assert.equal('keepaliveTime' in search, false);
    assert.deepEqual([search.reasons, search.heartbeat], ['true', 'true']);
    assert.equal(search.screen, '800x600');
    assert.equal(search.accessTime, '1000000');
    assert.equal(search.locationHref, 'https://page.test/app');
    assert.equal(search.channel, 'x');
    assert.equal('none' in search, false);
    assert.equal(withCredentials, true);
});

test('client id and access time survive the page', () => {
    const first = makeSse();
    page.clock.tick(5000);
    const second = makeSse();
    assert.equal(first.clientId, second.clientId);
    assert.equal(page.localStorage.getItem('sseClientId'), first.clientId);
    assert.equal(second.options.accessTimestamp, 1_000_000);
    assert.equal(page.sessionStorage.getItem('sseAccessTimestamp'), '1000000');
    assert.equal(makeSse({ clientId: 'mine' }).clientId, 'mine');
});

test('a worker has no document and is never hidden', async () => {
    for (const name of ['document', 'localStorage', 'sessionStorage', 'screen']) {
        delete page[name];
    }
    page.navigator = {};
    const sse = connectedSse();
    assert.equal(sse.isActive(), true);
    page.clock.tick(60_000);
    assert.equal(sse.isActive(), true);
    const sent = sse.send('a', { n: 1 });
    page.request.resolve(answer(200));
    assert.equal((await sent).status, 200);
    sse.close();
});

test('on a server that renders pages nothing happens before connect(), which says what is missing', () => {
    const home = { setTimeout: assert.fail, setInterval: assert.fail, clearTimeout() {}, clearInterval() {} };
    const sse = new Sse({ url: '/sse/demo', windowGlobal: home, eventListeners: { bell() {} } });
    assert.match(sse.clientId, /^[0-9a-f]{32}$/);
    assert.deepEqual(['sse' in home, 'Sse' in home], [false, false], 'one page is not another');
    assert.equal(sse.isActive(), false);
    assert.equal(sse.state, Sse.STATE_CLOSED);
    assert.throws(() => sse.connect(), /EventSource,fetch,addEventListener missing; give options\.windowGlobal/);
    assert.equal(sse.state, Sse.STATE_CLOSED);
    sse.destroy();
    assert.deepEqual(['sse' in home, 'Sse' in home], [false, false]);
});

test('forbidden storage is no failure', () => {
    Object.defineProperty(page, 'localStorage', { get: () => assert.fail('denied') });
    assert.match(makeSse().clientId, /^[0-9a-f]{32}$/);
});

test('two instances do not share listeners', () => {
    const first = makeSse();
    const second = makeSse();
    first.addListener(['a']).catch(() => {});
    assert.deepEqual(second.getEventListeners(), {});
    assert.deepEqual(Sse.DEFAULT_OPTIONS.eventListeners, {});
});

test('destroy leaves nothing behind', async () => {
    const sse = connectedSse({ eventListeners: ['bell'] });
    assert.equal(page.sse, sse);
    const other = makeSse();
    assert.equal(page.sse, sse, 'the newest does not take the name from the first');
    other.destroy();
    sse.destroy();
    sse.destroy();
    assert.equal(page.hookCount, 0);
    assert.equal(page.clock.size, 0);
    assert.deepEqual(['sse' in page, 'Sse' in page], [false, false]);
    page.show('hidden');
    page.show('visible');
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 2);
    const warn = mock.method(console, 'warn', () => {});
    sse.connect();
    assert.match(warn.mock.calls[0].arguments[0].message, /make a new Sse/);
    assert.equal(page.sources.length, 2);
    await assert.rejects(sse.send('a'), /make a new Sse/);
});

test('the name goes to the next instance when the first is destroyed', () => {
    const [first, second] = [makeSse(), makeSse()];
    first.destroy();
    assert.equal(page.sse, second);
    assert.equal(page.Sse, Sse);
    second.destroy();
    assert.deepEqual(['sse' in page, 'Sse' in page], [false, false]);
});

test('what the page itself calls sse is left alone', () => {
    page.sse = 'mine';
    page.Sse = 'mine too';
    makeSse().destroy();
    assert.deepEqual([page.sse, page.Sse], ['mine', 'mine too']);
});

test('two instances of two services go their own ways', () => {
    const heard = mock.fn();
    const hr = connectedSse({ url: '/sse/hr', eventListeners: { bell: heard } });
    const hrSource = page.source;
    const hunter = connectedSse({ url: '/sse/hunter', eventListeners: ['bell'] });
    page.source.receive('bell', 'x');
    assert.equal(heard.mock.callCount(), 0);
    hunter.destroy();
    assert.equal(hr.isActive(), true);
    hrSource.receive('bell', 'x');
    assert.equal(heard.mock.callCount(), 1);
});
