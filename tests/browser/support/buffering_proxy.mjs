// SPDX-License-Identifier: Apache-2.0
// A proxy as people put before a server without thinking of streams: it holds an answer back until
// there is enough of it, or all.
import { startProxy } from './h2_proxy.mjs';

const ENOUGH = 2048; // bytes

function forward(stream, upstream) {
  const held = [];
  let length = 0;
  const letGo = () => held.splice(0).forEach((part) => stream.write(part));
  stream.pipe(upstream);
  let answer;
  upstream.on('response', (fields) => { answer = Object.fromEntries(Object.entries(fields)); });
  upstream.on('data', (part) => {
    held.push(part);
    length += part.length;
    if (length < ENOUGH || stream.destroyed) {
      return;
    }
    if (!stream.headersSent) {
      stream.respond(answer);
    }
    letGo();
  });
  upstream.on('end', () => {
    if (stream.destroyed) {
      return;
    }
    if (!stream.headersSent) {
      stream.respond(answer);
    }
    letGo();
    stream.end();
  });
}

export const startBufferingProxy = (server) => startProxy(server, forward);
