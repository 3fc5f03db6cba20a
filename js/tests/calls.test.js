/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, connectedSse, makeSse, page, settle } from './page_under_test.js';

test('send posts JSON for this connection', async () => {
    const sse = connectedSse();
    const sent = sse.send('shop/buy', { n: 1 }, { q: 'a b' }, { 'x-mine': '1' });
    const { url, method, headers, body, credentials } = page.request;
    assert.equal(`${method} ${url.pathname}`, 'POST /sse/demo/connect/message/shop/buy.do');
    assert.deepEqual(Object.fromEntries(url.searchParams), { connectionId: 'c1', q: 'a b' });
    assert.match(headers.get('content-type'), /^application\/json/);
    assert.equal(headers.get('x-mine'), '1');
    assert.equal(body, '{"n":1}');
    assert.equal(credentials, 'include');
    page.request.resolve(answer(200));
    assert.equal((await sent).status, 200);
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
    page.requests.forEach((request, index) => request.resolve(answer(200 + index)));
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assert.deepEqual(statuses, [200, 201, 202]);
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

test('a call that failed on the network is made again after the reconnect, with the same key', async () => {
    const sse = connectedSse();
    const sent = sse.send('a');
    const key = page.request.headers.get('idempotency-key');
    assert.match(key, /^[0-9a-f]{32}$/);
    page.request.reject(new TypeError('network'));
    page.source.breakOff();
    await settle();
    page.clock.tick(5000);
    page.source.finish('c2');
    assert.equal(page.request.url.searchParams.get('connectionId'), 'c2');
    assert.equal(page.request.headers.get('idempotency-key'), key);
    page.request.resolve(answer(200));
    assert.equal((await sent).status, 200);
    sse.send('b');
    assert.notEqual(page.request.headers.get('idempotency-key'), key);
});

test('a call that failed alone is made again while the stream goes on', async () => {
    const sse = connectedSse();
    const added = sse.addListener(['x']);
    page.request.reject(new TypeError('network'));
    await settle();
    assert.equal(page.requests.length, 1);
    page.clock.tick(1000);
    assert.equal(page.requests.length, 2);
    page.request.resolve(answer(200));
    assert.equal((await added).status, 200);
});

test('what has an answer is not made again, whatever the handler has answered', async () => {
    const sse = connectedSse();
    for (const status of [500, 502, 409]) {
        const before = page.requests.length;
        const sent = sse.send('a');
        page.request.resolve(answer(status));
        assert.equal((await sent).status, status);
        page.clock.tick(60_000);
        await settle();
        assert.equal(page.requests.length, before + 1);
    }
});

test('calls that fail one after the other do not put each other off', async () => {
    const sse = connectedSse();
    const isFirst = ({ url }) => url.pathname.endsWith('/first.do');
    sse.send('first').catch(() => {});
    for (let n = 0; n < 10 && page.requests.filter(isFirst).length < 2; n += 1) {
        page.request.reject(new TypeError('network'));
        await settle();
        page.clock.tick(400); // less than any wait
        sse.send('other').catch(() => {});
    }
    assert.equal(page.requests.filter(isFirst).length, 2);
});

test('a call is not made again for ever', async () => {
    const sent = connectedSse().send('a');
    const rejected = assert.rejects(sent, { code: 'network', message: /5 attempts: down/ });
    for (let attempt = 1; attempt <= 5; attempt += 1) {
        assert.equal(page.requests.length, attempt);
        page.request.reject(new TypeError('down'));
        await settle();
        page.clock.tick(30_000);
    }
    await rejected;
    assert.equal(page.requests.length, 5);
});

test('a call that came to a connection which has ended is made again on the next', async () => {
    const sse = connectedSse();
    const sent = sse.send('a');
    const first = page.request;
    page.source.breakOff();
    first.resolve(answer(404));
    await settle();
    page.clock.tick(1000);
    page.source.finish('c2');
    page.request.resolve(answer(404));
    assert.equal((await sent).status, 404, 'that connection is the one of now');
});

test('a call that gets no answer is broken off and made again, with the same key', async () => {
    const sse = connectedSse({ callTimeout: 5000 });
    const sent = sse.send('a');
    const { headers } = page.request;
    page.clock.tick(4999);
    assert.equal(page.request.signal.aborted, false);
    page.clock.tick(1);
    assert.equal(page.request.signal.aborted, true);
    await settle();
    page.clock.tick(1000);
    assert.equal(page.requests.length, 2);
    assert.equal(page.request.headers.get('idempotency-key'), headers.get('idempotency-key'));
    page.request.resolve(answer(200));
    assert.equal((await sent).status, 200);
    page.clock.tick(60_000);
    assert.equal(page.request.signal.aborted, false);
});

test('an upload gets more time, by its size', async () => {
    const form = new FormData();
    form.append('text', 'x');
    form.append('file', new Blob(['x'.repeat(160_000)]), 'f');
    const sse = connectedSse({ callTimeout: 5000 });
    sse.upload('a', form).catch(() => {});
    page.clock.tick(14_999);
    assert.equal(page.request.signal.aborted, false);
    page.clock.tick(1);
    assert.equal(page.request.signal.aborted, true);
});

const UNKNOWN = { 'x-sse-connection': 'unknown' };

for (const [what, call] of [
    ['send', (sse) => sse.send('a')],
    ['addListener', (sse) => sse.addListener(['x'])],
    ['subscribe', (sse) => sse.subscribe('x')],
]) {
    test(`${what}: the server's word that there is no connection ends the stream, and is asked again`, async () => {
        const sse = connectedSse();
        const lost = page.source;
        const called = call(sse);
        page.request.resolve(answer(what === 'send' ? 404 : 200, UNKNOWN));
        await settle();
        assert.equal(sse.isActive(), false);
        page.clock.tick(500);
        assert.equal(lost.readyState, 2);
        page.clock.tick(1000);
        page.source.finish('c2');
        assert.equal(page.requests.length, 2);
        page.request.resolve(answer(200));
        assert.equal((await called).status, 200);
    });
}

test('the last event, which comes behind that word, says whether to come back', async () => {
    const sse = connectedSse();
    const sent = sse.send('a');
    page.request.resolve(answer(404, UNKNOWN));
    await settle();
    page.source.receive('connect-close', { connectionId: 'c1', reason: 'kicked', reconnect: false });
    await assert.rejects(sent, { code: 'closed' });
    page.clock.tick(100_000);
    assert.equal(sse.state, 2);
    assert.equal(page.sources.length, 1);
});

test('who is told so again, on a new connection, gets the answer and does not loop', async () => {
    const sse = connectedSse();
    const sent = sse.send('a');
    page.request.resolve(answer(404, UNKNOWN));
    await settle();
    page.clock.tick(1500);
    page.source.finish('c2');
    page.request.resolve(answer(404, UNKNOWN));
    assert.equal((await sent).status, 404);
    assert.equal(sse.isActive(), true);
    assert.equal(page.sources.length, 2);
});

test("a handler's own 404 is an answer like any other", async () => {
    const sse = connectedSse();
    const sent = sse.send('a');
    page.request.resolve(answer(404));
    assert.equal((await sent).status, 404);
    assert.equal(sse.isActive(), true);
});

test('what waits for another attempt is rejected by close', async () => {
    const sse = connectedSse();
    const sent = sse.upload('a', new FormData());
    page.request.reject(new TypeError('network'));
    await settle();
    sse.close();
    await assert.rejects(sent, { code: 'closed' });
});

test('a call under way when the page closes is not made again', async () => {
    const sse = connectedSse();
    const sent = sse.send('a');
    sse.close();
    page.request.reject(new TypeError('network'));
    await assert.rejects(sent, { code: 'closed' });
    sse.destroy();
    assert.equal(page.clock.size, 0);
    assert.equal(page.requests.length, 1);
});

test('a header that is none rejects at once; a key of the page is kept', async () => {
    const sse = connectedSse();
    await assert.rejects(sse.send('a', {}, {}, { 'bad name': '1' }), TypeError);
    sse.send('a', {}, {}, { 'Idempotency-Key': 'mine' });
    assert.equal(page.request.headers.get('idempotency-key'), 'mine');
});
