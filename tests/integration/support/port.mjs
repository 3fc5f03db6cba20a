// SPDX-License-Identifier: Apache-2.0
// Ports for who stops and listens again. Those that the kernel chooses it may give to somebody else in
// between: to another server of ours, which would even share it (SO_REUSEPORT).
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

const FIRST = 10_100; // none of these does the kernel choose, by default; fetch() and browsers refuse 10080
const COUNT = 6000;
const EACH = 8; // of a process, before it comes to those of the next

let next = process.pid * EACH;

// For as long as this process lives, whether or not somebody listens there: a test beside it may come to the
// same port, and finds a UDP port taken that stands for it.
async function reserve(port) {
  const socket = createSocket('udp4').unref();
  socket.bind({ port: port + COUNT, address: '127.0.0.1', exclusive: true });
  return once(socket, 'listening').then(() => true, () => false);
}

export async function freePort() {
  for (;;) {
    const port = FIRST + (next++ % COUNT);
    if (!await reserve(port)) {
      continue;
    }
    const probe = net.createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(() => true, () => false);
    if (isFree) {
      probe.close();
      await once(probe, 'close');
      return port;
    }
  }
}
