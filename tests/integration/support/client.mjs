// SPDX-License-Identifier: Apache-2.0
// One HTTP/2 session of Node's own client, as a page or a back end holds it; or as many connections of
// HTTP/1.1, where the test or SSE_TEST_HTTP=1.1 says so.
import { once } from 'node:events';
import http2 from 'node:http2';

import { EventReader } from './events.mjs';
import { connectHttp1 } from './http1_session.mjs';
import { within } from './wait.mjs';

export const HTTP_VERSION = process.env.SSE_TEST_HTTP ?? '2';

// Resolves with what comes with an event of a session or stream; rejects when it ends before.
function come(emitter, name) {
  const ended = once(emitter, 'close').then(() => {
    throw new Error(`it was closed before '${name}'`);
  });
  return Promise.race([once(emitter, name), ended]);
}

class Answer {
  constructor(headers, body) {
    this.status = headers[':status'];
    this.headers = headers;
    this.body = body;
  }

  get text() {
    return this.body.toString('utf8');
  }

  get json() {
    return JSON.parse(this.text);
  }

  // What the envelope holds.
  get data() {
    return this.json.data;
  }
}

class Client {
  constructor(session) {
    this.session = session;
    this.error = null;
    session.on('error', (error) => {
      this.error = error;
    });
  }

  // Sends a request whose body the caller writes; headers may override everything.
  open(method, path, headers = {}, options = {}) {
    return this.session.request({ ':method': method, ':path': path, ...headers }, options);
  }

  async request(method, path, { headers, body } = {}) {
    const stream = this.open(method, path, headers, { endStream: body === undefined });
    if (body !== undefined) {
      stream.end(body);
    }
    return within(`the answer to ${method} ${path}`, readAnswer(stream));
  }

  get(path, headers) {
    return this.request('GET', path, { headers });
  }

  post(path, body, headers) {
    return this.request('POST', path, { headers, body });
  }

  postJson(path, value, headers) {
    const body = typeof value === 'string' ? value : JSON.stringify(value);
    return this.post(path, body, { 'content-type': 'application/json', ...headers });
  }

  postForm(path, fields, headers) {
    const type = 'application/x-www-form-urlencoded';
    return this.post(path, new URLSearchParams(fields).toString(), { 'content-type': type, ...headers });
  }

  // Opens an event stream and reads its connect-finish; parameters is an object or a query
  // string, lastId the id of the last event that the page has seen.
  async connect(parameters, { base = '/sse/demo', method = 'GET', headers, lastId, onEvent } = {}) {
    const path = `${base}/connect?${new URLSearchParams(parameters)}`;
    const shown = lastId === undefined ? {} : { 'last-event-id': lastId };
    const stream = this.open(method, path, { ...shown, ...headers }, { endStream: true });
    const reader = new EventReader(stream, onEvent);
    const [answer] = await within(`the answer to ${path}`, come(stream, 'response'));
    reader.status = answer[':status'];
    reader.headers = answer;
    if (reader.status === 200) {
      reader.finish = await reader.next('connect-finish');
      reader.id = reader.finish.connectionId;
      reader.handle = handleOf(reader.id);
    }
    return reader;
  }

  async close() {
    if (!this.session.destroyed) {
      this.session.destroy();
      await once(this.session, 'close').catch(() => {});
    }
  }
}

// What others are shown of a connection, of the id that its page was told.
export function handleOf(connectionId) {
  return connectionId.slice(0, 24);
}

export async function readAnswer(stream) {
  const parts = [];
  let headers;
  stream.on('response', (fields) => {
    headers = fields;
  });
  stream.on('data', (part) => parts.push(part));
  await once(stream, 'close'); // rejects on 'error'
  if (!headers) {
    throw new Error(`the stream was reset with ${stream.rstCode} and had no answer`);
  }
  return new Answer(headers, Buffer.concat(parts));
}

// origin: "https://localhost:PORT"; the development certificate is not checked here.
export async function connect(origin, { version = HTTP_VERSION, ...options } = {}) {
  const open = version === '1.1' ? connectHttp1 : http2.connect;
  // MB. With the 10 that are Node's default its own side resets streams when a few large bodies wait.
  const session = open(origin, { rejectUnauthorized: false, maxSessionMemory: 200, ...options });
  const client = new Client(session);
  await within(`a session with ${origin}`, come(session, 'connect'));
  return client;
}
