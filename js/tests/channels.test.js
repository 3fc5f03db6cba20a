/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connectedSse, page } from './page_under_test.js';

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

test('channels are joined again after a reconnect, those that were left are not', () => {
    const sse = connectedSse({ query: { channel: 'of the page' } });
    sse.subscribe(['a', 'b,c']);
    sse.subscribe('a');
    sse.unsubscribe('b,c');
    assert.deepEqual(reconnect(sse).getAll('channel'), ['a', 'of the page']);
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
