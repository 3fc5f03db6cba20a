// SPDX-License-Identifier: Apache-2.0
// The console's files, and what it asks beside the API: what a key may do, settings, certificates, orders of lists.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { makePair, remove, temporaryFolder } from './support/certificates.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const bearer = (key) => ({ authorization: `Bearer ${key}` });
const ALL = bearer('everything');

let folder;
let server;
let secure;
let clear;

function config() {
  const pair = makePair(folder, 'push', { names: ['push.example.org', '*.push.example.org'] });
  return {
    apiKeys: [
      { name: 'all', key: 'everything' },
      { name: 'one', key: 'of-chat', permissions: ['metrics', 'send'], services: ['chat'] },
      { name: 'north', key: 'of-north', permissions: ['query'], tenants: ['north', 'far'] },
    ],
    console: { hosts: ['Admin.example', 'other.example'] },
    listeners: [
      { address: '127.0.0.1:0', certificate: pair.certificate, key: pair.key },
      { address: '127.0.0.1:0', role: 'admin', tls: false },
      { address: '127.0.0.1:0', role: 'public', certificate: pair.certificate, key: pair.key },
    ],
    services: [{ name: 'demo', auth: 'development' }, { name: 'chat', auth: 'development', users: { unique: 'tenant' }, queueBytes: '128KiB' }],
  };
}

before(async () => {
  folder = temporaryFolder();
  server = await startServer({ config: config() });
  secure = await connect(server.listeners[0].origin);
  clear = await connect(server.listeners[1].origin);
});
after(async () => {
  await Promise.all([secure, clear].map((client) => client.close()));
  await server.stop();
  remove(folder);
});

