// SPDX-License-Identifier: Apache-2.0
// The audit log: who sent whom away and deleted what, and who was refused it.
import assert from 'node:assert/strict';
import { readFile, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually } from './support/wait.mjs';

const BASE = '/sse/hr';
const config = `
listeners: [{address: "127.0.0.1:0"}]
services: [{name: hr, auth: jwt}]
tokenKeys: [{algorithm: HS256, secret: ${SECRET}}]
apiKeys:
  - {name: office, key: the-whole-key}
  - {name: reader, key: the-key-of-a-reader, permissions: [query]}
`;
const bearer = (text) => ({ authorization: `Bearer ${text}` });

let server;
let office;
let page;
let file;
let seen = 0;

before(async () => {
  server = await startServer({ config });
  office = await backend(server, { base: BASE, key: 'the-whole-key' });
  page = await connect(server.origin);
  file = join(server.stateDirectory, 'audit.log');
});
after(async () => {
  await Promise.all([office.close(), page.close()]);
  await server.stop();
});

const textOf = () => readFile(file, 'utf8').catch(() => '');

// The next lines, parsed, without what differs from run to run.
async function next(count = 1) {
  let lines;
  await eventually('the line', async () => {
    lines = (await textOf()).split('\n').slice(seen, -1);
    return lines.length >= count;
  });
  seen += lines.length;
  return lines.map((line) => {
    const { time, level, message, address, ...rest } = JSON.parse(line);
    assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual([level, message, address], ['info', 'audit', '127.0.0.1']);
    return rest;
  });
}

test('a user who is sent away: by which key, how many, and that it was revoked', async () => {
  const streams = [];
  for (let i = 0; i < 2; i++) {
    streams.push(await page.connect({}, { base: BASE, headers: bearer(token({ sub: '7' })) }));
  }
  await office.command('disconnectUser', { userId: ['7', '8'] });
  await Promise.all(streams.map((stream) => stream.end()));
  assert.deepEqual(await next(), [{
    action: 'disconnectUser', result: 'ok', status: 200, key: 'office', service: 'hr', target: 'userId=7,8',
    revoke: 'true', count: 2,
  }]);
  await office.command('disconnectUser', { userId: '7', revoke: false });
  assert.deepEqual(await next(), [{
    action: 'disconnectUser', result: 'ok', status: 200, key: 'office', service: 'hr', target: 'userId=7', count: 0,
  }]);
});

test('messages that are deleted', async () => {
  await office.send({ event: 'e', data: 1, userId: '7', qos: 1, id: 'm-1' });
  await office.send({ event: 'e', data: 1, userId: '7', qos: 1, id: 'm-2' });
  const remove = (path) => page.request('DELETE', `${BASE}/${path}`, { headers: office.authorized });
  assert.equal((await remove('messages/m-1')).status, 200);
  assert.equal((await remove('messages?userId=7')).status, 200);
  assert.equal((await remove('messages')).status, 422);
  assert.deepEqual((await next(3)).map(({ action, result, status, key, target, count }) => (
    [action, result, status, key, target, count])), [
    ['deleteMessages', 'ok', 200, 'office', 'id=m-1', 1],
    ['deleteMessages', 'ok', 200, 'office', 'userId=7', 1],
    ['deleteMessages', 'failed', 422, 'office', undefined, undefined],
  ]);
});

test('who is refused, and a back end\'s token by its subject', async () => {
  const ask = (headers) => page.postJson(`${BASE}/disconnectUser`, { userId: '9' }, headers);
  assert.equal((await ask(bearer('no-key-at-all'))).status, 401);
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask(bearer('the-key-of-a-reader'))).status, 403);
  assert.equal((await ask(bearer(token({ sub: 'desk', permissions: ['query'] })))).status, 403);
  assert.equal((await ask(bearer(token({ sub: 'desk', permissions: ['disconnect'] })))).status, 200);
  assert.deepEqual((await next(5)).map((line) => [line.result, line.status, line.key ?? line.token]), [
    ['refused', 401, undefined], ['refused', 401, undefined], ['refused', 403, 'reader'], ['refused', 403, 'desk'],
    ['ok', 200, 'desk']]);
});

test('no key, and no token as a whole', async () => {
  const text = token({ sub: '7' });
  await office.command('disconnectUser', { accessToken: text });
  const [{ target }] = await next();
  assert.match(target, /^accessToken=/);
  const all = await textOf();
  for (const secret of [text, 'the-whole-key', 'the-key-of-a-reader', 'no-key-at-all', SECRET]) {
    assert.ok(!all.includes(secret), secret);
  }
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('what is neither of these is not in it', async () => {
  await office.send({ event: 'e', data: 1, userId: '7' });
  await office.query('users');
  await office.command('disconnectUser', { userId: 'last' });
  assert.deepEqual((await next()).map(({ target }) => target), ['userId=last']);
});

test('a reload', async () => {
  server.signal('SIGHUP');
  let line;
  await eventually('the line', async () => {
    [line] = (await textOf()).split('\n').slice(seen, -1);
    return line;
  });
  seen++;
  const { time, level, ...rest } = JSON.parse(line);
  assert.ok(time && level);
  assert.deepEqual(rest, { message: 'audit', action: 'reload', result: 'ok', by: 'SIGHUP', version: 2, changed: '' });
});

test('a file that logrotate has moved is made anew, and one that it has cut goes on', async () => {
  await rename(file, `${file}.1`);
  seen = 0;
  await office.command('disconnectUser', { userId: 'moved' });
  assert.equal((await next())[0].target, 'userId=moved');
  await truncate(file);
  seen = 0;
  await office.command('disconnectUser', { userId: 'cut' });
  assert.equal((await next())[0].target, 'userId=cut');
});

test('refusals that strangers make write no more than one line a second', async () => {
  const lost = await office.metric('sse_server_audit_lines_lost_total');
  for (let i = 0; i < 40; i++) {
    assert.equal((await page.postJson(`${BASE}/disconnectUser`, { userId: '9' }, bearer('x'))).status, 401);
  }
  assert.ok(await office.metric('sse_server_audit_lines_lost_total') >= lost + 10);
  await office.command('disconnectUser', { userId: 'behind' });
  await eventually('the line', async () => (await textOf()).includes('userId=behind'));
});

test('on standard error, and not at all', async () => {
  for (const [place, expected] of [['"-"', 1], ['none', 0]]) {
    const other = await startServer({ config: `audit: {file: ${place}}\n${config}` });
    const desk = await backend(other, { base: BASE, key: 'the-whole-key' });
    await desk.command('disconnectUser', { userId: '7' });
    await desk.close();
    await other.stop();
    assert.equal(other.output.match(/"action":"disconnectUser"/g)?.length ?? 0, expected);
  }
});
