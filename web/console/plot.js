/* SPDX-License-Identifier: Apache-2.0 */
/* A line, or some, of the last minutes: drawn as SVG, which takes its colours from the stylesheet, and said in words. */
import { draw, make } from './dom.js';

const WIDTH = 300;
const HEIGHT = 80;

/** 1, 2 or 5 times a power of ten (of bytes: of KiB, MiB, …) that is not below the value */
function roundUp(value, base) {
    const unit = base === 1024 ? 1024 ** Math.floor(Math.log(value) / Math.log(1024)) : 1;
    const power = 10 ** Math.floor(Math.log10(value / unit));
    return [1, 2, 5, 10].map((factor) => factor * power * unit).find((bound) => bound >= value * 0.999);
}

export class Plot {
    #lines;
    #figures;
    #top;
    #svg;
    #title;
    #format;
    #least;
    #base;
    #most;
    #values;

    /** series: names; format: of a value, for people; least: what the scale has at the least; base: 1024 of bytes; most: points */
    constructor(title, { series, format, least = 1, base = 10, most = 150 }) {
        this.#title = title;
        this.#format = format;
        this.#least = least;
        this.#base = base;
        this.#most = most;
        this.#values = series.map(() => []);
        this.series = series;
        this.#lines = series.map((name, at) => draw('polyline', { class: `line line-${at}`, points: '' }));
        this.#figures = series.map(() => make('b', undefined, '–'));
        this.#top = make('span', { class: 'soft scale' });
        this.#svg = draw('svg', {
            viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}: nothing is known yet`,
        }, draw('path', { class: 'grid', d: `M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}` }), this.#lines);
        this.node = make(
            'figure',
            { class: 'plot card' },
            make(
                'figcaption',
                undefined,
                make('h2', undefined, title),
                make('ul', { class: 'legend' }, series.map((name, at) => make(
                    'li',
                    undefined,
                    make('span', { class: `key key-${at}`, 'aria-hidden': 'true' }),
                    `${name} `,
                    this.#figures[at],
                ))),
            ),
            make('div', { class: 'canvas' }, this.#svg, this.#top),
        );
    }

    /** One value for each of the series; undefined: there is none. */
    add(values) {
        this.#values.forEach((kept, at) => {
            kept.push(values[at]);
            kept.splice(0, kept.length - this.#most);
        });
        const known = this.#values.flat().filter((value) => value !== undefined);
        const top = roundUp(Math.max(this.#least, ...known), this.#base);
        this.#lines.forEach((line, at) => line.setAttribute('points', this.#points(this.#values[at], top)));
        this.#figures.forEach((figure, at) => { figure.textContent = this.#say(values[at]); });
        this.#top.textContent = this.#format(top);
        this.#svg.setAttribute('aria-label', this.words());
    }

    words() {
        const of = (kept, name) => {
            const known = kept.filter((value) => value !== undefined);
            return known.length === 0 ? `${name} –` : `${name} ${this.#say(kept.at(-1))}, between `
                + `${this.#say(Math.min(...known))} and ${this.#say(Math.max(...known))}`;
        };
        return `${this.#title}: ${this.#values.map((kept, at) => of(kept, this.series[at])).join('; ')}`;
    }

    /** The title and what it is now. */
    now() {
        return `${this.#title}: ${this.series.map((name, at) => `${name} ${this.#say(this.#values[at].at(-1))}`).join(', ')}`;
    }

    #say(value) {
        return value === undefined ? '–' : this.#format(value);
    }

    #points(values, top) {
        const step = WIDTH / (this.#most - 1);
        return values.map((value, at) => (value === undefined ? '' : [
            (WIDTH - (values.length - 1 - at) * step).toFixed(1),
            (HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 4)).toFixed(1),
        ].join(','))).filter(Boolean).join(' ');
    }
}