describe('its files', () => {
  test('come with a policy that allows nothing from elsewhere and nothing inline', async () => {
    for (const path of ['/console', '/console/', '/console/index.html']) {
      const { status, headers, text } = await secure.get(path);
      assert.equal(status, 200, path);
      assert.equal(headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(headers['content-security-policy'], "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
      assert.doesNotMatch(text, /<script(?![^>]* src=)|style=|\son[a-z]+=/);
    }
  });

  test('are compressed, and need not come twice', async () => {
    const { headers, status } = await secure.get('/console/console.js', { 'accept-encoding': 'br' });
    assert.deepEqual([status, headers['content-encoding'], headers['content-type']], [200, 'br', 'text/javascript; charset=utf-8']);
    const again = await secure.get('/console/console.js', { 'accept-encoding': 'br', 'if-none-match': headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.headers['referrer-policy'], 'no-referrer');
  });

  test('are no others', async () => {
    for (const path of ['/console/nothing.js', '/console/../demo/demo.js', '/console/%2e%2e/sse.js', `/console/${'x'.repeat(128)}`]) {
      assert.equal((await secure.get(path)).status, 404, path);
    }
  });

  test('are where back ends are served', async () => {
    const pages = await connect(server.listeners[2].origin);
    assert.equal((await clear.get('/console')).status, 200);
    const unknown = await pages.get('/nothing');
    for (const path of ['/console', '/console/console.js', '/access', '/certificates']) {
      assert.equal((await pages.get(path, ALL)).text, unknown.text, path);
    }
    await pages.close();
  });
});

describe('by which name', () => {
  const ask = (client, host) => client.get('/console', { ':authority': host });

  for (const host of ['localhost', 'localhost:8443', 'a.localhost', '127.0.0.1:1', '[::1]:8443', '192.0.2.7', 'admin.example', 'OTHER.example:99']) {
    test(`${host} is its own everywhere`, async () => {
      assert.equal((await ask(secure, host)).status, 200);
      assert.equal((await ask(clear, host)).status, 200);
    });
  }

  for (const host of ['push.example.org', 'A.push.example.org:8443']) {
    test(`${host} is its own where the certificate says so`, async () => {
      assert.equal((await ask(secure, host)).status, 200);
      assert.equal((await ask(clear, host)).status, 421);
    });
  }

  for (const host of ['evil.example', 'push.example.org.evil.example', 'localhost.evil.example', 'a.b.push.example.org', 'evil-admin.example',
    '127.0.0.1.evil.example']) {
    test(`${host} is somebody else's`, async () => {
      for (const client of [secure, clear]) {
        const { status, json } = await ask(client, host);
        assert.equal(status, 421);
        assert.match(json.errorMessage, /add the name to console\.hosts/);
      }
    });
  }
});

describe('what a key may do', () => {
  const access = async (key) => (await clear.get('/access', bearer(key))).data;

  test('all of it', async () => {
    const { version, serverId, ...rest } = await access('everything');
    assert.match(version, /^\d/);
    assert.ok(serverId);
    assert.deepEqual({ ...rest, permissions: rest.permissions.slice(0, 5) }, {
      key: 'all',
      permissions: ['send', 'query', 'disconnect', 'presence', 'metrics'],
      allServices: true,
      services: [{ name: 'demo', path: '/sse/demo', usersUnique: 'service' }, { name: 'chat', path: '/sse/chat', usersUnique: 'tenant' }],
      tenants: null,
    });
  });

  test('some of it', async () => {
    const one = await access('of-chat');
    assert.deepEqual([one.permissions, one.allServices, one.services.map(({ name }) => name)], [['send', 'metrics'], false, ['chat']]);
    const north = await access('of-north');
    assert.deepEqual([north.permissions, north.tenants], [['query'], ['north', 'far']]);
  });
});

test('settings say what differs from the default', async () => {
  const { settings, defaults } = (await clear.get('/settings', ALL)).json;
  assert.equal(settings['services[1].queueBytes'], '128KiB');
  assert.equal(defaults['services[1].queueBytes'], '1MiB');
  assert.equal(settings['services[0].queueBytes'], '1MiB');
  assert.equal(defaults['services[0].queueBytes'], undefined);
  assert.equal(settings['apiKeys[0].key'], '***');
  assert.equal(defaults['apiKeys[0].key'], '');
  assert.equal(defaults['listeners[1].tls'], true);
  assert.deepEqual(Object.keys(defaults).filter((name) => !(name in settings)), []);
});

test('certificates are told with their names, issuer and times', async () => {
  const { certificates } = (await clear.get('/certificates', ALL)).data;
  assert.equal(certificates.length, 2);
  const [{ listener, file, names, subject, issuer, notBefore, notAfter, isDevelopment, warning }] = certificates;
  assert.equal(listener, '127.0.0.1:0');
  assert.ok(file.startsWith(join(folder, 'push')));
  assert.deepEqual(names, ['*.push.example.org', 'push.example.org']);
  assert.match(subject, /CN=/);
  assert.match(issuer, /CN=/);
  assert.ok(notBefore <= Date.now() && notAfter > Date.now());
  assert.deepEqual([isDevelopment, warning], [false, '']);
  assert.equal((await clear.get('/certificates', bearer('of-chat'))).status, 403);
  assert.equal((await clear.get('/certificates', bearer('of-north'))).status, 403);
});

describe('lists', () => {
  const ask = async (query) => (await clear.get(`/sse/demo/${query}`, ALL)).data?.list.map((row) => row.accessUserId ?? row.id ?? row);
  let page;
  before(async () => {
    page = await connect(server.listeners[0].origin);
    for (const [userId, name] of [['1', 'cid'], ['2', 'ann'], ['3', 'bob'], ['4', 'ann']]) {
      await page.connect({ userId, name, channel: name });
      await server.advance(100); // each in a millisecond of its own
    }
    for (const userId of ['3', '3', '4']) {
      await clear.postJson('/sse/demo/send', { event: 'hello', data: 1, userId }, ALL);
    }
  });
  after(() => page.close());

  for (const [query, wanted] of [
    ['connections', ['2', '4', '3', '1']],
    ['connections?sort=name&order=desc', ['1', '3', '4', '2']],
    ['connections?sort=createTime', ['1', '2', '3', '4']],
    ['connections?sort=createTime&order=desc&pageSize=3', ['4', '3', '2']],
    ['connections?sort=createTime&order=desc&pageSize=3&pageNum=2', ['1']],
    ['connections?sort=messageCount&order=desc&pageSize=2', ['3', '4']],
    ['connections?sort=queuedBytes', ['1', '2', '3', '4']], // nothing waits: by age
    ['users?sort=id', ['1', '2', '3', '4']],
    ['users?sort=name', ['2', '4', '3', '1']],
    ['users?sort=connections&order=desc&pageSize=2', ['4', '3']],
    ['users?order=desc', ['4', '3', '2', '1']],
    ['users?order=desc&pageSize=1&pageNum=2', ['3']],
    ['channels?order=desc', ['cid', 'bob', 'ann']],
    ['userIds?order=asc', ['1', '2', '3', '4']],
  ]) {
    test(`${query} is in its order`, async () => {
      assert.deepEqual(await ask(query), wanted);
    });
  }

  test('users are in the order of their connections, which are told', async () => {
    const twice = await page.connect({ userId: '2', name: 'ann', channel: 'more' });
    const { list } = (await clear.get('/sse/demo/users?sort=connections&order=desc&pageSize=2', ALL)).data;
    assert.deepEqual(list.map(({ id, connections }) => [id, connections]), [['2', 2], ['4', 1]]);
    const one = (await clear.get('/sse/demo/users?sort=connections&channel=more', ALL)).data;
    assert.deepEqual(one.list.map(({ id, connections }) => [id, connections]), [['2', 1]]);
    await twice.close();
  });

  test('what they may be sorted by is told only where a sort is said', async () => {
    for (const [path, sort, number] of [['users', 'id', 'connections'], ['connections', 'name', 'queuedBytes']]) {
      const plain = (await clear.get(`/sse/demo/${path}`, ALL)).data.list;
      const sorted = (await clear.get(`/sse/demo/${path}?sort=${sort}`, ALL)).data.list;
      assert.deepEqual(sorted.map((row) => typeof row[number]), plain.map(() => 'number'));
      assert.deepEqual(plain.map((row) => number in row), plain.map(() => false));
    }
  });

  for (const [query, message] of [['connections?sort=age', /sort must be name, createTime, messageCount or queuedBytes/],
    ['connections?order=up', /order must be asc or desc/],
    ['users?sort=createTime', /sort must be id, name or connections/], ['userIds?sort=id', /sort is for \/users and \/connections/],
    ['channels?sort=name', /this list has one order/]]) {
    test(`${query} is refused`, async () => {
      const { status, json } = await clear.get(`/sse/demo/${query}`, ALL);
      assert.equal(status, 400);
      assert.match(json.errorMessage, message);
    });
  }
});
