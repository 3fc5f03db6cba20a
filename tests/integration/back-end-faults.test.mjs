// SPDX-License-Identifier: Apache-2.0
// A back end that answers what is of no use is told of alike, whatever it was asked for: one line with the
// reason; and a page is never blamed for what is between its server and that.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { token } from './support/tokens.mjs';

let target;
let server;
let office;
let page;

const config = () => `
listeners: [{address: "127.0.0.1:0"}]
apiKeys: [{name: office, key: ${KEY}}]
tokenKeys: [{jwks: "${target.url('/keys')}", services: [keyed]}]
services:
  - name: shop
    auth: webhook
    webhookSecret: wrong
    authWebhook: {url: "${target.url('/who')}", cookies: [session], cache: 0, timeout: 2s}
  - name: demo
    offlineGrace: 0
    webhookSecret: wrong
    qos: {receiptHosts: [127.0.0.1]}
    handlers: {messageUrl: "${target.url('/message?token=hidden')}", uploadUrl: "${target.url('/upload')}", timeout: 2s}
    notifications: {url: "${target.url('/notified')}"}
  - {name: keyed, auth: jwt}
`;

const fine = { status: 200, json: { id: '7' } };
let answers; // by path; fine where there is none

before(async () => {
  target = await startTarget();
  answers = { '/keys': { status: 500, body: '' } };
  target.answer = ({ url }) => answers[url.split('?')[0]] ?? fine;
  server = await startServer({ config: config() });
  office = await backend(server);
  page = await connect(server.origin);
});
after(async () => {
  await page.close();
  await office.close();
  await server.stop();
  await target.close();
});
beforeEach(() => {
  answers = {};
});

// What has led to a line, by asked_as.
const ways = {
  handler: ['/message', () => page.postJson('/sse/demo/connect/message/x.do?userId=7', {})],
  authWebhook: ['/who', () => page.get('/sse/shop/connect', { cookie: `session=${Math.random()}` })],
  notifications: ['/notified', async () => (await page.connect({ userId: 'ann' })).close()],
  receipt: ['/receipt', async () => {
    const stream = await page.connect({ userId: 'bob' });
    const { id } = await office.send({ userId: 'bob', event: 'e', qos: 1, data: 1, receipt: target.url('/receipt') });
    await page.postJson('/sse/demo/connect/ack.do?userId=bob', { connectionId: stream.id, ids: [id] });
    await stream.close();
  }],
};

const faults = {
  redirects: [{ status: 302, body: '', headers: { location: '/elsewhere' } }, /redirects are not followed.* status=302/],
  failures: [{ status: 500, json: { secret: 'hidden' } }, /it failed.* status=500/],
  refusals: [{ status: 410, body: '' }, /refuses.* status=410/, { handler: 410 }],
};
const bodies = {
  HTML: [{ status: 200, body: '<p>hi</p>', headers: { 'content-type': 'text/html' } }, /is HTML/],
  gzip: [{ status: 200, body: gzipSync('{"id":"7"}'), headers: { 'content-encoding': 'gzip' } }, /is compressed/],
  CSV: [{ status: 200, body: 'a,b', headers: { 'content-type': 'text/csv' } }, /not JSON/],
};

async function isTold(name, answer, reason) {
  const [path, ask] = ways[name];
  answers[path] = answer;
  const from = server.output.length;
  const given = await ask();
  // A way may lead to several lines, of which some come with the next fault's.
  const line = await server.saw(`a line of ${name}, ${reason}`, (text) => (text.slice(from).split('\n').find((one) => (
    one.includes('a back end gave no usable answer') && one.includes(`asked_as=${name}`) && reason.test(one)))));
  assert.match(line, / warn .* host=127\.0\.0\.1 /);
  assert.doesNotMatch(line, /hidden|<p>/);
  return given;
}

describe('a line tells of', () => {
  for (const name of Object.keys(ways)) {
    for (const [fault, [answer, reason, passed = {}]] of Object.entries(faults)) {
      if (!passed[name]) {
        test(`${fault} by ${name}`, () => isTold(name, answer, reason));
      }
    }
  }
  for (const name of ['handler', 'authWebhook']) {
    for (const [what, [answer, reason]] of Object.entries(bodies)) {
      test(`${what} by ${name}, and the page hears 502`, async () => {
        assert.equal((await isTold(name, answer, reason)).status, 502);
      });
    }
  }
  test('a JWK set that cannot be had, once for a whole outage', async () => {
    assert.equal((await page.get('/sse/keyed/connect', { authorization: `Bearer ${token({ sub: '7' })}` })).status, 502);
    const lines = server.output.split('\n').filter((line) => line.includes('asked_as="JWK set"'));
    assert.ok(lines.length >= 1 && lines.length <= 2, lines.join('\n')); // of two workers
    assert.match(lines[0], /it failed.* status=500/);
  });
});

describe('a back end that does not know our secret', () => {
  const challenge = { status: 401, json: { error: 'signature' }, headers: { 'www-authenticate': 'sse-signature' } };
  const unknown = { status: 401, json: { error: 'signature' } };

  test('is not the fault of the page whose request it handles', async () => {
    for (const answer of [challenge, unknown]) {
      const given = await isTold('handler', answer, /webhookSecret.* status=401/);
      assert.equal(given.status, 502);
      assert.doesNotMatch(given.text, /signature/);
    }
  });
  test('nor of one whose user it is asked for, when it says so', async () => {
    assert.equal((await isTold('authWebhook', challenge, /webhookSecret.* status=401/)).status, 502);
  });
  test('is told of when it has known nobody since the start', async () => {
    const other = await startServer({ config: config(), variables: { SSE_SERVER_WORKERS: '1' } });
    const client = await connect(other.origin);
    answers['/who'] = unknown;
    for (let n = 0; n < 5; n++) {
      assert.equal((await client.get('/sse/shop/connect', { cookie: `session=${n}` })).status, 401);
    }
    await other.saw('a line', (text) => /known nobody since the start.*webhookSecret/.test(text));
    await client.close();
    await other.stop();
  });
  test('loses no notification', async () => {
    const lost = async () => {
      const counts = ['dropped', 'refused', 'given_up', 'lost_at_stop'].map((how) => (
        office.metric(`sse_server_notifications_${how}_total`)));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count);
    };
    const before = await lost();
    const sent = await office.metric('sse_server_notifications_sent_total');
    await isTold('notifications', unknown, /webhookSecret/);
    answers = {};
    await server.asTimePasses('they are taken', async () => await office.metric('sse_server_notifications_sent_total') > sent);
    assert.equal(await lost(), before);
  });
});
