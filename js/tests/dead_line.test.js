/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { answer, connectedSse, makeSse, page, settle } from './page_under_test.js';

const INTERVAL = 20_000; // ms
const SILENCE = 2 * INTERVAL; // after which nobody waits any longer

function watchedSse(options) {
    const sse = makeSse(options);
    page.source.finish('c1', { heartbeat: INTERVAL });
    return sse;
}

test('heartbeats are asked for', () => {
    makeSse();
    assert.equal(page.source.url.searchParams.get('heartbeat'), 'true');
});

test('a line on which nothing comes any more is given up, and the stream goes on elsewhere', () => {
    const lost = mock.fn();
    const sse = watchedSse({ eventListeners: { error: lost } });
    page.source.receive('bell', 1, 'last');
    page.clock.tick(SILENCE);
    assert.equal(page.source.readyState, 2);
    assert.equal(sse.isActive(), false);
    assert.equal(sse.state, 0);
    assert.equal(sse.connectionId, undefined);
    const { error } = lost.mock.calls[0].arguments[0];
    assert.equal(error.code, 'silent');
    assert.match(error.message, /40000 ms/);
    page.clock.tick(1000);
    assert.equal(page.sources.length, 2);
    assert.equal(lost.mock.callCount(), 1);
    page.source.finish('c2', { heartbeat: INTERVAL });
    assert.equal(sse.isActive(), true);
});

test('it goes on behind the last event', () => {
    watchedSse({ eventListeners: { bell: null } });
    page.source.receive('bell', 1, 'last');
    page.source.receive('sse-heartbeat', '');
    page.clock.tick(SILENCE + 1000);
    assert.equal(page.source.url.searchParams.get('lastEventId'), 'last');
});

for (const sign of ['sse-heartbeat', 'bell', 'sse-gap']) {
    test(`${sign} is a heartbeat`, () => {
        const sse = watchedSse({ eventListeners: { bell: null } });
        for (let n = 0; n < 100; n += 1) {
            page.clock.tick(INTERVAL);
            page.source.receive(sign, '{}', `id-${n}`);
        }
        assert.equal(sse.isActive(), true);
        assert.equal(page.sources.length, 1);
    });
}

test('one sign that is late is borne, and two that are missing are not', () => {
    watchedSse();
    page.clock.tick(INTERVAL * 1.45);
    assert.equal(page.source.readyState, 1);
    page.clock.tick(INTERVAL * 0.55);
    assert.equal(page.source.readyState, 2);
});

test('the page hears nothing of heartbeats', () => {
    const heard = mock.fn();
    page.listen('sse-heartbeat', heard);
    watchedSse({ intercepts: [heard] });
    heard.mock.resetCalls();
    page.source.receive('sse-heartbeat', '');
    assert.equal(heard.mock.callCount(), 0);
});

test('nobody waits for what was not promised', () => {
    connectedSse();
    page.clock.tick(24 * 3600_000);
    assert.equal(page.sources.length, 1);
});

for (const soFar of [0, INTERVAL * 0.7, INTERVAL * 1.2]) {
    test(`a machine that slept after ${soFar} ms finds a line that lives`, () => {
        const sse = watchedSse();
        page.clock.tick(soFar);
        page.clock.skip(8 * 3600_000);
        page.clock.tick(0); // timers first, then what has come meanwhile
        page.source.receive('sse-heartbeat', '');
        page.clock.tick(INTERVAL);
        assert.equal(sse.isActive(), true);
        assert.equal(page.sources.length, 1);
    });

    test(`or one that is dead, after ${soFar} ms`, () => {
        watchedSse();
        page.clock.tick(soFar);
        page.clock.skip(8 * 3600_000);
        page.clock.tick(SILENCE);
        assert.equal(page.sources[0].readyState, 2);
    });
}

test('timers that a browser holds back to one a minute find it, too', () => {
    watchedSse({ background: true });
    for (let minute = 1; minute <= 4; minute += 1) {
        assert.equal(page.source.readyState, 1, `minute ${minute}`);
        page.clock.skip(60_000);
        page.clock.tick(0);
    }
    assert.equal(page.source.readyState, 2);
});

test('no watch is left behind by a stream that ended', () => {
    const sse = watchedSse();
    sse.close();
    const before = page.clock.size;
    page.clock.tick(10 * INTERVAL);
    assert.equal(page.sources.length, 1);
    assert.ok(page.clock.size <= before);
});

test('what was asked on a dead line is asked again on the next, with the same key', async () => {
    const sse = watchedSse({ callTimeout: 3600_000 });
    const sent = sse.send('a');
    const first = page.request;
    page.clock.tick(SILENCE);
    assert.equal(first.signal.aborted, true);
    await settle();
    page.clock.tick(1000);
    page.source.finish('c2', { heartbeat: INTERVAL });
    assert.equal(page.requests.length, 2);
    assert.equal(page.request.url.searchParams.get('connectionId'), 'c2');
    assert.equal(page.request.headers.get('idempotency-key'), first.headers.get('idempotency-key'));
    page.request.resolve(answer(200));
    assert.equal((await sent).status, 200);
});

test('an upload, which has heartbeats of its own, goes on', () => {
    const sse = watchedSse({ callTimeout: 3600_000 });
    sse.upload('a', new FormData()).catch(() => {});
    page.clock.tick(SILENCE);
    assert.equal(page.request.signal.aborted, false);
});

test('what has its answer, or belongs to the next stream, is left alone', async () => {
    const sse = watchedSse({ callTimeout: 3600_000 });
    const sent = sse.send('a');
    page.request.resolve(answer(200));
    await sent;
    page.clock.tick(SILENCE + 1000);
    page.source.finish('c2', { heartbeat: INTERVAL });
    sse.send('b').catch(() => {});
    assert.deepEqual(page.requests.map(({ signal }) => signal.aborted), [false, false]);
});
