// SPDX-License-Identifier: Apache-2.0
// Messages with qos 1: who gets them, when they come again, and when they are done.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { newHost } from './support/host.mjs';
import { watch } from './support/presence.mjs';
import { acknowledge, idsOf, storeIsEmpty, storedIds } from './support/qos.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';
import { webhookTarget } from './support/webhook_target.mjs';

// Messages come again because somebody connects, not because a loaded machine takes its time.
const PATIENT = { SSE_SERVER_SERVICES_0_QOS_ACK_TIMEOUT: '10m' };

let server;
let office;
let page;
before(async () => {
  server = await startServer({ variables: {
    ...PATIENT, SSE_SERVER_WORKERS: '4', SSE_SERVER_SERVICES_0_QOS_RECEIPT_HOSTS: '127.0.0.1',
  } });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});
beforeEach(async () => {
  page = await connect(server.origin);
});
afterEach(async () => {
  await page.close();
  await nobodyIsThere();
  assert.equal((await remove('messages?all=true')).status, 200);
  assert.deepEqual(await storedIds(office), []);
});

function nobodyIsThere() {
  return eventually('nobody to be there', async () => (await office.query('counts')).connections === 0);
}

function remove(what) {
  return office.client.request('DELETE', `/sse/demo/${what}`, { headers: office.authorized });
}

const bell = (data, target) => ({ event: 'bell', data, qos: 1, ...target });

// All that is on its way to this connection has come.
async function fence(reader) {
  await office.send({ event: 'fence', data: 0, connectionId: reader.id });
  await reader.next('fence');
}

async function bells(reader) {
  await fence(reader);
  return reader.named('bell');
}

