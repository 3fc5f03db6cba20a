/* SPDX-License-Identifier: Apache-2.0 */
// What pages of the Java system's client look at.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, connectedSse, makeSse, page, settle, Sse } from './page_under_test.js';

test('es is the browser\'s EventSource while there is one', () => {
    assert.equal(Sse.DEFAULT_RECONNECT_TIME, 5000);
    const sse = makeSse();
    assert.equal(sse.es, page.source);
    page.source.finish();
    assert.equal(sse.es, page.source);
    sse.close();
    assert.equal(sse.es, null);
});

test('newEventSource() opens each stream, and may be overridden', () => {
    const opened = [];
    class Mine extends Sse {
        newEventSource(url) {
            opened.push(url);
            return super.newEventSource(url);
        }
    }
    const sse = new Mine({ url: '/sse/demo', windowGlobal: page, withCredentials: false });
    assert.equal(opened.length, 1);
    assert.match(opened[0], /^\/sse\/demo\/connect\?/);
    assert.equal(page.source.withCredentials, false);
    page.source.finish();
    const another = sse.newEventSource();
    assert.equal(another.url.href, page.sources[0].url.href);
    sse.destroy();
});

test('retryQueue tells what waits to be sent', async () => {
    const sse = makeSse();
    const sent = [sse.send('a', { n: 1 }, { q: 1 }), sse.upload('b', new FormData()), sse.addListener(['c'])];
    await settle();
    assert.deepEqual(sse.retryQueue.map(({ type, path }) => [type, path]), [['send', 'a'], ['upload', 'b'], ['addListener', undefined]]);
    const [{ body, query }] = sse.retryQueue;
    assert.deepEqual([body, query], [{ n: 1 }, { q: 1 }]);
    page.source.finish();
    await settle();
    assert.deepEqual(sse.retryQueue, []);
    page.requests.forEach((request) => request.resolve(answer(200)));
    await Promise.all(sent);
});

test('listeners of connect-close still see the connectionId', () => {
    const seen = [];
    const eventListeners = { 'connect-close': function closed({ data }) { seen.push(this.connectionId, JSON.parse(data).connectionId); } };
    const sse = connectedSse({ eventListeners });
    sse.close('x');
    assert.equal(sse.connectionId, undefined);
    sse.connect();
    page.source.finish('c2');
    page.source.receive('connect-close', { connectionId: 'c2', reason: 'kicked', reconnect: false });
    assert.deepEqual(seen, ['c1', 'c1', 'c2', 'c2']);
    assert.equal(sse.connectionId, undefined);
});

test('a path goes as it is, but for what a URL would take apart', async () => {
    const sse = connectedSse();
    for (const path of ['a b/你', '100%', 'a%20b', 'a?b#c', 'a\\b']) {
        sse.send(path, {}, {}, {}, { ordered: false });
    }
    await settle();
    const paths = page.requests.map(({ url }) => new URL(url, 'https://page.test').pathname.replace('/sse/demo/connect/message/', ''));
    assert.deepEqual(paths, ['a%20b/%E4%BD%A0.do', '100%25.do', 'a%20b.do', 'a%3Fb%23c.do', 'a%5Cb.do']);
    page.requests.forEach((request) => request.resolve(answer(200)));
});
