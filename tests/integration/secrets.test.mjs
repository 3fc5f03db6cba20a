// SPDX-License-Identifier: Apache-2.0
// What queries show of tokens, cookies and the like: nothing that could be used, unless a service is
// set to show it.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { watch } from './support/presence.mjs';
import { startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';

const config = (target) => `
listeners:
  - address: 127.0.0.1:0
services:
  - name: discreet
    secretNames: [ticket]
    webhookSecret: webhook-hidden
    qos: {receiptHosts: [127.0.0.1]}
    handlers: {messageUrl: "${target.url('/message')}?id=hidden-16", uploadUrl: "${target.url('/upload')}"}
    notifications: {url: "${target.url('/notified')}", events: [connect, disconnect, listening, user-online, user-offline, receipt]}
  - name: open
    showSecrets: true
    qos: {receiptHosts: [127.0.0.1]}
apiKeys:
  - everything
  - name: reader
    key: reads-only
    permissions: [query]
  - name: inspector
    key: inspector
    permissions: [inspect]
accessLog: {file: "${directory}/access.log"}
`;
const TOKEN = 'hidden-token-0123456789';
const SHORTENED = `${TOKEN.slice(0, 4)}…89`;
const JWT = 'eyJhbGciOiJub25lIn0.hidden.signature';
const HEADERS = {
  cookie: 'sid=hidden-1',
  authorization: 'Bearer hidden-2',
  'proxy-authorization': 'Basic hidden-3',
  'x-forwarded-uri': '/app?access_token=hidden-4&page=2',
  'x-original-url': 'https://app.example/in?code=hidden-5#key=hidden-6',
  'x-user': JWT,
  ticket: 'hidden-7',
};
const PARAMETERS = {
  userId: '7', 'access-token': TOKEN, ticket: 'hidden-8', page: '2',
  locationHref: 'https://app.example/list?ticket=hidden-9&page=2#key=hidden-10',
};
const FORM = multipart([{ name: 'file', fileName: 'a.txt', data: 'abc' }]);

let directory;
let target;
let server;
let page;
let stream;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-secrets-'));
  target = await startTarget();
  server = await startServer({ config: config(target) });
  page = await connect(server.origin);
  for (const base of ['/sse/discreet', '/sse/open']) {
    const opened = await page.connect(PARAMETERS, { base, headers: HEADERS });
    stream ??= opened;
    const office = await backend(server, { base, key: 'everything' });
    await office.send({ event: 'e', data: 1, accessToken: TOKEN, qos: 1, id: 'to-token', receipt: target.url('/receipt') });
    await office.close();
  }
});
after(async () => {
  await page.close();
  await server.stop();
  await target.close();
  await rm(directory, { recursive: true, force: true });
});

async function ask(base, key, query) {
  const office = await backend(server, { base, key });
  const data = await office.query(query);
  await office.close();
  return data;
}

test('no query shows a secret', async () => {
  for (const query of ['users', 'connections', 'messages', 'messages/to-token', 'messages?id=to-token', 'userIds', 'channels',
    'tenantIds', 'counts', 'connect/users.json', 'connect/connections.json', 'connect/repositoryMessages.json']) {
    for (const key of ['everything', 'reads-only']) {
      assert.doesNotMatch(JSON.stringify(await ask('/sse/discreet', key, query)), /hidden/, query);
    }
  }
});

test('what is no secret is shown beside them', async () => {
  const { list: [shown] } = await ask('/sse/discreet', 'everything', 'connections');
  assert.equal(shown.accessToken, SHORTENED);
  assert.equal(shown.locationHref, 'https://app.example/list?ticket=***&page=2#key=***');
  assert.deepEqual(shown.httpParameters, { userId: '7', 'access-token': '***', ticket: '***', page: '2' });
  assert.equal(shown.httpHeaders['x-forwarded-uri'], '/app?access_token=***&page=2');
  assert.equal(shown.httpHeaders['x-original-url'], 'https://app.example/in?code=***#key=***');
  for (const name of ['cookie', 'authorization', 'proxy-authorization', 'x-user', 'ticket']) {
    assert.equal(shown.httpHeaders[name], '***', name);
  }
});

test('accessTokens alone shows them whole to who may name them as targets', async () => {
  assert.deepEqual((await ask('/sse/discreet', 'everything', 'accessTokens')).list, [TOKEN]);
  assert.deepEqual((await ask('/sse/discreet', 'reads-only', 'accessTokens')).list, [SHORTENED]);
  assert.deepEqual((await ask('/sse/open', 'reads-only', 'accessTokens')).list, [TOKEN]);
});

