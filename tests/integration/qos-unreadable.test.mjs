// SPDX-License-Identifier: Apache-2.0
// Stored messages that cannot be read: they are set aside and kept, whatever else comes and goes, and
// stand in nobody's way.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { newHost } from './support/host.mjs';
import { acknowledge, idsOf } from './support/qos.mjs';
import { run } from './support/run.mjs';
import { eventually } from './support/wait.mjs';

const stored = (n, userId = 'away') => ({ event: 'tick', id: `m-${n}`, data: { n, secret: 'pssst' }, qos: 1, userId });
const WHERE = (n) => `WHERE number = (SELECT number FROM message WHERE id = 'm-${n}')`;

// The server is down meanwhile.
async function change(host, ...statements) {
  const file = join(host.stateDirectory, 'demo', 'messages.sqlite');
  const program = `import sqlite3, sys; base = sqlite3.connect(sys.argv[1])
for statement in sys.argv[2:]: base.execute(statement)
base.commit()`;
  const { code, stderr } = await run('python3', ['-c', program, file, ...statements]);
  assert.equal(code, 0, stderr);
}

// Starts anew with what the statements make of the store.
async function startWith(host, ...statements) {
  await host.server.stop();
  await change(host, ...statements);
  return host.start();
}

async function withOffice(server, act) {
  const office = await backend(server);
  try {
    return await act(office);
  } finally {
    await office.close();
  }
}

async function hostWith(...messages) {
  const host = await newHost();
  await withOffice(await host.start(), (office) => office.send(messages));
  return host;
}

const unreadable = async (office) => (await office.query('messages?unreadable=true')).list;
const deleted = async ({ client, authorized }, which) => (
  (await client.request('DELETE', `/sse/demo/messages${which}`, { headers: authorized })).data.count);
const TEXT = 'CAST(json AS TEXT)'; // its last byte says what its end was
const spoil = (n) => `UPDATE message SET json =
  CAST(substr(hex(zeroblob(length(json))), 2, length(json) - 1) || substr(${TEXT}, -1) AS BLOB) ${WHERE(n)}`;

// [statement, the id and the cause that are shown, whom it is for]
const damages = [
  [spoil(2), 'm-2', 'not a message'],
  [`UPDATE message SET json = CAST(replace(${TEXT}, '"event"', '"evnet"') AS BLOB) ${WHERE(2)}`, 'm-2', 'not a message'],
  [`UPDATE message SET json = '{}' ${WHERE(2)}`, 'm-2', 'damaged row'],
  [`UPDATE message SET length = length + 1 ${WHERE(2)}`, 'm-2', 'damaged row'],
  [`UPDATE message SET json = NULL ${WHERE(2)}`, 'm-2', 'damaged row'],
  ["DELETE FROM message WHERE id = 'm-2'", '', 'damaged row', ['away', 'elsewhere']],
];

for (const [statement, id, cause, users = 'away'] of damages) {
  test(`set aside after: ${statement.replace(/ WHERE.*/, '')}`, async () => {
    const host = await hostWith(stored(1), stored(2, users), stored(3), stored(4, 'other'));
    const server = await startWith(host, statement);
    const page = await connect(server.origin);
    const office = await backend(server);
    const away = await page.connect({ userId: 'away' });
    assert.deepEqual(idsOf(await away.count('tick', 2)), ['m-1', 'm-3']);
    const [shown, ...more] = await unreadable(office);
    assert.deepEqual(more, []);
    assert.deepEqual([shown.id, shown.state, shown.cause, shown.userId], [id, 'unreadable', cause, 'away']);
    assert.deepEqual(idsOf((await office.query('messages')).list), ['m-1', 'm-3', 'm-4']);
    assert.equal(await office.metric('sse_server_qos_aside'), 1);
    assert.equal(await office.metric('sse_server_qos_unreadable_total'), 1);
    assert.equal(await office.metric('sse_server_store_faults_total'), 0);
    const line = server.output.split('\n').find((text) => text.includes('cannot be read'));
    assert.match(line, new RegExp(` error .*service=demo id=${id || '""'} .*queue=userId value=away cause="${cause}"`));
    assert.ok(!server.output.includes('pssst'));

    // The queue goes on, live, and so do others.
    assert.equal(await acknowledge(page, away.id, ['m-1', 'm-3']), 2);
    assert.equal((await office.send(stored(5))).stored, 1);
    await away.count('tick', 3);
    const other = await page.connect({ userId: 'other' });
    assert.deepEqual(idsOf(await other.count('tick', 1)), ['m-4']);

    // What deletes all that is stored does not mean it; what names it does.
    assert.equal(await deleted(office, '?all=true'), 2);
    assert.equal((await unreadable(office)).length, 1);
    assert.equal(await deleted(office, id ? `/${id}` : '?unreadable=true'), 1);
    assert.deepEqual(await unreadable(office), []);
    assert.equal(await office.metric('sse_server_qos_aside'), 0);
    await Promise.all([page.close(), office.close()]);
    await host.close();
  });
}

