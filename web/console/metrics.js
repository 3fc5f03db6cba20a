/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /metrics: samples by name and labels, rates between two readings, quantiles of histograms. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES = { n: '\n', '"': '"', '\\': '\\' };

function labelsOf(text) {
    const labels = {};
    for (const [, name, value] of text.matchAll(LABEL)) {
        labels[name] = value.replace(/\\(.)/g, (all, letter) => ESCAPES[letter] ?? all);
    }
    return labels;
}

export class Reading {
    #samples = new Map(); // name → [{labels, value}]

    constructor(text, at) {
        this.at = at; // ms
        for (const line of text.split('\n')) {
            const found = line.startsWith('#') ? null : SAMPLE.exec(line);
            if (found) {
                const [, name, labels, value] = found;
                const sample = { labels: labelsOf(labels ?? ''), value: Number(value) };
                this.#samples.set(name, [...(this.#samples.get(name) ?? []), sample]);
            }
        }
    }

    has(name) {
        return this.#samples.has(name);
    }

    /** The values of a name whose labels are these. */
    of(name, labels = {}) {
        return (this.#samples.get(name) ?? [])
            .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
    }

    sum(name, labels) {
        return this.of(name, labels).reduce((sum, { value }) => sum + value, 0);
    }

    most(name, labels) {
        return Math.max(0, ...this.of(name, labels).map(({ value }) => value));
    }
}

/** How a sum of counters has grown, per second. A server that has started anew counts from 0. */
export function rate(before, now, name, labels) {
    const grown = now.sum(name, labels) - before.sum(name, labels);
    return grown < 0 ? 0 : (grown * 1000) / Math.max(1, now.at - before.at);
}

/** The quantile of what came between two readings; undefined: nothing did. As Prometheus reckons it. */
export function quantile(before, now, name, part, labels) {
    const counts = new Map(); // upper bound → how many
    for (const [reading, weight] of [[now, 1], [before, -1]]) {
        for (const { labels: { le }, value } of reading.of(`${name}_bucket`, labels)) {
            const bound = le === '+Inf' ? Infinity : Number(le);
            counts.set(bound, (counts.get(bound) ?? 0) + weight * value);
        }
    }
    const buckets = [...counts].sort(([one], [other]) => one - other);
    const total = buckets.at(-1)?.[1] ?? 0;
    const wanted = total * part;
    let [low, below] = [0, 0];
    if (total <= 0) {
        return undefined;
    }
    for (const [bound, count] of buckets) {
        if (count >= wanted) {
            return bound === Infinity ? low : low + ((bound - low) * (wanted - below)) / Math.max(1e-9, count - below);
        }
        [low, below] = [bound, count];
    }
    return low;
}
