// SPDX-License-Identifier: Apache-2.0
// What a service keeps for all of its workers (src/broker/engine.h) does not work for a while, one operation
// at a time: who asks is told 503 and what failed, nothing is lost, nothing is done by half, and everything
// goes on when it works again.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { engineFaults } from './support/engine_faults.mjs';
import { newHost } from './support/host.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { acknowledge, storedIds } from './support/qos.mjs';
import { hasFaults } from './support/scarcity.mjs';
import { startTarget } from './support/target.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const skip = await hasFaults() ? false : 'needs a build with SSE_SERVER_FAULTS';
const BASE = '/sse/demo';
const PAGES = 8; // sessions, of which some are with each worker

let faults;
let target;
let host;
let server;
let office;
let pages;

const config = (url) => `
workers: 2
listeners: [{address: "127.0.0.1:0"}]
services:
  - name: demo
    auth: jwt
    clientConnections: 0
    handlers: {messageUrl: "${url}"}
    limits: {userConnections: 2, userUploads: 1}
tokenKeys: [{algorithm: HS256, secret: ${SECRET}}]
apiKeys:
  - {name: office, key: key-of-office, permissions: [send, query, disconnect, presence, metrics, inspect]}
`;

async function begin(how = 'start') {
  server = await host[how]();
  office = await backend(server, { key: 'key-of-office' });
  pages = await Promise.all(Array.from({ length: PAGES }, () => connect(server.origin)));
}

// Who it is, and a page that asks at each of the workers.
const bearer = (sub, claims) => ({ authorization: `Bearer ${token({ sub, ...claims })}` });
const open = (page, sub, parameters = {}, options = {}) => page.connect({ listeners: 'tick', acknowledges: 'true', ...parameters },
  { headers: bearer(sub), ...options });
const each = (act) => Promise.all(pages.map(act));

async function refused(answer, message) {
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.json.errorMessage, message);
  assert.equal(answer.json.success, false);
}

async function whyIs(userId, cause, rule) {
  const answer = await office.query(`why?userId=${userId}&event=tick`);
  assert.deepEqual([answer.cause, answer.message.refusedFor], [cause, rule ?? null], JSON.stringify(answer, null, 1));
  return answer;
}

const fence = async (stream) => {
  await office.send({ event: 'fence', data: 0, connectionId: stream.id });
  await stream.next('fence');
};
const ticks = (stream) => stream.named('tick').map(({ id }) => id);
const send = (id, more = {}) => ({ event: 'tick', data: 1, id, ...more });
const stored = (id, userId, more = {}) => send(id, { userId, qos: 1, ...more });

