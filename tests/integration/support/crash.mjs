// SPDX-License-Identifier: Apache-2.0
// Messages with qos 1 are sent, and received by pages that die and come back, while the server is
// killed again and again: at random moments, and where it hurts most. What must hold afterwards is
// in the report's problems: none.
import { readFile } from 'node:fs/promises';

import { backend } from './backend.mjs';
import { CrashPage } from './crash_page.mjs';
import { Ledger } from './crash_ledger.mjs';
import { newHost } from './host.mjs';
import { storeIsEmpty } from './qos.mjs';
import { Random } from './random.mjs';
import { serverBinary } from './server.mjs';

export const WINDOW = 1000; // as services[].qos.window
const AHEAD = 1000; // messages that are answered and that nobody has yet, at the most
const LARGEST_ARRAY = 20;
const FAULT_POINTS = ['store.before-commit', 'store.committed', 'store.acknowledged', 'batch.written'];
const ENDS = [...FAULT_POINTS, undefined, undefined]; // of lives, in turn; undefined: at any moment
const QUEUES = [
  { queue: 'u', target: { userId: 'u' } },
  { queue: 'v', target: { userId: 'v' } },
  { queue: 'news', target: { channel: 'news' } },
];
// What comes again to a group may come after what is newer (docs/qos.md).
const PAGES = [
  { name: 'u1', queue: 'u', parameters: { userId: 'u', clientId: 'u1' } },
  { name: 'u2', queue: 'u', parameters: { userId: 'u', clientId: 'u2' } },
  { name: 'v', queue: 'v', parameters: { userId: 'v', clientId: 'v' }, isMortal: false },
  { name: 'w', queue: 'news', parameters: { userId: 'w', clientId: 'w', channel: 'news' }, isOrdered: false },
];

class Crash {
  ledger = new Ledger();
  isThrottled = false; // the publisher waits for pages
  isLastLife = false; // of the server
  isFinishing = false; // all has been sent: no page dies any more
  isOver = false;
  refusals = 0; // sends that were answered 503

  constructor(host, options) {
    this.host = host;
    this.options = options;
    this.random = new Random(options.seed);
    this.kills = { bySignal: 0, ...Object.fromEntries(options.points.map((point) => [point, 0])) };
    this.pages = PAGES.map((page) => new CrashPage(this, this.#fork(), page));
  }

  #fork() {
    return new Random(this.random.below(2 ** 31));
  }

  #message(number) {
    const { queue, target } = this.random.pick(QUEUES);
    const [id, data] = [`m-${number}`, `${number} ${'x'.repeat(this.random.magnitude(1000))}`];
    this.ledger.add(queue, id, data);
    return { event: 'tick', id, data, qos: 1, ttl: 86400, ...target };
  }

  hasServer() {
    return this.ledger.until('the first server', () => this.host.server);
  }