test('it comes when it can be read again, in its place', async () => {
  const host = await hostWith(stored(1), stored(2), stored(3));
  let server = await startWith(host, 'CREATE TABLE good AS SELECT number, json FROM message', spoil(1));
  let page = await connect(server.origin);
  let away = await page.connect({ userId: 'away' });
  assert.deepEqual(idsOf(await away.count('tick', 2)), ['m-2', 'm-3']);
  await page.close();

  // As long as it cannot be read it stays where it is, ttl or not, without another line.
  server = await startWith(host, 'UPDATE message SET expires = 1000', 'UPDATE expiry SET earliest = 1000');
  await withOffice(server, async (office) => {
    await eventually('the others to expire', async () => (await office.query('messages')).total === 0);
    const [copy] = (await office.query('messages/m-1')).copies;
    assert.deepEqual([copy.state, copy.cause, copy.endTime], ['unreadable', 'not a message', null]);
    assert.equal((await office.post('send', { ...stored(1), data: 0 })).status, 409);
  });
  assert.ok(!server.output.includes('cannot be read'));

  server = await startWith(host, 'UPDATE message SET expires = 4000000000000',
    'UPDATE message SET json = (SELECT json FROM good WHERE good.number = message.number) WHERE state = 5');
  await withOffice(server, (office) => office.send(stored(9)));
  page = await connect(server.origin);
  away = await page.connect({ userId: 'away' });
  assert.deepEqual(idsOf(await away.count('tick', 2)), ['m-1', 'm-9']);
  await page.close();
  await withOffice(server, async (office) => assert.deepEqual(await unreadable(office), []));
  await host.close();
});

// A file of the first version, which knew nothing of all that, nor of messages without copies.
test('an older file is brought up to date', async () => {
  const host = await hostWith(stored(1), stored(2));
  const server = await startWith(host, 'DROP TABLE revocation', 'DROP TABLE unreadable', 'DROP INDEX message_expiry',
    'DROP TABLE queue', 'DROP TABLE expiry', 'DROP TABLE numbers', 'CREATE TABLE numbers (reserved INTEGER NOT NULL) STRICT',
    'INSERT INTO numbers VALUES (1000)', 'CREATE TEMP TABLE newer AS SELECT * FROM message', 'DROP TABLE message',
    `CREATE TABLE message (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL,
      created INTEGER NOT NULL, expires INTEGER NOT NULL, receipt TEXT NOT NULL, length INTEGER NOT NULL,
      open INTEGER NOT NULL, ended INTEGER) STRICT`,
    'CREATE INDEX message_ended ON message (ended) WHERE ended IS NOT NULL',
    'CREATE INDEX message_expiry ON message (expires) WHERE ended IS NULL', 'PRAGMA user_version = 1',
    `INSERT INTO message SELECT number, id, digest, created, iif(id = 'm-1', 1000, expires), receipt, length, 1, ended
      FROM newer`,
    'INSERT INTO copy SELECT number, value, dimension, listening, 0, 0, 0 FROM newer',
    `INSERT INTO body SELECT number, iif(id = 'm-1', '${JSON.stringify(stored(1))}', 'xxx') FROM newer`,
    'UPDATE message SET length = (SELECT length(json) FROM body b WHERE b.number = message.number)');
  const page = await connect(server.origin);
  await page.connect({ userId: 'away' });
  await withOffice(server, async (office) => {
    await eventually('it to expire', async () => await office.metric('sse_server_qos_expired_total') === 1);
    await eventually('it to be set aside', async () => idsOf(await unreadable(office))[0] === 'm-2');
  });
  await page.close();
  await host.close();
});
