// SPDX-License-Identifier: Apache-2.0
// What queries show of tokens, cookies and the like: nothing that could be used, unless a service is
// set to show it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const CONFIG = `
listeners:
  - address: 127.0.0.1:0
services:
  - name: discreet
    secretNames: [ticket]
  - name: open
    showSecrets: true
apiKeys:
  - everything
  - name: reader
    key: reads-only
    permissions: [query]
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

let server;
let page;

before(async () => {
  server = await startServer({ config: CONFIG });
  page = await connect(server.origin);
  for (const base of ['/sse/discreet', '/sse/open']) {
    await page.connect(PARAMETERS, { base, headers: HEADERS });
  }
});
after(async () => {
  await page.close();
  await server.stop();
});

async function ask(base, key, query) {
  const office = await backend(server, { base, key });
  const data = await office.query(query);
  await office.close();
  return data;
}

test('no query shows a secret', async () => {
  for (const query of ['users', 'connections', 'messages', 'userIds', 'channels', 'tenantIds', 'counts']) {
    assert.doesNotMatch(JSON.stringify(await ask('/sse/discreet', 'everything', query)), /hidden/, query);
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

test('accessTokens shows them whole to who may name them as targets', async () => {
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

test('the log shows none', () => {
  assert.doesNotMatch(server.output, /hidden|everything|reads-only/);
});
