// SPDX-License-Identifier: Apache-2.0
// A process of its own that a test asks to do things, one after the other: client processes that
// can be stopped and killed.
import { fork } from 'node:child_process';
import { once } from 'node:events';

import { endWithFile } from './leftovers.mjs';
import { within } from './wait.mjs';

class Child {
  constructor(process) {
    this.process = process;
    this.exited = once(process, 'exit');
  }

  // What the child's function of that name returns.
  async ask(name, value) {
    const answer = once(this.process, 'message');
    this.process.send({ name, value });
    const over = this.exited.then(() => {
      throw new Error(`the child process ended before it answered to ${name}`);
    });
    const [{ result, error }] = await within(`the child process to ${name}`, Promise.race([answer, over]));
    if (error) {
      throw new Error(error);
    }
    return result;
  }

  // Does not wait for what it returns.
  tell(name, value) {
    this.process.send({ name, value });
  }

  signal(name) {
    this.process.kill(name);
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.exited; // which it may have long ago
  }
}

export function startChild(file, args = []) {
  return new Child(endWithFile(fork(new URL(file, import.meta.url), args)));
}

// In the child: functions is {name: async (value) => result}.
export function serveParent(functions) {
  process.on('message', async ({ name, value }) => {
    try {
      process.send({ result: await functions[name](value) });
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
}