describe('for one user', () => {
  test('who is there: it is written at once, and stored until it is acknowledged', async () => {
    const ann = await page.connect({ userId: 'ann' });
    const { id, ...answer } = await office.send(bell(1, { userId: 'ann' }));
    assert.deepEqual(answer, { count: 1, stored: 1 });
    assert.equal(await ann.next('bell'), 1);
    assert.deepEqual(idsOf(ann.named('bell')), [id]);
    assert.deepEqual(ann.resent, []);
    assert.deepEqual(await storedIds(office), [id]);
    assert.equal(await acknowledge(page, ann.id, [id]), 1);
    assert.deepEqual(await storedIds(office), []);
    assert.equal(await acknowledge(page, ann.id, [id]), 0);
  });

  test('who is away: it comes with the next connection, marked, and again until it is acknowledged', async () => {
    const { id, ...answer } = await office.send(bell(1, { userId: 'ann' }));
    assert.deepEqual(answer, { count: 0, stored: 1 });
    for (let time = 0; time < 3; time++) {
      const ann = await page.connect({ userId: 'ann' });
      await ann.count('bell', 1);
      assert.deepEqual(idsOf(ann.resent), [id]);
      if (time === 2) {
        assert.equal(await acknowledge(page, ann.id, [id]), 1);
      }
      await ann.close();
    }
    assert.deepEqual(await bells(await page.connect({ userId: 'ann' })), []);
  });

  test('they come in the order of sending, old ones before new ones', async () => {
    const answers = await office.send([1, 2, 3].map((n) => bell(n, { userId: 'ann' })));
    const ann = await page.connect({ userId: 'ann' });
    answers.push(await office.send(bell(4, { userId: 'ann' })));
    await ann.count('bell', 3);
    await acknowledge(page, ann.id, idsOf(answers.slice(0, 3)));
    await ann.count('bell', 4);
    assert.deepEqual(idsOf(ann.named('bell')), idsOf(answers));
  });

  test('two tabs that are there both get it; one acknowledgement is enough', async () => {
    const tabs = [await page.connect({ userId: 'ann' }), await page.connect({ userId: 'ann' })];
    const { id, count } = await office.send(bell(1, { userId: 'ann' }));
    assert.equal(count, 2);
    for (const tab of tabs) {
      assert.equal(await tab.next('bell'), 1);
    }
    assert.equal(await acknowledge(page, tabs[1].id, [id]), 1);
    assert.equal(await acknowledge(page, tabs[0].id, [id]), 0);
    assert.deepEqual(await storedIds(office), []);
  });

  test('two tabs that come at once get it once between them', async () => {
    const { id } = await office.send(bell(1, { userId: 'ann' }));
    const clients = await Promise.all([1, 2].map(() => connect(server.origin)));
    const tabs = await Promise.all(clients.map((client) => client.connect({ userId: 'ann' })));
    await eventually('one of them to have it', () => tabs.some((tab) => tab.named('bell').length > 0));
    const got = await Promise.all(tabs.map(bells));
    assert.deepEqual(got.map(({ length }) => length).sort(), [0, 1]);
    const owner = got.findIndex(({ length }) => length === 1);
    assert.equal(await acknowledge(clients[owner], tabs[owner].id, [id]), 1);
    await office.send(bell(2, { userId: 'ann' }));
    await Promise.all(tabs.map((tab) => eventually('the next one', () =>
      tab.named('bell').some(({ data }) => data === '2'))));
    assert.deepEqual((await bells(tabs[1 - owner])).map(({ data }) => data), ['2']);
    await Promise.all(clients.map((client) => client.close()));
  });

  test('what the tab that had it did not acknowledge goes to the one that is left', async () => {
    const { id } = await office.send(bell(1, { userId: 'ann' }));
    const other = await connect(server.origin);
    const first = await other.connect({ userId: 'ann' });
    await first.count('bell', 1);
    const second = await page.connect({ userId: 'ann' });
    assert.deepEqual(await bells(second), []);
    await other.close();
    await second.count('bell', 1);
    assert.deepEqual(idsOf(second.resent), [id]);
  });

  test('a plain EventSource acknowledges by coming back with the last id that it has', async () => {
    const answers = await office.send([1, 2, 3].map((n) => bell(n, { userId: 'ann' })));
    const first = await page.connect({ userId: 'ann' });
    await first.count('bell', 3);
    await first.close();
    const second = await page.connect({ userId: 'ann' }, { lastId: answers[1].id });
    await second.count('bell', 1);
    assert.deepEqual((await bells(second)).map(({ data }) => data), ['3']);
    await eventually('those before to be done', async () => (await storedIds(office)).length === 1);
    await second.close();
    const third = await page.connect({ userId: 'ann', lastEventId: answers[2].id });
    assert.deepEqual(await bells(third), []);
    await eventually('all to be done', async () => (await storedIds(office)).length === 0);
  });

  test('who shows what it has seen gets old ones before new ones, too', async () => {
    const first = await page.connect({ userId: 'ann' });
    const answers = [await office.send(bell(1, { userId: 'ann' }))];
    await first.count('bell', 1);
    await first.close();
    await nobodyIsThere();
    answers.push(await office.send(bell(2, { userId: 'ann' }))); // was written to nobody
    const second = await page.connect({ userId: 'ann' });
    await second.count('bell', 2);
    answers.push(await office.send(bell(3, { userId: 'ann' }))); // to everybody
    await second.count('bell', 3);
    await second.close();
    await nobodyIsThere();
    const third = await page.connect({ userId: 'ann' }, { lastId: answers[0].id });
    await third.count('bell', 2);
    assert.deepEqual(idsOf(third.named('bell')), idsOf(answers.slice(1)));
  });

  test('nobody else can acknowledge it', async () => {
    const { id } = await office.send(bell(1, { userId: 'ann' }));
    const bob = await page.connect({ userId: 'bob' });
    const ann = await page.connect({ userId: 'ann' });
    assert.equal(await acknowledge(page, bob.id, [id]), 0);
    assert.equal(await acknowledge(page, ann.id, ['unknown', '']), 0);
    const other = await connect(server.origin);
    const asBob = await other.postJson('/sse/demo/connect/ack.do?userId=bob', { connectionId: ann.id, ids: [id] });
    assert.equal(asBob.data.count, 0);
    await other.close();
    const again = await page.connect({ userId: 'bob' }, { lastId: id });
    await fence(again);
    assert.deepEqual(await storedIds(office), [id]);
  });

  test('an acknowledgement that comes late is heard on the next connection', async () => {
    const first = await page.connect({ userId: 'ann' });
    const { id } = await office.send(bell(1, { userId: 'ann' }));
    await first.count('bell', 1);
    await first.close();
    const second = await page.connect({ userId: 'ann' });
    assert.equal(await acknowledge(page, second.id, [id]), 1);
  });

  test('for a connection: it ends with it, or is acknowledged', async () => {
    const ann = await page.connect({ userId: 'ann' });
    const { id, ...answer } = await office.send(bell(1, { connectionId: ann.id }));
    assert.deepEqual(answer, { count: 1, stored: 1 });
    await ann.next('bell');
    assert.equal(await acknowledge(page, ann.id, [id]), 1);
  });
});