test('showSecrets shows all', async () => {
  const { list: [shown] } = await ask('/sse/open', 'reads-only', 'connections');
  assert.equal(shown.accessToken, TOKEN);
  assert.equal(shown.accessUser.accessToken, TOKEN);
  assert.equal(shown.locationHref, PARAMETERS.locationHref);
  assert.equal(shown.httpParameters.ticket, PARAMETERS.ticket);
  for (const [name, value] of Object.entries(HEADERS)) {
    assert.equal(shown.httpHeaders[name], value, name);
  }
  const { list: [user] } = await ask('/sse/open', 'reads-only', 'users');
  assert.equal(user.accessToken, TOKEN);
});

test('no presence stream, notification, receipt or handler is told a secret of others', async () => {
  const office = await backend(server, { base: '/sse/discreet', key: 'everything' });
  const events = await watch(office.client, { snapshot: true }, { base: '/sse/discreet', key: 'everything' });
  const path = '/sse/discreet/connect';
  const query = new URLSearchParams({ connectionId: stream.id, 'access-token': TOKEN, ticket: 'hidden-11' });
  const headers = { ...HEADERS, authorization: undefined };
  await page.postJson(`${path}/addListener.do`, { connectionId: stream.id, listener: ['news'] }, headers);
  assert.equal((await page.postJson(`${path}/message/a.do?${query}`, { n: 1 }, headers)).status, 200);
  assert.equal((await page.post(`${path}/upload/a.do?${query}`, FORM, { ...headers, 'content-type': MULTIPART })).status, 200);
  assert.equal((await page.postJson(`${path}/ack.do`, { connectionId: stream.id, ids: ['to-token'] }, headers)).data.count, 1);
  await page.postForm(`${path}/disconnect.do`, { connectionId: stream.id });
  await events.next('receipt');
  await events.next('disconnect');
  for (const [where, type] of Object.entries({ '/message': 'message', '/upload': 'upload', '/notified': 'disconnect', '/receipt': 'receipt' })) {
    await target.saw((requests) => requests.find(({ url, body }) => url.split('?')[0] === where && body.includes(`"type":"${type}"`)));
  }
  assert.doesNotMatch(JSON.stringify(events.events), /hidden/);
  assert.match(JSON.stringify(events.events), new RegExp(SHORTENED), 'the token is told, shortened');
  // The service's own back end, signed and on this machine, is told the access token, and no other secret.
  for (const { url, headers: fields, body } of target.requests) {
    const told = url === '/receipt' ? `${body}` : `${body}`.replaceAll(`"accessToken":"${TOKEN}"`, '');
    assert.doesNotMatch(`${JSON.stringify(fields)} ${told}`, /hidden/, url);
  }
  await office.close();
});

test('what clients say of themselves shows none, wherever it is told', async () => {
  const agent = `App/1.0 (token=hidden-12; X11) Bearer hidden-1234567 ${JWT}`;
  const fields = { userId: JWT, listeners: [JWT], channel: JWT };
  const opened = await page.connect(fields, { base: '/sse/discreet', headers: { 'user-agent': agent } });
  for (const headers of [{ origin: 'https://ann:hidden-13@a.example/x;jsessionid=hidden-14?sid=hidden-15' }, { origin: JWT }, { 'content-encoding': JWT }]) {
    const body = { connectionId: opened.id, listener: [JWT] };
    await page.postJson('/sse/discreet/connect/addListener.do', body, { ...headers, 'user-agent': agent });
  }
  assert.doesNotMatch(JSON.stringify(await ask('/sse/discreet', 'inspector', 'trace')), /hidden/);
  const { list } = await ask('/sse/discreet', 'reads-only', 'connections');
  const { userAgent, httpHeaders } = list.find(({ id }) => opened.id.startsWith(id));
  assert.equal(userAgent, 'App/1.0 (token=*** X11) Bearer *** ***');
  assert.equal(httpHeaders['user-agent'], userAgent);
});

test('the settings show no secret of an address', async () => {
  const { json } = await page.get('/settings', { authorization: 'Bearer everything' });
  assert.equal(json.settings['services[0].handlers.messageUrl'], `${target.url('/message')}?***`);
});

test('the log shows none, nor does the access log', async () => {
  const lines = (await readFile(join(directory, 'access.log'), 'utf8')).split('\n');
  assert.doesNotMatch(lines.filter((line) => !line.includes('/sse/open/')).join('\n'), /hidden/);
  assert.doesNotMatch(server.output, /hidden|everything|reads-only/);
});
