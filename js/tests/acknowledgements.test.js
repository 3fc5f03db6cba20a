/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { answer, connectedSse, makeSse, page, settle } from './page_under_test.js';

function acknowledgements() {
    return page.requests
        .filter(({ url }) => url.pathname.endsWith('/ack.do'))
        .map(({ body }) => JSON.parse(body));
}

test('an event that comes again is not handled again', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { bell: heard } });
    page.source.receive('bell', 'x', 'id-1');
    page.source.receive('bell', 'y', 'id-2');
    page.source.breakOff();
    page.clock.tick(1000);
    page.source.finish('c2');
    page.source.receive('bell', 'x', 'id-1');
    page.source.receive('bell', 'z', 'id-3');
    const data = heard.mock.calls.map(({ arguments: [event] }) => event.data);
    assert.deepEqual(data, ['x', 'y', 'z']);
});

test('other events with the same id are handled, each once', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { bell: heard, door: heard } });
    for (let turn = 0; turn < 2; turn += 1) {
        page.source.receive('bell', 'x', 'same');
        page.source.receive('bell', 'y', 'same');
        page.source.receive('door', 'x', 'same');
        page.source.receive('bell', 'x'.repeat(60_000), 'same');
    }
    assert.equal(heard.mock.callCount(), 4);
});

test('an event of the server without an id is no repetition of the one before', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { bell: null, 'sse-gap': heard, 'sse-token-expiring': heard } });
    page.source.finish('c1', { ack: true });
    page.source.receive('bell', 'x', 'id-1');
    page.clock.tick(1000);
    page.source.receive('sse-gap', { reason: 'slow', dropped: 2 });
    page.source.receive('sse-token-expiring', {});
    page.clock.tick(1000);
    assert.equal(heard.mock.callCount(), 2);
    assert.equal(acknowledgements().length, 1, 'and acknowledges nothing again');
});

test('the memory of ids is bounded: the oldest goes', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { bell: heard } });
    for (let n = 0; n <= 10_000; n += 1) {
        page.source.receive('bell', 'x', `id-${n}`);
    }
    page.source.receive('bell', 'x', 'id-1');
    assert.equal(heard.mock.callCount(), 10_001);
    page.source.receive('bell', 'x', 'id-0');
    assert.equal(heard.mock.callCount(), 10_002);
});

test('acknowledges together what came together, where the server asks for it', () => {
    connectedSse({ eventListeners: ['bell'] });
    page.source.receive('bell', 'x', 'id-1');
    page.clock.tick(1000);
    assert.deepEqual(acknowledgements(), [], 'nobody asked');
    page.source.breakOff();
    page.clock.tick(1000);
    page.source.finish('c2', { ack: true });
    page.source.receive('bell', 'x', 'id-2');
    page.clock.tick(100);
    page.source.receive('bell', 'x', 'id-3');
    page.source.receive('bell', 'x', 'id-2');
    page.clock.tick(100);
    assert.deepEqual(acknowledgements(), [{ connectionId: 'c2', ids: ['id-3', 'id-2'] }]);
    page.clock.tick(1000);
    assert.equal(acknowledgements().length, 1);
});

test('acknowledges what may be stored, and nothing else that has an id', () => {
    const stored = ['order-1', '0123456789abcdef-q1f', '0123456789ABCDEF-1f', '0123456789abcdef-1f '];
    connectedSse({ eventListeners: ['bell', 'sse-gap'] });
    page.source.finish('c1', { ack: true });
    page.source.receive('bell', 'x', '0123456789abcdef-1f');
    page.source.receive('sse-gap', {}, '0123456789abcdef-p1f');
    page.clock.tick(1000);
    assert.deepEqual(acknowledgements(), []);
    stored.forEach((id) => page.source.receive('bell', 'x', id));
    page.clock.tick(1000);
    assert.deepEqual(acknowledgements(), [{ connectionId: 'c1', ids: stored }]);
});

