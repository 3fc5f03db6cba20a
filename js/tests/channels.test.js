/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, connectedSse, page, settle } from './page_under_test.js';

function reconnect(sse) {
    sse.close();
    sse.connect();
    return page.source.url.searchParams;
}

test('subscribe and unsubscribe tell the server', () => {
    const sse = connectedSse({ query: { userId: 7 } });
    sse.subscribe('news');
    assert.equal(page.request.url.pathname, '/sse/demo/connect/subscribe.do');
    assert.equal(page.request.url.search, '?userId=7');
    assert.deepEqual(JSON.parse(page.request.body), { connectionId: 'c1', channel: 'news' });
    sse.unsubscribe(['a', 'b']);
    assert.equal(page.request.url.pathname, '/sse/demo/connect/unsubscribe.do');
    assert.deepEqual(JSON.parse(page.request.body), { connectionId: 'c1', channel: ['a', 'b'] });
});

/** As fetch gives the server's data. */
function answerWith(data) {
    return { ...answer(200), clone: () => ({ json: async () => ({ data }) }) };
}

async function granted(promise, with_ = answer(200)) {
    page.request.resolve(with_);
    return promise;
}

test('channels are joined again after a reconnect, those that were left are not', async () => {
    const sse = connectedSse({ query: { channel: 'of the page' } });
    await granted(sse.subscribe(['a', 'b,c']));
    await granted(sse.subscribe('a'));
    await granted(sse.unsubscribe('b,c'));
    assert.deepEqual(reconnect(sse).getAll('channel'), ['a', 'of the page']);
});

test('what was refused is not asked for again', async () => {
    const sse = connectedSse();
    await granted(sse.subscribe('a'));
    assert.equal((await granted(sse.subscribe('secret'), answer(403))).status, 403);
    assert.deepEqual(reconnect(sse).getAll('channel'), ['a']);
});

test('what a new token does not allow, or connect leaves out, is not asked for again', async () => {
    const sse = connectedSse();
    const told = [];
    sse.addListener('sse-left-out', (event) => told.push(JSON.parse(event.data)));
    await granted(sse.subscribe(['a', 'b', 'c']));
    await granted(sse.refresh('less'), answerWith({ removed: ['a'] }));
    assert.deepEqual(reconnect(sse).getAll('channel'), ['b', 'c']);
    const leftOut = [{ channel: 'b', reason: 'forbidden' }, { listener: 'x', reason: 'limit' }];
    page.source.finish('c2', { leftOut });
    page.source.receive('sse-left-out', { leftOut });
    assert.deepEqual(told, [{ leftOut }]);
    assert.deepEqual(reconnect(sse).getAll('channel'), ['c']);
});

test('a refusal of more names than an address holds is an event', async () => {
    const names = Array.from({ length: 400 }, (_, n) => `a-long-name-${n}`);
    const told = [];
    connectedSse({ eventListeners: { ...Object.fromEntries(names.map((name) => [name, null])),
        'sse-left-out': (event) => told.push(JSON.parse(event.data).leftOut) } });
    page.request.resolve(answer(422));
    await settle();
    assert.equal(told[0].length, 401);
    assert.deepEqual(told[0][0], { listener: 'a-long-name-0', reason: 'status 422' });
});

test('the page may name several channels in its query', () => {
    connectedSse({ query: { channel: ['x', 'y'], empty: [], nothing: null } });
    const { searchParams } = page.source.url;
    assert.deepEqual(searchParams.getAll('channel'), ['x', 'y']);
    assert.equal(searchParams.has('empty') || searchParams.has('nothing'), false);
});

test('refresh shows the new token, and reconnects with it where the old one stood', () => {
    const sse = connectedSse({ query: { 'access-token': 'old' } });
    sse.refresh('new');
    assert.equal(page.request.url.pathname, '/sse/demo/connect/refresh.do');
    assert.equal(page.request.url.search, '?access-token=new');
    assert.deepEqual(JSON.parse(page.request.body), { connectionId: 'c1', accessToken: 'new' });
    assert.equal(reconnect(sse).get('access-token'), 'new');
});

test('without a new token the old one stays', () => {
    const sse = connectedSse({ query: { 'access-token': 'old' } });
    sse.refresh();
    assert.equal(page.request.url.search, '?access-token=old');
    assert.equal(reconnect(sse).get('access-token'), 'old');
});

test('without a token in the query there is none after it', () => {
    const sse = connectedSse();
    sse.refresh('new');
    assert.equal(page.request.url.search, '');
    assert.equal(reconnect(sse).has('access-token'), false);
});
