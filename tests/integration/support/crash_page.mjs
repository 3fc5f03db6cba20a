// SPDX-License-Identifier: Apache-2.0
// A page that acknowledges what it gets, in batches, and dies with whatever it has not acknowledged.
import { connect } from './client.mjs';

const LONGEST_LIFE = 60; // receipts
const LARGEST_BATCH = 30; // ids that wait until they are acknowledged
const LONGEST_AWAY = 40; // messages that are answered meanwhile

// One connection of a page.
class Life {
  hasDied = false;
  #isPosting = false;

  constructor(page, client) {
    this.page = page;
    this.client = client;
    this.patience = page.random.magnitude(LARGEST_BATCH);
    this.receiptsLeft = page.isMortal ? page.random.magnitude(LONGEST_LIFE) : Infinity;
  }

  async open(parameters, lastId) {
    this.reader = await this.client.connect(parameters, {
      lastId,
      onEvent: (event, isResent) => this.#hear(event, isResent),
    });
    if (this.reader.status !== 200) {
      this.page.ledger.problem(`${this.page.name} was answered ${this.reader.status}`);
    }
    this.acknowledge();
  }

  #hear(event, isResent) {
    if (this.hasDied) {
      return;
    }
    if (event.event === 'tick') {
      this.#take(event, isResent);
    } else if (event.event === 'sse-gap') {
      this.page.beTold(event.data);
    }
  }

  #take(event, isResent) {
    this.page.take(event);
    this.page.ledger.receive(this.page, event, isResent);
    this.receiptsLeft -= 1;
    if (this.receiptsLeft <= 0 && !this.page.crash.isFinishing) {
      this.hasDied = true;
      this.client.session.destroy();
    } else {
      this.acknowledge();
    }
  }

  // Unless too few wait yet: the next receipt asks again.
  acknowledge() {
    const { crash, pending } = this.page;
    const enough = crash.isFinishing ? 1 : this.patience;
    if (this.reader && !this.#isPosting && pending.size >= enough) {
      this.#isPosting = true;
      this.#post().catch(() => {}).finally(() => {
        this.#isPosting = false;
      });
    }
  }

  async #post() {
    const { pending, ledger, name } = this.page;
    while (pending.size > 0) {
      const ids = [...pending].slice(0, 1000);
      const answer = await this.client.postJson('/sse/demo/connect/ack.do', { connectionId: this.reader.id, ids });
      if (answer.status !== 200) {
        ledger.problem(`${name} acknowledged, and was answered ${answer.status} ${answer.text}`);
        return;
      }
      ids.forEach((id) => pending.delete(id));
      ledger.tell(`${name} has acknowledged ${ids}`);
      ledger.step();
    }
  }
}

export class CrashPage {
  seen = new Set(); // numbers, in all its lives
  memory = { seen: new Set(), last: -1 }; // since it came without a last id, or was told of a gap
  pending = new Set(); // ids that are not acknowledged
  deaths = 0;
  #life;
  #lastId;

  // crash: {ledger, host, isFinishing, isOver}. queue: whose messages it gets, all of them;
  // isOrdered: those that are new to it in the order in which they were sent.
  constructor(crash, random, { name, queue, parameters, isMortal = true, isOrdered = true }) {
    Object.assign(this, { crash, random, name, queue, parameters, isMortal, isOrdered });
    this.ledger = crash.ledger;
  }

  async run() {
    await this.crash.hasServer();
    while (!this.crash.isOver) {
      const { server } = this.crash.host;
      try {
        await this.#live(server);
      } catch (error) {
        await this.ledger.until(`another server, after ${this.name} had: ${error.stack}`,
          () => this.crash.isOver || this.crash.host.server !== server);
      }
    }
  }

  async #live(server) {
    const lastId = this.random.chance(0.5) ? this.#lastId : undefined;
    if (lastId === undefined) {
      this.#forget();
    }
    this.#life = new Life(this, await connect(server.origin));
    this.ledger.tell(`${this.name} connects, and has seen ${lastId}`);
    await this.#life.open(this.parameters, lastId);
    this.ledger.tell(`${this.name} is connected`);
    await this.#life.reader.end();
    if (this.#life.hasDied) {
      await this.#beDead();
    }
  }

  async #beDead() {
    const { crash, ledger } = this;
    this.deaths += 1;
    ledger.tell(`${this.name} is dead`);
    if (this.random.chance(0.5)) {
      this.pending.clear(); // with all its memory
    }
    const away = ledger.answered + this.random.below(LONGEST_AWAY);
    await ledger.until(`${this.name} to come back`,
      () => ledger.answered >= away || crash.isThrottled || crash.isFinishing);
  }

  // All that the history still has follows: also what other pages have acknowledged long ago.
  beTold(gap) {
    this.ledger.tell(`${this.name} is told of ${gap}`);
    this.#forget();
  }

  #forget() {
    this.memory = { seen: new Set(), last: -1 };
  }

  take({ id }) {
    this.#lastId = id;
    this.pending.add(id);
  }

  acknowledge() {
    this.#life?.acknowledge();
  }

  leave() {
    this.#life?.client.session.destroy();
  }
}
