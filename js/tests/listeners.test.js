/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { answer, connectedSse, makeSse, page } from './page_under_test.js';

test('an event reaches each listener, then interceptors and the window', () => {
    const seen = [];
    page.listen('bell', (event) => seen.push(`window ${event.data} ${event.url}`));
    const sse = connectedSse({
        eventListeners: { bell: (event) => seen.push(`first ${event.data}`) },
        intercepts: [({ type }) => type === 'bell' && seen.push('intercept')],
    });
    sse.addListener('bell', () => seen.push('second'));
    page.source.receive('bell', 'hi');
    assert.deepEqual(seen, ['first hi', 'second', 'intercept', 'window hi /sse/demo']);
});

test('names that the browser uses stay off the window; so does all without the bus', () => {
    const onWindow = mock.fn();
    page.listen('message', onWindow);
    page.listen('bell', onWindow);
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
    const told = sse.addListener({ a() {}, b: null });
    assert.equal(page.request.url.pathname, '/sse/demo/connect/addListener.do');
    assert.equal(page.request.url.search, '?userId=7');
    assert.deepEqual(JSON.parse(page.request.body), { connectionId: 'c1', listener: ['a', 'b'] });
    page.request.resolve(answer(200));
    assert.equal((await told).status, 200);
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
    page.clock.tick(1000);
    assert.equal(page.source.url.searchParams.get('listeners'), 'b');
});

test('a second listener of a name joins the first, and names show the newest', () => {
    const [first, second] = [mock.fn(), mock.fn()];
    const sse = connectedSse({ eventListeners: { a: first, silent: null } });
    sse.addListener('a', second);
    page.source.receive('a', 'x');
    assert.deepEqual([first.mock.callCount(), second.mock.callCount()], [1, 1]);
    assert.deepEqual(sse.getEventListeners(), { a: second, silent: null });
});

test('more names than an address holds are told once the stream is there', () => {
    const names = Array.from({ length: 60 }, (_, n) => `a rather long name of an event ${n}`);
    const heard = mock.fn();
    makeSse({ eventListeners: { ...Object.fromEntries(names.map((name) => [name, null])), [names[59]]: heard } });
    assert.ok(page.source.url.href.length < 2000);
    page.source.finish();
    assert.deepEqual(JSON.parse(page.request.body), { connectionId: 'c1', listener: names });
    page.request.resolve(answer(200));
    page.source.receive(names[59], 'x');
    assert.equal(heard.mock.callCount(), 1);
});