test('acknowledges what a sender has given the form of the server\'s ids, of another life', () => {
    connectedSse({ eventListeners: ['bell'] });
    page.source.receive('connect-finish', { connectionId: 'c1', ack: true }, '0123456789abcdef-p7');
    page.source.receive('bell', 'x', '0123456789abcdef-1f');
    page.source.receive('bell', 'x', 'a1b2c3d4e5f60718-42');
    page.clock.tick(1000);
    assert.deepEqual(acknowledgements(), [{ connectionId: 'c1', ids: ['a1b2c3d4e5f60718-42'] }]);
});

test('acknowledges no more at once than the server takes', () => {
    const ids = Array.from({ length: 2500 }, (_, n) => `id-${n}`);
    makeSse({ eventListeners: ['bell'] });
    page.source.finish('c1', { ack: true });
    ids.forEach((id) => page.source.receive('bell', 'x', id));
    page.clock.tick(200);
    assert.deepEqual(acknowledgements().map((sent) => sent.ids.length), [1000, 1000, 500]);
    assert.deepEqual(acknowledgements().flatMap((sent) => sent.ids), ids);
});

test('what the server could not note is acknowledged again', async () => {
    makeSse({ eventListeners: ['bell'] });
    page.source.finish('c1', { ack: true });
    page.source.receive('bell', 'x', 'id-1');
    page.clock.tick(200);
    page.request.resolve(answer(503));
    await settle();
    page.source.receive('bell', 'x', 'id-2');
    page.clock.tick(200);
    assert.deepEqual(acknowledgements()[1].ids, ['id-1', 'id-2']);
    page.request.resolve(answer(200));
    await settle();
    page.source.breakOff();
    page.clock.tick(1000);
    page.source.finish('c2', { ack: true });
    assert.equal(acknowledgements().length, 2);
});

test('what could not be acknowledged is, on the next connection', async () => {
    makeSse({ eventListeners: ['bell'] });
    page.source.finish('c1', { ack: true });
    page.source.receive('bell', 'x', 'id-1');
    page.clock.tick(200);
    page.request.reject(new TypeError('network'));
    page.source.receive('bell', 'x', 'id-2');
    page.source.breakOff();
    await settle();
    page.clock.tick(1000);
    page.source.finish('c2', { ack: true });
    assert.deepEqual(acknowledgements()[1], { connectionId: 'c2', ids: ['id-2', 'id-1'] });
});

test('a page that leaves acknowledges by a beacon, before it says goodbye', async () => {
    const sse = makeSse({ eventListeners: ['bell'] });
    page.source.finish('c1', { ack: true });
    page.source.receive('bell', 'x', 'id-1');
    sse.close();
    const [ack, goodbye] = page.beacons;
    assert.equal(ack.url, '/sse/demo/connect/ack.do');
    assert.equal(ack.body.type, 'application/json');
    assert.deepEqual(JSON.parse(await ack.body.text()), { connectionId: 'c1', ids: ['id-1'] });
    assert.equal(goodbye.url, '/sse/demo/connect/disconnect.do');
});

test('what a beacon has said is said again on the next connection: nobody heard how it fared', () => {
    makeSse({ eventListeners: ['bell'] });
    page.source.finish('c1', { ack: true });
    page.show('hidden');
    page.clock.tick(900);
    page.source.receive('bell', 'x', 'id-1');
    page.clock.tick(100);
    assert.equal(page.beacons[0].url, '/sse/demo/connect/ack.do');
    page.show('visible');
    page.source.finish('c2', { ack: true });
    assert.deepEqual(acknowledgements(), [{ connectionId: 'c2', ids: ['id-1'] }]);
});

test('ids are the service\'s own: another may have the same', () => {
    const heard = mock.fn();
    const sse = makeSse({ eventListeners: { bell: heard } });
    page.source.finish('c1', { ack: true });
    page.source.receive('bell', 'x', 'id-1');
    sse.switchURL('/sse/other');
    page.source.finish('c2', { ack: true });
    page.clock.tick(1000);
    assert.deepEqual(acknowledgements(), [], 'the other has not sent it yet');
    page.source.receive('bell', 'y', 'id-1');
    assert.equal(heard.mock.callCount(), 2);
});
