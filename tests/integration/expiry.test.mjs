// SPDX-License-Identifier: Apache-2.0
// A stream lasts as long as the token that it was opened with, or the one that its page shows
// instead; and a token that was revoked opens none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { SECRET, token as tokenOf } from './support/tokens.mjs';

const CONNECT = '/sse/demo/connect';

let server;
let office;
before(async () => {
  server = await startServer({
    stopped: true,
    variables: {
      SSE_SERVER_WORKERS: '4',
      SSE_SERVER_TOKEN_KEYS_0_ALGORITHM: 'HS256',
      SSE_SERVER_TOKEN_KEYS_0_SECRET: SECRET,
      SSE_SERVER_SERVICES_0_AUTH: 'jwt',
      SSE_SERVER_SERVICES_0_JWT_LEEWAY: '0',
      SSE_SERVER_SERVICES_0_CHANNELS_ALLOW: 'news, user/{userId}, tenant/{tenantId}/*',
    },
  });
  office = await backend(server);
});
after(async () => {
  await office.close();
  await server.stop();
});

// A page and its stream, opened with this token and these channels.
async function open(accessToken, channels = []) {
  const page = await connect(server.origin);
  const query = [['access-token', accessToken], ['reasons', 'true'], ...channels.map((name) => ['channel', name])];
  const stream = await page.connect(query);
  const post = async (command, body, headers) =>
    page.postJson(`${CONNECT}/${command}.do`, { connectionId: stream.id, ...body }, headers);
  return { page, stream, post };
}

const token = (claims, options) => tokenOf(claims, { now: server.now(), ...options });
const living = (lifetime) => token({ sub: 'ann' }, { lifetime });

// The stream's next event of this name; time goes on until it has come.
async function later(stream, name) {
  const seen = stream.named(name).length;
  await server.asTimePasses(name, () => stream.named(name).length > seen, 200);
  return JSON.parse(stream.named(name)[seen].data);
}

const bearer = (text) => ({ authorization: `Bearer ${text}` });

describe('a token that ends', () => {
  test('is announced, and then ends the stream', async () => {
    const { page, stream } = await open(living(5));
    const { connectionId, expiresAt, expiresIn } = await later(stream, 'sse-token-expiring');
    assert.equal(connectionId, stream.id);
    assert.ok(expiresAt > stream.finish.serverTime && expiresAt <= stream.finish.serverTime + 5000, `${expiresAt}`);
    assert.ok(expiresIn >= 0 && expiresIn <= 5, `${expiresIn}`);
    assert.deepEqual(await later(stream, 'connect-close'), {
      connectionId, reason: 'expired', reconnect: stream.finish.reconnectTime,
    });
    assert.equal(await stream.end(), true, 'END_STREAM');
    assert.equal(stream.named('sse-token-expiring').length, 1);
    assert.ok(server.now() >= expiresAt);
    await page.close();
  });

  for (const [where, refresh] of Object.entries({
    'in the body': (post, fresh) => post('refresh', { accessToken: fresh }),
    'as a Bearer': (post, fresh) => post('refresh', {}, bearer(fresh)),
    'in a cookie': (post, fresh) =>
      post('refresh', {}, { cookie: `access-token=${fresh}`, origin: server.origin }),
  })) {
    test(`does not end the stream of a page that shows another one ${where}`, async () => {
      const { page, stream, post } = await open(living(5));
      const { expiresAt } = await later(stream, 'sse-token-expiring');
      const answer = await refresh(post, living(9));
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.data.expiresAt > expiresAt, answer.text);
      assert.equal((await later(stream, 'sse-token-expiring')).expiresAt, answer.data.expiresAt);
      await later(stream, 'connect-close');
      assert.ok(server.now() >= answer.data.expiresAt, 'it lived by the second one');
      await page.close();
    });
  }
});

test('notices, refreshes and ends are counted', async () => {
  for (const name of ['token_expiry_notices_total', 'token_refreshes_total']) {
    assert.ok(await office.metric(`sse_server_${name}`) > 0, name);
  }
  assert.match((await office.get('/metrics')).text, /connections_closed_total\{[^}]*reason="expired"\} [1-9]/);
});

