/* SPDX-License-Identifier: Apache-2.0 */
/* What the server has decided, and decides from now on: of all, or of somebody (GET /trace). */
import { listen, session } from './api.js';
import { badge, make, moment, note, number, plain, text } from './dom.js';
import { folded } from './list.js';
import { address, go } from './place.js';

export const title = 'Trace';
export const needs = 'inspect';

const MOST = 300; // records that are shown
const PAST = 100; // of them, from before
const AGAIN_MS = 2000;

/* What is said first, and what stands elsewhere or helps nobody here. */
const FIRST = ['time', 'kind', 'event', 'id', 'worker'];
const BAD = ['refused', 'send-refused', 'channels-refused', 'dropped'];
const SO_SO = ['held', 'closed', 'repeated', 'unlistening', 'unsubscribed'];

function weight({ kind, missed, workers, qos, state }) {
    if (BAD.includes(kind) || missed > 0 || (workers === 0 && !qos) || ['expired', 'displaced', 'deleted'].includes(state)) {
        return 'bad';
    }
    return SO_SO.includes(kind) ? 'busy' : 'good';
}

function said(value) {
    if (Array.isArray(value)) {
        return value.map((item, at) => [at > 0 ? ', ' : '', typeof item === 'object' && item !== null ? said(item) : text(item, 80)]);
    }
    if (typeof value === 'object' && value !== null) {
        return Object.entries(value).map(([name, inner], at) => [at > 0 ? ', ' : '', plain(name), ' ', said(inner)]);
    }
    return typeof value === 'number' ? number(value) : text(value, 160);
}

const LINKS = {
    connection: (value) => ({ view: 'connection', id: value }),
    userId: (value, { tenantId }) => ({ view: 'user', userId: value, tenantId }),
};

function pair([name, value], record) {
    const isLink = LINKS[name] && typeof value === 'string' && session.may('query');
    return make('span', { class: 'pair' }, make('span', { class: 'soft' }, plain(name), ' '),
        isLink ? make('a', { href: address(LINKS[name](value, record)) }, text(value, 80)) : said(value), ' ');
}

function line(record) {
    const rest = Object.entries(record).filter(([name, value]) => !FIRST.includes(name) && value !== null && value !== '');
    return make(
        'li',
        undefined,
        moment(record.time),
        ' ',
        badge(weight(record), text(record.kind, 40)),
        ' ',
        record.event ? [make('b', undefined, text(record.event, 80)), ' '] : undefined,
        record.id ? [make('a', { class: 'mono', href: address({ view: 'trace', id: record.id }) }, text(record.id, 80)), ' '] : undefined,
        rest.map((entry) => pair(entry, record)),
    );
}

/** Some of them, as they are. */
export const records = (list) => make('ol', { class: 'trace', tabindex: '0', 'aria-label': 'Records' }, [...list].reverse().map(line));

class Lines {
    node = make('ol', { class: 'trace', id: 'trace', 'aria-label': 'Records, the latest first', tabindex: '0' });
    isPaused = false;
    #shown = new Set(); // as text: what is told of before and live is told once

    add(record) {
        const known = JSON.stringify(record);
        if (this.isPaused || this.#shown.has(known)) {
            return;
        }
        this.#shown.add(known);
        this.say(line(record));
        if (this.#shown.size > 2 * MOST) {
            this.#shown = new Set([...this.#shown].slice(-MOST));
        }
    }

    say(item) {
        this.node.prepend(item);
        this.node.children[MOST]?.remove();
    }
}

/* Live first, so that nothing lies between it and what was before. */
async function follow(place, parameters, lines, state) {
    const waiting = [];
    let isPast = false;
    const tell = ({ event, data }) => {
        if (event === 'trace-lost') {
            lines.say(make('li', undefined, badge('bad', 'lost'), ` ${number(JSON.parse(data).count)} records: this page was too slow`));
        } else if (event === 'trace-close') {
            state.textContent = `has ended: ${plain(JSON.parse(data).reason)}`;
        } else {
            lines.add(JSON.parse(data));
        }
    };
    const past = async () => {
        const { list } = await place.ask('trace', { parameters: { ...parameters, pageSize: PAST } });
        list.forEach((record) => lines.add(record));
        isPast = true;
        waiting.forEach(tell);
        state.textContent = 'live';
    };
    let failed;
    state.textContent = 'asks';
    await listen(`${place.service.path}/trace`, {
        parameters: { ...(place.tenant ? { tenantId: place.tenant } : {}), ...parameters },
        signal: place.signal,
        onEvent: (event) => {
            if (event.event === 'trace-start') {
                past().catch((error) => { failed = error; state.textContent = 'cannot show what was before'; });
            } else if (isPast) {
                tell(event);
            } else {
                waiting.push(event);
            }
        },
    });
    if (failed) {
        throw failed;
    }
}

function panel(place, parameters) {
    const lines = new Lines();
    const state = make('span', { class: 'soft', role: 'status', id: 'trace-state' }, 'asks');
    const pause = make('button', {
        type: 'button',
        'aria-pressed': 'false',
        click: () => {
            lines.isPaused = !lines.isPaused;
            pause.setAttribute('aria-pressed', String(lines.isPaused));
        },
    }, 'Pause');
    place.repeat(AGAIN_MS, () => follow(place, parameters, lines, state), false);
    return [make('div', { class: 'row between' }, make('h2', undefined, 'Trace'), make('div', { class: 'row' }, state, pause)), lines.node];
}

/** For a view about somebody; parameters: of /trace. */
export function trace(place, parameters) {
    return session.may('inspect') ? make('section', { class: 'card' }, panel(place, parameters)) : undefined;
}

const FIELDS = [
    ['userId', 'User id'], ['tenantId', 'Tenant'], ['id', 'Message id'], ['event', 'Event'], ['channel', 'Channel'], ['connection', 'Handle'],
    ['address', 'Address'], ['clientId', 'Client id'], ['kind', 'Kinds, with commas'],
];

export function show(place) {
    const fields = FIELDS.filter(([name]) => !(place.tenant && name === 'tenantId'));
    const asked = Object.fromEntries(fields.map(([name]) => [name, place.parameter(name)]).filter(([, value]) => value));
    const submit = (event) => {
        event.preventDefault();
        const { elements } = event.currentTarget;
        go({ view: 'trace', ...Object.fromEntries(fields.map(([name]) => [name, elements[name].value.trim()])) });
    };
    return [
        folded('Search', Object.keys(asked).length > 0, make(
            'form',
            { class: 'filter', role: 'search', submit },
            fields.map(([name, label]) => make('label', undefined, label, make('input', {
                type: 'search', name, value: place.parameter(name), autocomplete: 'off', spellcheck: 'false',
            }))),
            make(
                'div',
                { class: 'actions full' },
                make('button', { type: 'submit', class: 'primary' }, 'Watch'),
                make('a', { class: 'button', href: address({ view: 'trace', kind: 'refused,send-refused,channels-refused,dropped' }) }, 'Refusals and drops'),
                make('a', { class: 'button', href: address({ view: 'trace' }) }, 'Clear'),
            ),
        )),
        note('', 'Without payloads and tokens. What an unverified token claims is called claimed.'),
        make('section', { class: 'card' }, panel(place, asked)),
    ];
}
