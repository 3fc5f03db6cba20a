/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, mock, test } from 'node:test';

import Sse from '../sse.js';
import { FakePage } from './fake_page.js';

const sourceText = readFileSync(new URL('../sse.js', import.meta.url), 'utf8');

let page;
let made;

function makeSse(options = {}) {
    const sse = new Sse({ url: '/sse/demo', windowGlobal: page, ...options });
    made.push(sse);
    return sse;
}

function connectedSse(options) {
    const sse = makeSse(options);
    page.source.finish();
    return sse;
}

/** Lets what is already settled run its handlers. */
async function settle() {
    for (let turn = 0; turn < 5; turn += 1) {
        await Promise.resolve();
    }
}

beforeEach(() => {
    page = new FakePage();
    mock.method(Date, 'now', () => page.clock.now);
    made = [];
});

afterEach(() => {
    made.forEach((sse) => sse.destroy());
    mock.restoreAll();
});

test("the version is the project's", () => {
    const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
    const project = read('../../CMakeLists.txt');
    assert.equal(Sse.version, /project\(sse-server VERSION ([\d.]+)/.exec(project)[1]);
    assert.equal(Sse.version, JSON.parse(read('../package.json')).version);
});

test("connect tells who and where, and no secret of the page's address", () => {
    page.location = { ...page.location, search: '?token=s', hash: '#key=s', href: 'no' };
    const sse = makeSse({ eventListeners: { a: null, b() {} }, query: { channel: 'x', none: null } });
    const { url, withCredentials } = page.source;
    assert.equal(url.pathname, '/sse/demo/connect');
    const search = Object.fromEntries(url.searchParams);
    assert.equal(search.clientId, sse.clientId);
    assert.equal(search.listeners, 'a,b');
    assert.equal(search.keepaliveTime, '900000');
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

test('forbidden storage is no failure', () => {
    Object.defineProperty(page, 'localStorage', { get: () => assert.fail('denied') });
    assert.match(makeSse().clientId, /^[0-9a-f]{32}$/);
});

test('connect-finish makes it active', () => {
    const finished = mock.fn();
    const sse = makeSse({ eventListeners: { 'connect-finish': finished } });
    assert.equal(sse.isActive(), false);
    assert.equal(sse.state, Sse.STATE_CONNECTING);
    page.source.finish('abc', { version: '9.9' });
    assert.equal(sse.isActive(), true);
    assert.equal(sse.connectionId, 'abc');
    assert.equal(sse.connectionName, 'demo');
    assert.equal(sse.serverVersion, '9.9');
    assert.equal(finished.mock.callCount(), 1);
});

test('a stream without a connection id is left and tried again', () => {
    const sse = makeSse();
    page.source.readyState = 1;
    page.source.receive('connect-finish', 'not json');
    assert.equal(sse.isActive(), false);
    page.clock.tick(30_000);
    assert.equal(page.sources.length, 2);
});

test('an event reaches interceptors, each listener and the window', () => {
    const seen = [];
    page.addEventListener('bell', (event) => seen.push(`window ${event.data} ${event.url}`));
    const sse = connectedSse({
        eventListeners: { bell: (event) => seen.push(`first ${event.data}`) },
        intercepts: [({ type }) => type === 'bell' && seen.push('intercept')],
    });
    sse.addListener('bell', () => seen.push('second'));
    page.source.receive('bell', 'hi');
    assert.deepEqual(seen, ['intercept', 'first hi', 'second', 'window hi /sse/demo']);
});

test('names that the browser uses stay off the window; so does all without the bus', () => {
    const onWindow = mock.fn();
    page.addEventListener('message', onWindow);
    page.addEventListener('bell', onWindow);
    connectedSse({ eventListeners: ['message'] });
    page.source.receive('message', 'x');
    connectedSse({ eventListeners: ['bell'], useWindowEventBus: false });
    page.source.receive('bell', 'x');
    assert.equal(onWindow.mock.callCount(), 0);
});

test('a listener that throws does not keep the event from the others', () => {
    const error = mock.method(console, 'error', () => {});
    const second = mock.fn();
    const sse = connectedSse({ eventListeners: { bell: () => assert.fail('mine') } });
    sse.addListener('bell', second);
    page.source.receive('bell', 'x');
    assert.equal(second.mock.callCount(), 1);
    assert.equal(error.mock.callCount(), 1);
});

test('event names of any kind are only names', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { constructor: heard } });
    page.source.receive('constructor', 'x');
    assert.equal(heard.mock.callCount(), 1);
});

