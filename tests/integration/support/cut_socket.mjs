// SPDX-License-Identifier: Apache-2.0
// A TLS connection that ends in the middle of whatever comes: after so many octets of HTTP.
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

import { HTTP_VERSION } from './client.mjs';
import { within } from './wait.mjs';

const secureContext = tls.createSecureContext(); // of all: it is what costs most

class CutSocket extends Duplex {
  #left;

  constructor(socket, octets) {
    super();
    this.socket = socket;
    this.#left = octets;
    socket.on('data', (part) => this.#take(part));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.destroy());
  }

  #take(part) {
    this.push(part.subarray(0, this.#left));
    this.#left -= part.length;
    if (this.#left <= 0) {
      this.socket.destroy();
    }
  }

  _read() {}

  _write(part, encoding, done) {
    this.socket.write(part, encoding, done);
  }

  _destroy(error, done) {
    this.socket.destroy();
    done(error);
  }
}

// To be given to connect() of ./client.mjs as what createConnection returns.
export async function cutSocket(server, octets) {
  const socket = tls.connect({
    port: server.port,
    host: '127.0.0.1',
    ALPNProtocols: [HTTP_VERSION === '1.1' ? 'http/1.1' : 'h2'],
    rejectUnauthorized: false,
    secureContext,
  });
  await within('a connection', once(socket, 'secureConnect'));
  return new CutSocket(socket, octets);
}