describe('refresh.do', () => {
  test('is refused with the token of somebody else, or none, or a bad one', async () => {
    const { page, stream, post } = await open(token({ sub: 'ann', tenantId: 'north' }));
    for (const claims of [{ sub: 'bob', tenantId: 'north' }, { sub: 'ann', tenantId: 'south' }, { sub: 'ann' }]) {
      const answer = await post('refresh', { accessToken: token(claims) });
      assert.deepEqual([answer.status, answer.data], [200, { error: 'connectionId not exist' }]);
    }
    const own = { sub: 'ann', tenantId: 'north' };
    const bad = { expired: token(own, { lifetime: -5 }), forged: token(own, { key: `${SECRET}!` }), 'no token': 'x' };
    for (const [what, accessToken] of Object.entries(bad)) {
      assert.equal((await post('refresh', { accessToken })).status, 401, what);
      // A good one beside it does not help.
      assert.equal((await post('refresh', { accessToken }, bearer(token(own)))).status, 401, what);
    }
    assert.equal((await post('refresh', {})).status, 401);
    assert.equal((await office.send({ event: 'e', data: 1, connectionId: stream.id })).count, 1);
    await page.close();
  });

  test('leaves the channels that the new token does not allow, and says which', async () => {
    const claims = { sub: 'ann', channels: ['a', 'b', 'c'] };
    const { page, stream, post } = await open(token(claims), ['a', 'news', 'b', 'c']);
    const answer = await post('refresh', { accessToken: token({ ...claims, channels: 'b d' }) });
    assert.deepEqual([answer.data.channel, answer.data.removed], [['news', 'b'], ['a', 'c']]);
    assert.equal((await office.send({ event: 'e', data: 1, channel: 'a' })).count, 0);
    assert.deepEqual((await post('subscribe', { channel: 'd' })).data, { channel: ['news', 'b', 'd'] });
    assert.equal((await post('subscribe', { channel: 'a' })).status, 403);
    await stream.close();
    await page.close();
  });
});

describe('a channel', () => {
  const cases = [
    ['news', {}, true],
    ['news2', {}, false],
    ['user/ann', {}, true],
    ['user/bob', {}, false],
    ['user/*', {}, false],
    ['tenant/north/a', { tenantId: 'north' }, true],
    ['tenant/south/a', { tenantId: 'north' }, false],
    ['tenant//a', {}, false],
    ['team/7', { channels: ['team/*'] }, true],
    ['team/7', { channels: 'news team/7' }, true],
    ['team/7', { channels: ['team/{userId}'] }, false],
  ];
  for (const [channel, claims, allowed] of cases) {
    const verb = allowed ? 'may be had' : 'is refused';
    test(`${channel} ${verb} by ${JSON.stringify(claims)}, at connect and later`, async () => {
      const accessToken = token({ sub: 'ann', ...claims });
      const page = await connect(server.origin);
      const stream = await page.connect([['access-token', accessToken], ['channel', 'news'], ['channel', channel]]);
      assert.equal(stream.status, 200);
      const { list: [{ channels }] } = await office.query(`connections?id=${stream.id}`);
      assert.equal(channels.includes(channel), allowed, `${channels}`);
      assert.deepEqual(stream.finish.leftOut, allowed ? undefined : [{ channel, reason: 'forbidden' }]);
      await page.close();
      const later = await open(accessToken);
      const answer = await later.post('subscribe', { channel: ['news', channel] });
      assert.equal(answer.status, allowed ? 200 : 403, answer.text);
      if (!allowed) {
        assert.match(answer.json.errorMessage, /channel/);
        assert.ok(answer.json.errorMessage.includes(`"${channel}"`), answer.text);
        assert.equal((await office.query(`connections?id=${later.stream.id}`)).list[0].channel, null);
      }
      await later.page.close();
    });
  }

  test('of a user who is called * is that user\'s alone', async () => {
    const { page, post } = await open(token({ sub: '*' }));
    assert.equal((await post('subscribe', { channel: 'user/ann' })).status, 403);
    assert.equal((await post('subscribe', { channel: 'user/*' })).status, 200);
    await page.close();
  });
});

