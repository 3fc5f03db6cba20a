// SPDX-License-Identifier: Apache-2.0
// The other end of a server's test clock (src/base/test_clock.h): commands, a line each, answered in
// order.
import { within } from './wait.mjs';

const OVER = 'the server has ended';

export class TestClock {
  #socket;
  #waiting = [];
  #text = '';
  #stands = false;
  #ahead = 0; // ms, of our own clock; while it goes
  #isOver = false;
  #wall; // ms, at the last answer

  constructor(socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text) => this.#take(text));
    socket.on('error', () => {}); // of a server that has ended
    for (const end of ['end', 'close']) {
      socket.on(end, () => this.#end());
    }
    socket.unref();
  }

  #take(text) {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop();
    for (const line of lines) {
      this.#waiting.shift()?.(line);
    }
  }

  #end() {
    this.#isOver = true;
    this.#waiting.splice(0).forEach((resolve) => resolve(OVER));
  }

  async say(command) {
    this.#stands = command === 'stop' || (this.#stands && command !== 'go');
    const answer = new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
    if (this.#isOver) {
      this.#end();
    } else {
      this.#socket.write(`${command}\n`);
    }
    const said = await within(`a server with a test clock to ${command}`, answer);
    const [word, wall, real] = said.split(' ');
    if (word !== 'ok') {
      throw new Error(`${command}: ${said}`);
    }
    this.#wall = Number(wall);
    this.#ahead = this.#wall - Number(real);
  }

  // What Date.now() is there.
  now() {
    return this.#stands ? this.#wall : Date.now() + this.#ahead;
  }

  // Lets a clock that stands go on: an end takes its time.
  async release() {
    if (this.#stands) {
      await this.say('go');
    }
  }
}
