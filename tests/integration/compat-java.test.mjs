// SPDX-License-Identifier: Apache-2.0
// What pages and back ends of the Java system are used to, and a service takes that says compat: java.
import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { KEY, startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const BASE = '/sse/hr';
const CONFIG = {
  listeners: [{ address: '127.0.0.1:0' }],
  apiKeys: [{ name: 'office', key: KEY }, { name: 'door', key: 'key-of-the-door', permissions: ['disconnect'] }],
  tokenKeys: [{ algorithm: 'HS256', secret: SECRET }],
  services: [{ name: 'hr', compat: 'java', auth: 'jwt' }, { name: 'plain', auth: 'jwt' }],
};

let server;
let office;
let page;

before(async () => {
  server = await startServer({ config: CONFIG });
  office = await backend(server, { base: BASE });
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await office.close();
  await server.stop();
});

const as = (sub, parameters = {}) => ({ 'access-token': token({ sub }), ...parameters });
const open = (sub, parameters, options) => page.connect(as(sub, parameters), { base: BASE, ...options });

describe('what the Java system does not limit', () => {
  for (const version of ['2', '1.1']) {
    test(`a locationHref of 4,704 bytes, by HTTP/${version}`, async () => {
      const client = await connect(server.origin, { version });
      const locationHref = `https://app.example/${'a/?b=%'.repeat(780)}`.padEnd(4704, 'x');
      const stream = await client.connect(as('7', { locationHref }), { base: BASE });
      assert.equal(stream.status, 200);
      const { list } = await office.query(`connections?id=${stream.handle}`);
      assert.equal(list[0].locationHref, locationHref);
      await stream.close();
      const refused = await client.get(`/sse/hr/connect?${new URLSearchParams({ a: 'x'.repeat(16 * 1024) })}`);
      assert.equal(refused.status, 414, refused.text);
      await client.close();
    });
  }

  test('150 listeners, named when it connects and later', async () => {
    const names = (prefix) => Array.from({ length: 150 }, (_, n) => `${prefix}-of-the-page-${n}`);
    const stream = await open('7', { listeners: names('first').join() });
    assert.equal(stream.status, 200);
    const answer = await page.postJson(`${BASE}/connect/addListener.do`, { connectionId: stream.id, listener: names('second') }, { authorization: `Bearer ${token({ sub: '7' })}` });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.data.listener, [...names('first'), ...names('second')]);
    assert.equal((await office.send({ event: names('second')[149], data: 1, all: true, listening: true })).count, 1);
    await stream.close();
  });

  const large = [
    ['a text', 'x'.repeat(70_000)],
    ['a text of escapes', '\u0001"'.repeat(35_000)],
    ['an object', { text: 'y'.repeat(70_000), list: [1, 2] }],
    ['a list', Array.from({ length: 20_000 }, (_, n) => n)],
    ['almost 1 MiB', 'z'.repeat(1024 * 1024 - 16)],
  ];
  for (const [what, data] of large) {
    test(`data of 70,000 bytes and more: ${what}, at once, again, and stored`, async () => {
      const stream = await open('8');
      assert.equal((await office.send({ event: 'large', data, userId: '8' })).count, 1);
      const [{ data: text }] = await stream.count('large', 1);
      assert.deepEqual(typeof data === 'string' ? text : JSON.parse(text), data);
      await stream.close();
      const away = await office.send({ event: 'large', data, userId: '8' });
      assert.equal(away.count, 0);
      assert.equal((await office.send({ event: 'stored', data, userId: '8', qos: 1 })).stored, 1);
      const back = await open('8', { acknowledges: 'true' }, { lastId: stream.lastId });
      await back.count('large', 1);
      await back.count('stored', 1);
      assert.equal(back.named('sse-gap').length, 0);
      const { id } = back.named('stored')[0];
      assert.equal((await page.postJson(`${BASE}/connect/ack.do?access-token=${token({ sub: '8' })}`, { connectionId: back.id, ids: [id] })).data.count, 1);
      await back.close();
    });
  }

  test('a message of its own as large', async () => {
    const answer = await page.postJson(`${BASE}/connect/message/large.do?access-token=${token({ sub: '7' })}`, { text: 'x'.repeat(2 * 1024 * 1024) });
    assert.equal(answer.status, 200, answer.text);
  });

  test('23 streams of one user, on one connection and on several', async () => {
    const second = await connect(server.origin);
    const streams = await Promise.all(Array.from({ length: 46 }, (_, n) => (
      (n % 2 ? page : second).connect(as('9', { clientId: `c${n}` }), { base: BASE }))));
    assert.deepEqual(streams.map(({ status }) => status), Array(46).fill(200));
    assert.equal((await office.send({ event: 'all', data: 1, userId: '9' })).count, 46);
    await Promise.all(streams.map((stream) => stream.close()));
    await second.close();
  });

  test('but of another service as before', async () => {
    const stream = await page.connect(as('7'), { base: '/sse/plain' });
    const listener = Array.from({ length: 101 }, (_, n) => `n${n}`);
    assert.equal((await page.postJson('/sse/plain/connect/addListener.do', { connectionId: stream.id, listener })).status, 422);
    await stream.close();
    const plain = await backend(server, { base: '/sse/plain' });
    assert.equal((await plain.post('send', { event: 'large', data: 'x'.repeat(70_000), all: true })).status, 413);
    await plain.close();
  });
});

