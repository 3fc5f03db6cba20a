/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, connectedSse, makeSse, page } from './page_under_test.js';

test('a hidden tab leaves, after a moment, and comes back when shown', () => {
    const sse = connectedSse();
    page.show('hidden');
    page.show('visible');
    page.clock.tick(5000);
    assert.equal(page.sources.length, 1, 'a short look elsewhere costs nothing');
    page.show('hidden');
    page.clock.tick(5000);
    assert.equal(page.source.readyState, 2);
    assert.equal(page.beacons[0].body.reason, 'visibilitychange');
    const waiting = sse.send('a');
    page.show('visible');
    assert.equal(page.sources.length, 2);
    page.source.finish('c2');
    page.request.resolve(answer(200));
    return waiting;
});

test('background: true stays connected while hidden, and says so', () => {
    connectedSse();
    assert.equal(page.source.url.searchParams.has('background'), false);
    connectedSse({ background: true });
    assert.equal(page.source.url.searchParams.get('background'), 'true');
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

test('no unload handlers: they keep a page out of the back cache', () => {
    makeSse();
    assert.deepEqual([...page.hooks].filter((name) => name.includes('unload')), []);
});

test('a frozen page leaves, and comes back when it is resumed', () => {
    connectedSse({ background: true });
    page.document.dispatchEvent(new Event('freeze'));
    assert.equal(page.beacons[0].body.reason, 'freeze');
    page.document.dispatchEvent(new Event('resume'));
    assert.equal(page.sources.length, 2);
});

test('a page that begins hidden waits until it is shown', () => {
    page.document.visibilityState = 'hidden';
    makeSse();
    assert.equal(page.sources.length, 0);
    page.show('visible');
    assert.equal(page.sources.length, 1);
});

test('hidden and shown 50 times fast: one stream, and no timer left but the check', () => {
    connectedSse();
    const timers = page.clock.size;
    for (let turn = 0; turn < 50; turn += 1) {
        page.show('hidden');
        page.clock.tick(10);
        page.show('visible');
        page.clock.tick(10);
    }
    page.clock.tick(5000);
    assert.equal(page.sources.length, 1);
    assert.equal(page.clock.size, timers);
});

test('a document may say its visibility in its own way', () => {
    page.document.getVisibilityState = () => 'hidden';
    makeSse();
    assert.equal(page.sources.length, 0);
});
