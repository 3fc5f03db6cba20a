// SPDX-License-Identifier: Apache-2.0
// What users, addresses and services may take (services[].limits), over all workers.
import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { BOUNDARY, MULTIPART, multipart } from './support/multipart.mjs';
import { startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const BASE = '/sse/demo';
const SESSIONS = 8;
const FILE = multipart([{ name: 'file', fileName: 'a', data: 'x' }]);

// A server with four workers, enough sessions to reach them all, and the office.
async function withLimits(limits, run, variables = {}) {
  const settings = Object.entries(limits).map(([name, value]) => [`SSE_SERVER_SERVICES_0_LIMITS_${name}`, `${value}`]);
  const server = await startServer({ variables: { SSE_SERVER_WORKERS: '4', ...Object.fromEntries(settings), ...variables } });
  const office = await backend(server);
  const pages = await Promise.all(Array.from({ length: SESSIONS }, () => connect(server.origin)));
  try {
    await run({ server, office, pages });
  } finally {
    await Promise.all([office, ...pages].map((client) => client.close()));
    await server.stop();
  }
}

// Opens streams over all the sessions at once; those that were accepted, and the others.
async function openMany(pages, count, parameters, options) {
  const streams = await Promise.all(Array.from({ length: count }, (_, i) =>
    pages[i % pages.length].connect(parameters, options)));
  return {
    open: streams.filter(({ status }) => status === 200),
    refused: streams.filter(({ status }) => status !== 200),
  };
}

// A stream as soon as there is a place for it: the news that one was left takes a moment.
const openSoon = (page, parameters, options) => eventually('a place', async () => {
  const stream = await page.connect(parameters, options);
  return stream.status === 200 && stream;
});

async function errorOf(page, parameters, { headers } = {}) {
  const answer = await page.get(`${BASE}/connect?${new URLSearchParams(parameters)}`, headers);
  const wait = Number(answer.headers['retry-after']);
  assert.ok(wait >= 2 && wait <= 10, `retry-after: ${wait}`);
  return { status: answer.status, message: answer.json.errorMessage };
}

async function limited(office, limit) {
  const { text } = await office.get('/metrics');
  return [...text.matchAll(new RegExp(`^sse_server_limited_total\\{.*limit="${limit}"\\} (\\d+)$`, 'gm'))]
    .reduce((sum, [, value]) => sum + Number(value), 0);
}

test('a user has so many streams, whichever workers they are on', () => withLimits({
  USER_CONNECTIONS: 20,
}, async ({ office, pages }) => {
  const { open, refused } = await openMany(pages, 40, { userId: 'ann' });
  assert.equal(open.length, 20);
  assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set([429]));
  assert.deepEqual(await errorOf(pages[0], { userId: 'ann' }), {
    status: 429,
    message: 'this user has 20 event streams, which is services[].limits.userConnections; close one first',
  });
  assert.equal(await limited(office, 'userConnections'), 21);

  // Somebody else is not concerned, the same id of another tenant neither.
  assert.equal((await openMany(pages, 8, { userId: 'bob' })).open.length, 8);
  assert.equal((await openMany(pages, 8, { userId: 'ann', tenantId: 'north' })).open.length, 8);

  // The streams that were there are there, and a place that one leaves is the next one's.
  assert.equal((await office.send({ event: 'x', data: 1, userId: 'ann' })).count, 28);
  await open[0].close();
  await openSoon(pages[3], { userId: 'ann' });
  assert.equal((await errorOf(pages[1], { userId: 'ann' })).status, 429);
}));

test('places come back from clients that vanish, also while they wait for one', () => withLimits({
  USER_CONNECTIONS: 5,
  ADDRESS_CONNECTIONS: 10,
}, async ({ server, pages }) => {
  for (let round = 0; round < 10; round++) {
    const hasty = await connect(server.origin);
    for (let i = 0; i < 5; i++) {
      hasty.open('GET', `${BASE}/connect?userId=ann`, {}, { endStream: true }).on('error', () => {});
    }
    if (round % 2 === 0) {
      await hasty.connect({ userId: 'ann' });
    }
    await hasty.close();
  }
  for (let i = 0; i < 5; i++) {
    await openSoon(pages[i], { userId: 'ann' });
  }
  assert.equal((await errorOf(pages[0], { userId: 'ann' })).status, 429);
}));

