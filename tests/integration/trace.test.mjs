// SPDX-License-Identifier: Apache-2.0
// What was decided about messages, connections and requests can be asked afterwards, by who may inspect;
// and it can be watched.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { EventReader } from './support/events.mjs';
import { acknowledge } from './support/qos.mjs';
import { startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually, within } from './support/wait.mjs';

const BASE = '/sse/demo';
const config = `
workers: 4
listeners: [{address: "127.0.0.1:0"}]
tokenKeys: [{id: "1", algorithm: HS256, secret: ${SECRET}}]
apiKeys:
  - {name: office, key: key-of-the-office}
  - {name: inspector, key: key-of-the-inspector, permissions: [inspect]}
  - {name: meter, key: key-of-the-meter, permissions: [metrics]}
  - {name: of-south, key: key-of-south, permissions: [inspect], tenants: [south]}
services:
  - name: demo
    auth: jwt
    origins: ["https://app.test"]
    channels: {allow: ["room-*"]}
    trace: {watchers: 1}
    queueEvents: 4
    slowPolicy: drop-oldest
    qos: {store: memory}
  - {name: other, auth: jwt, trace: {bytes: 0}}
`;
const bearer = (claims) => ({ authorization: `Bearer ${token(claims)}` });
const secrets = /key-of-|the payload|eyJ/;

let server;
let page;
let office;
let inspector;
before(async () => {
  server = await startServer({ config });
  page = await connect(server.origin);
  office = await backend(server, { key: 'key-of-the-office' });
  inspector = await backend(server, { key: 'key-of-the-inspector' });
});
after(async () => {
  await Promise.all([page, office, inspector].map((client) => client.close()));
  await server.stop();
});

const open = (claims, parameters, options) => page.connect(parameters, { headers: bearer(claims), ...options });
const send = (message) => office.send({ data: ['the payload'], ...message });

async function trace(query) {
  const answer = await inspector.get(`trace?${new URLSearchParams(query)}`);
  assert.equal(answer.status, 200, answer.text);
  assert.doesNotMatch(answer.text, secrets);
  return answer.data;
}
const kinds = ({ list }) => list.map(({ kind }) => kind);
const find = ({ list }, kind) => list.filter((record) => record.kind === kind);

describe('a message', () => {
  test('for a user says which connections got it, and which do not listen', async () => {
    const listening = await open({ sub: 'u1' }, { listeners: 'bell' });
    const deaf = await open({ sub: 'u1' }, { listeners: 'other' });
    const { id } = await send({ event: 'bell', userId: 'u1', id: 'm-1', listening: true });
    await listening.next('bell');
    const told = await trace({ id });
    assert.equal(kinds(told)[0], 'sent');
    const [sent] = find(told, 'sent');
    assert.deepEqual([sent.by, sent.event, sent.toUsers, sent.listenersOnly], ['office', 'bell', ['u1'], true]);
    assert.ok(sent.position > 0 && sent.workers >= 1, JSON.stringify(sent));
    const dispatched = find(told, 'dispatched');
    assert.deepEqual(dispatched.flatMap(({ queuedFor }) => queuedFor ?? []), [listening.handle]);
    assert.deepEqual(dispatched.flatMap(({ notListening }) => notListening ?? []), [deaf.handle]);
    assert.ok(dispatched.every(({ position }) => position === sent.position));
    assert.equal(dispatched.reduce((sum, { queued }) => sum + queued, 0), 1);
  });

  test('that does not ask who listens says who does not, and gets it', async () => {
    const deaf = await open({ sub: 'u2' }, { listeners: 'other' });
    await send({ event: 'bell', userId: 'u2', id: 'm-6' });
    await deaf.next('bell');
    const [dispatched] = find(await trace({ id: 'm-6' }), 'dispatched');
    assert.deepEqual([dispatched.queuedFor, dispatched.notListening], [[deaf.handle], [deaf.handle]]);
  });

  test('for nobody says that no worker has anybody', async () => {
    await send({ event: 'bell', userId: 'nobody', id: 'm-2' });
    const { list } = await trace({ id: 'm-2' });
    assert.deepEqual(list.map(({ kind, workers }) => [kind, workers]), [['sent', 0]]);
  });

  test('for a channel counts who has it and who listens', async () => {
    const one = await open({ sub: 'c1' }, { listeners: 'news', channel: 'room-9' });
    await open({ sub: 'c2' }, { channel: 'room-9' });
    await send({ event: 'news', channel: 'room-9', id: 'm-3', listening: true });
    await one.next('news');
    const told = await trace({ channel: 'room-9', kind: 'sent, dispatched' });
    assert.deepEqual(find(told, 'sent').map(({ toChannels }) => toChannels), [['room-9']]);
    const dispatched = find(told, 'dispatched');
    const sum = (name) => dispatched.reduce((all, record) => all + record[name], 0);
    assert.deepEqual([sum('connections'), sum('queued')], [2, 1]);
    assert.deepEqual(kinds(await trace({ channel: 'room-nine' })), []); // which is misspelt
  });

  test('with qos is followed from the store to its end', async () => {
    await send({ event: 'letter', userId: 'q1', id: 'm-4', qos: 1 });
    await send({ event: 'letter', userId: 'q1', id: 'm-4', qos: 1 });
    const reader = await open({ sub: 'q1' }, { listeners: 'letter' });
    await reader.next('letter');
    assert.equal(await acknowledge(page, reader.id, ['m-4'], bearer({ sub: 'q1' })), 1);
    const told = await trace({ id: 'm-4' });
    assert.deepEqual(kinds(told), ['held', 'stored', 'sent', 'held', 'repeated', 'redelivered', 'ended']);
    assert.equal(find(told, 'redelivered')[0].connection, reader.handle);
    assert.deepEqual(find(told, 'ended').map(({ state, toUsers }) => [state, toUsers]), [['acknowledged', ['q1']]]);
  });

  test('that is refused by the store has a record', async () => {
    await send({ event: 'letter', userId: 'q2', id: 'm-5', qos: 1 });
    const answer = await office.post('send', { event: 'letter', userId: 'q2', id: 'm-5', qos: 1, data: 2 });
    assert.equal(answer.status, 409);
    const told = await trace({ id: 'm-5', kind: 'send-refused' });
    assert.deepEqual(told.list.map(({ by, reason }) => [by, reason]), [['office', 'id-in-use']]);
  });
});

