// SPDX-License-Identifier: Apache-2.0
// A proxy before a server of the tests, with that one's own certificate.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { join } from 'node:path';

// forward(stream, upstream): what becomes of a request and of its answer.
export async function startProxy(server, forward) {
  const read = (name) => readFile(join(server.stateDirectory, name));
  const session = http2.connect(server.origin, { rejectUnauthorized: false });
  const proxy = http2.createSecureServer({ cert: await read('development-cert.pem'), key: await read('development-key.pem') });
  proxy.on('stream', (stream, headers) => {
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
  });
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
