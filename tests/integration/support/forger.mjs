// SPDX-License-Identifier: Apache-2.0
// Clients at addresses of their own (all of 127.0.0.0/8 is this machine's) that show access tokens.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';

import { connect } from './client.mjs';
import { within } from './wait.mjs';

// The address of a number: first says which /16, so that two crowds have none in common.
export function addressOf(first, number) {
  return `127.${first}.${number >> 8}.${(number & 255)}`;
}

// A token in the form of a good one, with a signature that nobody has made.
export function forged(good) {
  const start = good.lastIndexOf('.') + 1;
  const { length } = Buffer.from(good.slice(start), 'base64url');
  return `${good.slice(0, start)}${randomBytes(length).toString('base64url')}`;
}

export class Client {
  constructor(client) {
    this.client = client;
  }

  static async at(server, localAddress) {
    return new Client(await connect(server.origin, { localAddress }));
  }

  // The status that a page gets which connects with it; the stream is not kept.
  async show(token, base = '/sse/hr') {
    const stream = this.client.open('GET', `${base}/connect`, { authorization: `Bearer ${token}` }, { endStream: true });
    const [headers] = await within('an answer', once(stream, 'response')); // rejects on 'error'
    const status = headers[':status'];
    if (status === 200) {
      stream.close();
    } else {
      await once(stream.resume(), 'close');
    }
    return status;
  }

  close() {
    return this.client.close();
  }
}
