/* SPDX-License-Identifier: Apache-2.0 */
/* What has become of one stored message, copy by copy. */
import { session } from './api.js';
import { card, confirmed, facts, make, moment, note, number, text } from './dom.js';
import { table } from './list.js';
import { recipient, stateOf } from './messages.js';
import { address } from './place.js';
import { trace } from './trace.js';

export const title = 'Message';
export const needs = 'query';

const COLUMNS = [
    { title: 'For', show: recipient },
    { title: 'State', show: stateOf },
    { title: 'Written', className: 'figure', show: ({ written }) => number(written) },
    { title: 'Ended', show: ({ endTime }) => moment(endTime) },
];

function remover(place, id) {
    const result = make('div', { role: 'status' });
    const remove = async () => {
        if (!await confirmed('Delete what is still stored of this message?', 'Delete')) {
            return;
        }
        const { count } = await place.run(() => place.ask('messages', { method: 'DELETE', parameters: { id }, isOfTenant: false })) ?? {};
        if (count !== undefined) {
            result.replaceChildren(note('good', `Deleted: ${number(count)}.`));
        }
    };
    return make('div', { class: 'row' }, make('button', { type: 'button', class: 'danger', id: 'delete', click: remove }, 'Delete it'), result);
}

export async function show(place) {
    const id = place.parameter('id');
    const message = await place.ask('messages', { parameters: { id }, isOfTenant: false });
    return [
        card('Message', facts([
            ['Id', make('span', { class: 'mono' }, text(id, 200))],
            ['Event', text(message.event)],
            ['Stored', moment(message.createTime)],
            ['Expires', moment(message.expireTime)],
        ]), session.may('inspect') ? make('p', undefined, make('a', { class: 'button', href: address({ view: 'why', id }) }, 'Why?')) : undefined),
        card(`Copies: ${number(message.copies.length)}`, table('copies', COLUMNS, message.copies)),
        trace(place, { id }),
        session.may('send') && message.copies.some(({ state }) => ['stored', 'unreadable'].includes(state)) ? remover(place, id) : undefined,
    ];
}
