// SPDX-License-Identifier: Apache-2.0
// A back end that watches who comes and goes: its stream, and the picture that it makes of it.
import { once } from 'node:events';

import { EventReader } from './events.mjs';
import { KEY } from './server.mjs';
import { within } from './wait.mjs';

// What a watcher knows: applied event by event, as docs say.
export class Picture {
  connections = new Map(); // id to connection
  users = new Set();
  lastId = '';
  counts = {}; // events, by name

  apply({ event, id, data }) {
    const value = JSON.parse(data);
    this.counts[event] = (this.counts[event] ?? 0) + 1;
    this.#applyValue(event, value);
    this.lastId = id ?? this.lastId;
    return value;
  }

  #applyValue(event, value) {
    if (event === 'presence-start' && value.snapshot) {
      this.connections.clear();
      this.users.clear();
    } else if (event === 'snapshot') {
      value.connections?.forEach((connection) => this.connections.set(connection.id, connection));
      value.userIds?.forEach((userId) => this.users.add(userId));
    } else if (event === 'connect') {
      this.connections.set(value.connection.id, value.connection);
    } else if (event === 'listening' && this.connections.has(value.connection.id)) {
      this.connections.set(value.connection.id, value.connection);
    } else if (event === 'disconnect') {
      this.connections.delete(value.connection.id);
    } else if (event === 'user-online') {
      this.users.add(value.userId);
    } else if (event === 'user-offline') {
      this.users.delete(value.userId);
    }
  }
}

// Opens the stream on the session of client; query: parameters; lastId: what to resume from; onText: called
// with what comes, as it comes.
export async function watch(client, query = {}, { base = '/sse/demo', lastId, key = KEY, onText } = {}) {
  const path = `${base}/presence?${new URLSearchParams(query)}`;
  const stream = client.open('GET', path, {
    authorization: `Bearer ${key}`,
    ...(lastId ? { 'last-event-id': lastId } : {}),
  }, { endStream: true });
  const reader = new EventReader(stream);
  if (onText) {
    stream.on('data', onText);
  }
  const [answer] = await within(`the answer to ${path}`, once(stream, 'response'));
  reader.status = answer[':status'];
  reader.headers = answer;
  if (reader.status === 200) {
    reader.start = await reader.next('presence-start');
  }
  return reader;
}

// What the events of a reader come to.
export function pictureOf(reader, picture = new Picture()) {
  reader.events.forEach((event) => picture.apply(event));
  return picture;
}