describe('send', () => {
  // Of the stream as it is written: what no page is told of is in it, too.
  const written = (stream) => {
    let text = '';
    stream.stream.on('data', (more) => { text += more; });
    return (pattern) => stream.comment('mark').then(() => text.match(pattern));
  };

  test('without an event name is a message of the page', async () => {
    const stream = await open('30', { listeners: 'bell' });
    assert.equal((await office.send({ data: { n: 1 }, userId: '30' })).count, 1);
    assert.deepEqual(await stream.next('message'), { n: 1 });
    assert.equal((await office.send({ data: 2, userId: '30', listening: true })).count, 0);
    await page.postJson(`${BASE}/connect/addListener.do`, { connectionId: stream.id, listener: ['message'] });
    assert.equal((await office.send({ data: 2, userId: '30', listening: true })).count, 1);
    assert.equal(await stream.next('message'), 2);
    await stream.close();
  });

  test('with comment and reconnectTime, which are stored, too', async () => {
    const sent = { event: 'bell', data: 1, comment: 'for the log', reconnectTime: 2500, qos: 1 };
    assert.equal((await office.send({ ...sent, userId: '31', id: 'stored-one' })).stored, 1);
    const stream = await open('31', { acknowledges: 'true' });
    const look = written(stream);
    await stream.next('bell');
    assert.equal(stream.events.find(({ event }) => event === 'bell').retry, '2500');
    assert.ok(stream.comments.includes('for the log'));
    await office.send({ comment: 'alone', id: 'c-1', userId: '31' });
    await office.send({ reconnectTime: 700, id: 'r-1', userId: '31' });
    await office.send({ comment: 'mark', userId: '31' });
    assert.ok(await look(/:alone\nid:c-1\n\nid:r-1\nretry:700\n\n/));
    assert.deepEqual(stream.events.map(({ event }) => event), ['connect-finish', 'bell']);
    const { list: [{ event }] } = await office.query('messages?userId=31');
    assert.equal(event, 'bell');
    await stream.close();
  });
});

describe('disconnectUser and setDuration', () => {
  test('answer with the connections when they are asked to', async () => {
    const streams = [await open('40', { sessionDuration: '100' }), await open('40')];
    const second = await connect(server.origin);
    streams.push(await second.connect(as('40'), { base: BASE }));
    const told = await office.command('setDuration', { userId: '40', duration: 7, connections: true });
    assert.equal(told.count, 3);
    assert.deepEqual(told.connections.map(({ id, sessionDuration, accessUserId }) => [id, sessionDuration, accessUserId]).sort(),
      streams.map(({ handle }) => [handle, 7, '40']).sort());
    assert.deepEqual(await streams[0].next('sse-set-duration'), { duration: '7' });
    const without = await office.command('setDuration', { userId: '40', duration: 5, sessionDuration: 12 });
    assert.deepEqual(without, { count: 3, stored: 0 });
    assert.deepEqual(await streams[0].next('sse-set-duration'), { duration: '17' });
    const kicked = await office.command('disconnectUser', { userId: '40', connections: true, revoke: false });
    assert.equal(kicked.count, 3);
    assert.deepEqual(kicked.connections.map(({ id, sessionDuration }) => [id, sessionDuration]).sort(),
      streams.map(({ handle }) => [handle, 17]).sort());
    assert.match(JSON.stringify(kicked.connections), /"access-token":"\*\*\*"/);
    const nobody = await office.command('disconnectUser', { userId: '40', connections: true });
    assert.deepEqual(nobody, { count: 0, connections: [] });
    assert.deepEqual(await office.command('setDuration', { userId: '41', sessionDuration: 3, connections: true }), { count: 0, stored: 1, connections: [] });
    await second.close();
  });

  test('take duration and sessionDuration, with and without a revocation', async () => {
    const shown = async (body) => {
      const stream = await open('42', { sessionDuration: '100' });
      const { connections: [connection] } = await office.command('disconnectUser', { connectionId: stream.id, connections: true, ...body });
      return connection.sessionDuration;
    };
    assert.equal(await shown({ revoke: false }), 100);
    assert.equal(await shown({ revoke: false, duration: 5 }), 105);
    assert.equal(await shown({ revoke: false, sessionDuration: 12 }), 12);
    assert.equal(await shown({ duration: 5, sessionDuration: 12 }), 17);
    for (const wrong of [{ duration: -1 }, { sessionDuration: '5' }, { duration: 1.5 }, { connections: 'yes' }]) {
      for (const command of ['disconnectUser', 'setDuration']) {
        const answer = await office.post(command, { userId: '42', ...wrong });
        assert.equal(answer.status, 422, `${command} ${JSON.stringify(wrong)}: ${answer.text}`);
      }
    }
    assert.equal((await office.post('setDuration', { userId: '42' })).status, 422);
  });

  test('show them to keys that may query alone', async () => {
    const door = await backend(server, { base: BASE, key: 'key-of-the-door' });
    assert.equal((await door.post('disconnectUser', { userId: '43', connections: true })).status, 403);
    assert.deepEqual(await door.command('disconnectUser', { userId: '43' }), { count: 0 });
    await door.close();
  });
});