test('a request that opens no stream keeps no place', () => withLimits({
  USER_CONNECTIONS: 1,
}, async ({ pages: [page] }) => {
  assert.equal((await page.get(`${BASE}/connect?userId=ann`, { accept: 'image/png' })).status, 406);
  for (let i = 0; i < 5; i++) {
    assert.equal((await page.request('HEAD', `${BASE}/connect?userId=ann`)).status, 200);
  }
  const stream = await openSoon(page, { userId: 'ann' });
  const refused = await page.request('HEAD', `${BASE}/connect?userId=ann`);
  assert.equal(refused.status, 429, 'HEAD says what GET would');
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal((await page.connect({ userId: 'ann' })).status, 429);
  assert.equal(stream.ended, undefined);
}));

test('a client that takes its own oldest place needs no other', () => withLimits({
  USER_CONNECTIONS: 4,
}, async ({ office, pages }) => {
  const laptop = { userId: 'ann', clientId: 'laptop' };
  const streams = (await openMany(pages, 3, laptop)).open;
  await pages[3].connect({ userId: 'ann', clientId: 'phone' });
  assert.equal((await errorOf(pages[0], { userId: 'ann', clientId: 'phone' })).status, 429);
  assert.equal((await errorOf(pages[0], { userId: 'ann' })).status, 429);
  for (let i = 0; i < 5; i++) {
    streams.push(await openSoon(pages[i], laptop));
    assert.equal(streams.at(-1).status, 200);
  }
  // Five have come and five have gone, and no more than these.
  await eventually('four streams', async () => (await office.query('connections')).total === 4);
  assert.equal(await limited(office, 'userConnections'), 2);
  const ended = await eventually('five ended streams', () => {
    const all = streams.filter((stream) => stream.ended);
    return all.length >= 5 && all;
  });
  assert.equal(ended.length, 5);
  for (const stream of ended) {
    assert.equal((await stream.next('connect-close')).reason, 'evicted');
  }
  assert.equal((await errorOf(pages[0], { userId: 'ann', clientId: 'tablet' })).status, 429);
}));

test('an address has so many streams', () => withLimits({
  ADDRESS_CONNECTIONS: 6,
}, async ({ office, pages }) => {
  const from = (address) => ({ headers: { 'x-forwarded-for': address } });
  const { open } = await openMany(pages, 16, { userId: 'ann' }, from('192.0.2.1'));
  assert.equal(open.length, 6);
  assert.deepEqual(await errorOf(pages[0], { userId: 'bob' }, from('192.0.2.1, 192.0.2.1:7')), {
    status: 429,
    message: 'this client\'s address has 6 event streams, which is services[].limits.addressConnections; close one first',
  });
  assert.equal((await openMany(pages, 3, { userId: 'bob' }, from('192.0.2.2'))).open.length, 3);
  assert.equal(await limited(office, 'addressConnections'), 11);
  await open[0].close();
  await openSoon(pages[0], { userId: 'bob' }, from('192.0.2.1'));
}, { SSE_SERVER_TRUSTED_PROXIES: '127.0.0.1' }));

