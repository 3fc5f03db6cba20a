// SPDX-License-Identifier: Apache-2.0
// A thousand users with random tabs. Some of their machines stop without a word (SIGSTOP: the
// sockets stay open, the kernel still acknowledges), and the watcher is killed and comes back, twice.
// In the end it knows what the server knows, and nobody who is gone was online for long. This takes
// as long as it takes to find a dead client, with the settings as they are by default.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { backend } from './support/backend.mjs';
import { startChild } from './support/child.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const USERS = 1000;
const PROCESSES = 5;
const SHARE = USERS / PROCESSES;
const STOPPED = 2; // processes
const ACTIONS = 250; // of each process in each part
const FOUND_MS = 45_000;
const SEED = Number(process.env.PRESENCE_CROWD_SEED ?? 20260101);

const children = [];
after(() => Promise.all(children.map((child) => child.kill())));

function start(file, args) {
  const child = startChild(file, args);
  children.push(child);
  return child;
}

const usersOf = (index) => Array.from({ length: SHARE }, (_, i) => `user${index * SHARE + i}`);

async function all(office, query, pick) {
  const found = [];
  for (let page = 1; ; page++) {
    const { list, total } = await office.query(`${query}?pageSize=500&pageNum=${page}`);
    found.push(...list.map(pick));
    if (list.length === 0 || found.length >= total) {
      return found.sort();
    }
  }
}

test('the watcher\'s picture of a crowd is the server\'s', async () => {
  const server = await startServer({ variables: { SSE_SERVER_WORKERS: '4' } });
  const office = await backend(server);
  const file = join(server.stateDirectory, 'watcher.json');
  const crowd = Array.from({ length: PROCESSES }, (_, i) => (
    start('./crowd_child.mjs', [server.origin, SEED + i, i * SHARE, SHARE])));
  let watcher;

  async function startWatcher() {
    watcher = start('./watcher_child.mjs', [server.origin, file]);
    return watcher.ask('watch');
  }

  // All act while the watcher is dead; then the next one goes on where it was.
  async function actUnwatched(processes) {
    await watcher.kill();
    await Promise.all(processes.map((child) => child.ask('churn', ACTIONS)));
    const { resumed } = await startWatcher();
    assert.ok(resumed);
  }

  assert.equal((await startWatcher()).resumed, false);
  await Promise.all(crowd.map((child) => child.ask('arrive')));
  await eventually('all to be known', async () => (await watcher.ask('known')).users.length === USERS);
  await actUnwatched(crowd);

  const stopped = crowd.slice(0, STOPPED);
  const living = crowd.slice(STOPPED);
  stopped.forEach((child) => child.tell('churn', 100 * ACTIONS)); // in the midst of it
  await living[0].ask('churn', ACTIONS);
  stopped.forEach((child) => child.signal('SIGSTOP'));
  await server.stopClock(); // what the machine takes from here on is not the server's time
  const stoppedAt = server.now();
  await actUnwatched(living);

  // The living ones are asked each time: so they have answered what the server asked them meanwhile.
  const ask = async () => (await Promise.all(living.map((child) => child.ask('online')))).flat().sort();
  const online = await ask();
  await server.asTimePasses('nobody of the stopped processes online', async () => (
    (await ask()) && (await office.metric('sse_server_users_online')) === online.length), 1000);
  const users = await all(office, 'users', ({ id }) => id);
  assert.deepEqual(users, online);
  const connections = await all(office, 'connections', ({ id }) => id);
  const known = await eventually('the watcher to have heard it all', async () => {
    const picture = await watcher.ask('known');
    return isDeepStrictEqual(picture.users.sort(), users) && isDeepStrictEqual(picture.connections.sort(), connections)
      && picture;
  });
  assert.equal(known.hasEnded, false);
  assert.equal(await office.metric('sse_server_presence_gaps_total'), 0);

  const gone = stopped.flatMap((_, index) => usersOf(index)).map((id) => ({ id, ...known.changes[id] }));
  for (const { id, type, time } of gone) {
    assert.equal(type, 'user-offline', id);
    assert.ok(time - stoppedAt <= FOUND_MS, `${id} was online for ${time - stoppedAt} ms more`);
  }
  const late = Math.max(...gone.map(({ time }) => time - stoppedAt));
  console.log(`${gone.length} users of stopped processes offline within ${late} ms; seed ${SEED}`);

  await Promise.all(children.map((child) => child.kill()));
  await office.close();
  await server.stop();
});
