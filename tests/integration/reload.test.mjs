// SPDX-License-Identifier: Apache-2.0
// Settings change while the server runs: what is new counts for what begins from then on, what runs
// goes on, and a file with a fault changes nothing.
import assert from 'node:assert/strict';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { makePair, remove, temporaryFolder } from './support/certificates.mjs';
import { connect } from './support/client.mjs';
import { watch } from './support/presence.mjs';
import { startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { seconds, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';
import { isSigned, webhookTarget } from './support/webhook_target.mjs';

const KEY = 'the-key-of-the-first-settings';
const BASE = '/sse/hr';

// Settings of one listener and one service; more: of the service, rest: of all else.
function settings(more = {}, rest = {}) {
  return {
    listeners: [{ address: '127.0.0.1:0' }],
    services: [{ name: 'hr', ...more }],
    apiKeys: [{ name: 'office', key: KEY }],
    ...rest,
  };
}

// A server with these settings for what run does with it and one client.
async function withServer(config, run, options = {}) {
  const server = await startServer({ config, ...options });
  const client = await connect(server.origin);
  try {
    await run(server, client);
  } finally {
    await client.close();
    await server.stop();
  }
}

async function shown(client, key = KEY) {
  const answer = await client.get('/settings', { authorization: `Bearer ${key}` });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

const send = (client, message, key = KEY) => (
  client.postJson(`${BASE}/send`, message, { authorization: `Bearer ${key}` }));
const open = (client, parameters, options = {}) => client.connect(parameters, { base: BASE, ...options });

describe('what is new counts', () => {
  test('the command and SIGHUP reload, and say what has changed', async () => {
    await withServer(settings(), async (server, client) => {
      assert.equal((await shown(client)).version, 1);
      assert.equal(await server.mustReload(settings({ reconnectTime: '7s' }, { log: { level: 'debug' } })),
        'reloaded, version 2: log.level, services[0].reconnectTime\n');
      const { version, settings: now } = await shown(client);
      assert.deepEqual([version, now['log.level'], now['services[0].reconnectTime']], [2, 'debug', '7s']);
      await client.get('/nowhere');
      await server.saw('a line of the new level', (text) => / debug answered .* path=\/nowhere/.test(text));
      await server.configure(settings());
      server.signal('SIGHUP');
      await server.saw('the reload', (text) => /info reloaded version=3 changed="log.level, services\[0\].reconnectTime"/.test(text));
      const office = await backend(server, { key: KEY });
      assert.equal(await office.metric('sse_server_reloads_total', /ok/), 2);
      assert.equal(await office.metric('sse_server_reloads_total', /failed/), 0);
      await eventually('the lines of the audit log', async () => {
        const lines = (await readFile(join(server.stateDirectory, 'audit.log'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
        const seen = lines.map((line) => JSON.parse(line)).map(({ action, result, by, version }) => [action, result, by, version]);
        return JSON.stringify(seen) === JSON.stringify([
          ['reload', 'ok', `uid ${process.getuid()}`, 2], ['reload', 'ok', 'SIGHUP', 3]]);
      });
      assert.equal(await office.metric('sse_server_settings_version'), 3);
      assert.ok(Math.abs(await office.metric('sse_server_settings_loaded_timestamp_seconds') - server.now() / 1000) < 600);
      await office.close();
    });
  });

  test('what cannot change is named, and stays; the rest changes', async () => {
    await withServer(settings(), async (server, client) => {
      const said = await server.mustReload(settings({ basePath: '/elsewhere', envelope: false }, {
        demo: true,
        listeners: [{ address: '127.0.0.1:0', role: 'all' }, { address: 'localhost:0', tls: false }],
      }));
      assert.equal(said, 'reloaded, version 2: services[0].envelope\n'
        + 'demo changes at the next start only\n'
        + 'listeners[localhost:0] changes at the next start only\n'
        + 'services[0].basePath changes at the next start only\n');
      assert.match(server.output, /warn this setting changes at the next start only setting=services\[0\].basePath/);
      assert.equal((await client.postJson(`${BASE}/send`, {}, {})).json.error !== undefined, true);
      assert.equal((await shown(client)).settings['services[0].basePath'], BASE);
    });
  });

  test('API keys: a removed one ends its presence streams and opens nothing', async () => {
    await withServer(settings(), async (server, client) => {
      const page = await open(client, { userId: '7' });
      const watcher = await watch(client, {}, { base: BASE, key: KEY });
      const other = { name: 'other', key: 'the-key-of-the-second-settings' };
      await server.mustReload(settings({}, { apiKeys: [other, { name: 'office', key: KEY }] }));
      const second = await watch(client, {}, { base: BASE, key: other.key });
      assert.equal((await send(client, { event: 'hello', data: 1, all: true })).status, 200);
      await page.next('hello');
      await server.mustReload(settings({}, { apiKeys: [other] }));
      assert.deepEqual(await watcher.next('presence-close'), { reason: 'expired' });
      assert.equal((await send(client, { event: 'hello', data: 2, all: true })).status, 401);
      assert.equal((await send(client, { event: 'hello', data: 3, all: true }, other.key)).status, 200);
      assert.deepEqual(await page.next('hello'), 3); // and no other came before
      assert.ok(!second.ended && !page.ended);
      // Each is counted by its name, wherever it stands.
      const office = await backend(server, { key: other.key });
      assert.ok(await office.metric('sse_server_api_key_requests_total', /key="other"/) >= 3);
      assert.equal(await office.metric('sse_server_api_key_requests_total', /key="office"/), 0);
      await office.close();
    });
  });

  test('origins, of requests and preflights', async () => {
    const ask = (client) => client.request('OPTIONS', `${BASE}/connect`, {
      headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
    });
    await withServer(settings(), async (server, client) => {
      assert.equal((await ask(client)).headers['access-control-allow-origin'], undefined);
      await server.mustReload(settings({ origins: ['https://app.example'] }));
      assert.equal((await ask(client)).headers['access-control-allow-origin'], 'https://app.example');
      await server.mustReload(settings({ origins: ['https://other.example'] }));
      assert.equal((await ask(client)).headers['access-control-allow-origin'], undefined);
    });
  });

  test('limits: who is above a lower one stays, and nobody new comes in', async () => {
    await withServer(settings(), async (server, client) => {
      const streams = [];
      for (let i = 0; i < 3; i++) {
        streams.push(await open(client, { userId: '7' }));
      }
      await server.mustReload(settings({ limits: { userConnections: 2, connections: 5 } }));
      streams.push(await open(client, { userId: '7' }), await open(client, { userId: '7' }));
      assert.equal((await open(client, { userId: '7' })).status, 429); // two since then
      assert.equal((await open(client, { userId: '8' })).status, 503); // five in all
      assert.ok(streams.every(({ ended }) => !ended));
      await server.mustReload(settings({ limits: { userConnections: 3, connections: 0 } }));
      streams.push(await open(client, { userId: '7' }));
      assert.equal((await open(client, { userId: '7' })).status, 429);
      assert.equal((await open(client, { userId: '8' })).status, 200);
      // Those that leave, counted or not, leave the numbers right.
      for (const { stream } of streams) {
        stream.close();
      }
      const office = await backend(server, { base: BASE, key: KEY });
      await server.asTimePasses('one stream', async () => (await office.query('connections')).total === 1);
      await office.close();
      await Promise.all([1, 2, 3].map(() => open(client, { userId: '7' })));
      assert.equal((await open(client, { userId: '7' })).status, 429);
      // Without a limit nothing is counted; with one again, those that have come since are not.
      await server.mustReload(settings());
      await open(client, { userId: '7' });
      await server.mustReload(settings({ limits: { userConnections: 1, userRequests: { burst: 2, perSecond: 1 } } }));
      assert.equal((await open(client, { userId: '7' })).status, 200);
    });
  });

  test('limits of a connection count for the next one', async () => {
    const long = { 'x-long': 'x'.repeat(2000) };
    await withServer(settings(), async (server, client) => {
      assert.equal((await client.get('/health/live', long)).status, 200);
      await server.mustReload(settings({}, { limits: { headerFieldBytes: 1024 } }));
      assert.equal((await client.get('/health/live', long)).status, 431);
      const next = await connect(server.origin);
      assert.equal(next.session.remoteSettings.maxConcurrentStreams, 100);
      await server.mustReload(settings({}, { limits: { concurrentStreams: 7 } }));
      const last = await connect(server.origin);
      assert.equal((await last.get('/health/live', long)).status, 200);
      assert.equal(last.session.remoteSettings.maxConcurrentStreams, 7);
      await Promise.all([next.close(), last.close()]);
    });
  });

  test('channels: what was joined stays until the page shows its credential again', async () => {
    const allow = (...patterns) => settings({ auth: 'jwt', channels: { allow: patterns } }, KEYS);
    const bearer = { authorization: `Bearer ${token({ sub: '7' })}` };
    await withServer(allow('news'), async (server, client) => {
      const page = await open(client, { channel: 'news' }, { headers: bearer });
      const act = (what, body) => client.postJson(`${BASE}/connect/${what}.do`, { connectionId: page.id, ...body }, bearer);
      assert.equal((await act('subscribe', { channel: 'sport' })).status, 403);
      await server.mustReload(allow('sport'));
      assert.equal((await act('subscribe', { channel: 'sport' })).status, 200);
      assert.equal((await act('subscribe', { channel: 'other' })).status, 403);
      assert.equal((await send(client, { event: 'hello', data: 1, channel: 'news' })).status, 200);
      assert.equal(await page.next('hello'), 1);
      const { data } = await act('refresh');
      assert.deepEqual([data.channel, data.removed], [['sport'], ['news']]);
    });
  });
});

const SECRET = 'integration-test-secret-of-32-bytes-or-more';
const KEYS = { tokenKeys: [{ algorithm: 'HS256', secret: SECRET }] };

describe('who is asked', () => {
  test('handlers: the next call goes to the new one; one under way is answered by the old one', async () => {
    const [first, second] = [await startTarget(), await startTarget()];
    let answerFirst;
    first.answer = () => new Promise((resolve) => { answerFirst = () => resolve({ json: 'first' }); });
    second.answer = () => ({ json: 'second' });
    const say = (client, page) => client.postJson(`${BASE}/connect/message/a.do?connectionId=${page.id}`, {});
    await withServer(settings(), async (server, client) => {
      const page = await open(client, { userId: '7' });
      assert.equal((await say(client, page)).data, 'a');
      await server.mustReload(settings({ handlers: { messageUrl: first.url() }, webhookSecret: 'one' }));
      const slow = say(client, page);
      const [asked] = await first.saw((requests) => requests.some(({ complete }) => complete) && requests);
      assert.ok(isSigned(asked, 'one'));
      await server.mustReload(settings({ handlers: { messageUrl: second.url() }, webhookSecret: 'two' }));
      assert.equal((await say(client, page)).data, 'second');
      assert.ok(isSigned(second.requests[0], 'two'));
      await server.mustReload(settings());
      assert.equal((await say(client, page)).data, 'a');
      answerFirst();
      assert.equal((await slow).data, 'first');
    });
    await Promise.all([first.close(), second.close()]);
  });

  test('notifications: on, to another target with another secret, off', async () => {
    const [first, second] = [await webhookTarget(() => 503), await webhookTarget()];
    const to = (target, secret) => settings({ notifications: { url: target.url }, webhookSecret: secret });
    await withServer(settings(), async (server, client) => {
      const hasLibcurl = async () => (await readFile(`/proc/${server.pid}/maps`, 'utf8')).includes('/libcurl');
      await open(client, { userId: '1' });
      assert.equal(await hasLibcurl(), false);
      await server.mustReload(to(first, 'one'));
      await open(client, { userId: '2' });
      await server.asTimePasses('the first target', () => first.requests.length > 0);
      assert.equal(await hasLibcurl(), true);
      assert.ok(isSigned(first.requests[0], 'one'));
      // What waits goes to where the new settings say, signed as they say.
      await server.mustReload(to(second, 'two'));
      await server.asTimePasses('the second target', () => second.accepted.length >= 2);
      assert.deepEqual(second.requests.map((request) => isSigned(request, 'two')), second.requests.map(() => true));
      assert.deepEqual(second.accepted.map(({ type }) => type).sort(), ['connect', 'user-online']);
      await server.mustReload(settings());
      const before = second.requests.length;
      await open(client, { userId: '3' });
      await server.mustReload(to(second, 'two'));
      await open(client, { userId: '4' });
      await server.asTimePasses('what comes after it is on again', () => second.accepted.length >= before + 2);
      assert.ok(second.accepted.slice(before).every(({ userId, connection }) => (userId ?? connection.accessUserId) === '4'));
    });
    await Promise.all([first.stop(), second.stop()]);
  });

  test('the back end that knows the users: what the old one said is forgotten', async () => {
    const [first, second] = [await startTarget(), await startTarget()];
    first.answer = () => ({ json: { id: 'of-the-first' } });
    second.answer = () => ({ json: { id: 'of-the-second' } });
    const by = (target) => settings({ auth: 'webhook', authWebhook: { url: target.url(), cache: '1h', cookies: ['s'] } });
    const who = (client) => open(client, {}, { headers: { cookie: 's=1' } });
    await withServer(by(first), async (server, client) => {
      const before = await who(client);
      await who(client);
      assert.equal(first.requests.length, 1);
      await server.mustReload(by(second));
      await who(client);
      assert.equal(second.requests.length, 1);
      const office = await backend(server, { base: BASE, key: KEY });
      assert.match(JSON.stringify(await office.query('userIds')), /of-the-first.*of-the-second|of-the-second.*of-the-first/);
      assert.ok(!before.ended);
      await office.close();
    });
    await Promise.all([first.close(), second.close()]);
  });

  test('keys of tokens: those of a removed key count no more; streams that they opened live on', async () => {
    const with_ = (...tokenKeys) => settings({ auth: 'jwt' }, { tokenKeys });
    const one = { id: 'one', algorithm: 'HS256', secret: 'the-first-secret-of-32-bytes-or-more' };
    const two = { id: 'two', algorithm: 'HS256', secret: 'the-second-secret-of-32-bytes-or-more' };
    const bearer = (key) => ({
      headers: { authorization: `Bearer ${token({ sub: '7' }, { key: key.secret, kid: key.id })}` },
    });
    await withServer(with_(one), async (server, client) => {
      const page = await open(client, {}, bearer(one));
      assert.equal((await open(client, {}, bearer(two))).status, 401);
      await server.mustReload(with_(one, two));
      assert.equal((await open(client, {}, bearer(one))).status, 200);
      assert.equal((await open(client, {}, bearer(two))).status, 200);
      await server.mustReload(with_(two));
      assert.equal((await open(client, {}, bearer(one))).status, 401);
      assert.equal((await open(client, {}, bearer(two))).status, 200);
      assert.ok(!page.ended);
    });
  });

  test('files of keys are read anew, and JWK sets', async () => {
    const secretOf = (n) => `the-secret-number-${n}-of-32-bytes-or-more`;
    const bearer = (n, kid) => ({ headers: { authorization: `Bearer ${token({ sub: '7' }, { key: secretOf(n), kid })}` } });
    const jwks = (n, kid) => JSON.stringify({ keys: [{ kty: 'oct', kid, alg: 'HS256', k: Buffer.from(secretOf(n)).toString('base64url') }] });
    const server = await startServer({ config: settings() });
    const [file, set] = [join(server.stateDirectory, 'secret'), join(server.stateDirectory, 'set.json')];
    const client = await connect(server.origin);
    await server.stop().catch(() => {});
    await client.close();
    const directory = server.stateDirectory;
    await (await import('node:fs/promises')).mkdir(directory, { recursive: true });
    await writeFile(file, secretOf(1));
    await writeFile(set, jwks(2, 'a'));
    await withServer(settings({ auth: 'jwt' }, {
      tokenKeys: [{ id: 'f', algorithm: 'HS256', file }, { jwks: set, refresh: '24h' }],
    }), async (running, page) => {
      assert.equal((await open(page, {}, bearer(1, 'f'))).status, 200);
      assert.equal((await open(page, {}, bearer(2, 'a'))).status, 200);
      await writeFile(file, secretOf(3));
      await writeFile(set, jwks(4, 'b'));
      await running.mustReload();
      assert.equal((await open(page, {}, bearer(1, 'f'))).status, 401);
      assert.equal((await open(page, {}, bearer(3, 'f'))).status, 200);
      assert.equal((await open(page, {}, bearer(4, 'b'))).status, 200);
      assert.equal((await open(page, {}, bearer(2, 'a'))).status, 401);
    });
  });

  test('a revocation outlives the reload', async () => {
    const config = settings({ auth: 'jwt' }, KEYS);
    const headers = { authorization: `Bearer ${token({ sub: '7', jti: 'one' })}` };
    await withServer(config, async (server, client) => {
      await open(client, {}, { headers });
      const office = await backend(server, { base: BASE, key: KEY });
      await office.command('disconnectUser', { userId: '7' });
      assert.equal((await open(client, {}, { headers })).status, 401);
      await server.mustReload(settings({ auth: 'jwt', reconnectTime: '7s' }, KEYS));
      assert.equal((await open(client, {}, { headers })).status, 401);
      await office.close();
    });
  });
});

describe('a fault changes nothing', () => {
  let server;
  let client;

  before(async () => {
    server = await startServer({ config: settings() });
    client = await connect(server.origin);
  });
  after(async () => {
    await client.close();
    await server.stop();
  });

  const faults = {
    'YAML': ['log: [\n', /sse-server\.yaml:1: log: must be a section/],
    'no YAML': ['log:\n\tlevel: debug\n', /sse-server\.yaml:2: column 1: .*; indent with spaces/],
    'a key that there is not': ['log:\n  levl: debug\n', /sse-server\.yaml:2: log\.levl: there is no such key; the nearest is log\.level/],
    'a value out of range': ['services:\n  - name: hr\n    queueBytes: 1\n', /sse-server\.yaml:3: services\[0\]\.queueBytes: "1" is out of range/],
    'a word': ['log: {level: loud}\nservices: [{name: hr}]', /sse-server\.yaml:1: log\.level: "loud" is not known/],
    'a rule between keys': ['services:\n  - name: hr\n    eventDataBytes: 2MiB\n', /sse-server\.yaml:2: services\[0\]\.queueBytes: /],
    'a file that there is not': ['services: [{name: hr, auth: jwt}]\ntokenKeys:\n  - {algorithm: HS256, file: /nowhere}\n', /sse-server\.yaml:3: tokenKeys\[0\]\.file: "\/nowhere"/],
    'a certificate that there is not': ['services: [{name: hr}]\nlisteners:\n  - {address: "127.0.0.1:0", certificate: /nowhere, key: /nowhere}\n', /sse-server\.yaml:3: listeners\[0\]\.certificate: "\/nowhere"/],
    'an origin': ['services:\n  - {name: hr, origins: ["app.example"]}\n', /sse-server\.yaml:2: services\[0\]\.origins: /],
    'nothing': ['', /services: there is none/],
    'no service': ['services: []', /services: there is none/],
    'an API key for a service that only a start brings': ['services: [{name: hr}, {name: new}]\napiKeys:\n  - {key: abc, services: [new]}\n', /apiKeys\[0\]\.services: there is no "new"/],
    'a NUL': ['services: [{name: "h\\0r"}]', /sse-server\.yaml:1: services\[0\]\.name: holds a NUL/],
  };

  for (const [what, [text, message]] of Object.entries(faults)) {
    test(what, async () => {
      const office = await backend(server, { key: KEY });
      const failed = await office.metric('sse_server_reloads_total', /failed/);
      const before = await shown(client);
      const { code, stdout, stderr } = await server.reload(text);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.match(server.output, /error the settings are not reloaded, and stay as they were reason=/);
      assert.deepEqual(await shown(client), before);
      assert.equal(await office.metric('sse_server_reloads_total', /failed/), failed + 1);
      await office.close();
    });
  }

  test('a file that is gone, and one that is put right', async () => {
    const { code, stderr } = await server.reload(settings({ envelope: false }, { apiKeys: [] }));
    assert.equal(code, 0, stderr);
    await server.mustReload(settings());
    assert.equal((await shown(client)).settings['services[0].envelope'], true);
  });
});

test('what is in use and no longer right hinders no reload; what is new has to be right', async () => {
  const folder = temporaryFolder();
  const uploads = join(folder, 'uploads');
  await mkdir(uploads);
  const [now, late, fresh] = [['now'], ['late'], ['fresh', 60]].map(([name, days]) => (
    makePair(folder, name, { names: ['localhost'], days })));
  const config = (pair, level) => settings({ uploadDirectory: uploads }, {
    log: { level }, listeners: [{ address: '127.0.0.1:0', certificate: pair.certificate, key: pair.key }],
  });
  await withServer(config(now, 'info'), async (server) => {
    assert.equal(await server.mustReload(config(now, 'debug')), 'reloaded, version 2: log.level\n');
    await server.advance(31 * 86_400_000, 86_400_000);
    await rename(uploads, `${uploads}.away`);
    await writeFile(uploads, 'no directory any more');
    const told = await server.mustReload(config(now, 'info'));
    assert.match(told, /^reloaded, version 3: log\.level\n/);
    assert.match(told, /^warning: listeners\[0\]\.certificate: ".*now\.pem": the certificate has expired on /m);
    assert.match(told, /^warning: services\[0\]\.uploadDirectory: ".*": Not a directory/m);
    assert.match(server.output, /warn reloaded, although what is in use is not as it should be what="?listeners/);
    const { code, stderr } = await server.reload(config(late, 'debug'));
    assert.equal(code, 2);
    assert.match(stderr, /late\.pem": the certificate has expired on /);
    assert.match(await server.mustReload(config(fresh, 'debug')),
      /^reloaded, version 4: log\.level, listeners\[0\]\.certificate, listeners\[0\]\.key\nwarning: services\[0\]\.uploadDirectory[^\n]*\n$/);
  });
  remove(folder);
});

test('SIGHUP, again and again, and while the server stops', async () => {
  await withServer(settings(), async (server, client) => {
    const page = await open(client, { userId: '7' });
    for (let i = 0; i < 100; i++) {
      server.signal('SIGHUP');
    }
    await server.saw('a reload', (text) => /info reloaded/.test(text));
    await server.mustReload();
    const count = (await shown(client)).version - 1;
    assert.ok(count >= 2 && count <= 101, `${count}`);
    assert.ok(!page.ended);
    server.signal('SIGTERM');
    server.signal('SIGHUP');
    server.signal('SIGHUP');
  });
});

test('the command says when no server is there', async () => {
  await withServer(settings(), async (server) => {
    await server.kill();
    const { code, stdout, stderr } = await server.reload();
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /no server can be reached by the state directory .*: Connection refused; give the --config/);
    server.stop = () => server.forget();
  });
});

test('a second server of the same state directory leaves the first its command', async () => {
  await withServer(settings(), async (server) => {
    const other = await startServer({
      config: settings({ qos: { store: 'memory' } }), stateDirectory: server.stateDirectory,
    });
    assert.match(other.output, /warn the commands reload and backup cannot reach this server; SIGHUP does/);
    await server.mustReload();
    assert.match(server.output, /info reloaded/);
    await other.stop();
    await server.mustReload();
  }, {});
});
