// SPDX-License-Identifier: Apache-2.0
// A proxy before a server of the tests, with that one's own certificate.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { join } from 'node:path';
import { Duplex } from 'node:stream';

// Those of HTTP/1.1 that are about one connection.
const HOP_BY_HOP = ['connection', 'host', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

// A request of HTTP/1.1 and its answer, as a stream of HTTP/2.
class Exchange extends Duplex {
  #request;
  #response;

  constructor(request, response) {
    super();
    this.#request = request;
    this.#response = response;
    request.on('data', (part) => this.push(part)).on('end', () => this.push(null));
    response.on('close', () => this.destroy());
  }

  get fields() {
    const { method, url, headers } = this.#request;
    const own = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name));
    return { ':method': method, ':path': url, ':scheme': 'https', ':authority': headers.host, ...Object.fromEntries(own) };
  }

  get headersSent() {
    return this.#response.headersSent;
  }

  respond({ ':status': status, ...fields }) {
    this.#response.writeHead(status, fields);
  }

  _read() {}

  _write(part, encoding, done) {
    this.#response.write(part);
    done();
  }

  _final(done) {
    this.#response.end();
    done();
  }

  _destroy(error, done) {
    if (!this.#response.writableEnded) {
      this.#response.destroy();
    }
    done(error);
  }
}

// forward(stream, upstream): what becomes of a request and of its answer.
export async function startProxy(server, forward) {
  const read = (name) => readFile(join(server.stateDirectory, name));
  const session = http2.connect(server.origin, { rejectUnauthorized: false });
  const proxy = http2.createSecureServer({
    cert: await read('development-cert.pem'), key: await read('development-key.pem'), allowHTTP1: true,
  });
  const serve = (stream, headers) => {
    if (session.destroyed) { // the test is over
      stream.destroy();
      return;
    }
    const upstream = session.request(Object.fromEntries(Object.entries(headers)));
    forward(stream, upstream);
    for (const end of [stream, upstream]) {
      end.on('error', () => {});
    }
    stream.on('close', () => upstream.destroy());
    // An answer that has ended well may still be on its way to the client.
    upstream.on('close', () => upstream.readableEnded || stream.destroy());
  };
  proxy.on('stream', serve);
  proxy.on('request', (request, response) => {
    if (request.httpVersionMajor === 1) {
      const exchange = new Exchange(request, response);
      serve(exchange, exchange.fields);
    }
  });
  proxy.on('sessionError', () => {});
  const sessions = new Set();
  proxy.on('session', (each) => sessions.add(each));
  proxy.on('secureConnection', (socket) => socket.alpnProtocol === 'h2' || sessions.add(socket));
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    origin: `https://127.0.0.1:${proxy.address().port}`,
    async stop() {
      sessions.forEach((each) => each.destroy());
      session.destroy();
      proxy.close();
    },
  };
}
