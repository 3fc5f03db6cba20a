/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser would not let out to another origin, without a word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answer, makeSse, page, settle } from './page_under_test.js';

const OTHER = 'https://sse.test/sse/demo';
const ALLOWED = 'authorization, content-type, idempotency-key, x-sse-envelope, x-sse-order, x-own';

function connected(url = OTHER, corsHeaders = ALLOWED) {
    const sse = makeSse({ url });
    page.source.finish('c1', { corsHeaders, ordered: 64 });
    return sse;
}

test('a field that is not allowed rejects at once, by its name and the setting, and nothing is sent', async () => {
    const sse = connected();
    const blocked = { code: 'blocked', message: /x-other.*corsHeaders/ };
    await assert.rejects(sse.send('a', {}, {}, { 'X-Other': '1' }), blocked);
    await assert.rejects(sse.upload('a', new FormData(), {}, { 'x-other': '1', 'x-own': '1' }), blocked);
    await assert.rejects(sse.send('a', {}, {}, { 'x-other': '1' }, { ordered: false }), blocked);
    assert.equal(page.requests.length, 0);
});

test('so does one that waited for the connection', async () => {
    const sse = makeSse({ url: OTHER });
    const sent = assert.rejects(sse.send('a', {}, {}, { 'x-other': '1' }), { code: 'blocked' });
    page.source.finish('c1', { corsHeaders: ALLOWED });
    await sent;
});

test('those that are allowed go', () => {
    const sse = connected();
    sse.send('a', {}, {}, { 'X-Own': '1', accept: 'application/json', 'accept-language': 'de' });
    sse.addListener(['x']);
    assert.equal(page.requests.length, 2);
});

test('to the own origin any field goes, whatever the server thinks of a proxy before it', () => {
    const sse = connected('/sse/demo');
    sse.send('a', {}, {}, { 'x-other': '1' });
    connected('https://page.test/sse/demo').send('a', {}, {}, { 'x-other': '1' });
    assert.equal(page.requests.length, 2);
});

test('where the server names none any goes', () => {
    connected(OTHER, null).send('a', {}, {}, { 'x-other': '1' });
    assert.equal(page.requests.length, 1);
});

for (const [url, message] of [[OTHER, /5 attempts: Failed to fetch .*corsHeaders/], ['/sse/demo', /5 attempts: Failed to fetch$/]]) {
    test(`what a tool adds is not seen: ${url}`, async () => {
        const sent = assert.rejects(connected(url).send('a'), { code: 'network', message });
        for (let attempt = 1; attempt <= 5; attempt += 1) {
            page.request.reject(new TypeError('Failed to fetch'));
            await settle();
            page.clock.tick(30_000);
        }
        await sent;
    });
}

test('what it reads itself comes in the usual envelope, what the page reads as the service wraps it', async () => {
    const envelopes = () => page.requests.map(({ headers }) => headers.get('x-sse-envelope'));
    const sse = connected();
    sse.addListener(['x']);
    sse.refresh('token').catch(() => {});
    sse.send('a');
    assert.deepEqual(envelopes(), [null, 'plain', null]);
    connected(OTHER, 'x-own').refresh('token').catch(() => {}); // a server that does not know the field
    assert.equal(envelopes().at(-1), null);
});

test('a call that is blocked keeps no other from its turn', async () => {
    const sse = connected();
    await assert.rejects(sse.send('a', {}, {}, { 'x-other': '1' }), { code: 'blocked' });
    const sent = sse.send('b');
    assert.equal(page.request.headers.get('x-sse-order'), '1');
    page.request.resolve(answer(200));
    assert.equal((await sent).status, 200);
});
