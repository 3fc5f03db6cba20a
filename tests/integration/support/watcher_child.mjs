// SPDX-License-Identifier: Apache-2.0
// A watcher that may be killed at any time: what it knows is in a file, from which its successor
// goes on. Arguments: origin, file.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

import { serveParent } from './child.mjs';
import { connect } from './client.mjs';
import { Picture, watch } from './presence.mjs';

const [origin, file] = process.argv.slice(2);
const SAVE_MS = 100;

const picture = new Picture();
const changes = {}; // of each user the latest: {type, time}
let applied = 0; // of the reader's events
let reader;

function load() {
  let saved;
  try {
    saved = JSON.parse(readFileSync(file));
  } catch {
    return; // the first one
  }
  picture.users = new Set(saved.users);
  picture.connections = new Map(saved.connections.map((id) => [id, {}]));
  picture.lastId = saved.lastId;
  Object.assign(changes, saved.changes);
}

// What has come since, in one go: the file is of one moment.
function save() {
  for (; applied < reader.events.length; applied++) {
    const { type, userId, time } = picture.apply(reader.events[applied]);
    if (userId) {
      changes[userId] = { type, time };
    }
  }
  writeFileSync(`${file}.new`, JSON.stringify({
    users: [...picture.users],
    connections: [...picture.connections.keys()],
    lastId: picture.lastId,
    changes,
  }));
  renameSync(`${file}.new`, file);
}

serveParent({
  async watch() {
    load();
    reader = await watch(await connect(origin), { snapshot: 'true' }, { lastId: picture.lastId });
    setInterval(save, SAVE_MS);
    return reader.start;
  },
  known() {
    save();
    return {
      users: [...picture.users],
      connections: [...picture.connections.keys()],
      counts: picture.counts,
      changes,
      hasEnded: Boolean(reader.ended),
    };
  },
});