test('a token that has a jti selects by either', async () => {
  const shown = token({ sub: 'ann', jti: 'selected' });
  const { page } = await open(shown);
  for (const accessToken of [shown, 'selected']) {
    assert.equal((await office.send({ event: 'e', data: 1, accessToken })).count, 1);
    assert.equal((await office.command('setDuration', { duration: 1, accessToken })).count, 1);
  }
  await page.close();
});

describe('disconnectUser', () => {
  // The same on new sessions, so that every worker is asked.
  async function statuses(accessToken) {
    const answers = [];
    for (let n = 0; n < 12; n++) {
      const page = await connect(server.origin);
      answers.push((await page.connect({ 'access-token': accessToken })).status);
      await page.close();
    }
    return [...new Set(answers)];
  }

  for (const [what, selector, claims] of [
    ['a user', ({ userId }) => ({ userId })],
    ['a token', ({ shown }) => ({ accessToken: shown })],
    ['a token that has a jti', ({ shown }) => ({ accessToken: shown }), { jti: 'named-1' }],
    ['a jti', () => ({ accessToken: 'named-2' }), { jti: 'named-2' }],
    ['a connection', ({ id }) => ({ connectionId: id })],
  ]) {
    test(`revokes what ${what} has, in every worker`, async () => {
      const userId = `revoked by ${what}`;
      const shown = token({ sub: userId, ...claims });
      const { page, stream } = await open(shown);
      const { count } = await office.command('disconnectUser', selector({ userId, shown, id: stream.id }));
      assert.equal(count, 1);
      assert.equal((await stream.next('connect-close')).reconnect, false);
      assert.deepEqual(await statuses(shown), [401]);
      await page.close();
    });
  }

  test('revokes a token that has a jti by either, connected or not', async () => {
    const [one, other] = ['one', 'other'].map((jti) => token({ sub: 'absent too', jti }));
    await office.command('disconnectUser', { accessToken: [one, 'other'] });
    assert.deepEqual([await statuses(one), await statuses(other)], [[401], [401]]);
  });

  test('leaves no stream behind that was just being opened', async () => {
    const pages = await Promise.all(Array.from({ length: 8 }, () => connect(server.origin)));
    for (let round = 0; round < 200; round++) {
      const userId = `opening ${round}`;
      const parameters = { 'access-token': token({ sub: userId }) };
      const opening = pages.flatMap((page) => [page.connect(parameters), page.connect(parameters)]);
      for (let n = 0; n < round % 3; n++) {
        await pages[round % pages.length].get('/health/live'); // by now some of them are at work
      }
      await office.command('disconnectUser', { userId });
      await Promise.all(opening);
      const { online, grace } = await office.query(`online?userId=${encodeURIComponent(userId)}`);
      assert.ok(!online || grace, userId); // no stream is left
    }
    await Promise.all(pages.map((page) => page.close()));
  });

  test('revokes although nobody is connected', async () => {
    const shown = token({ sub: 'absent' });
    assert.equal((await office.command('disconnectUser', { userId: 'absent' })).count, 0);
    assert.deepEqual(await statuses(shown), [401]);
  });

  test('revokes one token of several', async () => {
    const [one, other] = [token({ sub: 'twice', n: 1 }), token({ sub: 'twice', n: 2 })];
    await office.command('disconnectUser', { accessToken: one });
    assert.deepEqual(await statuses(one), [401]);
    assert.deepEqual(await statuses(other), [200]);
  });

  for (const [body, revokes] of [
    [{ revoke: false }, false],
    [{ reconnect: 100 }, false],
    [{ reconnect: false, revoke: false }, false],
    [{ reconnect: 100, revoke: true }, true],
    [{ reconnect: false }, true],
    [{ reason: 'go home' }, true],
  ]) {
    test(`${revokes ? 'revokes' : 'revokes nothing'} with ${JSON.stringify(body)}`, async () => {
      const userId = `kicked with ${JSON.stringify(body)}`;
      const shown = token({ sub: userId });
      const { page, stream } = await open(shown);
      assert.equal((await office.command('disconnectUser', { userId, ...body })).count, 1);
      await stream.end();
      assert.deepEqual(await statuses(shown), [revokes ? 401 : 200]);
      await page.close();
    });
  }
});
