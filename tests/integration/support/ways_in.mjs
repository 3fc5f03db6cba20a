// SPDX-License-Identifier: Apache-2.0
// Every way by which a client can make the server decode header fields, or read frames, for nothing.
// A table: the flood tests and bench/hostile run each row. RFC 7541 is spoken by hand, so that a
// block costs its sender as little as possible and the server as much.
import {
  ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY_FLAG, PUSH_PROMISE,
  RST_STREAM, block, field, frame, request, requestFields, reset, windowUpdate,
} from './raw_h2.mjs';

const FRAME = 16384;
const EVENTS = '/sse/demo/connect?userId=raw';
const MESSAGE = '/sse/demo/connect/message/x.do?userId=raw';
const OVERFLOW = 0x7fffffff;

// An entry of the dynamic table as large as it can be, and its index while it is the newest.
const SEED = field('x-seed', 'y'.repeat(4096 - 32 - 'x-seed'.length), { indexed: true });
const SEED_INDEX = 0xbe;
const GET = block(requestFields('GET', EVENTS));

const id = (n) => 2 * n + 1;
const open = (n, fields = []) => request(id(n), 'POST', MESSAGE, [['content-type', 'application/json'], ...fields],
  { endStream: false });
const repeated = (piece, length) => Buffer.alloc(Math.floor(length / piece.length) * piece.length, piece);

// A header block as large as it may be: one HEADERS and two CONTINUATION frames.
function longBlock(stream, flags, begin, filling) {
  const octets = Buffer.concat([begin, repeated(filling, 3 * FRAME - begin.length)]);
  return Buffer.concat([
    frame(HEADERS, flags, stream, octets.subarray(0, FRAME)),
    frame(CONTINUATION, 0, stream, octets.subarray(FRAME, 2 * FRAME)),
    frame(CONTINUATION, END_HEADERS, stream, octets.subarray(2 * FRAME)),
  ]);
}

const bomb = (stream, flags = END_STREAM, begin = Buffer.alloc(0)) => (
  longBlock(stream, flags, begin, Buffer.from([SEED_INDEX])));
const NOTHING = Buffer.alloc(0);

// A stream whose fields leave the seed in the table of the server.
const seed = (n) => frame(HEADERS, END_HEADERS, id(n), Buffer.concat([block(requestFields('POST', MESSAGE)), SEED]));

function pad(octets, padding) {
  return Buffer.concat([Buffer.from([padding]), octets, Buffer.alloc(padding)]);
}

