/* SPDX-License-Identifier: Apache-2.0 */
/* Stored messages: copies that nobody has acknowledged yet. */
import { session } from './api.js';
import { badge, confirmed, json, make, moment, note, number, text } from './dom.js';
import { list, table } from './list.js';
import { address, go } from './place.js';

export const title = 'Stored messages';
export const needs = 'query';

/** Whose copy it is. */
export function recipient({ userId, accessToken, tenantId, channel, connectionId, all }) {
    const parts = [['user', userId], ['token', accessToken], ['tenant', tenantId], ['channel', channel], ['connection', connectionId]]
        .filter(([, value]) => typeof value === 'string');
    return all ? 'all' : parts.map(([kind, value], at) => [at > 0 ? ', ' : '', `${kind} `, text(value, 60)]);
}

export const stateOf = ({ state, cause }) => badge({ stored: 'busy', acknowledged: 'good' }[state] ?? 'bad', state, cause ? `: ${cause}` : '');

export const COLUMNS = [
    { title: 'Id', show: ({ id }) => (id === '' ? text('') : make('a', { href: address({ view: 'message', id }), class: 'mono' }, text(id, 60))) },
    { title: 'Event', show: ({ event }) => text(event, 60) },
    { title: 'For', show: recipient },
    { title: 'Stored', show: ({ createTime }) => moment(createTime) },
    { title: 'Expires', show: ({ expireTime }) => moment(expireTime) },
    { title: 'Written', className: 'figure', show: ({ written }) => number(written) },
    { title: 'State', show: stateOf },
    { title: 'Data', show: ({ data }) => make('details', undefined, make('summary', undefined, 'Look'), json(data)) },
];

const FIELDS = [
    { name: 'userId', label: 'For the user' },
    { name: 'tenantId', label: 'For the tenant' },
    { name: 'accessToken', label: 'For the token' },
    { name: 'channel', label: 'For the channel' },
    { name: 'listeners', label: 'For who listens to' },
    { name: 'unreadable', label: 'Those that cannot be read', type: 'checkbox' },
];

/* What the form names; without anything: all. */
function remover(place, fields) {
    const said = fields.map(({ name }) => [name, place.parameter(name)]).filter(([, value]) => value);
    const parameters = said.length > 0 ? Object.fromEntries(said) : { all: 'true' };
    const result = make('div', { role: 'status' });
    const remove = async () => {
        const what = said.length > 0 ? 'what is stored for those that the form names' : 'everything that is stored';
        if (!await confirmed(`Delete ${what}?`, 'Delete')) {
            return;
        }
        const { count } = await place.run(() => place.ask('messages', { method: 'DELETE', parameters, isOfTenant: said.length > 0 })) ?? {};
        if (count !== undefined) {
            result.replaceChildren(note('good', `Deleted: ${number(count)}.`));
        }
    };
    return make('div', { class: 'row' }, make('button', { type: 'button', class: 'danger', id: 'delete', click: remove },
        said.length > 0 ? 'Delete what these filters name' : 'Delete all'), result);
}

export async function show(place) {
    const fields = place.tenant ? FIELDS.filter(({ name }) => !['tenantId', 'unreadable'].includes(name)) : FIELDS;
    const look = make('form', {
        class: 'filter card',
        submit: (event) => {
            event.preventDefault();
            go({ view: 'message', id: event.currentTarget.elements.id.value.trim() });
        },
    }, make('label', undefined, 'Id of a message', make('input', { type: 'search', name: 'id', required: true, autocomplete: 'off' })),
    make('div', { class: 'actions' }, make('button', { type: 'submit' }, 'What became of it?')));
    return [
        look,
        ...await list(place, { view: 'messages', path: 'messages', what: { one: 'copy', many: 'copies' }, columns: COLUMNS, fields }),
        session.may('send') && !(place.tenant && fields.every(({ name }) => !place.parameter(name))) ? remover(place, fields) : undefined,
    ];
}

/** Some of them, in a page about something else. */
export const short = (rows) => table('stored messages', COLUMNS.filter(({ title: name }) => name !== 'State'), rows);