describe('an id', () => {
  test('that is sent twice is stored and written once', async () => {
    const ann = await page.connect({ userId: 'ann' });
    const message = bell({ a: 1 }, { userId: 'ann', id: 'twice' });
    const first = await office.send(message);
    assert.deepEqual(first, { id: 'twice', count: 1, stored: 1 });
    assert.deepEqual(await office.send(message), { id: 'twice', count: 0, stored: 1, repeated: true });
    assert.equal((await bells(ann)).length, 1);
    await acknowledge(page, ann.id, ['twice']);
    assert.equal((await office.send(message)).repeated, true);
    assert.equal((await bells(ann)).length, 1);
    assert.deepEqual(await storedIds(office), []);
  });

  test('cannot be given to another message', async () => {
    await office.send(bell(1, { userId: 'ann', id: 'taken' }));
    for (const other of [bell(2, { userId: 'ann', id: 'taken' }), bell(1, { userId: 'bob', id: 'taken' })]) {
      const answer = await office.post('send', other);
      assert.equal(answer.status, 409, answer.text);
    }
    const batch = await office.post('send', [bell(3, { userId: 'ann' }), bell(2, { userId: 'ann', id: 'taken' })]);
    assert.equal(batch.status, 409, batch.text);
    assert.deepEqual(await storedIds(office), ['taken'], 'of an array all are stored, or none');
  });
});

describe('for several', () => {
  test('users: each has a copy of its own', async () => {
    const ann = await page.connect({ userId: 'ann' });
    const { id, ...answer } = await office.send(bell(1, { userId: ['ann', 'bob', 'cid'] }));
    assert.deepEqual(answer, { count: 1, stored: 3 });
    await acknowledge(page, ann.id, [id]);
    for (const userId of ['bob', 'cid']) {
      const reader = await page.connect({ userId });
      await reader.count('bell', 1);
      assert.equal(await acknowledge(page, reader.id, [id]), 1);
    }
    assert.deepEqual(await storedIds(office), []);
  });

  test('tokens: each has a copy of its own', async () => {
    const { id, stored } = await office.send(bell(1, { accessToken: ['t-1', 't-2'] }));
    assert.equal(stored, 2);
    for (const token of ['t-1', 't-2']) {
      const reader = await page.connect({ userId: 'ann', 'access-token': token });
      await reader.count('bell', 1);
      assert.equal(await acknowledge(page, reader.id, [id]), 1);
      await reader.close();
    }
  });

  const groups = [
    ['a tenant', { tenantId: 'north' }, { tenantId: 'north' }],
    ['a channel', { channel: 'red' }, { channel: 'red' }],
    ['all', { all: true }, {}],
  ];
  for (const [whom, target, query] of groups) {
    test(`${whom}: the first acknowledgement is enough`, async () => {
      const { id, ...answer } = await office.send(bell(1, target));
      assert.deepEqual(answer, { count: 0, stored: 1 });
      const ann = await page.connect({ userId: 'ann', ...query });
      await ann.count('bell', 1);
      assert.deepEqual(idsOf(ann.resent), [id]);
      assert.equal(await acknowledge(page, ann.id, [id]), 1);
      assert.deepEqual(await bells(await page.connect({ userId: 'bob', ...query })), []);
      assert.deepEqual(await storedIds(office), []);
    });
  }
});

test('who comes to a channel gets old ones before new ones', async () => {
  const before = await page.connect({ userId: 'ann', channel: 'red' });
  const answers = [await office.send(bell(1, { channel: 'red' }))];
  await before.count('bell', 1);
  await before.close();
  await nobodyIsThere();
  answers.push(await office.send(bell(2, { channel: 'red' })));
  const after = await page.connect({ userId: 'ann', channel: 'red' });
  answers.push(await office.send(bell(3, { channel: 'red' })));
  await after.count('bell', 3);
  assert.deepEqual(idsOf(after.named('bell')), idsOf(answers));
});

