// SPDX-License-Identifier: Apache-2.0
// The other end of a server's test clock (src/base/test_clock.h): commands, a line each, answered in
// order.
import { within } from './wait.mjs';

export class TestClock {
  #socket;
  #waiting = [];
  #text = '';
  #stands = false;

  constructor(socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text) => this.#take(text));
    socket.on('error', () => {}); // of a server that has ended
    socket.on('close', () => this.#take('the server has ended\n'.repeat(this.#waiting.length)));
    socket.unref();
  }

  #take(text) {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop();
    for (const line of lines) {
      this.#waiting.shift()?.(line);
    }
  }

  async say(command) {
    this.#stands = command === 'stop' || (this.#stands && command !== 'go');
    const answer = new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
    this.#socket.write(`${command}\n`);
    const said = await within(`a server with a test clock to ${command}`, answer);
    if (said !== 'ok') {
      throw new Error(`${command}: ${said}`);
    }
  }

  // Lets a clock that stands go on: an end takes its time.
  async release() {
    if (this.#stands) {
      await this.say('go');
    }
  }
}