test('addListener takes a name, an object and an array, and tells the server', async () => {
    const sse = connectedSse({ query: { userId: 7 } });
    const answer = sse.addListener({ a() {}, b: null });
    assert.equal(page.request.url.pathname, '/sse/demo/connect/addListener.do');
    assert.equal(page.request.url.search, '?userId=7');
    assert.deepEqual(JSON.parse(page.request.body), { connectionId: 'c1', listener: ['a', 'b'] });
    page.request.resolve('answer');
    assert.equal(await answer, 'answer');
    sse.addListener(['c']);
    sse.addListener('d', () => {});
    assert.deepEqual(Object.keys(sse.getEventListeners()), ['a', 'b', 'c', 'd']);
});

test('a bad name or listener is refused with what would be right', async () => {
    const sse = connectedSse();
    await assert.rejects(sse.addListener('a,b', () => {}), /without comma/);
    await assert.rejects(sse.addListener({ a: 'text' }), /use a function/);
    assert.equal(page.requests.length, 0);
});

test('a removed listener is gone: here, on the server and after a reconnect', () => {
    const [first, second] = [mock.fn(), mock.fn()];
    const sse = connectedSse({ eventListeners: { a: first, b: null } });
    sse.addListener('a', second);
    sse.removeListener('a', first);
    assert.deepEqual(JSON.parse(page.request.body).listener, [], 'one function still listens');
    page.source.receive('a', 'x');
    assert.deepEqual([first.mock.callCount(), second.mock.callCount()], [0, 1]);
    sse.removeListener('a');
    assert.deepEqual(JSON.parse(page.request.body).listener, ['a']);
    page.source.receive('a', 'x');
    assert.equal(second.mock.callCount(), 1);
    page.source.breakOff();
    page.clock.tick(30_000);
    assert.equal(page.source.url.searchParams.get('listeners'), 'b');
});

test('two instances do not share listeners', () => {
    const first = makeSse();
    const second = makeSse();
    first.addListener(['a']).catch(() => {});
    assert.deepEqual(second.getEventListeners(), {});
    assert.deepEqual(Sse.DEFAULT_OPTIONS.eventListeners, {});
});

test('send posts JSON for this connection', async () => {
    const sse = connectedSse();
    const answer = sse.send('shop/buy', { n: 1 }, { q: 'a b' }, { 'x-mine': '1' });
    const { url, method, headers, body, credentials } = page.request;
    assert.equal(`${method} ${url.pathname}`, 'POST /sse/demo/connect/message/shop/buy.do');
    assert.deepEqual(Object.fromEntries(url.searchParams), { connectionId: 'c1', q: 'a b' });
    assert.match(headers.get('content-type'), /^application\/json/);
    assert.equal(headers.get('x-mine'), '1');
    assert.equal(body, '{"n":1}');
    assert.equal(credentials, 'include');
    page.request.resolve('done');
    assert.equal(await answer, 'done');
});

test('upload posts the form as it is, and nothing but a form', async () => {
    const sse = connectedSse();
    const form = new FormData();
    sse.upload('docs', form);
    assert.equal(page.request.url.pathname, '/sse/demo/connect/upload/docs.do');
    assert.equal(page.request.body, form);
    assert.equal(page.request.headers.has('content-type'), false);
    await assert.rejects(sse.upload('docs', { file: 1 }), /FormData/);
});

test('calls made before the connection settle after it, in order', async () => {
    const sse = makeSse();
    const answers = [sse.send('a'), sse.upload('b', new FormData()), sse.addListener(['x'])];
    assert.equal(page.requests.length, 0);
    page.source.finish('later');
    const paths = page.requests.map(({ url }) => url.pathname.split('/connect/')[1]);
    assert.deepEqual(paths, ['message/a.do', 'upload/b.do', 'addListener.do']);
    assert.equal(page.requests[0].url.searchParams.get('connectionId'), 'later');
    page.requests.forEach((request, index) => request.resolve(index));
    assert.deepEqual(await Promise.all(answers), [0, 1, 2]);
});

