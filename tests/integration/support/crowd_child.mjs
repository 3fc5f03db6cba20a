// SPDX-License-Identifier: Apache-2.0
// Some of the users of a crowd, each with a session and up to four tabs on it, who come and go at
// random; the seed says how. Arguments: origin, seed, first user, count.
import { serveParent } from './child.mjs';
import { connect } from './client.mjs';
import { Random } from './random.mjs';

const [origin, ...numbers] = process.argv.slice(2);
const [seed, first, count] = numbers.map(Number);
const MOST_TABS = 4;
const AT_A_TIME = 4;

const chance = new Random(seed);
const random = (below) => chance.below(below);

class User {
  tabs = [];
  isBusy = false;

  constructor(id) {
    this.id = id;
  }

  async open() {
    this.client ??= await connect(origin);
    this.tabs.push(await this.client.connect({ userId: this.id }));
  }

  async close() {
    const [tab] = this.tabs.splice(random(this.tabs.length), 1);
    await tab.close();
  }

  // As a browser that is quit.
  async leave() {
    this.tabs = [];
    await this.client?.close();
    this.client = undefined;
  }

  async act() {
    const dice = random(20);
    if (dice === 0) {
      await this.leave();
    } else if (this.tabs.length === 0 || (dice < 10 && this.tabs.length < MOST_TABS)) {
      await this.open();
    } else {
      await this.close();
    }
  }
}

const users = Array.from({ length: count }, (_, i) => new User(`user${first + i}`));

async function atATime(steps, step) {
  let left = steps;
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    while (left-- > 0) {
      await step(left);
    }
  }));
}

async function someoneActs() {
  const idle = users.filter(({ isBusy }) => !isBusy);
  const user = idle[random(idle.length)];
  user.isBusy = true;
  await user.act();
  user.isBusy = false;
}

serveParent({
  async arrive() {
    await atATime(users.length, async (i) => {
      for (let tabs = 1 + random(MOST_TABS); tabs > 0; tabs--) {
        await users[i].open();
      }
    });
  },
  churn: (actions) => atATime(actions, someoneActs),
  online: () => users.filter(({ tabs }) => tabs.length > 0).map(({ id }) => id),
});
