// SPDX-License-Identifier: Apache-2.0
// How Chromium (DevTools protocol) and Firefox (WebDriver BiDi) are driven: commands over a WebSocket, as
// JSON, answered in any order.
import { once } from 'node:events';

import WebSocket from 'ws';

import { within } from '../../../integration/support/wait.mjs';

class Wire {
  #socket;
  #waiting = new Map();
  #last = 0;
  onEvent = () => {}; // takes {method, params}

  constructor(socket, name) {
    this.#socket = socket;
    socket.on('message', (text) => this.#take(JSON.parse(text)));
    socket.on('close', () => this.#waiting.forEach(({ reject }) => reject(new Error(`${name} has ended`))));
  }

  #take({ id, result, error, message, ...event }) {
    if (id === undefined || id === null) {
      this.onEvent(event);
      return;
    }
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) {
      call?.reject(new Error(`${call.method}: ${error.message ?? `${error}: ${message}`}`));
    } else {
      call?.resolve(result);
    }
  }

  // more: further members of the command.
  call(method, params, more = {}) {
    this.#last += 1;
    const id = this.#last;
    return within(`an answer to ${method}`, new Promise((resolve, reject) => {
      this.#waiting.set(id, { method, resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, ...more }));
    }));
  }

  close() {
    this.#socket.terminate();
  }
}

export async function connectWire(address, name) {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  await once(socket, 'open');
  return new Wire(socket, name);
}

// A function with its argument, in one piece, to be called in a page: it resolves to the JSON of what it returns.
export const asJson = (source) => `async (argument) => JSON.stringify(await (${source})(JSON.parse(argument)))`;