// what: the way. begin(session): comes first. make(n): the nth piece of the attack. counter: the metric
// (without prefix and suffix) that tells of it. session: options of rawSession(). octets: each goes
// in a TLS record of its own. drains: the server is told to stop when begin() is through.
export const waysIn = [
  { what: 'request headers', counter: 'header_floods', begin: (s) => s.write(seed(0)), make: (n) => bomb(id(n + 1), END_STREAM, GET) },
  {
    what: 'request headers that name an entry of their own',
    counter: 'header_floods',
    make: (n) => longBlock(id(n), END_STREAM, Buffer.concat([GET, SEED]), Buffer.from([SEED_INDEX])),
  },
  {
    what: 'padded request headers with priority',
    counter: 'header_floods',
    begin: (s) => s.write(seed(0)),
    make: (n) => frame(HEADERS, END_HEADERS | END_STREAM | PADDED | PRIORITY_FLAG, id(n + 1),
      pad(Buffer.concat([Buffer.from([0, 0, 0, 0, 15]), GET, repeated(Buffer.from([SEED_INDEX]), 16000 - GET.length)]), 200)),
  },
  {
    what: 'trailers',
    counter: 'header_floods',
    begin: (s) => s.write(seed(0)),
    make: (n) => Buffer.concat([open(n + 1), bomb(id(n + 1))]),
  },
  {
    what: 'trailers of a body',
    counter: 'header_floods',
    begin: (s) => s.write(seed(0)),
    make: (n) => Buffer.concat([open(n + 1), frame(DATA, 0, id(n + 1), Buffer.from('{}')), bomb(id(n + 1))]),
  },
  {
    what: 'trailers that do not end the stream',
    counter: 'header_floods',
    begin: (s) => s.write(seed(0)),
    make: (n) => Buffer.concat([open(n + 1), bomb(id(n + 1), 0)]),
  },
  {
    what: 'trailers just within the fields of a request',
    begin: (s) => s.write(seed(0)),
    make: (n) => Buffer.concat([open(n + 1),
      frame(HEADERS, END_HEADERS | END_STREAM, id(n + 1), Buffer.alloc(100, SEED_INDEX))]),
  },
  {
    what: 'small blocks that name the entry a hundred times',
    begin: (s) => s.write(seed(0)),
    make: (n) => frame(HEADERS, END_HEADERS | END_STREAM, id(n + 1), Buffer.concat([GET, Buffer.alloc(96, SEED_INDEX)])),
  },
  {
    what: 'CONTINUATION, octet by octet',
    counter: 'header_floods',
    octets: true,
    begin: (s) => s.write(seed(0)),
    make: (n) => bomb(id(n + 1), END_STREAM, GET),
  },
  {
    what: 'streams that are refused',
    session: { acknowledge: false },
    begin: (s) => s.write(seed(0), ...Array.from({ length: 99 }, (_, n) => open(n + 1))),
    make: (n) => bomb(id(n + 100), END_STREAM, GET),
  },
  {
    what: 'streams that are refused, a few fields each',
    session: { acknowledge: false },
    begin: (s) => s.write(seed(0), ...Array.from({ length: 99 }, (_, n) => open(n + 1))),
    make: (n) => frame(HEADERS, END_HEADERS | END_STREAM, id(n + 100), Buffer.alloc(100, SEED_INDEX)),
  },
  {
    what: 'streams beyond the limit',
    begin: (s) => s.write(seed(0), ...Array.from({ length: 99 }, (_, n) => open(n + 1))),
    make: (n) => bomb(id(n + 100), END_STREAM, GET),
  },
  {
    what: 'a stream that the server has reset',
    begin: async (s) => {
      s.write(seed(0), windowUpdate(1, OVERFLOW));
      await s.saw('a reset', ({ type }) => type === RST_STREAM);
    },
    make: () => bomb(1),
  },
  {
    what: 'a stream that the server has reset, a field each',
    begin: async (s) => {
      s.write(seed(0), windowUpdate(1, OVERFLOW));
      await s.saw('a reset', ({ type }) => type === RST_STREAM);
    },
    make: () => repeated(frame(HEADERS, END_HEADERS, 1, Buffer.from([SEED_INDEX])), 4096),
  },
  { what: 'a stream that the client has reset', begin: (s) => s.write(seed(0), reset(1)), make: () => bomb(1) },
  {
    what: 'a stream that is half closed',
    begin: (s) => s.write(seed(0), frame(HEADERS, END_HEADERS | END_STREAM, 3, GET)),
    make: () => bomb(3),
  },
  { what: 'a stream id that was left out', begin: (s) => s.write(seed(2)), make: () => bomb(1, END_STREAM, GET) },
  { what: 'an even stream id', begin: (s) => s.write(seed(0)), make: (n) => bomb(2 * n + 2, END_STREAM, GET) },
  { what: 'stream 0', begin: (s) => s.write(seed(0)), make: () => bomb(0, END_STREAM, GET) },
  {
    what: 'PUSH_PROMISE',
    begin: (s) => s.write(seed(0)),
    make: () => frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.alloc(16000, SEED_INDEX)])),
  },
  {
    what: 'behind a field that is malformed',
    counter: 'header_floods',
    begin: (s) => s.write(seed(0)),
    make: (n) => bomb(id(n + 1), END_STREAM, Buffer.concat([GET, field('Upper', 'x')])),
  },
  {
    what: 'behind a field that is malformed, a hundred fields each',
    begin: (s) => s.write(seed(0)),
    make: (n) => frame(HEADERS, END_HEADERS | END_STREAM, id(n + 1),
      Buffer.concat([GET, field('Upper', 'x'), Buffer.alloc(90, SEED_INDEX)])),
  },
  {
    what: 'behind the GOAWAY of a server that drains',
    counter: 'header_floods',
    drains: true,
    begin: async (s) => {
      s.write(seed(0), frame(PING, 0, 0, Buffer.alloc(8)));
      await s.saw('PING', ({ type }) => type === PING); // it has the stream
    },
    make: (n) => bomb(id(n + 1), END_STREAM, GET),
  },
  {
    what: 'behind the GOAWAY of a server that drains, a field each',
    counter: 'glitch_floods',
    drains: true,
    begin: async (s) => {
      s.write(seed(0), frame(PING, 0, 0, Buffer.alloc(8)));
      await s.saw('PING', ({ type }) => type === PING); // it has the stream
    },
    make: (n) => frame(HEADERS, END_HEADERS | END_STREAM, id(n + 1), Buffer.from([SEED_INDEX])),
  },
  {
    what: 'trailers while the server drains',
    counter: 'header_floods',
    drains: true,
    begin: async (s) => {
      s.write(seed(0), frame(PING, 0, 0, Buffer.alloc(8)));
      await s.saw('PING', ({ type }) => type === PING); // it has the stream
    },
    make: () => bomb(1),
  },
  {
    what: 'behind an error of protocol',
    begin: (s) => s.write(seed(0)),
    make: (n) => Buffer.concat([n === 0 ? frame(DATA, 0, 99, Buffer.from('x')) : NOTHING, bomb(id(n + 1), END_STREAM, GET)]),
  },
  {
    what: 'behind the last GOAWAY',
    counter: 'late_floods',
    session: { stays: true },
    begin: (s) => s.write(...Array.from({ length: 30 }, () => frame(PING, 0, 0, Buffer.alloc(8)))),
    make: (n) => bomb(id(n), END_STREAM, GET),
  },
  {
    what: 'table size updates',
    counter: 'header_floods',
    make: (n) => longBlock(id(n), END_STREAM, NOTHING, Buffer.from([0x20])),
  },
  {
    what: 'table size updates that come and go',
    counter: 'header_floods',
    make: (n) => longBlock(id(n), END_STREAM, NOTHING, Buffer.from([0x20, 0x3f, 0xe1, 0x1f])),
  },
  { what: 'crumbs of cookies', counter: 'header_floods', make: (n) => longBlock(id(n), END_STREAM, GET, Buffer.from([0xa0])) },
  { what: 'new entries, one after the other', counter: 'header_floods', make: (n) => longBlock(id(n), END_STREAM, GET, Buffer.from([0x40, 1, 0x78, 0])) },
  { what: 'new values of a static name', counter: 'header_floods', make: (n) => longBlock(id(n), END_STREAM, GET, Buffer.from([0x60, 0])) },
  { what: 'one long value', make: (n) => longBlock(id(n), END_STREAM, Buffer.concat([GET, Buffer.from([0, 1, 0x78, 0x7f, ...varint(3 * FRAME - GET.length - 7 - 127)])]), Buffer.from('v')) },
  {
    // Five octets of zeros are eight times "0" in Huffman's code of RFC 7541.
    what: 'one long value in Huffman code',
    make: (n) => {
      const length = 5 * Math.floor((3 * FRAME - GET.length - 7) / 5);
      const head = Buffer.concat([GET, Buffer.from([0, 1, 0x78, 0xff, ...varint(length - 127)])]);
      return longBlockOf(id(n), END_STREAM, Buffer.concat([head, Buffer.alloc(length)]));
    },
  },
  { what: 'GOAWAY frames', counter: 'glitch_floods', begin: openMany, make: () => repeated(frame(GOAWAY, 0, 0, Buffer.alloc(8)), 4096) },
  { what: 'DATA that is padding only', counter: 'glitch_floods', begin: (s) => s.write(open(0)), make: () => repeated(frame(DATA, PADDED, 1, Buffer.from([1, 0])), 4096) },
  { what: 'DATA on a stream that is closed', counter: 'glitch_floods', begin: (s) => s.write(request(1, 'GET', '/health/live')), make: () => repeated(frame(DATA, 0, 1, Buffer.from('x')), 4096) },
  { what: 'WINDOW_UPDATE of nothing on streams that are closed', begin: (s) => s.write(open(0), reset(1)), make: () => repeated(windowUpdate(1, 0), 4096) },
  { what: 'PING acknowledgements', counter: 'glitch_floods', make: () => repeated(frame(PING, ACK, 0, Buffer.alloc(8)), 4096) },
];

function openMany(session) {
  session.write(...Array.from({ length: 90 }, (_, n) => open(n)));
}

function varint(value) {
  const octets = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    octets.push((rest % 128) | 128);
  }
  return [...octets, rest];
}

function longBlockOf(stream, flags, octets) {
  return longBlock(stream, flags, octets, Buffer.from([0xa0]));
}
