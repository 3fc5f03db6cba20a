/* SPDX-License-Identifier: Apache-2.0 */
/* What the server decides about somebody, as it does so. */
import { listen, session } from './api.js';
import { badge, make, moment, plain, text } from './dom.js';

const MOST = 200; // lines that are kept
const AGAIN_MS = 2000;

/* What is shown first of a record; the rest behind it. */
const FIRST = ['time', 'kind', 'event', 'fate', 'cause', 'id'];

function line(record) {
    const rest = Object.entries(record).filter(([name, value]) => !FIRST.includes(name) && value !== null && value !== undefined);
    const word = record.fate ?? record.cause;
    return make(
        'li',
        undefined,
        moment(record.time),
        ' ',
        record.kind ? make('b', undefined, text(record.kind, 40)) : undefined,
        word ? [' ', badge(/refus|drop|expir|miss/.test(word) ? 'bad' : 'good', text(word, 60))] : undefined,
        record.event ? [' ', text(record.event, 60)] : undefined,
        record.id ? [' ', make('span', { class: 'mono' }, text(record.id, 60))] : undefined,
        rest.map(([name, value]) => [' ', make('span', { class: 'soft' }, plain(name), ' '),
            text(typeof value === 'object' ? JSON.stringify(value) : value, 160)]),
    );
}

function parse(data) {
    try {
        const record = JSON.parse(data);
        return typeof record === 'object' && record !== null ? record : { kind: String(record) };
    } catch {
        return { kind: data };
    }
}

/** parameters: of /trace */
export function trace(place, parameters) {
    if (!session.may('inspect')) {
        return undefined;
    }
    const state = make('span', { class: 'soft', role: 'status', id: 'trace-state' }, 'not yet');
    const lines = make('ol', { class: 'trace', id: 'trace', 'aria-label': 'Trace', tabindex: '0' });
    let isPaused = false;
    const pause = make('button', {
        type: 'button',
        'aria-pressed': 'false',
        click: () => {
            isPaused = !isPaused;
            pause.setAttribute('aria-pressed', String(isPaused));
        },
    }, 'Pause');
    const onEvent = ({ data }) => {
        if (!isPaused) {
            lines.prepend(line(parse(data)));
            lines.children[MOST]?.remove();
        }
    };
    place.repeat(AGAIN_MS, async () => {
        state.textContent = 'asks';
        try {
            await listen(`${place.service.path}/trace`, {
                parameters: { ...(place.tenant ? { tenantId: place.tenant } : {}), ...parameters },
                signal: place.signal,
                onOpen: () => { state.textContent = 'live'; },
                onEvent,
            });
        } finally {
            state.textContent = 'has ended';
        }
    });
    return make(
        'section',
        { class: 'card wide' },
        make('div', { class: 'row between' }, make('h2', undefined, 'Live trace'), make('div', { class: 'row' }, state, pause)),
        make('p', { class: 'hint' }, 'Each decision about this, the newest first. The last of them are shown at once.'),
        lines,
    );
}
