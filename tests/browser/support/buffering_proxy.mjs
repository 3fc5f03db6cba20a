// SPDX-License-Identifier: Apache-2.0
// A proxy as people put before a server without thinking of streams: it holds an answer back until
// there is enough of it, or all.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { join } from 'node:path';

const ENOUGH = 2048; // bytes

function forward(stream, headers, session) {
  const asked = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== ':authority'));
  const upstream = session.request(asked);
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
  for (const end of [stream, upstream]) {
    end.on('error', () => {});
  }
  stream.on('close', () => upstream.destroy());
  // An answer that has ended well may still be on its way to the client.
  upstream.on('close', () => upstream.readableEnded || stream.destroy());
}

// Before a server of the tests, with that one's own certificate.
export async function startBufferingProxy(server) {
  const read = (name) => readFile(join(server.stateDirectory, name));
  const session = http2.connect(server.origin, { rejectUnauthorized: false });
  const proxy = http2.createSecureServer({ cert: await read('development-cert.pem'), key: await read('development-key.pem') });
  proxy.on('stream', (stream, headers) => forward(stream, headers, session));
  proxy.on('sessionError', () => {});
  const sessions = new Set();
  proxy.on('session', (each) => sessions.add(each));
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