test('the /64 that an IPv6 client can choose addresses from counts as one', () => withLimits({
  ADDRESS_CONNECTIONS: 3,
  ADDRESS_REQUESTS_BURST: 50,
  ADDRESS_REQUESTS_PER_SECOND: 1,
}, async ({ office, pages }) => {
  let n = 0;
  const from = (network) => ({ headers: { 'x-forwarded-for': `${network}::${(++n).toString(16)}` } });
  const open = [];
  for (let i = 0; i < 5; i++) {
    open.push(await pages[i].connect({ userId: 'ann' }, from('2001:db8:1:2')));
  }
  assert.deepEqual(open.map(({ status }) => status), [200, 200, 200, 429, 429]);
  assert.equal((await pages[0].connect({ userId: 'ann' }, from('2001:db8:1:3'))).status, 200);
  const { list } = await office.query('connections');
  assert.equal(new Set(list.map(({ requestIp }) => requestIp)).size, 4);
  await open[0].close();
  await openSoon(pages[0], { userId: 'ann' }, from('2001:db8:1:2'));

  const answers = await statuses(100, () => pages[0].postJson(`${BASE}/connect/message/a.do?userId=x`, {},
    from('2001:db8:9:9').headers));
  assert.ok(answers.some(({ status }) => status === 429));
}, { SSE_SERVER_TRUSTED_PROXIES: '127.0.0.1' }));

test('a service has so many streams, above which 503', () => withLimits({
  CONNECTIONS: 10,
  USER_CONNECTIONS: 100,
}, async ({ office, pages }) => {
  const { open, refused } = await openMany(pages, 24, { userId: 'ann' });
  assert.equal(open.length, 10);
  assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set([503]));
  assert.deepEqual(await errorOf(pages[0], { userId: 'bob' }), {
    status: 503,
    message: 'this service has 10 event streams, which is services[].limits.connections; come again later',
  });
  assert.equal(await limited(office, 'connections'), 15);
  await open[0].close();
  await openSoon(pages[0], { userId: 'bob' });
  assert.equal((await errorOf(pages[0], { userId: 'cy' })).status, 503);
}));

async function statuses(count, ask) {
  const answers = [];
  for (let i = 0; i < count; i++) {
    answers.push(await ask());
  }
  return answers;
}

test('a user asks so often, also by a connectionId alone', () => withLimits({
  USER_REQUESTS_BURST: 5,
  USER_REQUESTS_PER_SECOND: 1,
}, async ({ office, pages: [page, other] }) => {
  const say = (client, query) => client.postJson(`${BASE}/connect/message/a.do?${query}`, {});
  const answers = await statuses(50, () => say(page, 'userId=ann'));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(answers.slice(0, 5).every(({ status }) => status === 200));
  assert.ok(refused.length > 0);
  assert.equal(refused[0].json.errorMessage,
    'this user asks more than 1 times a second, which is services[].limits.userRequests; ask less often');
  assert.equal((await say(page, 'userId=bob')).status, 200);

  const stream = await page.connect({ userId: 'cy' });
  const silent = await statuses(50, () => say(other, `connectionId=${stream.id}`));
  assert.ok(silent.some(({ status }) => status === 200));
  assert.ok(silent.some(({ status }) => status === 429));
  assert.ok(silent.every(({ status }) => status === 200 || status === 429));
  const all = [...answers, ...silent].filter(({ status }) => status === 429).length;
  assert.equal(await limited(office, 'userRequests'), all);
  assert.ok(await office.metric('sse_server_rates') >= 3);
}));

test('a request with an idempotency-key counts once', () => withLimits({
  USER_REQUESTS_BURST: 20,
  USER_REQUESTS_PER_SECOND: 1,
}, async ({ pages: [page, other] }) => {
  const stream = await page.connect({ userId: 'dan' });
  const say = (n) => other.postJson(`${BASE}/connect/message/a.do?connectionId=${stream.id}`, {}, { 'idempotency-key': `k${n}` });
  for (let n = 0; n < 15; n++) {
    assert.equal((await say(n)).status, 200);
  }
}));