test('a full queue rejects and says so', async () => {
    const sse = makeSse({ queueLimit: 1 });
    const waiting = sse.send('a');
    await assert.rejects(sse.send('b'), { code: 'queue-full' });
    sse.close();
    await assert.rejects(waiting, { code: 'closed' });
});

test('what cannot be JSON rejects at once', async () => {
    const circular = {};
    circular.self = circular;
    await assert.rejects(makeSse().send('a', circular), TypeError);
});

test('a failed send rejects: it may have run; a failed listener change is repeated', async () => {
    const sse = connectedSse();
    const sent = sse.send('a');
    page.request.reject(new TypeError('network'));
    await assert.rejects(sent, /network/);
    const added = sse.addListener(['x']);
    page.request.reject(new TypeError('network'));
    await settle();
    page.source.breakOff();
    page.clock.tick(30_000);
    page.source.finish('c2');
    assert.equal(JSON.parse(page.request.body).connectionId, 'c2');
    page.request.resolve('answer');
    assert.equal(await added, 'answer');
});

test('a lost stream is opened anew with the listeners of now', () => {
    const sse = connectedSse();
    sse.addListener(['later']);
    const lost = page.source;
    lost.breakOff();
    assert.equal(lost.readyState, 2, 'the browser must not reopen the old URL');
    assert.equal(sse.isActive(), false);
    page.clock.tick(500);
    assert.equal(page.sources.length, 2);
    assert.equal(page.source.url.searchParams.get('listeners'), 'later');
});

test('waits are spread, grow and are bounded', () => {
    mock.method(Math, 'random', () => 0.999);
    makeSse({ reconnectTime: 1000 });
    for (const wait of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
        const before = page.sources.length;
        page.source.breakOff();
        page.clock.tick(Math.floor(wait * 0.99));
        assert.equal(page.sources.length, before, `not before ${wait} ms`);
        page.clock.tick(wait - Math.floor(wait * 0.99));
        assert.equal(page.sources.length, before + 1);
    }
});

test('401 stops, with an event that says why', async () => {
    const closed = mock.fn();
    const sse = makeSse({ eventListeners: { 'connect-close': closed } });
    const waiting = sse.send('a');
    page.source.refuse();
    page.request.resolve({ status: 401 });
    await assert.rejects(waiting, /unauthorized.*connect\(\)/);
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 1);
    assert.equal(sse.state, Sse.STATE_CLOSED);
    const [event] = closed.mock.calls[0].arguments;
    assert.equal(event.closeReason, 'unauthorized');
    assert.equal(JSON.parse(event.data).status, 401);
    sse.connect();
    assert.equal(page.sources.length, 2);
});

test('another refusal is tried again', async () => {
    makeSse();
    page.source.refuse();
    page.request.resolve({ status: 503 });
    await settle();
    page.clock.tick(1000);
    assert.equal(page.sources.length, 2);
});

test('connect-close: away for good, after a time, or as usual', () => {
    const closed = mock.fn();
    const sse = makeSse({ eventListeners: { 'connect-close': closed } });
    page.source.finish();
    page.source.receive('connect-close', { connectionId: 'c1', reconnect: 7000 });
    page.clock.tick(6999);
    assert.equal(page.sources.length, 1);
    page.clock.tick(1);
    assert.equal(page.sources.length, 2);
    page.source.finish();
    page.source.receive('connect-close', { connectionId: 'c1' });
    page.clock.tick(500);
    assert.equal(page.sources.length, 3);
    page.source.finish();
    page.source.receive('connect-close', { connectionId: 'c1', reason: 'kicked', reconnect: false });
    page.show('hidden');
    page.show('visible');
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 3, 'a kick is not undone by a tab switch');
    const [event] = closed.mock.calls.at(-1).arguments;
    assert.deepEqual([event.whoTriggerClose, event.closeReason], ['server', 'kicked']);
    assert.equal(page.beacons.length, 0);
    assert.equal(sse.state, Sse.STATE_CLOSED);
});