describe('a connection', () => {
  test('tells its beginning, what it lacks, its changes and its end', async () => {
    const reader = await open({ sub: 'k1', tenantId: 'north' }, [['listeners', 'a,b'], ['channel', 'room-1'], ['channel', 'secret']]);
    const own = bearer({ sub: 'k1', tenantId: 'north' });
    const call = async (path, body) => {
      const answer = await page.postJson(`${BASE}/connect/${path}.do`, { connectionId: reader.id, ...body }, own);
      assert.equal(answer.status, 200, answer.text);
    };
    await call('addListener', { listener: ['c'] });
    await call('subscribe', { channel: ['room-2'] });
    await call('disconnect', { reason: 'read' });
    const told = await trace({ connection: reader.id });
    assert.deepEqual(kinds(told), ['opened', 'channels-refused', 'listening', 'subscribed', 'closed']);
    const [opened, left, listening, subscribed, closed] = told.list;
    assert.deepEqual([opened.userId ?? opened.user, opened.tenantId, opened.address], ['k1', 'north', '127.0.0.1']);
    assert.deepEqual([opened.channels, opened.listeners], [['room-1'], ['a', 'b']]);
    assert.deepEqual([left.channelsLeftOut, left.leftOutFor], [['secret'], ['forbidden']]);
    assert.deepEqual([listening.listeners, subscribed.channels], [['c'], ['room-2']]);
    assert.deepEqual([closed.cause, closed.reason], ['client', 'read']);
    assert.ok(Number.isInteger(closed.writtenUpTo));
    assert.ok(told.list.every(({ connection }) => connection === reader.handle));
    assert.doesNotMatch(JSON.stringify(told), new RegExp(reader.id));
    assert.deepEqual(kinds(await trace({ channel: 'secret' })), ['channels-refused']);
  });

  test('that is too slow tells what was dropped', async () => {
    const client = await connect(server.origin);
    const slow = await client.connect({ listeners: 'tick' }, { headers: bearer({ sub: 'slow' }) });
    slow.stream.pause();
    const data = 'x'.repeat(50_000);
    await eventually('something is dropped', async () => {
      await office.send(Array.from({ length: 15 }, () => ({ event: 'tick', userId: 'slow', data })));
      return find(await trace({ connection: slow.handle }), 'dropped').length > 0;
    });
    const [dropped] = find(await trace({ userId: 'slow', kind: 'dropped' }), 'dropped');
    assert.deepEqual([dropped.policy, dropped.event, dropped.connection], ['drop-oldest', 'tick', slow.handle]);
    await client.close();
  });
});

