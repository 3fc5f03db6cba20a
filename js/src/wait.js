/* SPDX-License-Identifier: Apache-2.0 */

const SHORTEST_WAIT = 500; // ms
const LONGEST_WAIT = 30_000;

/** ms by a clock that nobody sets; where it stands from is anybody's guess. */
export function now({ performance }) {
    return performance?.now() ?? Date.now();
}

/** Full jitter: any wait up to a ceiling that doubles, so that 10,000 pages do not return at once. */
export function jitteredWait(attempt, firstCeiling) {
    const ceiling = Math.min(LONGEST_WAIT, firstCeiling * 2 ** Math.min(attempt, 16));
    const shortest = Math.min(SHORTEST_WAIT, ceiling);
    return shortest + Math.random() * (ceiling - shortest);
}
