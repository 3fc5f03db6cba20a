/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { answer, connectedSse, makeSse, page, settle, Sse } from './page_under_test.js';

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

test('a server of another version is told of once', () => {
    page.console = { warn: mock.fn() };
    connectedSse();
    page.source.finish('a', { version: Sse.version });
    assert.equal(page.console.warn.mock.callCount(), 0);
    page.source.finish('b', { version: '0.0.7' });
    page.source.finish('c', { version: '0.0.7' });
    connectedSse();
    page.source.finish('d', { version: '0.0.7' });
    assert.deepEqual(page.console.warn.mock.calls.map((call) => call.arguments), [
        [`sse-server: this page has the client ${Sse.version}, the server is 0.0.7`],
    ]);
    page.source.finish('e', { version: '0.0.8' });
    assert.equal(page.console.warn.mock.callCount(), 2);
});

test('a stream without a connection id is left and tried again', () => {
    const sse = makeSse();
    page.source.readyState = 1;
    page.source.receive('connect-finish', 'not json');
    assert.equal(sse.isActive(), false);
    page.clock.tick(1000);
    assert.equal(page.sources.length, 2);
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
    assert.equal(page.request.method, 'HEAD');
    page.request.resolve(answer(401));
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

for (const status of [400, 403, 405, 406, 410, 413, 414, 422, 431]) {
    test(`${status} ends it with a reason: asking again would not help`, async () => {
        const closed = mock.fn();
        const sse = makeSse({ eventListeners: { 'connect-close': closed, bell: null }, query: { userId: 7 } });
        page.source.refuse();
        assert.equal(page.request.url.href, page.source.url.href, 'the same question');
        page.request.resolve(answer(status));
        await settle();
        page.clock.tick(60_000);
        assert.equal(page.sources.length, 1);
        assert.equal(sse.state, Sse.STATE_CLOSED);
        assert.equal(JSON.parse(closed.mock.calls[0].arguments[0].data).status, status);
    });
}

test('what another server has refused ends nothing here', async () => {
    const sse = makeSse();
    page.source.refuse();
    page.show('hidden');
    page.clock.tick(1000);
    sse.switchURL('/sse/other');
    page.requests[0].resolve(answer(401));
    await settle();
    page.show('visible');
    assert.equal(page.source.url.pathname, '/sse/other/connect');
});

test('503 waits as long as it says, and a little more', async () => {
    makeSse();
    page.source.refuse();
    page.request.resolve(answer(503, { 'retry-after': '7' }));
    await settle();
    page.clock.tick(7499);
    assert.equal(page.sources.length, 1);
    page.clock.tick(2501);
    assert.equal(page.sources.length, 2);
});

test('another refusal is tried again as usual, and so is one without an answer', async () => {
    makeSse();
    page.source.refuse();
    page.request.resolve(answer(404));
    await settle();
    page.clock.tick(1000);
    assert.equal(page.sources.length, 2);
    page.source.refuse();
    page.request.reject(new TypeError('network'));
    await settle();
    page.clock.tick(2000);
    assert.equal(page.sources.length, 3);
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

test('switchURL leaves the old server and opens the new one', () => {
    const sse = connectedSse();
    const old = page.source;
    sse.switchURL('/sse/demo/');
    assert.equal(page.sources.length, 1, 'the same URL');
    sse.switchURL('/sse/other');
    assert.equal(old.readyState, 2);
    assert.equal(page.beacons[0].url, '/sse/demo/connect/disconnect.do');
    assert.equal(page.source.url.pathname, '/sse/other/connect');
    assert.equal(page.source.url.searchParams.has('lastEventId'), false, 'ids of another service');
});

test('a message may be called error: the line goes on', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { error: heard, open: heard } });
    page.source.receive('error', 'boom', 'id-1');
    page.source.receive('open', 'sesame', 'id-2');
    assert.deepEqual(heard.mock.calls.map(({ arguments: [event] }) => event.data), ['boom', 'sesame']);
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 1);
    page.source.breakOff();
    assert.equal(heard.mock.callCount(), 3, 'the line itself');
    page.clock.tick(1000);
    assert.equal(page.source.url.searchParams.get('lastEventId'), 'id-2');
});

test('a stream that was left and speaks again is closed', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { bell: heard } });
    const old = page.source;
    page.dispatchEvent(new Event('pagehide'));
    page.dispatchEvent(new Event('pageshow'));
    for (const [type, data] of [['connect-finish', { connectionId: 'zombie' }], ['bell', 'x'], ['connect-close', {}]]) {
        old.readyState = 1; // as WebKit does behind the back of the page
        old.receive(type, data);
        assert.equal(old.readyState, 2, type);
    }
    assert.equal(heard.mock.callCount(), 0);
    assert.equal(page.sources.length, 2);
});

