// SPDX-License-Identifier: Apache-2.0
// A receipt's URL is the sender's choice: it leads to the hosts that the configuration lists, else to
// public addresses, and never to this machine or its network.
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';
import { webhookTarget } from './support/webhook_target.mjs';

const HOSTS = 'SSE_SERVER_SERVICES_0_QOS_RECEIPT_HOSTS';
const PRIVATE = /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd])/;

let number = 0;
const message = (receipt) => ({ event: 'order', data: 1, userId: '7', qos: 1, id: `m-${number++}`, receipt });

async function refused(office, receipt, reason) {
  for (const body of [message(receipt), [message(true), message(receipt)]]) {
    const answer = await office.post('send', body);
    assert.equal(answer.status, 422, `${receipt}: ${answer.text}`);
    assert.match(answer.json.errorMessage, reason, receipt);
  }
  assert.equal((await office.query('messages')).total ?? 0, 0);
}

async function end(office, id) {
  const { status } = await office.client.request('DELETE', `/sse/demo/messages/${id}`, { headers: office.authorized });
  assert.equal(status, 200);
}

const metric = (office, name) => office.metric(`sse_server_receipts_${name}_total`);

describe('without a list', () => {
  let server;
  let office;
  let target;
  before(async () => {
    target = await webhookTarget();
    server = await startServer();
    office = await backend(server);
  });
  after(async () => {
    await office.close();
    await server.stop();
    await target.stop();
  });

  for (const host of ['127.0.0.1', '127.8.9.1', 'localhost', 'LOCALHOST', 'a.localhost', '0.0.0.0', '10.1.2.3', '172.16.0.1',
    '192.168.1.1', '169.254.169.254', '100.64.0.1', '198.18.0.1', '192.0.2.1', '224.0.0.1', '255.255.255.255', '[::1]', '[::]',
    '[::ffff:127.0.0.1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::1]', '[2001::1]', '[fe80::1]', '[fd00::1]', '[ff02::1]']) {
    test(`${host} is refused`, () => refused(office, `http://${host}:${target.port}/`, /receiptHosts/));
  }

  for (const [url, reason] of [
    ['http://user:secret@a.example/', /user and password/],
    ['http://a.example@127.0.0.1/', /user and password/],
    ['http://a.example\\@127.0.0.1/', /backslash/],
    ['http://a.example/ x', /blanks/],
    ['http://a.example/\t', /blanks/],
    ['http://a.example/#x', /#/],
    ['http://2130706433/', /host/],
    ['http://0x7f.1/', /host/],
    ['http://0177.0.0.1/', /host/],
    ['http://127.1/', /host/],
    ['http://127.0.0.1./', /host/],
    ['http://localhost./', /host/],
    ['http://%6c%6f%63alhost/', /host/],
    ['http://[fe80::1%25eth0]/', /host/],
    ['http://①27.0.0.1/', /ASCII/],
    ['http://a.example:0/', /port/],
    ['http://a.example:99999/', /port/],
    ['ftp://a.example/', /http/],
    ['file:///etc/passwd', /http/],
  ]) {
    test(`${JSON.stringify(url)} is refused`, () => refused(office, url, reason));
  }

  test('a name that leads to this machine or its network is found out when it is posted to', async (t) => {
    const names = await Promise.all([hostname(), 'ip6-localhost', 'ip6-loopback'].map(async (name) => (
      { name, address: (await lookup(name).catch(() => ({}))).address ?? '' })));
    const { name } = names.find(({ address }) => PRIVATE.test(address)) ?? {};
    if (!name || !/^[a-z0-9.-]+$/i.test(name)) {
      t.skip('no name here leads there');
      return;
    }
    const before = await metric(office, 'refused');
    const { id } = await office.send(message(`http://${name}:${target.port}/`));
    await end(office, id);
    await eventually('its refusal', async () => await metric(office, 'refused') > before);
    assert.equal((await office.query(`messages/${id}`)).copies?.[0]?.state ?? 'deleted', 'deleted');
    assert.match(server.output, /receipt is not posted.*not a public one/);
    assert.deepEqual([target.requests.length, await office.metric('sse_server_receipts_waiting')], [0, 0]);
  });
});

describe('with a list', () => {
  let server;
  let office;
  let target;
  before(async () => {
    target = await webhookTarget();
    server = await startServer({ variables: { [HOSTS]: `127.0.0.1:${target.port}, *.hooks.example` } });
    office = await backend(server);
  });
  after(async () => {
    await office.close();
    await server.stop();
    await target.stop();
  });

  test('those on it get receipts, and where an answer leads nobody goes', async () => {
    const other = await webhookTarget();
    target.answer = (_, n) => (n === 1 ? { status: 307, headers: { location: other.url } } : 204);
    const { id } = await office.send(message(target.url));
    await end(office, id);
    await eventually('it is there', () => target.accepted.length === 1);
    assert.equal(other.requests.length, 0);
    await other.stop();
  });

  test('a receipt has the traceparent of the send, if that was one, and the message is the same without', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    target.answer = () => 204;
    for (const given of [traceparent, `${traceparent}x`, undefined]) {
      const from = target.requests.length;
      const body = message(target.url);
      const send = (headers) => office.client.postJson('/sse/demo/send', body, { ...office.authorized, ...headers });
      assert.equal((await send(given && { traceparent: given })).status, 200);
      assert.equal((await send()).json.data.repeated, true);
      await end(office, body.id);
      await eventually('the receipt', () => target.requests.length > from);
      assert.equal(target.requests[from].headers.traceparent, given === traceparent ? given : undefined);
      assert.equal(target.requests[from].path, '/hook?key=1');
    }
  });

  test('others do not, whatever they are', async () => {
    await refused(office, `http://127.0.0.1:${target.port ^ 1}/`, /receiptHosts/);
    await refused(office, 'http://127.0.0.2/', /receiptHosts/);
    await refused(office, 'https://hooks.example/', /receiptHosts/);
    await refused(office, 'https://public.example/', /receiptHosts/);
    await refused(office, 'https://x.hooks.example.evil.example/', /receiptHosts/);
    await refused(office, `http://user@127.0.0.1:${target.port}/`, /user/);
  });
});

test('through a proxy, which alone sees addresses, only those on a list do', async () => {
  const server = await startServer({ variables: { SSE_SERVER_OUTBOUND_PROXY: 'http://127.0.0.1:1' } });
  const office = await backend(server);
  await refused(office, 'https://public.example/', /receiptHosts.*proxy/);
  await office.close();
  await server.stop();
});

test('what was stored while it was allowed is looked at again', async () => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'sse-receipts-'));
  const target = await webhookTarget();
  let server = await startServer({ stateDirectory, variables: { [HOSTS]: '127.0.0.1' } });
  let office = await backend(server);
  const { id } = await office.send(message(target.url));
  await office.close();
  await server.stop();
  server = await startServer({ stateDirectory });
  office = await backend(server);
  assert.deepEqual((await office.query('messages')).list.map((kept) => kept.id), [id]);
  await end(office, id);
  await eventually('its refusal', async () => await metric(office, 'refused') === 1);
  assert.match(server.output, /receipt is not posted.*receiptHosts/);
  assert.equal(target.requests.length, 0);
  await office.close();
  await server.stop();
  await target.stop();
  await rm(stateDirectory, { recursive: true, force: true });
});
