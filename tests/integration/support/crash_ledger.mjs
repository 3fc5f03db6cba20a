// SPDX-License-Identifier: Apache-2.0
// What was sent, answered and received while servers and pages died, and what of it must not be.
import { within } from './wait.mjs';

const REMEMBERED = 200; // lines

export class Ledger {
  #watchers = new Set();
  #numbers = new Map(); // by id
  messages = []; // by number
  lastFirst = new Map(); // of each queue: the number of the last first receipt
  problems = [];
  story = []; // what happened last before the first problem
  steps = 0; // whatever happened; random moments are counted in them
  answered = 0;
  received = 0; // messages that somebody has
  receipts = 0;
  resent = 0; // receipts that were marked so
  tabs = 0; // receipts by a second page that was there at the same time
  repeats = 0; // all others beyond the first

  step() {
    this.steps += 1;
    for (const look of this.#watchers) {
      look();
    }
  }

  // Resolves as soon as look() is true, looking again at each step; rejects when there is a problem.
  until(what, look) {
    return within(what, new Promise((resolve, reject) => {
      const watcher = () => {
        const isWrong = this.problems.length > 0;
        if (isWrong || look()) {
          this.#watchers.delete(watcher);
          if (isWrong) {
            reject(new Error(`a problem before ${what}`));
          } else {
            resolve();
          }
        }
      };
      this.#watchers.add(watcher);
      watcher();
    }));
  }

  tell(text) {
    if (this.problems.length === 0) {
      this.story.push(text);
      this.story.splice(0, this.story.length - REMEMBERED);
    }
  }

  problem(text) {
    this.problems.push(text);
    this.step();
  }

  add(queue, id, text) {
    this.#numbers.set(id, this.messages.length);
    this.messages.push({ queue, id, text, isAnswered: false, receipts: 0 });
  }

  answer({ id }) {
    const number = this.#numbers.get(id);
    const message = this.messages[number];
    this.tell(`${number} for ${message.queue} is answered`);
    if (!message.isAnswered) {
      message.isAnswered = true;
      this.answered += 1;
    }
  }

  receive(page, { id, data }, isResent) {
    const number = this.#numbers.get(id);
    const message = this.messages[number];
    if (!message || message.queue !== page.queue || message.text !== data) {
      this.problem(`${page.name} got what was not sent to it: ${id} ${data}`);
      return;
    }
    this.tell(`${page.name} gets ${number}${isResent ? ' (:resend)' : ''}`);
    this.#count(page, message, number, isResent);
    if (page.isOrdered) {
      this.#checkOrder(page, number);
    }
    page.seen.add(number);
    this.step();
  }

  #count(page, message, number, isResent) {
    this.receipts += 1;
    this.resent += isResent ? 1 : 0;
    if (message.receipts++ === 0) {
      this.received += 1;
      if (page.isOrdered) {
        this.#checkFirst(page, number);
      }
    } else if (!isResent && !page.seen.has(number)) {
      this.tabs += 1;
    } else {
      this.repeats += 1;
    }
  }

  #checkFirst({ queue, name }, number) {
    const last = this.lastFirst.get(queue) ?? -1;
    if (number < last) {
      this.problem(`${name} got ${number} for the first time, after ${last}`);
    }
    this.lastFirst.set(queue, Math.max(last, number));
  }

  // What comes again may be old; what is new to the page may not.
  #checkOrder({ name, memory }, number) {
    if (memory.seen.has(number)) {
      return;
    }
    if (number < memory.last) {
      this.problem(`${name} got ${number} after ${memory.last}`);
    }
    memory.seen.add(number);
    memory.last = Math.max(memory.last, number);
  }

  get lost() {
    return this.messages.filter(({ isAnswered, receipts }) => isAnswered && receipts === 0);
  }
}