describe('with listening', () => {
  test('it waits until somebody listens', async () => {
    const ann = await page.connect({ userId: 'ann' });
    const { id, ...answer } = await office.send(bell(1, { userId: 'ann', listening: true }));
    assert.deepEqual(answer, { count: 0, stored: 1 });
    assert.deepEqual(await bells(ann), []);
    await page.postJson('/sse/demo/connect/addListener.do', { connectionId: ann.id, listener: ['bell'] });
    await ann.count('bell', 1);
    assert.deepEqual(idsOf(ann.resent), [id]);
    assert.equal(await acknowledge(page, ann.id, [id]), 1);
  });

  test('it comes to a page that listens from the start', async () => {
    const { id } = await office.send(bell(1, { all: true, listening: true }));
    assert.deepEqual(await bells(await page.connect({ userId: 'bob' })), []);
    const ann = await page.connect({ userId: 'ann', listeners: 'bell' });
    await ann.count('bell', 1);
    assert.equal(await acknowledge(page, ann.id, [id]), 1);
  });
});

test('a channel that a page subscribes to brings what is stored for it', async () => {
  const ann = await page.connect({ userId: 'ann' });
  const { id } = await office.send(bell(1, { channel: 'red' }));
  assert.deepEqual(await bells(ann), []);
  await page.postJson('/sse/demo/connect/subscribe.do', { connectionId: ann.id, channel: ['red'] });
  await ann.count('bell', 1);
  assert.equal(await acknowledge(page, ann.id, [id]), 1);
});

test('after its ttl it is not there any more, and counted', async () => {
  const expired = await office.metric('sse_server_qos_expired_total');
  await office.send(bell(1, { userId: 'ann', ttl: 1, id: 'short' }));
  await server.advance(1000);
  await storeIsEmpty(office);
  assert.equal(await office.metric('sse_server_qos_expired_total'), expired + 1);
  assert.deepEqual(await bells(await page.connect({ userId: 'ann' })), []);
});

test('setDuration for a user who is away arrives with the user', async () => {
  const answer = await office.command('setDuration', { userId: 'ann', duration: 77 });
  assert.deepEqual(answer, { count: 0, stored: 1 });
  const ann = await page.connect({ userId: 'ann' });
  assert.equal(Number((await ann.next('sse-set-duration')).duration), 77);
});

describe('messages', () => {
  const TARGETS = {
    ann: { userId: 'ann' },
    token: { accessToken: 't-1' },
    north: { tenantId: 'north' },
    red: { channel: 'red' },
    all: { all: true },
    listening: { userId: 'ann', listening: true },
  };
  beforeEach(async () => {
    await office.send(Object.entries(TARGETS).map(([name, target]) => bell(name, target)));
  });

  for (const [filter, expected] of [
    ['', Object.keys(TARGETS)],
    ['userId=ann', ['ann', 'all', 'listening']],
    ['userId=ann&listeners=other', ['ann', 'all']],
    ['userId=ann&listeners=other,bell', ['ann', 'all', 'listening']],
    ['userId=bob', ['all']],
    ['accessToken=t-1', ['token', 'all']],
    ['tenantId=north', ['north', 'all']],
    ['channel=red', ['red', 'all']],
    ['channel=blue', ['all']],
  ]) {
    test(`lists what is stored${filter && ` for ${filter}`}`, async () => {
      const names = async (paging) => {
        const { total, list } = await office.query(`messages?${paging}&${filter}`);
        assert.equal(total, expected.length);
        return list.map(({ data }) => data);
      };
      assert.deepEqual(await names('pageSize=1000'), expected);
      assert.deepEqual(await names('pageSize=2&pageNum=2'), expected.slice(2, 4));
    });
  }

  test('has its old name, too', async () => {
    const { total } = await office.query('connect/repositoryMessages.json');
    assert.equal(total, Object.keys(TARGETS).length);
  });

  test('tells what became of one, and ends it', async () => {
    const { id } = await office.send(bell(1, { userId: ['ann', 'bob'] }));
    const ann = await page.connect({ userId: 'ann' });
    await ann.count('bell', 3);
    await acknowledge(page, ann.id, [id]);
    const states = async () => (await office.query(`messages/${id}`)).copies
      .map(({ userId, state, written }) => [userId, state, written]).sort();
    assert.deepEqual(await states(), [['ann', 'acknowledged', 1], ['bob', 'stored', 0]]);
    assert.deepEqual((await remove(`messages/${id}`)).data, { count: 1 });
    assert.ok(!(await storedIds(office)).includes(id));
    assert.deepEqual(await states(), [['ann', 'acknowledged', 1], ['bob', 'deleted', 0]]);
    assert.equal((await office.get('messages/never-sent')).status, 404);
  });
});

