// SPDX-License-Identifier: Apache-2.0
// Requests whose end two readers may see in different places, through proxies that keep connections to
// the server for the requests of all: nobody's request is read as part of another's, and the server
// carries out as many as have been answered.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

import { BASE, HOST, Proxied } from './support/proxied.mjs';
import { missing } from './support/proxy.mjs';
import { KEY } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const PROXIES = [
  { program: 'nginx', config: 'nginx/http1.conf' },
  { program: 'apache', config: 'apache/http1.conf' },
  {
    program: 'haproxy',
    config: 'haproxy/cleartext.cfg',
    change: { 'alpn h2': 'alpn http/1.1', ' proto h2': '', 'http-reuse never': 'http-reuse always' },
  },
];

const message = (name) => JSON.stringify({ event: name, id: name, data: 1, userId: '7' });
const head = (fields, { method = 'POST', version = 'HTTP/1.1', host = `Host: ${HOST}\r\n` } = {}) => (
  `${method} ${BASE}/send ${version}\r\n${host}Authorization: Bearer ${KEY}\r\nContent-Type: application/json\r\n${fields}`);
const whole = (name) => {
  const body = message(name);
  return `${head(`Content-Length: ${body.length}\r\n`)}\r\n${body}`;
};
const OUTER = message('outer');
const HIDDEN = whole('hidden');
const chunk = (text, size = text.length.toString(16)) => `${size}\r\n${text}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const LENGTH = `Content-Length: ${OUTER.length}\r\n`;
// Chunked for one reader and of a length for the other: the hidden request is its own, or in the body.
const chunkedOr = (fields) => `${head(`${fields}Content-Length: ${(chunk(OUTER) + chunk('') + HIDDEN).length}\r\n`)}\r\n`
  + `${chunk(OUTER)}${chunk('')}${HIDDEN}`;
const lengthOr = (fields) => `${head(`${LENGTH}${fields}`)}\r\n${OUTER}${HIDDEN}`;
const inChunks = (chunks) => `${head(CHUNKED)}\r\n${chunks}${HIDDEN}`;

const ABUSES = {
  'chunks and a length': chunkedOr(CHUNKED),
  'a length and chunks': `${head(`Content-Length: 4\r\n${CHUNKED}`)}\r\n${chunk(HIDDEN)}${chunk('')}`,
  'chunks by another name': chunkedOr('Transfer-Encoding: xchunked\r\n'),
  'chunks, and a blank before the colon': chunkedOr('Transfer-Encoding : chunked\r\n'),
  'chunks behind a tab': chunkedOr('Transfer-Encoding:\tchunked\r\n'),
  'chunks behind a vertical tab': chunkedOr('Transfer-Encoding: \x0bchunked\r\n'),
  'chunks in a folded line': chunkedOr('Transfer-Encoding:\r\n chunked\r\n'),
  'chunks behind a folded line': chunkedOr('X-A: b\r\n Transfer-Encoding: chunked\r\n'),
  'chunks behind a bare CR': chunkedOr('X-A: b\rTransfer-Encoding: chunked\r\n'),
  'chunks behind a bare LF': chunkedOr('X-A: b\nTransfer-Encoding: chunked\r\n'),
  'chunks, then identity': chunkedOr('Transfer-Encoding: chunked, identity\r\n'),
  'identity, then chunks': chunkedOr('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n'),
  'chunks twice': chunkedOr(`${CHUNKED}${CHUNKED}`),
  'chunks in capitals': chunkedOr('TRANSFER-ENCODING: CHUNKED\r\n'),
  'chunks in quotes': chunkedOr('Transfer-Encoding: "chunked"\r\n'),
  'chunks with a parameter': chunkedOr('Transfer-Encoding: chunked;q=1\r\n'),
  'chunks of HTTP/1.0': `${head(CHUNKED, { version: 'HTTP/1.0' })}\r\n${chunk(OUTER)}${chunk('')}${HIDDEN}`,
  'two lengths': lengthOr(`Content-Length: ${(OUTER + HIDDEN).length}\r\n`),
  'the same length twice': lengthOr(LENGTH),
  'a list of lengths': `${head(`Content-Length: ${OUTER.length}, ${(OUTER + HIDDEN).length}\r\n`)}\r\n${OUTER}${HIDDEN}`,
  'a length with a sign': `${head(`Content-Length: +${OUTER.length}\r\n`)}\r\n${OUTER}${HIDDEN}`,
  'a length in hexadecimal': `${head(`Content-Length: 0x${OUTER.length.toString(16)}\r\n`)}\r\n${OUTER}${HIDDEN}`,
  'a length that is too long': `${head('Content-Length: 18446744073709551617\r\n')}\r\n${OUTER}${HIDDEN}`,
  'a length before a blank': lengthOr(`Content-Length : ${(OUTER + HIDDEN).length}\r\n`),
  'a length in the connection': lengthOr('Connection: keep-alive, Content-Length\r\n'),
  'chunks in the connection': chunkedOr(`Connection: keep-alive, Transfer-Encoding\r\n${CHUNKED}`),
  'a body of GET': `${head(`Content-Length: ${HIDDEN.length}\r\n`, { method: 'GET' })}\r\n${HIDDEN}`,
  'no length': `${head('')}\r\n${HIDDEN}`,
  'a chunk of 0x': inChunks(`0x${chunk(OUTER)}${chunk('')}`),
  'a chunk with a sign': inChunks(`+${chunk(OUTER)}${chunk('')}`),
  'a chunk with a blank': inChunks(chunk(OUTER, `${OUTER.length.toString(16)} `) + chunk('')),
  'a chunk that is too long': inChunks(chunk(OUTER, `1000000000000000${OUTER.length.toString(16)}`) + chunk('')),
  'a chunk that goes on': inChunks(`${OUTER.length.toString(16)}\r\n${OUTER}XX${chunk('')}`),
  'a chunk extension with a bare LF': inChunks(`${OUTER.length.toString(16)};a\nb\r\n${OUTER}\r\n${chunk('')}`),
  'a chunk that ends with a bare LF': inChunks(`${OUTER.length.toString(16)}\n${OUTER}\n0\n\n`),
  'trailers with a length': inChunks(`${chunk(OUTER)}0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n`),
  'trailers with a request line': inChunks(`${chunk(OUTER)}0\r\nGET /hidden HTTP/1.1\r\n\r\n`),
  'an end of CR LF CR': `${head(LENGTH)}\rX: y\r\n\r\n${OUTER}${HIDDEN}`,
  'ends of lines by LF': `${head(LENGTH)}\r\n${OUTER}`.replaceAll('\r\n', '\n') + HIDDEN,
  'a NUL in a field': lengthOr('X-A: b\0c\r\n'),
  'a NUL in a name': lengthOr('X\0-A: b\r\n'),
  'no host': `${head(LENGTH, { host: '' })}\r\n${OUTER}${HIDDEN}`,
  'two hosts': `${head(`${LENGTH}Host: another.example.org\r\n`)}\r\n${OUTER}${HIDDEN}`,
  'blank lines before it': `\r\n\r\n\r\n${head(LENGTH)}\r\n${OUTER}${HIDDEN}`,
  'a blank in the path': `${head(LENGTH).replace('/send', '/send HTTP/1.1\r\nX: /send')}\r\n${OUTER}${HIDDEN}`,
  'a request to go on': `${head(`${LENGTH}Expect: 100-continue\r\n`)}\r\n${OUTER}${HIDDEN}`,
  'an upgrade to h2c': `${head(`${LENGTH}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n`
    + 'HTTP2-Settings: AAMAAABkAAQAAP__\r\n')}\r\n${OUTER}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}`,
  'an upgrade to WebSocket': `${head(`${LENGTH}Connection: Upgrade\r\nUpgrade: websocket\r\n`)}\r\n${OUTER}${HIDDEN}`,
};

class Client {
  text = '';

  constructor(socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => { socket.on('close', resolve); });
    socket.on('error', () => {}); // the close follows
    socket.setEncoding('latin1').on('data', (text) => {
      this.text += text;
      this.#look();
    });
    this.closed.then(() => {
      this.isClosed = true;
      this.#look();
    });
  }

  #look = () => {};

  // By the server's handler, which took what it was given, or found no message in it.
  get answered() {
    return this.text.match(/"success":true|"errorMessage":"the body/g)?.length ?? 0;
  }

  // Something final has come back, or nothing will.
  settled() {
    return within('an answer', new Promise((resolve) => {
      this.#look = () => (this.isClosed || /HTTP\/1\.1 [2-5]/.test(this.text)) && resolve();
      this.#look();
    }));
  }

  async end() {
    this.socket.end();
    await within('the end of the connection', this.closed);
  }
}

for (const proxy of PROXIES) {
  describe(`through ${proxy.program}`, { skip: missing(proxy.program) }, () => {
    const setup = new Proxied();

    before(() => setup.start({ ...proxy, kind: 'cleartext' }));
    after(() => setup.stop());

    async function connected() {
      const socket = tls.connect({
        host: '127.0.0.1', port: setup.port, servername: HOST, ALPNProtocols: ['http/1.1'], ca: setup.pair.ca,
      });
      await once(socket, 'secureConnect');
      return new Client(socket);
    }

    // Another's request, behind the abuse on the connections that the proxy has kept.
    async function victim(name) {
      const client = await connected();
      client.socket.write(whole(name));
      await client.settled();
      assert.match(client.text, new RegExp(`^HTTP/1\\.1 200 [^]*"id":"${name}"`), name);
      assert.equal(client.answered, 1);
      await client.end();
    }

    const requests = () => setup.office.metric('sse_server_api_key_requests_total');

    for (const [index, [what, bytes]] of Object.entries(ABUSES).entries()) {
      test(what, async () => {
        let already = await requests();
        const carriedOut = async () => {
          already += 1; // for the figures, by the same key
          return await requests() - already;
        };
        const attacker = await connected();
        attacker.socket.write(Buffer.from(bytes, 'latin1'));
        await victim(`victim-${index}-beside`);
        await victim(`victim-${index}-behind`);
        await attacker.settled();
        await eventually('an answer to each', async () => await carriedOut() === 2 + attacker.answered);
        await attacker.end();
        await victim(`victim-${index}-last`);
        assert.equal(await carriedOut(), 3 + attacker.answered, attacker.text);
      });
    }
  });
}
