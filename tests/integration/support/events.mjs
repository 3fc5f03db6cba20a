// SPDX-License-Identifier: Apache-2.0
// Reads text/event-stream as the HTML standard says (9.2.6), from a stream of an HTTP/2 session.
import { within } from './wait.mjs';

export class EventReader {
  #rest = '';
  #fields = {};
  #waiting = new Set();
  #taken = new Map();
  #isResent = false;
  #onEvent;

  // onEvent(event, isResent): called with each event as it comes.
  constructor(stream, onEvent = () => {}) {
    this.stream = stream;
    this.events = [];
    this.resent = []; // those of them that were marked so
    this.comments = [];
    this.#onEvent = onEvent;
    stream.setEncoding('utf8');
    stream.on('data', (text) => this.#read(text));
    stream.on('error', (error) => this.#end(error));
    stream.on('close', () => this.#end());
  }

  #read(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      this.#line(line);
    }
    this.#wake();
  }

  #line(line) {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const [, name, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
    if (name === '') {
      this.comments.push(value);
      this.#isResent ||= value === 'resend';
    } else if (name === 'data' && 'data' in this.#fields) {
      this.#fields.data += `\n${value ?? ''}`;
    } else {
      this.#fields[name] = value ?? '';
    }
  }

  #dispatch() {
    this.lastId = this.#fields.id ?? this.lastId;
    this.retry = this.#fields.retry ?? this.retry;
    if ('data' in this.#fields) {
      const event = { event: 'message', ...this.#fields };
      this.events.push(event);
      if (this.#isResent) {
        this.resent.push(event);
      }
      this.#onEvent(event, this.#isResent);
    }
    this.#fields = {};
    this.#isResent = false;
  }

  #end(error) {
    this.ended ??= error ?? true;
    this.#wake();
  }

  #wake() {
    for (const look of this.#waiting) {
      look();
    }
  }

  // Resolves when look() returns something true; rejects when the stream ends before.
  #until(what, look) {
    return within(what, new Promise((resolve, reject) => {
      const check = () => {
        const found = look();
        if (found) {
          this.#waiting.delete(check);
          resolve(found);
        } else if (this.ended) {
          this.#waiting.delete(check);
          reject(new Error(`the stream ended before ${what} (${this.ended.message ?? 'END_STREAM'})`));
        }
      };
      this.#waiting.add(check);
      check();
    }));
  }

  named(name) {
    return this.events.filter(({ event }) => event === name);
  }

  // The next event of this name that no call before has returned, its data parsed as JSON.
  async next(name) {
    const index = this.#taken.get(name) ?? 0;
    this.#taken.set(name, index + 1);
    const event = await this.#until(`event ${name}`, () => this.named(name)[index]);
    return JSON.parse(event.data);
  }

  // Resolves when at least count events of this name have come.
  async count(name, count) {
    await this.#until(`${count} events ${name}`, () => this.named(name).length >= count);
    return this.named(name);
  }

  comment(text) {
    return this.#until(`comment ${text}`, () => this.comments.includes(text));
  }

  end() {
    return this.#until('the end of the stream', () => this.ended);
  }

  close() {
    this.stream.close();
    return this.end();
  }
}
