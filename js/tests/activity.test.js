/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { connectedSse, makeSse, page } from './page_under_test.js';

const DURATION_KEY = 'sseDuration/sse/demo';

function changes(options) {
    const changed = mock.fn();
    const sse = connectedSse({ eventListeners: { 'sse-change-active': changed }, ...options });
    return { sse, seen: () => changed.mock.calls.map(({ arguments: [event] }) => event.data) };
}

function moveMouse() {
    page.document.dispatchEvent(new Event('mouseover'));
}

test('the person leaves, and comes back', () => {
    const { seen } = changes();
    page.clock.tick(3000);
    moveMouse();
    page.clock.tick(5000);
    assert.deepEqual(seen(), [
        { oldActive: true, newActive: false, duration: { sessionDuration: 0, duration: 8 } },
    ]);
    assert.equal(page.sessionStorage.getItem(DURATION_KEY), '8');
    page.clock.tick(60_000);
    moveMouse();
    assert.deepEqual(seen()[1], {
        oldActive: false, newActive: true, duration: { sessionDuration: 8, duration: 0 },
    });
});

test('leaveTimeout, leaveCheckInterval and sseDurationKey are the page\'s', () => {
    const { seen } = changes({ leaveTimeout: 100, leaveCheckInterval: 40, sseDurationKey: 'mine' });
    page.clock.tick(119);
    assert.equal(seen().length, 0);
    page.clock.tick(1);
    assert.equal(seen().length, 1);
    assert.equal(page.sessionStorage.getItem('mine'), '0');
});

test('the duration goes on over a reconnect and a reload, and ends with close', () => {
    const { sse } = changes();
    page.clock.tick(4000);
    page.show('hidden');
    page.clock.tick(60_000);
    const { body } = page.beacons[0];
    assert.deepEqual([body.duration, body.sessionDuration], ['0', '5'], '4 s, and 1 s until it is sure: then nobody is there');
    page.show('visible');
    assert.equal(page.source.url.searchParams.get('sessionDuration'), '5');
    page.source.finish('c2');
    page.clock.tick(2000);
    assert.deepEqual(sse.getDuration(), { sessionDuration: 5, duration: 2 });
    page.dispatchEvent(new Event('pagehide'));
    makeSse();
    assert.equal(page.source.url.searchParams.get('sessionDuration'), '7');
    sse.close();
    assert.equal(page.sessionStorage.getItem(DURATION_KEY), null);
});

test('many short visits add up', () => {
    const { sse } = changes();
    for (let visit = 0; visit < 20; visit += 1) {
        page.clock.tick(300);
        page.dispatchEvent(new Event('pagehide'));
        page.clock.tick(1000);
        page.dispatchEvent(new Event('pageshow'));
        page.source.finish();
    }
    assert.deepEqual(sse.getDuration(), { sessionDuration: 6, duration: 0 });
});

test('the back end sets the duration', () => {
    const { sse } = changes();
    page.clock.tick(3000);
    page.source.receive('sse-set-duration', { duration: '100' }, 'id-1');
    page.clock.tick(1000);
    assert.deepEqual(sse.getDuration(), { sessionDuration: 100, duration: 1 });
    assert.equal(page.sessionStorage.getItem(DURATION_KEY), '100');
});

test('a machine that sleeps for hours adds nothing but leaveTimeout', () => {
    const { sse, seen } = changes();
    page.clock.tick(2000);
    moveMouse();
    page.clock.skip(8 * 3600_000);
    assert.deepEqual(sse.getDuration(), { sessionDuration: 0, duration: 7 });
    moveMouse(); // before any timer has run
    assert.deepEqual(sse.getDuration(), { sessionDuration: 7, duration: 0 });
    assert.deepEqual(seen().map(({ newActive }) => newActive), [false, true]);
    page.clock.tick(1000);
    page.clock.skip(3600_000);
    page.dispatchEvent(new Event('pagehide'));
    const { body } = page.beacons[0];
    assert.deepEqual([body.duration, body.sessionDuration], ['5', '7'], 'leaveTimeout, and what was before');
});

test('nor does the time of its stream', () => {
    makeSse();
    page.source.finish('c1', { heartbeat: 25_000 });
    page.clock.skip(8 * 3600_000);
    page.dispatchEvent(new Event('pagehide'));
    assert.equal(page.beacons[0].body.duration, '5');
});

test('a wall clock that is set makes no duration wrong or negative', () => {
    let uptime = 5000;
    page.performance = { now: () => uptime };
    const { sse } = changes();
    uptime += 3000;
    for (const jump of [-86_400_000, 2 * 86_400_000]) {
        page.clock.now += jump;
        assert.deepEqual(sse.getDuration(), { sessionDuration: 0, duration: 3 });
    }
    page.dispatchEvent(new Event('pagehide'));
    const { body } = page.beacons[0];
    assert.deepEqual([body.duration, body.sessionDuration], ['3', '0']);
});

test('where there is no other clock, one that is set back counts nothing', () => {
    const { sse } = changes();
    page.clock.tick(2000);
    page.clock.now -= 3600_000;
    assert.deepEqual(sse.getDuration(), { sessionDuration: 0, duration: 0 });
    page.dispatchEvent(new Event('pagehide'));
    assert.deepEqual([page.beacons[0].body.duration, page.beacons[0].body.sessionDuration], ['0', '0']);
});

test('the window hears of it too', () => {
    const onWindow = mock.fn();
    page.listen('sse-change-active', onWindow);
    connectedSse();
    page.clock.tick(5000);
    assert.equal(onWindow.mock.calls[0].arguments[0].data.newActive, false);
});

test('nothing is counted by an instance that was destroyed', () => {
    const { sse, seen } = changes();
    sse.destroy();
    const before = seen().length;
    page.clock.tick(60_000);
    moveMouse();
    assert.equal(seen().length, before);
});