test('an address asks so often, whoever it says it is', () => withLimits({
  ADDRESS_REQUESTS_BURST: 5,
  ADDRESS_REQUESTS_PER_SECOND: 1,
}, async ({ office, pages: [page] }) => {
  let n = 0;
  const ask = () => page.postJson(`${BASE}/connect/message/a.do?userId=${n++}`, {});
  const answers = await statuses(50, ask);
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(answers.slice(0, 5).every(({ status }) => status === 200));
  assert.match(refused[0].json.errorMessage, /services\[\]\.limits\.addressRequests/);
  const upload = await eventually('a refused upload', async () => {
    const answer = await page.post(`${BASE}/connect/upload/a.do?userId=u`, FILE, { 'content-type': MULTIPART });
    return answer.status === 429 && answer;
  });
  assert.match(upload.json.errorMessage, /services\[\]\.limits\.addressRequests/);
  assert.equal(await limited(office, 'addressRequests'), refused.length + 1);
}));

// Files that uploads are being written to.
async function openUploads({ pid }) {
  const names = await readdir(`/proc/${pid}/fd`);
  const files = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return files.filter((file) => file.includes('/uploads/')).length;
}

test('a user has so many uploads under way', () => withLimits({
  USER_UPLOADS: 2,
}, async ({ server, office, pages }) => {
  const upload = (page, query = 'userId=ann') =>
    page.post(`${BASE}/connect/upload/a.do?${query}`, FILE, { 'content-type': MULTIPART });
  const stream = await pages[0].connect({ userId: 'ann' });
  const slow = await Promise.all([`userId=ann`, `connectionId=${stream.id}`].map(async (query, i) => {
    const request = pages[i].open('POST', `${BASE}/connect/upload/a.do?${query}`, { 'content-type': MULTIPART });
    request.on('error', () => {});
    request.resume();
    request.write(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="b"\r\n\r\nx`);
    return request;
  }));
  await eventually('both to be under way', async () => await openUploads(server) === slow.length);
  const refused = await upload(pages[5]);
  assert.equal(refused.status, 429, refused.text);
  assert.equal(refused.json.errorMessage,
    'this user has 2 uploads under way, which is services[].limits.userUploads; let one end first');
  assert.equal((await upload(pages[6], `connectionId=${stream.id}`)).status, 429);
  assert.equal((await upload(pages[6], 'userId=bob')).status, 200);
  assert.equal(await limited(office, 'userUploads'), 2);

  slow[0].close();
  await eventually('a place for an upload', async () => (await upload(pages[4])).status === 200);
  // An upload that is over has left its place: as many as one likes, one after the other.
  for (let i = 0; i < 5; i++) {
    await eventually('another', async () => (await upload(pages[i])).status === 200);
  }
  slow[1].close();
}));

test('back ends send so much', () => withLimits({
  SENDS_BURST: 10,
  SENDS_PER_SECOND: 1,
}, async ({ server, office }) => {
  const others = await Promise.all(Array.from({ length: 4 }, () => backend(server)));
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) =>
    others[i % 4].post('send', { event: 'x', data: i, all: true })));
  const sent = answers.filter(({ status }) => status === 200).length;
  assert.ok(sent >= 10 && sent < 60, `${sent} were sent`);
  const refused = answers.find(({ status }) => status === 429);
  assert.equal(refused.json.errorMessage,
    'this service is sent more than 1 messages a second, which is services[].limits.sends; send less often');
  assert.equal(await limited(office, 'sends'), 60 - sent);
  await Promise.all(others.map((client) => client.close()));
}));

test('with auth development nobody is limited who did not ask for it', () => withLimits({}, async ({ office, pages }) => {
  assert.equal((await openMany(pages, 40, { userId: 'ann' })).open.length, 40);
  assert.equal(await limited(office, 'userConnections'), 0);
}));

test('with another auth a user has 20 streams unless somebody says otherwise', () => withLimits({}, async ({ pages }) => {
  const parameters = { 'access-token': token({ sub: 'ann' }) };
  assert.equal((await openMany(pages, 40, parameters)).open.length, 20);
  assert.match((await errorOf(pages[0], parameters)).message, /this user has 20 event streams/);
}, {
  SSE_SERVER_SERVICES_0_AUTH: 'jwt',
  SSE_SERVER_TOKEN_KEYS_0_ALGORITHM: 'HS256',
  SSE_SERVER_TOKEN_KEYS_0_SECRET: SECRET,
}));
