/* SPDX-License-Identifier: Apache-2.0 */
/* The channels that somebody is in. */
import { session } from './api.js';
import { make, text } from './dom.js';
import { list } from './list.js';
import { address } from './place.js';

export const title = 'Channels';
export const needs = 'query';

const COLUMNS = [
    { title: 'Channel', sort: 'channel', show: (channel) => make('a', { href: address({ view: 'connections', channel }) }, text(channel)) },
    { title: 'Who is in it', show: (channel) => make('a', { href: address({ view: 'users', channel }) }, 'users') },
    { title: 'Send', show: (channel) => make('a', { href: address({ view: 'send', kind: 'channel', target: channel }) }, 'send to it') },
];

const FIELDS = [
    { name: 'userId', label: 'Of the user with this id' },
    { name: 'name', label: 'Of users with this in their name' },
    { name: 'tenantId', label: 'Of the tenant' },
];

export const show = (place) => list(place, {
    view: 'channels',
    path: 'channels',
    what: { one: 'channel', many: 'channels' },
    columns: session.may('send') ? COLUMNS : COLUMNS.filter(({ title: name }) => name !== 'Send'),
    fields: place.tenant ? FIELDS.filter(({ name }) => name !== 'tenantId') : FIELDS,
    sort: 'channel',
    sends: ['order'],
});