describe('a refusal', () => {
  const last = async (query) => (await trace({ kind: 'refused', ...query })).list.at(-1);

  test('of a page says the rule, the address and the client', async () => {
    const answer = await page.get(`${BASE}/connect?clientId=c-1`, { cookie: `access-token=${token({ sub: 'r1' })}`, origin: 'https://evil.test' });
    assert.equal(answer.status, 403);
    const refused = await last({ clientId: 'c-1' });
    assert.deepEqual([refused.status, refused.rule, refused.address, refused.path], [403, 'origin', '127.0.0.1', `${BASE}/connect`]);
    assert.match(refused.reason, /evil\.test/);
    assert.equal((await last({ userId: 'r1' })).rule, 'origin');
  });

  test('without a credential says so', async () => {
    assert.equal((await page.get(`${BASE}/connect?clientId=c-2`)).status, 401);
    assert.equal((await last({ clientId: 'c-2' })).rule, 'no-credential');
  });

  test('of a token that cannot be verified says what it claims, and that it only claims it', async () => {
    const forged = token({ sub: 'r2', tenantId: 'north' }, { key: 'another-secret-of-32-bytes-or-more-is-here' });
    const answer = await page.get(`${BASE}/connect?clientId=c-3`, { authorization: `Bearer ${forged}` });
    assert.equal(answer.status, 401);
    const refused = await last({ userId: 'r2' });
    assert.deepEqual([refused.rule, refused.claimedUserId, refused.userId], ['credential', 'r2', undefined]);
    assert.equal(refused.clientId, 'c-3');
  });

  test('shows no token that is where a name, or a part of the path, belongs', async () => {
    const lost = token({ sub: 'lost' });
    const forged = token({ sub: lost, tenantId: lost }, { key: 'another-secret-of-32-bytes-or-more-is-here' });
    assert.equal((await page.get(`${BASE}/connect?clientId=${lost}`, { authorization: `Bearer ${forged}` })).status, 401);
    const refused = await last({ userId: '***' });
    assert.deepEqual([refused.claimedUserId, refused.claimedTenantId, refused.clientId], ['***', '***', '***']);
    assert.equal((await page.get(`${BASE}/${lost}/x`)).status, 404);
    assert.equal((await last({ address: '127.0.0.1' })).path, `${BASE}/***/x`);
  });

  test('of a back end says which key it showed', async () => {
    const meter = await backend(server, { key: 'key-of-the-meter' });
    assert.equal((await meter.post('send', {})).status, 403);
    await meter.close();
    const refused = await last({ address: '127.0.0.1' });
    assert.deepEqual([refused.rule, refused.by, refused.method], ['permission', 'meter', 'POST']);
  });
});

test('a flood of refusals of one address leaves what others have done', async () => {
  const other = await connect(server.origin, { localAddress: '127.0.0.2' });
  assert.equal((await other.get(`${BASE}/connect?clientId=other`)).status, 401);
  const meter = await backend(server, { key: 'key-of-the-meter' });
  const suppressed = 'sse_server_trace_suppressed_total';
  await eventually('some are not recorded', async () => {
    await Promise.all(Array.from({ length: 100 }, () => page.get(`${BASE}/connect?clientId=flood`)));
    return (await meter.metric(suppressed)) > 0;
  });
  assert.equal((await trace({ clientId: 'other' })).total, 1);
  assert.equal((await other.get(`${BASE}/connect?clientId=other`)).status, 401); // its own are recorded still
  assert.deepEqual((await trace({ address: '127.0.0.2' })).list.map(({ clientId }) => clientId), ['other', 'other']);
  await Promise.all([other, meter].map((one) => one.close()));
});

