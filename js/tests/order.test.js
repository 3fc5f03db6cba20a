/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers by which the server runs a page's calls in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, makeSse, page, settle } from './page_under_test.js';

function orderedSse(most = 64, options = {}) {
    const sse = makeSse(options);
    page.source.finish('c1', { ordered: most });
    return sse;
}

const number = ({ headers }) => headers.get('x-sse-order');
const numbers = () => page.requests.map(number);
const told = () => page.requests.map((request) => `${request.url.pathname.split('/').at(-1)} ${number(request)}`);

test('sends travel at once and bear their numbers', () => {
    const sse = orderedSse();
    ['a', 'b', 'c'].forEach((path) => sse.send(path));
    assert.deepEqual(told(), ['a.do 1', 'b.do 2', 'c.do 3']);
});

test('so do changes of listeners, channels and the token, among themselves', () => {
    const sse = orderedSse();
    sse.addListener(['x']);
    sse.send('a');
    sse.removeListener(['x']);
    sse.subscribe('news');
    sse.unsubscribe('news');
    sse.refresh('token');
    assert.deepEqual(numbers(), ['1', '1;after=1', '2', '3', '4', '5']);
});

test('uploads have none, nor sends that need no order', () => {
    const sse = orderedSse();
    sse.upload('a', new FormData());
    sse.send('b', {}, {}, {}, { ordered: false });
    sse.send('c', {}, {}, {}, { ordered: true });
    assert.deepEqual(numbers(), [null, null, '1']);
});

test('a server that knows no order gets none', () => {
    const sse = orderedSse(0);
    sse.send('a');
    sse.addListener(['x']);
    assert.deepEqual(numbers(), [null, null]);
});

test('a send comes after the changes before it, also when they are made again', async () => {
    const sse = orderedSse();
    sse.send('a').catch(() => {});
    sse.subscribe('x').catch(() => {});
    sse.send('b').catch(() => {});
    page.requests.forEach(({ reject }) => reject(new TypeError('network')));
    await settle();
    page.source.breakOff();
    page.clock.tick(1000);
    page.source.finish('c2', { ordered: 64 });
    assert.deepEqual(numbers(), ['1', '1', '2;after=1', '1', '1', '2;after=1']);
});

test('one that fails keeps its number on its connection', async () => {
    const sse = orderedSse();
    sse.send('a').catch(() => {});
    sse.send('b').catch(() => {});
    page.requests[0].reject(new TypeError('network'));
    await settle();
    sse.send('c').catch(() => {});
    page.clock.tick(1000);
    assert.deepEqual(told(), ['a.do 1', 'b.do 2', 'c.do 3', 'a.do 1']);
});

test('the next connection numbers anew, in the order of the calls, however they have failed', async () => {
    const sse = orderedSse();
    ['a', 'b', 'c'].forEach((path) => sse.send(path).catch(() => {}));
    for (const at of [2, 0, 1]) {
        page.requests[at].reject(new TypeError('network'));
        await settle();
    }
    page.source.breakOff();
    sse.send('d').catch(() => {});
    page.clock.tick(1000);
    page.source.finish('c2', { ordered: 64 });
    assert.deepEqual(told().slice(3), ['a.do 1', 'b.do 2', 'c.do 3', 'd.do 4']);
    page.source.breakOff();
    await settle();
    page.requests.slice(3).forEach(({ reject }) => reject(new TypeError('network')));
    await settle();
    page.clock.tick(1000);
    page.source.finish('c3');
    assert.deepEqual(told().slice(7), ['a.do null', 'b.do null', 'c.do null', 'd.do null']);
});

test('no more are under way than the server holds; the others are no queue that may be full', async () => {
    const sse = orderedSse(2, { queueLimit: 1 });
    const sent = ['a', 'b', 'c', 'd'].map((path) => sse.send(path));
    sse.addListener(['x']);
    sse.send('free', {}, {}, {}, { ordered: false });
    assert.deepEqual(told(), ['a.do 1', 'b.do 2', 'addListener.do 1', 'free.do null']);
    page.requests[0].resolve(answer(200));
    await settle();
    assert.deepEqual(told().slice(4), ['c.do 3;after=1']);
    page.requests[1].resolve(answer(500));
    await settle();
    assert.deepEqual(told().slice(5), ['d.do 4;after=1']);
    page.requests.forEach(({ resolve }) => resolve(answer(200)));
    assert.deepEqual((await Promise.all(sent)).map(({ status }) => status), [200, 500, 200, 200]);
});

test('what an old connection still carries takes no place on the next', async () => {
    const sse = orderedSse(1);
    sse.send('a').catch(() => {});
    page.source.breakOff();
    page.clock.tick(1000);
    page.source.finish('c2', { ordered: 1 });
    sse.send('b').catch(() => {});
    assert.deepEqual(told(), ['a.do 1', 'b.do 1']);
});