test('what is stored survives kill -9, and the order with it', async () => {
  const host = await newHost();
  await host.start();
  let back = await backend(host.server);
  const first = await back.send([1, 2].map((n) => bell(n, { userId: 'ann' })));
  await host.crash();
  await back.close();
  back = await backend(host.server);
  assert.deepEqual(await storedIds(back), idsOf(first));
  const second = await back.send(bell(3, { userId: 'ann' }));
  const client = await connect(host.server.origin);
  const ann = await client.connect({ userId: 'ann' });
  await ann.count('bell', 3);
  assert.deepEqual(ann.named('bell').map(({ data }) => data), ['1', '2', '3']);
  assert.equal(new Set(idsOf([...first, second])).size, 3);
  assert.equal(await acknowledge(client, ann.id, idsOf(ann.named('bell'))), 3);
  await host.restart();
  await Promise.all([client.close(), back.close()]);
  back = await backend(host.server);
  assert.deepEqual(await storedIds(back), []);
  await back.close();
  await host.close();
});

test('acknowledgement: write is done when it is written', async () => {
  const seed = await startServer({ variables: { SSE_SERVER_SERVICES_0_QOS_ACKNOWLEDGEMENT: 'write' } });
  const back = await backend(seed);
  const client = await connect(seed.origin);
  await back.send(bell(1, { userId: 'ann' }));
  const ann = await client.connect({ userId: 'ann' });
  await ann.count('bell', 1);
  await storeIsEmpty(back);
  await back.send(bell(2, { userId: 'ann' }));
  await ann.count('bell', 2);
  await storeIsEmpty(back);
  await Promise.all([client.close(), back.close()]);
  await seed.stop();
});

test('a message that is not acknowledged comes again after a while, on the newest connection', async () => {
  const hasty = await startServer({ variables: { SSE_SERVER_SERVICES_0_QOS_ACK_TIMEOUT: '200ms' } });
  const back = await backend(hasty);
  const client = await connect(hasty.origin);
  const old = await client.connect({ userId: 'ann' });
  const { id } = await back.send(bell(1, { userId: 'ann' }));
  await old.count('bell', 1);
  const newest = await client.connect({ userId: 'ann' });
  await hasty.meanwhile(newest.count('bell', 2));
  assert.deepEqual(new Set(idsOf(newest.resent)), new Set([id]));
  assert.equal(await acknowledge(client, newest.id, [id]), 1);
  await Promise.all([client.close(), back.close()]);
  await hasty.stop();
});

test('the bound of a queue ends the oldest, which is counted', async () => {
  const small = await startServer({ variables: { ...PATIENT, SSE_SERVER_SERVICES_0_QOS_QUEUE: '3' } });
  const back = await backend(small);
  await back.send([1, 2, 3, 4, 5].map((n) => bell(n, { userId: 'ann', id: `m-${n}` })));
  assert.deepEqual(await storedIds(back), ['m-3', 'm-4', 'm-5']);
  assert.equal(await back.metric('sse_server_qos_displaced_total'), 2);
  await back.close();
  await small.stop();
});

describe('who sent it is told what became of it', () => {
  test('on the presence stream', async () => {
    const watcher = await connect(server.origin);
    const presence = await watch(watcher);
    const { id } = await office.send(bell(1, { userId: 'ann', receipt: true }));
    const ann = await page.connect({ userId: 'ann' });
    await ann.count('bell', 1);
    await acknowledge(page, ann.id, [id]);
    const receipt = await presence.next('receipt');
    assert.equal(receipt.id, id);
    assert.deepEqual(receipt.recipient, { userId: 'ann' });
    assert.equal(receipt.state, 'acknowledged');
    await watcher.close();
  });

  test('by a POST', async () => {
    const target = await webhookTarget();
    const { id } = await office.send(bell(1, { userId: 'ann', receipt: target.url }));
    const ann = await page.connect({ userId: 'ann' });
    await ann.count('bell', 1);
    await acknowledge(page, ann.id, [id]);
    const [{ json }] = await eventually('the POST', () => target.requests.length > 0 && target.requests);
    assert.equal(json.id, id);
    assert.equal(json.state, 'acknowledged');
    await target.stop();
  });
});