  // All that was asked for, and as many more as it takes until the server has died often enough.
  #isToSend(made) {
    return made < this.options.messages || !this.isLastLife;
  }

  // At the server that there is now: it may have died while nothing was sent.
  async #backOffice() {
    const { server } = this.host;
    if (this.served !== server) {
      this.served = server;
      this.office = await backend(server);
    }
    return this.office;
  }

  async #publish() {
    const { ledger } = this;
    const unanswered = []; // the first to be sent, and perhaps sent before
    let made = 0;
    await this.hasServer();
    while (this.#isToSend(made) || unanswered.length > 0) {
      const size = this.random.chance(0.5) ? 1 : this.random.magnitude(LARGEST_ARRAY);
      while (unanswered.length < size && this.#isToSend(made)) {
        unanswered.push(this.#message(made++));
      }
      try {
        const answers = await this.#send(unanswered.slice(0, size));
        answers.forEach((answer) => ledger.answer(answer));
        unanswered.splice(0, answers.length);
        ledger.step();
      } catch (error) {
        await ledger.until(`another server, after the publisher had: ${error.stack}`,
          () => this.host.server !== this.served);
      }
      await this.#throttle();
    }
  }

  async #send(messages) {
    const office = await this.#backOffice();
    const sent = office.post('send', messages.length === 1 ? messages[0] : messages);
    this.ledger.step(); // a good moment to be killed
    const { status, data, text } = await sent;
    if (status === 503) {
      this.refusals += 1;
      return [];
    }
    const answers = [data].flat();
    if (status !== 200 || answers.some((answer, n) => answer?.id !== messages[n].id)) {
      this.ledger.problem(`a send was answered ${status} ${text}`);
    }
    return answers;
  }

  async #throttle() {
    const { ledger } = this;
    const isAhead = () => ledger.answered - ledger.received > AHEAD;
    if (isAhead()) {
      this.isThrottled = true;
      ledger.step();
      await ledger.until('the pages to catch up', () => !isAhead());
      this.isThrottled = false;
    }
  }

  // Undefined: it died before it was ready, as a page that came early got it to the point.
  async #start(FAULT_POINT) {
    try {
      const server = await this.host.start(FAULT_POINT ? { FAULT_POINT } : {});
      this.ledger.tell('the server is up');
      server.end.then(() => {
        this.ledger.tell('the server is dead');
        this.ledger.step();
      });
      this.ledger.step();
      return server;
    } catch (error) {
      if (!FAULT_POINT || error.hasComplained) {
        throw error;
      }
      return undefined;
    }
  }

  // A life that is over when about so many messages are answered.
  async #killAt(answered) {
    const { ledger, random } = this;
    const server = await this.#start();
    await ledger.until(`${answered} answers`, () => server.exited || ledger.answered >= answered);
    const moment = ledger.steps + random.below(20);
    await ledger.until('a moment to kill it', () => server.exited || ledger.steps >= moment);
    server.signal('SIGKILL');
    await this.#checkEnd(server);
    this.kills.bySignal += 1;
  }

  // A life that is over when it comes to this point for the n-th time.
  async #dieAt(point, n) {
    const server = await this.#start(`${point}:${n}`);
    if (server) {
      await this.ledger.until(`pass ${n} of ${point}`, () => server.exited);
      await this.#checkEnd(server);
    }
    this.kills[point] += 1;
  }

  async #checkEnd(server) {
    const { code, signal } = await server.end;
    if (signal !== 'SIGKILL' || server.hasComplained) {
      this.ledger.problem(`the server ended with ${signal ?? code} and said:\n${server.output}`);
    }
  }

  async #killAgainAndAgain() {
    const { messages, kills, points, onKill } = this.options;
    const passes = Math.max(2, Math.floor(messages / kills / 16)); // a small part of a life
    for (let kill = 1; kill <= kills; kill++) {
      const point = ENDS[(kill - 1) % ENDS.length];
      if (points.includes(point)) {
        await this.#dieAt(point, 1 + this.random.below(passes));
      } else {
        const share = 0.95 * (kill - this.random.fraction()) / kills;
        await this.#killAt(Math.floor(share * messages));
      }
      onKill?.(kill, this.ledger);
    }
    await this.#start();
    this.isLastLife = true;
  }

  // Everybody has everything, and nothing is kept any more.
  async #beQuiet() {
    const { ledger, pages } = this;
    this.isFinishing = true;
    pages.forEach((page) => page.acknowledge());
    ledger.step();
    await ledger.until('all messages', () => ledger.received === ledger.messages.length);
    await ledger.until('all acknowledgements', () => pages.every(({ pending }) => pending.size === 0));
    const office = await this.#backOffice();
    await storeIsEmpty(office);
  }

  async run() {
    const { ledger } = this;
    const killing = this.#killAgainAndAgain();
    const pages = Promise.all(this.pages.map((page) => page.run()));
    try {
      await Promise.race([Promise.all([killing, this.#publish()]), pages]);
      await Promise.race([this.#beQuiet(), pages]);
    } catch (error) {
      ledger.problem(error.message);
    }
    const { lost } = ledger;
    if (this.isFinishing && lost.length > 0) {
      ledger.problem(`${lost.length} were answered and lost, the first is ${lost[0].id} for ${lost[0].queue}`);
    }
    this.isOver = true;
    ledger.step();
    this.pages.forEach((page) => page.leave());
    await this.office?.close();
    await Promise.allSettled([killing, pages]);
  }

  report() {
    const { messages, answered, receipts, resent, tabs, repeats, problems, story } = this.ledger;
    return {
      seed: this.options.seed,
      messages: messages.length,
      answered,
      refusals: this.refusals,
      kills: this.kills,
      deaths: this.pages.reduce((sum, { deaths }) => sum + deaths, 0),
      receipts,
      resent,
      tabs,
      repeats,
      problems,
      ...(problems.length > 0 ? { story } : {}),
    };
  }
}

// Those that this build of the server has.
export async function faultPoints() {
  const program = await readFile(serverBinary());
  return program.includes('FAULT_POINT') ? FAULT_POINTS : [];
}

// options: messages, kills, seed; points: as of faultPoints(); onKill(number, ledger).
export async function runCrash(options) {
  const host = await newHost({
    variables: {
      // Dead pages keep the living ones waiting so long.
      SSE_SERVER_SERVICES_0_QOS_ACK_TIMEOUT: '1s',
      SSE_SERVER_SERVICES_0_QOS_WINDOW: String(WINDOW),
    },
  });
  const crash = new Crash(host, options);
  try {
    await crash.run();
  } catch (error) {
    await host.abandon();
    throw error;
  }
  const report = crash.report();
  await (report.problems.length > 0 ? host.abandon() : host.close());
  return report;
}
