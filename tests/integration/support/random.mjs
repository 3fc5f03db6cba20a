// SPDX-License-Identifier: Apache-2.0
// Random numbers that can be had again: who uses them says which seed it was.
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed | 0;
  }

  // Mulberry32: small, and the same everywhere. From 0 to below 1.
  fraction() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  // A whole number from 0 to bound - 1.
  below(bound) {
    return Math.floor(this.fraction() * bound);
  }

  // A whole number from 1 to most, where each order of magnitude is as likely as the next.
  magnitude(most) {
    return Math.floor(most ** this.fraction());
  }

  chance(probability) {
    return this.fraction() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }
}

// Another one each time, unless SEED says which.
export function newSeed() {
  return Number(process.env.SEED ?? Date.now() % 2 ** 31);
}
