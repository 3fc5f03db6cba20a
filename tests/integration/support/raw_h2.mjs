// SPDX-License-Identifier: Apache-2.0
// HTTP/2 by hand, for what no decent client sends: frames are made and read octet by octet, header
// blocks hold literals only.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

import { within } from './wait.mjs';

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const PADDED = 8;
export const PRIORITY_FLAG = 32;
export const END_HEADERS = 4;

export const ENHANCE_YOUR_CALM = 11;
export const CANCEL = 8;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

export function settings(entries = {}) {
  return frame(SETTINGS, 0, 0, Buffer.concat(Object.entries(entries).map(([id, value]) => {
    const entry = Buffer.alloc(6);
    entry.writeUInt16BE(Number(id), 0);
    entry.writeUInt32BE(value, 2);
    return entry;
  })));
}

function number(value) {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value);
  return payload;
}

export const windowUpdate = (stream, increment) => frame(WINDOW_UPDATE, 0, stream, number(increment));
export const reset = (stream, code = CANCEL) => frame(RST_STREAM, 0, stream, number(code));

// RFC 7541 5.1 and 5.2, without Huffman.
function integer(value, prefix, first) {
  const most = (1 << prefix) - 1;
  if (value < most) {
    return Buffer.from([first | value]);
  }
  const octets = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    octets.push((rest % 128) | 128);
  }
  return Buffer.from([...octets, rest]);
}

function string(text) {
  const octets = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(octets.length, 7, 0), octets]);
}

// A field that is not indexed (RFC 7541 6.2.2), or, to be named again, is (6.2.1).
export function field(name, value, { indexed = false } = {}) {
  return Buffer.concat([Buffer.from([indexed ? 0x40 : 0]), string(name), string(value)]);
}

// fields: [[name, value], …], also names twice.
export const block = (fields) => Buffer.concat(fields.map(([name, value]) => field(name, value)));

export function requestFields(method, path, fields = []) {
  return [[':method', method], [':scheme', 'https'], [':authority', 'localhost'], [':path', path], ...fields];
}

export function request(stream, method, path, fields = [], { endStream = true } = {}) {
  return frame(HEADERS, END_HEADERS | (endStream ? END_STREAM : 0), stream, block(requestFields(method, path, fields)));
}

class RawSession {
  #input = Buffer.alloc(0);
  #watchers = new Set();

  constructor(socket) {
    this.socket = socket;
    this.frames = [];
    socket.on('data', (part) => this.#read(part));
    socket.on('error', () => {}); // a server that closes on us may reset
    socket.on('drain', () => this.#wake());
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  // Resolves with what look() returns as soon as that is true, asking whenever something happened.
  #until(look) {
    return new Promise((resolve) => {
      const watcher = () => {
        const found = look();
        if (found) {
          this.#watchers.delete(watcher);
          resolve(found);
        }
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  #read(part) {
    this.#input = this.#input.length > 0 ? Buffer.concat([this.#input, part]) : part;
    let at = 0;
    while (this.#input.length - at >= 9) {
      const length = this.#input.readUIntBE(at, 3);
      if (this.#input.length - at < 9 + length) {
        break;
      }
      this.frames.push({
        type: this.#input[at + 3],
        flags: this.#input[at + 4],
        stream: this.#input.readUInt32BE(at + 5) & 0x7fffffff,
        payload: Buffer.from(this.#input.subarray(at + 9, at + 9 + length)),
      });
      at += 9 + length;
    }
    this.#input = this.#input.subarray(at);
    this.#wake();
  }

  #wake() {
    for (const look of this.#watchers) {
      look();
    }
  }

  write(...parts) {
    if (!this.closed && this.socket.writable) {
      this.socket.write(Buffer.concat(parts));
    }
  }

  // Writes what make(n) returns, as fast as the server takes it, until it closes the connection or
  // count have been written.
  async flood(count, make) {
    for (let n = 0; n < count && !this.closed; n++) {
      this.write(make(n));
      await this.#until(() => this.closed || !this.socket.writableNeedDrain);
    }
  }

  // The first frame that match() likes, now or later.
  async saw(what, match) {
    const found = await within(what, this.#until(() => this.frames.find(match) ?? this.closed));
    if (found === true) {
      throw new Error(`the server closed before ${what}`);
    }
    return found;
  }

  answered(stream) {
    return this.saw(`an answer on stream ${stream}`, (frame) => frame.type === HEADERS && frame.stream === stream);
  }

  // Waits for the server to close. The error code of the GOAWAY before that; undefined: there was none.
  async ending() {
    await within('the server to close', this.#until(() => this.closed));
    return this.frames.findLast(({ type }) => type === GOAWAY)?.payload.readUInt32BE(4);
  }

  async close() {
    this.socket.destroy();
    await this.ending();
  }
}

// Past the preface and both SETTINGS. tls: false for a cleartext listener.
// stays: goes on writing when the server has ended its side.
export async function rawSession(server, {
  entries = {}, acknowledge = true, secure = true, port = server.port, stays = false,
} = {}) {
  const options = { port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false, allowHalfOpen: stays };
  const socket = secure ? tls.connect(options) : net.connect(options);
  socket.setNoDelay(true);
  await within('a connection', once(socket, secure ? 'secureConnect' : 'connect'));
  const session = new RawSession(socket);
  session.write(PREFACE, settings(entries));
  await session.saw('SETTINGS', ({ type, flags }) => type === SETTINGS && !(flags & ACK));
  if (acknowledge) {
    session.write(frame(SETTINGS, ACK, 0));
  }
  return session;
}
