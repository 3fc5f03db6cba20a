// SPDX-License-Identifier: Apache-2.0
// A back end that is posted to: answers as the test says, and keeps what it was asked.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';

import { freePort } from './port.mjs';

class Target {
  #server;
  #watchers = new Set();
  #sockets = new Set();

  constructor() {
    this.requests = [];
    this.connections = 0; // since the start
    // (request) => {status, json, body, headers}, or a promise of it; undefined: no answer at all.
    this.answer = () => ({ status: 200, json: null });
  }

  async listen(port, secure) {
    const take = (request, response) => this.#take(request, response);
    this.#server = secure ? createSecureServer({ ...secure, allowHTTP1: true }, take) : createServer(take);
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.scheme = secure ? 'https' : 'http';
    this.#server.listen(port ?? await freePort(), '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
    return this;
  }

  url(path = '/') {
    return `${this.scheme}://127.0.0.1:${this.port}${path}`;
  }

  #keep(socket) {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #take(request, response) {
    const { method, url, headers } = request;
    const asked = { method, url, headers, version: request.httpVersion, body: Buffer.alloc(0), complete: false };
    this.requests.push(asked);
    request.on('error', () => {});
    request.on('close', () => {
      asked.closed = true;
      this.#wake();
    });
    this.#wake();
    if (this.early) {
      this.#write(response, this.early);
      return;
    }
    const parts = [];
    try {
      for await (const part of request) {
        parts.push(part);
        asked.received = (asked.received ?? 0) + part.length;
        this.#wake();
        await this.onPart?.(part);
      }
    } catch {
      return; // the server broke it off
    }
    asked.body = Buffer.concat(parts);
    asked.complete = true;
    this.#wake();
    const answer = await this.answer(asked);
    if (answer) {
      this.#write(response, answer);
    }
  }

  #write(response, { status = 200, json, body, headers = {} }) {
    const text = body ?? (json === undefined ? '' : JSON.stringify(json));
    const type = body === undefined ? { 'content-type': 'application/json' } : {};
    response.writeHead(status, { ...type, ...headers });
    response.end(text);
  }

  #wake() {
    for (const look of this.#watchers) {
      look();
    }
  }

  // Resolves with what look(requests) returns as soon as that is true.
  saw(look) {
    return new Promise((resolve) => {
      const watcher = () => {
        const found = look(this.requests);
        if (found) {
          this.#watchers.delete(watcher);
          resolve(found);
        }
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  // The JSON of all complete requests.
  get posted() {
    return this.requests.filter(({ complete }) => complete).map(({ body }) => JSON.parse(body.toString()));
  }

  async close() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await closed;
  }
}

// secure: {key, cert} of a target that speaks HTTP/2.
export function startTarget(port, secure) {
  return new Target().listen(port, secure);
}