describe('an engine that fails', { skip }, () => {
  before(async () => {
    faults = await engineFaults();
    target = await startTarget();
    host = await newHost({ config: config(target.url('/message')), variables: { ...faults.variables, SSE_SERVER_LIMITS_PING_INTERVAL: '1h' } });
    await begin();
  });
  after(async () => {
    await Promise.all([office, ...pages].map((client) => client.close()));
    await host.close();
    await target.close();
    await faults.remove();
  });
  afterEach(() => {
    target.requests.length = 0;
  });

  test('to count connections refuses new ones, and counts none of them', async () => {
    const [first] = await Promise.all([open(pages[0], 'ann')]);
    await faults.while('attach', async () => {
      await each(async (page) => refused(await page.get(`${BASE}/connect`, bearer('ann')), /what this service counts/));
      await refused(await pages[0].get(`${BASE}/connect`, bearer('amy')), /what this service counts/);
      const form = multipart([{ name: 'file', fileName: 'a.txt', data: 'text' }]);
      await each(async (page) => refused(await page.post(`${BASE}/connect/upload/a.do`, form, { ...bearer('ann'), 'content-type': MULTIPART }), /what this service counts/));
      await fence(first);
      assert.deepEqual(await office.query('online?userId=ann').then(({ online }) => online), true);
    });
    await office.send(send('to-amy', { userId: 'amy' }));
    assert.match((await whyIs('amy', 'connectRefused')).text, /what this service counts cannot be asked for now/);
    const second = await open(pages[1], 'ann');
    assert.equal(second.status, 200);
    assert.equal((await open(pages[2], 'ann')).status, 429);
    await Promise.all([first, second].map((stream) => stream.close()));
    await eventually('the slots', async () => (await open(pages[3], 'ann')).status === 200);
  });

  test('to know idempotency keys runs nothing, and later it runs once', async () => {
    const ask = (page, n) => page.postJson(`${BASE}/connect/message/a.do`, { n }, { ...bearer('bob'), 'idempotency-key': `key-${n}` });
    await faults.while('claim', () => each(async (page, n) => refused(await ask(page, n), /what this service counts/)));
    assert.equal(target.requests.length, 0);
    for (let repetition = 0; repetition < 2; repetition++) {
      await each(async (page, n) => assert.equal((await ask(page, n)).status, 200));
      assert.equal(target.requests.length, PAGES);
    }
  });

  test('to order what is sent sends nothing of it, and nobody is sent away', async () => {
    const stream = await open(pages[0], 'cid');
    const at = (page, command, body) => page.postJson(`${BASE}/${command}`, body, office.authorized);
    await faults.while('append', () => each(async (page) => {
      await refused(await at(page, 'send', send('lost', { userId: 'cid' })), /none was sent/);
      await refused(await at(page, 'send', [send('lost', { all: true }), send('lost', { channel: 'c' })]), /none was sent/);
      await refused(await at(page, 'setDuration', { userId: ['cid', 'dan'], duration: 5 }), /nobody was told/);
      await refused(await at(page, 'disconnectUser', { connectionId: stream.handle, revoke: false }), /nobody was disconnected/);
      await refused(await at(page, 'disconnectUser', { userId: 'cid' }), /nobody was disconnected/);
    }));
    assert.equal((await office.query('connections?userId=cid')).total, 1);
    await whyIs('cid', 'sendRefused', 'not-ordered');
    await office.send(send('found', { userId: 'cid' }));
    await stream.next('tick');
    assert.deepEqual(ticks(stream), ['found']);
    assert.deepEqual(await storedIds(office), []);
    await whyIs('cid', 'delivered');
    assert.equal((await office.command('disconnectUser', { userId: 'cid' })).count, 1);
    await stream.end();
  });

  test('to store refuses the message, and takes it with the same id later', async () => {
    const stream = await open(pages[0], 'eve');
    const message = (n) => stored(`e-${n}`, 'eve', { data: n });
    await faults.while('put', async () => {
      await each(async (page, n) => refused(await page.postJson(`${BASE}/send`, message(n), office.authorized), /cannot be stored now/));
      await refused(await office.post('setDuration', { userId: 'nobody', duration: 5 }), /cannot be stored now/);
      await fence(stream);
    });
    assert.deepEqual(ticks(stream), []);
    assert.deepEqual(await storedIds(office), []);
    await whyIs('eve', 'sendRefused', 'store-failed');
    for (let n = 0; n < PAGES; n++) {
      assert.equal((await office.send(message(n))).repeated, undefined);
    }
    await stream.count('tick', PAGES);
    assert.deepEqual(ticks(stream), Array.from({ length: PAGES }, (_, n) => `e-${n}`));
    await acknowledge(pages[0], stream.id, ticks(stream), bearer('eve'));
    await stream.close();
  });

  test('to acknowledge says so, keeps the message, and takes the same again', async () => {
    const stream = await open(pages[0], 'fay');
    await office.send(stored('f-1', 'fay'));
    await stream.next('tick');
    const ask = () => pages[0].postJson(`${BASE}/connect/ack.do`, { connectionId: stream.id, ids: ['f-1'] }, bearer('fay'));
    await faults.while('acknowledge', async () => refused(await ask(), /cannot be acknowledged now/));
    assert.deepEqual(await storedIds(office), ['f-1']);
    // By the id with which it comes back, too: then it gets that once more.
    const lastId = stream.lastId;
    await stream.close();
    await eventually('it to be gone', async () => (await office.query('connections?userId=fay')).total === 0);
    await faults.begin('acknowledge');
    const back = await open(pages[1], 'fay', {}, { lastId });
    await back.next('tick');
    assert.deepEqual(ticks(back), ['f-1']);
    await faults.end('acknowledge');
    assert.equal(await acknowledge(pages[1], back.id, ['f-1'], bearer('fay')), 1);
    assert.deepEqual(await storedIds(office), []);
    await back.close();
  });

  for (const operation of ['look', 'read', 'mark', 'sweep']) {
    test(`at redelivery (${operation}) keeps what is stored, and gives it in order later`, async () => {
      const user = `user-${operation}`;
      const ids = [1, 2, 3].map((n) => `${operation}-${n}`);
      for (const id of ids) {
        await office.send(stored(id, user));
      }
      await faults.begin(operation);
      const stream = await open(pages[0], user);
      assert.equal(stream.status, 200);
      await office.send(stored(`${operation}-4`, user));
      await fence(stream);
      if (operation === 'look' || operation === 'read') {
        assert.deepEqual(ticks(stream), []);
      }
      assert.equal((await storedIds(office)).length, 4);
      await faults.end(operation);
      await server.asTimePasses('all of them', () => ticks(stream).length >= 4, 100);
      assert.deepEqual(ticks(stream), [...ids, `${operation}-4`]);
      assert.equal(await acknowledge(pages[0], stream.id, ticks(stream), bearer(user)), 4);
      await stream.close();
    });
  }

  test('to find and to list messages says so, and denies none', async () => {
    await office.send(stored('g-1', 'gus'));
    await faults.while('find', async () => {
      await refused(await office.get('messages/g-1'), /the store does not work/);
      await refused(await office.get('why?id=g-unknown'), /the store does not work/);
      const { text, queue } = await office.query('why?userId=gus&event=tick');
      assert.match(text, /The store cannot be asked now/);
      assert.equal(queue.known, false);
    });
    await faults.while('list', async () => {
      await refused(await office.get('messages'), /the store does not work/);
      const { text, cause, queue } = await office.query('why?userId=gus&event=tick');
      assert.match(text, /The store cannot be asked now/);
      assert.deepEqual([queue.known, cause], [false, 'offline']);
    });
    assert.equal((await office.get('why?id=g-unknown')).status, 404);
    const remove = () => office.client.request('DELETE', `${BASE}/messages/g-1`, { headers: office.authorized });
    await faults.while('delete', async () => refused(await remove(), /the store does not work/));
    assert.deepEqual(await storedIds(office), ['g-1']);
    assert.equal((await office.query('why?userId=gus&event=tick')).queue.known, true);
    assert.equal((await remove()).status, 200);
    assert.deepEqual(await storedIds(office), []);
  });

  test('to keep revocations says that a restart would forget them; and to read them, lets nobody in', async () => {
    const old = { iat: Math.floor(Date.now() / 1000) - 60 };
    const tokenOf = (sub) => ({ authorization: `Bearer ${token({ sub, ...old })}` });
    const stream = await pages[0].connect({}, { headers: tokenOf('hal') });
    await faults.while('keep', async () => refused(await office.post('disconnectUser', { userId: 'hal' }), /1 connections were closed.*could not be stored.*ask again/));
    await stream.end();
    await each(async (page) => assert.equal((await page.get(`${BASE}/connect`, tokenOf('hal'))).status, 401));
    assert.equal((await office.command('disconnectUser', { userId: 'hal' })).count, 0);
    await Promise.all([office, ...pages].map((client) => client.close()));
    await faults.begin('restore');
    await begin('restart');
    await each(async (page) => {
      await refused(await page.get(`${BASE}/connect`, tokenOf('hal')), /revo/);
      await refused(await page.get(`${BASE}/connect`, tokenOf('ida')), /revo/);
    });
    await faults.end('restore');
    await server.asTimePasses('the revocations', async () => {
      const answers = await each((page) => page.get(`${BASE}/connect`, tokenOf('hal')));
      return answers.every(({ status }) => status === 401);
    });
    await each(async (page, n) => {
      assert.equal((await page.connect({}, { headers: tokenOf(`ida-${n}`) })).status, 200);
    });
  });
});
