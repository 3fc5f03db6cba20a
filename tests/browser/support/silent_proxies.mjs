// SPDX-License-Identifier: Apache-2.0
// Proxies that forget what goes through them, and tell nobody: nothing comes any more, and nothing
// ends. After silence() what is new gets through.
import { once } from 'node:events';
import net from 'node:net';

import { startProxy } from './h2_proxy.mjs';

// Forgets requests, as one whose way to the server has broken.
export async function startForgetfulProxy(server) {
  const known = new Set();
  const proxy = await startProxy(server, (stream, upstream) => {
    known.add(stream);
    stream.on('close', () => known.delete(stream));
    stream.pipe(upstream);
    upstream.on('response', (fields) => {
      if (known.has(stream)) {
        stream.respond(Object.fromEntries(Object.entries(fields)));
      }
    });
    upstream.on('data', (part) => known.has(stream) && stream.write(part));
    upstream.on('end', () => known.has(stream) && stream.end());
  });
  return { ...proxy, silence: () => known.clear() };
}

// Forgets connections, as a router whose table is full, or a network that was left.
export async function startForgetfulRouter(server) {
  const ends = new Set();
  let known = new Set();
  const router = net.createServer((near) => {
    const far = net.connect(server.port, '127.0.0.1');
    known.add(near);
    for (const [from, to] of [[near, far], [far, near]]) {
      ends.add(from);
      from.on('data', (part) => known.has(near) && to.write(part));
      from.on('end', () => known.has(near) && to.end());
      from.on('error', () => {});
    }
  });
  router.listen(0, '127.0.0.1');
  await once(router, 'listening');
  return {
    origin: `https://127.0.0.1:${router.address().port}`,
    silence: () => { known = new Set(); },
    async stop() {
      ends.forEach((each) => each.destroy());
      router.close();
    },
  };
}