test('where the browser throws instead of opening a stream, it is an error like any other', async () => {
    const { EventSource } = page;
    const lost = mock.fn();
    page.EventSource = class {
        constructor() {
            throw new Error('SecurityError');
        }
    };
    const sse = makeSse({ eventListeners: { error: lost } });
    assert.equal(page.sse, sse);
    assert.equal(sse.state, Sse.STATE_CONNECTING);
    assert.equal(lost.mock.callCount(), 0, 'nobody has the instance yet');
    await settle();
    assert.equal(lost.mock.callCount(), 1);
    assert.equal(lost.mock.calls[0].arguments[0].error.message, 'SecurityError');
    page.EventSource = EventSource;
    page.clock.tick(1000);
    assert.equal(lost.mock.callCount(), 1);
    page.source.finish();
    assert.equal(sse.isActive(), true);
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

test('a reconnect says where it was', () => {
    connectedSse({ eventListeners: ['bell'] });
    page.source.receive('bell', 'x', 'id-7');
    page.source.breakOff();
    page.clock.tick(1000);
    assert.equal(page.source.url.searchParams.get('lastEventId'), 'id-7');
});

test('a reconnect says where connect-finish or sse-gap has put it, whoever listens', () => {
    connectedSse({ eventListeners: ['bell'] });
    page.source.breakOff();
    page.clock.tick(1000);
    assert.equal(page.source.url.searchParams.get('lastEventId'), 'finish-c1');
    page.source.finish('c2');
    page.source.receive('sse-gap', { reason: 'epoch' }, 'gap-1');
    page.source.breakOff();
    page.clock.tick(1000);
    assert.equal(page.source.url.searchParams.get('lastEventId'), 'gap-1');
});

test('an evicted tab does not fight: it comes back when somebody turns to it', () => {
    const sse = connectedSse();
    page.source.receive('connect-close', { connectionId: 'c1', reason: 'evicted', reconnect: false });
    page.clock.tick(60_000);
    page.dispatchEvent(new Event('online'));
    assert.equal(page.sources.length, 1);
    assert.equal(sse.state, Sse.STATE_CLOSED);
    page.dispatchEvent(new Event('focus'));
    assert.equal(page.sources.length, 2);
});

test('an evicted tab comes back when the page asks for it', () => {
    const sse = connectedSse();
    page.source.receive('connect-close', { connectionId: 'c1', reason: 'evicted', reconnect: false });
    sse.connect();
    assert.equal(page.sources.length, 2);
});

test('connect() of a hidden page waits until it is shown', () => {
    const sse = connectedSse();
    page.show('hidden');
    page.clock.tick(1000);
    sse.connect();
    assert.equal(page.sources.length, 1);
    page.show('visible');
    assert.equal(page.sources.length, 2);
});

test('after destroy nothing brings it back', async () => {
    mock.method(console, 'warn', () => {});
    const sse = connectedSse();
    sse.destroy();
    sse.switchURL('/sse/other');
    sse.connect();
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 1);
    assert.equal(sse.destroyed, true);
    await assert.rejects(sse.addListener(['a']), { code: 'closed' });
});

test('a stream on which nothing comes is said, and tried again with padding', () => {
    const timedOut = mock.fn();
    makeSse({ eventListeners: { 'connect-timeout': timedOut } });
    assert.equal(page.source.url.searchParams.has('padding'), false);
    page.clock.tick(9999);
    assert.equal(timedOut.mock.callCount(), 0);
    page.clock.tick(1);
    const { timeout, message } = JSON.parse(timedOut.mock.calls[0].arguments[0].data);
    assert.equal(timeout, 10_000);
    assert.match(message, /buffering/);
    assert.equal(page.source.readyState, 2);
    page.clock.tick(1000);
    assert.equal(page.source.url.searchParams.get('padding'), '2048');
    page.source.finish();
    page.clock.tick(60_000);
    assert.equal(page.sources.length, 2);
});

test('listeners of connect-close get why, beside the event and in it', () => {
    const closed = mock.fn();
    const onWindow = mock.fn();
    page.listen('connect-close', onWindow);
    connectedSse({ eventListeners: { 'connect-close': closed } }).close('lunch');
    const [event, info] = closed.mock.calls[0].arguments;
    assert.deepEqual(info, { whoTriggerClose: 'client', closeReason: 'lunch' });
    assert.equal(event.whoTriggerClose, 'client');
    assert.equal(onWindow.mock.calls[0].arguments[0].closeReason, 'lunch');
});

test('a server that says no reason', () => {
    const closed = mock.fn();
    connectedSse({ eventListeners: { 'connect-close': closed } });
    page.source.receive('connect-close', { connectionId: 'c1' });
    const [, info] = closed.mock.calls[0].arguments;
    assert.deepEqual(info, { whoTriggerClose: 'server', closeReason: 'server-close' });
});
