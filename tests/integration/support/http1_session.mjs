// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 by Node's own client, in the shape of its sessions and streams of HTTP/2, so that a test can
// ask by either: as many connections as there are requests at a time, kept alive.
import { EventEmitter } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { Duplex } from 'node:stream';

const CANCEL = 8;
const NO_ERROR = 0;

class Http1Stream extends Duplex {
  #request;
  #response;

  constructor(request) {
    super();
    this.rstCode = NO_ERROR;
    this.#request = request;
    request.on('response', (response) => this.#read(response));
    request.on('continue', () => this.emit('continue'));
    request.on('information', ({ statusCode }) => this.emit('headers', { ':status': statusCode }));
    request.on('error', (error) => this.destroy(this.#response?.complete ? null : error));
  }

  #read(response) {
    this.#response = response;
    this.emit('response', { ':status': response.statusCode, ...response.headers });
    response.on('data', (part) => this.push(part) || response.pause());
    response.on('error', (error) => this.destroy(error));
    response.on('end', () => {
      this.push(null);
      this.once('end', () => this.destroy()); // whether or not the request has been sent to its end
    });
  }

  _read() {
    this.#response?.resume();
  }

  _write(data, encoding, done) {
    this.#request.write(data, encoding, (error) => done(error));
  }

  _final(done) {
    this.#request.end(done);
  }

  _destroy(error, done) {
    if (!this.#response?.complete) {
      this.rstCode = CANCEL;
      this.#request.destroy();
    }
    done(error);
  }

  close() {
    this.rstCode = CANCEL;
    this.destroy();
  }
}

class Http1Session extends EventEmitter {
  #origin;
  #agent;
  #open = new Set();
  #ask;

  constructor(origin, options) {
    super();
    const { Agent, request } = origin.startsWith('https:') ? https : http;
    this.#origin = new URL(origin);
    this.#agent = new Agent({ keepAlive: true, ...options });
    if (options.createConnection) { // which an agent has as a method
      this.#agent.createConnection = options.createConnection;
    }
    this.#ask = request;
    this.destroyed = this.closed = false;
    setImmediate(() => this.emit('connect'));
  }

  request(fields, { endStream = !['POST', 'PUT'].includes(fields[':method']), signal } = {}) {
    const { ':method': method = 'GET', ':path': path = '/', ':authority': authority, ':scheme': _, ...headers } = fields;
    const host = authority ? { host: authority } : {};
    const stream = new Http1Stream(this.#ask(this.#origin, { method, path, signal, agent: this.#agent, headers: { ...host, ...headers } }));
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
    if (endStream) {
      stream.end();
    }
    return stream;
  }

  setLocalWindowSize() {} // that of TCP is as it is

  destroy() {
    this.destroyed = this.closed = true;
    for (const stream of this.#open) {
      stream.on('error', () => {});
      stream.close();
    }
    this.#agent.destroy();
    setImmediate(() => this.emit('close'));
  }

  close() {
    this.destroy();
  }
}

export function connectHttp1(origin, options) {
  return new Http1Session(origin, options);
}