test('close says goodbye, closes the stream itself and tells the page', async () => {
    const closed = mock.fn();
    const sse = connectedSse({ eventListeners: { 'connect-close': closed } });
    page.clock.tick(3000);
    sse.close('lunch');
    assert.equal(page.source.readyState, 2);
    const [{ url, body }] = page.beacons;
    assert.equal(url, '/sse/demo/connect/disconnect.do');
    assert.equal(body.connectionId, 'c1');
    assert.equal(body.clientId, sse.clientId);
    assert.equal(body.reason, 'lunch');
    assert.equal(body.duration, '3');
    const [event] = closed.mock.calls[0].arguments;
    assert.deepEqual([event.whoTriggerClose, event.closeReason], ['client', 'lunch']);
    await assert.rejects(sse.send('a'), /closed \(lunch\): call connect\(\)/);
});

test('close during a network error stays closed', () => {
    const sse = connectedSse();
    page.source.breakOff();
    sse.close();
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 1);
});

test('a hidden tab leaves, after a moment, and comes back when shown', () => {
    const sse = connectedSse();
    page.show('hidden');
    page.show('visible');
    page.clock.tick(5000);
    assert.equal(page.sources.length, 1, 'a glance elsewhere costs nothing');
    page.show('hidden');
    page.clock.tick(5000);
    assert.equal(page.source.readyState, 2);
    assert.equal(page.beacons[0].body.reason, 'visibilitychange');
    const waiting = sse.send('a');
    page.show('visible');
    assert.equal(page.sources.length, 2);
    page.source.finish('c2');
    page.request.resolve('answer');
    return waiting;
});

test('background: true stays connected while hidden', () => {
    connectedSse({ background: true });
    page.show('hidden');
    page.clock.tick(60_000);
    assert.equal(page.source.readyState, 1);
});

test('pagehide leaves at once, pageshow comes back', () => {
    connectedSse({ background: true });
    page.dispatchEvent(new Event('pagehide'));
    assert.equal(page.source.readyState, 2);
    assert.equal(page.beacons[0].body.reason, 'pagehide');
    page.dispatchEvent(new Event('pageshow'));
    assert.equal(page.sources.length, 2);
});

test('back online: no waiting for the timer', () => {
    makeSse();
    page.source.breakOff();
    page.dispatchEvent(new Event('online'));
    assert.equal(page.sources.length, 2);
});

test('switchURL leaves the old server and opens the new one', () => {
    const sse = connectedSse();
    const old = page.source;
    sse.switchURL('/sse/demo/');
    assert.equal(page.sources.length, 1, 'the same URL');
    sse.switchURL('/sse/other');
    assert.equal(old.readyState, 2);
    assert.equal(page.beacons[0].url, '/sse/demo/connect/disconnect.do');
    assert.equal(page.source.url.pathname, '/sse/other/connect');
});

test('events of a stream that was left do nothing', () => {
    const heard = mock.fn();
    const sse = connectedSse({ eventListeners: { bell: heard } });
    const old = page.source;
    sse.switchURL('/sse/other');
    old.receive('bell', 'late');
    old.finish('late');
    assert.equal(heard.mock.callCount(), 0);
    assert.equal(sse.connectionId, undefined);
});

test('destroy leaves nothing behind', async () => {
    const before = page.hooks;
    const sse = connectedSse({ eventListeners: ['bell'] });
    assert.equal(page.sse, sse);
    const other = makeSse();
    assert.equal(page.sse, sse, 'the newest does not take the name from the first');
    other.destroy();
    sse.destroy();
    sse.destroy();
    assert.equal(page.hooks, before);
    assert.equal('sse' in page, false);
    page.show('hidden');
    page.show('visible');
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 2);
    assert.throws(() => sse.connect(), /make a new Sse/);
    await assert.rejects(sse.send('a'), /make a new Sse/);
});

test('the file is one module with one default export, which the classic script relies on', () => {
    assert.equal(sourceText.match(/^export /gm).length, 1);
    assert.equal(sourceText.match(/^import /gm), null);
    assert.ok(sourceText.endsWith('\nexport default Sse;\n'));
});