describe('a question', () => {
  test('takes the permission inspect, which no key has by itself', async () => {
    assert.equal((await office.get('trace')).status, 403);
    const all = await page.get(`${BASE}/trace`, bearer({ sub: 'x', permissions: 'all' }));
    assert.equal(all.status, 403, all.text);
    const one = await page.get(`${BASE}/trace`, bearer({ sub: 'x', permissions: 'inspect' }));
    assert.equal(one.status, 200, one.text);
  });

  test('pages back from the latest', async () => {
    for (let i = 0; i < 5; i++) {
      await send({ event: 'bell', userId: 'paged', id: `p-${i}` });
    }
    const ids = async (query) => (await trace({ userId: 'paged', ...query })).list.map(({ id }) => id);
    assert.deepEqual(await ids({ pageSize: 2 }), ['p-3', 'p-4']);
    assert.deepEqual(await ids({ pageSize: 2, pageNum: 2 }), ['p-1', 'p-2']);
    assert.deepEqual(await ids({ pageSize: 2, pageNum: 3 }), ['p-0']);
    const { total, list } = await trace({ userId: 'paged', kind: 'sent' });
    assert.equal(total, 5);
    assert.deepEqual(await ids({ until: list[0].time }), []);
    assert.deepEqual(await ids({ since: list[4].time + 1 }), []);
  });

  test('that is wrong is refused with what would be right', async () => {
    for (const [query, status, text] of [
      ['kind=sending', 422, /"sending" is none; there are sent, /],
      ['since=yesterday', 400, /milliseconds since 1970/],
      ['pageNum=3&pageSize=1000', 422, /until/],
      ['user=7', 400, /no parameter "user"/],
    ]) {
      const answer = await inspector.get(`trace?${query}`);
      assert.equal(answer.status, status, query);
      assert.match(answer.json.errorMessage, text);
    }
    assert.equal((await inspector.get('/sse/other/trace')).status, 404); // nothing is recorded there
  });

  test('of a key for some tenants shows these alone', async () => {
    await open({ sub: 't1', tenantId: 'south' }, {});
    await open({ sub: 't2', tenantId: 'north' }, {});
    await send({ event: 'bell', tenantId: 'south', id: 't-1' });
    await send({ event: 'bell', tenantId: ['south', 'north'], id: 't-2' });
    await send({ event: 'bell', all: true, id: 't-3' });
    const south = await backend(server, { key: 'key-of-south' });
    const { list } = await south.query('trace?pageSize=1000');
    await south.close();
    assert.deepEqual(list.filter(({ kind }) => kind === 'opened').map(({ userId }) => userId), ['t1']);
    assert.deepEqual([...new Set(list.flatMap(({ id }) => id ?? []))], ['t-1']);
    assert.doesNotMatch(JSON.stringify(list), /north/);
  });
});

describe('the stream', () => {
  async function watch(client, query) {
    const stream = client.open('GET', `${BASE}/trace?${new URLSearchParams(query)}`,
      { authorization: 'Bearer key-of-the-inspector', accept: 'text/event-stream' }, { endStream: true });
    const reader = new EventReader(stream);
    const [answer] = await within('the answer to a watcher', once(stream, 'response'));
    reader.status = answer[':status'];
    if (reader.status === 200) {
      await reader.next('trace-start');
    }
    return reader;
  }

  test('tells what comes, from all workers, by the filter', async () => {
    const client = await connect(server.origin);
    const watching = await watch(client, { userId: 'w1' });
    await send({ event: 'bell', userId: 'w2', id: 'w-1' });
    const reader = await open({ sub: 'w1' }, { listeners: 'bell' });
    await send({ event: 'bell', userId: 'w1', id: 'w-2' });
    assert.equal((await watching.next('opened')).connection, reader.handle);
    assert.equal((await watching.next('sent')).id, 'w-2');
    assert.deepEqual((await watching.next('dispatched')).queuedFor, [reader.handle]);
    assert.doesNotMatch(JSON.stringify(watching.events), /w-1/);
    await client.close();
  });

  test('is for a stated number of watchers', async () => {
    const client = await connect(server.origin);
    await eventually('the place of the one before', async () => {
      const first = await watch(client, {});
      return first.status === 200;
    });
    assert.equal((await watch(client, {})).status, 503);
    await client.close();
  });

  test('leaves out what its reader cannot take, and says how much that was', async () => {
    const client = await connect(server.origin);
    let watching;
    await eventually('a place', async () => (watching = await watch(client, {})).status === 200);
    watching.stream.pause();
    const flood = async () => office.send(Array.from({ length: 1000 }, () => ({ event: 'x'.repeat(100), userId: 'y'.repeat(100), data: 1 })));
    const lost = 'sse_server_trace_lost_total';
    const meter = await backend(server, { key: 'key-of-the-meter' });
    await eventually('some are left out', async () => {
      await flood();
      return (await meter.metric(lost)) > 0;
    });
    watching.stream.resume();
    const { count } = await watching.next('trace-lost');
    assert.ok(count > 0);
    assert.ok((await meter.metric('sse_server_trace_records_total')) > 1000);
    await Promise.all([client, meter].map((one) => one.close()));
  });
});
