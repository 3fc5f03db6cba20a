// SPDX-License-Identifier: Apache-2.0
// A back end that is posted to: answers as the test says, and keeps what it was asked.
import { once } from 'node:events';
import { createServer } from 'node:http';

class Target {
  #server;
  #watchers = new Set();

  constructor() {
    this.requests = [];
    // (request) => {status, json, body, headers}, or a promise of it; undefined: no answer at all.
    this.answer = () => ({ status: 200, json: null });
  }

  async listen(port = 0) {
    this.#server = createServer((request, response) => this.#take(request, response));
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
    return this;
  }

  url(path = '/') {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async #take(request, response) {
    const { method, url, headers } = request;
    const asked = { method, url, headers, body: Buffer.alloc(0), complete: false };
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
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export function startTarget(port) {
  return new Target().listen(port);
}
