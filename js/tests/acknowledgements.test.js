/* SPDX-License-Identifier: Apache-2.0 */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { connectedSse, makeSse, page, settle } from './page_under_test.js';

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
    page.source.receive('bell', 'no id');
    page.source.receive('bell', 'no id');
    const data = heard.mock.calls.map(({ arguments: [event] }) => event.data);
    assert.deepEqual(data, ['x', 'y', 'z', 'no id', 'no id']);
});

test('the memory of ids is bounded: the oldest goes', () => {
    const heard = mock.fn();
    connectedSse({ eventListeners: { bell: heard } });
    for (let n = 0; n <= 1000; n += 1) {
        page.source.receive('bell', 'x', `id-${n}`);
    }
    page.source.receive('bell', 'x', 'id-1');
    assert.equal(heard.mock.callCount(), 1001);
    page.source.receive('bell', 'x', 'id-0');
    assert.equal(heard.mock.callCount(), 1002);
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