describe('a stored message', () => {
  const ACKNOWLEDGES = { acknowledges: 'true' };
  const bell = (n, userId) => ({ event: 'bell', data: n, userId, qos: 1 });
  const ack = (stream, ids) => page.postJson(`${BASE}/connect/ack.do`, { connectionId: stream.id, ids });
  const stored = async (userId, from = office) => (await from.query(`messages?userId=${userId}`)).list.map(({ id }) => id);
  const isDone = (userId, from = office) => eventually('it to be done', async () => (await stored(userId, from)).length === 0);

  test('is done when it is written to pages that do not acknowledge', async () => {
    await office.send(bell(1, '50'));
    const first = await open('50');
    assert.equal(first.finish.ack, undefined);
    assert.equal(await first.next('bell'), 1);
    await isDone('50');
    const second = await open('50');
    await office.send(bell(2, '50'));
    await Promise.all([first.count('bell', 2), second.count('bell', 1)]);
    await isDone('50');
    await Promise.all([first.close(), second.close()]);
  });

  test('waits for a page that acknowledges, whoever else has it', async () => {
    const silent = await open('51');
    const attentive = await open('51', ACKNOWLEDGES);
    assert.equal(attentive.finish.ack, true);
    const { id } = await office.send(bell(1, '51'));
    await Promise.all([silent.count('bell', 1), attentive.count('bell', 1)]);
    await office.send({ event: 'later', data: 1, userId: '51' });
    await silent.count('later', 1); // what was said of the first has long been heard
    assert.deepEqual(await stored('51'), [id]);
    assert.equal((await ack(attentive, [id])).data.count, 1);
    await isDone('51');
    await Promise.all([silent.close(), attentive.close()]);
  });

  test('is not lost for it by a kill before its acknowledgement, and not told twice to others', async () => {
    const stateDirectory = await mkdtemp(join(tmpdir(), 'sse-compat-'));
    const start = () => startServer({ config: CONFIG, stateDirectory });
    let killed = await start();
    let back = await backend(killed, { base: BASE });
    let client = await connect(killed.origin);
    const here = (sub, parameters) => client.connect(as(sub, parameters), { base: BASE });
    const attentive = await here('52', ACKNOWLEDGES);
    const silent = await here('53');
    await back.send([bell(1, '52'), bell(1, '53')]);
    await Promise.all([attentive.count('bell', 1), silent.count('bell', 1)]);
    await isDone('53', back);
    await killed.kill();
    await Promise.all([client.close(), back.close()]);
    killed = await start();
    back = await backend(killed, { base: BASE });
    client = await connect(killed.origin);
    const [again, other] = [await here('52', ACKNOWLEDGES), await here('53')];
    assert.equal(await again.next('bell'), 1);
    assert.equal(again.resent.length, 1);
    await back.send({ event: 'later', data: 1, all: true });
    await other.next('later');
    assert.equal(other.named('bell').length, 0);
    await Promise.all([client.close(), back.close()]);
    await killed.stop();
    await rm(stateDirectory, { recursive: true, force: true });
  });
});

test('a reload takes the word away, and gives it back', async () => {
  const without = structuredClone(CONFIG);
  delete without.services[0].compat;
  const said = await server.mustReload(without);
  assert.match(said, /^reloaded, .*limits\.pathBytes.*services\[0\]\.compat.*services\[0\]\.listeners/m);
  assert.match(said, /^services\[0\]\.qos\.acknowledgement changes at the next start only$/m);
  const stream = await open('60');
  const listener = Array.from({ length: 150 }, (_, n) => `n${n}`);
  const add = () => page.postJson(`${BASE}/connect/addListener.do`, { connectionId: stream.id, listener });
  assert.equal((await add()).status, 422);
  await server.mustReload(CONFIG);
  assert.equal((await add()).status, 200);
  await stream.close();
});

test('each row of the guide, method by method, names a test that is there', async () => {
  const guide = await readFile(new URL('../../docs/moving-from-java.md', import.meta.url), 'utf8');
  const tables = [...guide.matchAll(/^\| Java \|.*\| test \|\n\| [-| ]+\|\n((?:\|.*\|\n)+)/gm)];
  const tests = tables.flatMap(([, rows]) => rows.trimEnd().split('\n').map((row) => row.match(/\| (?:`integration\.([a-z0-9-]+)`|none) \|$/) ?? row));
  assert.equal(tables.length, [...guide.matchAll(/^\| Java \|/gm)].length);
  for (const test of tests) {
    assert.ok(Array.isArray(test), test);
    if (test[1]) {
      await access(new URL(`${test[1]}.test.mjs`, import.meta.url));
    }
  }
});
