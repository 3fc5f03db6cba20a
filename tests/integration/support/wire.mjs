// SPDX-License-Identifier: Apache-2.0
// The network between a client and a server: octets there and back, until it is cut.
import { once } from 'node:events';
import net from 'node:net';

class Wire {
  #sockets = new Set();
  #isDown = false;

  constructor(port) {
    this.listener = net.createServer((near) => {
      if (this.#isDown) {
        near.destroy();
      } else {
        this.#join(near, net.connect(port, '127.0.0.1'));
      }
    });
  }

  #join(...ends) {
    for (const [end, other] of [ends, [...ends].reverse()]) {
      this.#sockets.add(end);
      end.on('error', () => {}); // 'close' follows
      end.on('close', () => {
        this.#sockets.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }

  get origin() {
    return `https://127.0.0.1:${this.listener.address().port}`;
  }

  // Both sides see their connections end. Later ones go through.
  cut() {
    this.#sockets.forEach((end) => end.destroy());
  }

  // Later ones do not, until it is up.
  down() {
    this.#isDown = true;
    this.cut();
  }

  up() {
    this.#isDown = false;
  }

  async close() {
    this.listener.close();
    this.cut();
    await once(this.listener, 'close');
  }
}

export async function startWire(port) {
  const wire = new Wire(port);
  wire.listener.listen(0, '127.0.0.1');
  await once(wire.listener, 'listening');
  return wire;
}
