/* SPDX-License-Identifier: Apache-2.0 */
/* Who is online. */
import { badge, make, number, text } from './dom.js';
import { list } from './list.js';
import { address } from './place.js';

export const title = 'Users';
export const needs = 'query';

const COLUMNS = [
    {
        title: 'Id',
        sort: 'id',
        show: ({ id, tenantId }) => make('a', { href: address({ view: 'user', userId: id, tenantId }) }, text(id)),
    },
    { title: 'Name', sort: 'name', className: 'wide', show: ({ name }) => text(name) },
    { title: 'Tenant', show: ({ tenantId }) => text(tenantId) },
    { title: 'Access token', show: ({ accessToken }) => text(accessToken, 24) },
    {
        title: 'Connections',
        sort: 'connections',
        isMostFirst: true,
        className: 'figure',
        show: ({ id, tenantId, connections }) => make('a', { href: address({ view: 'connections', userId: id, tenantId }) }, number(connections)),
    },
    { title: 'State', show: ({ grace }) => (grace ? badge('busy', 'away, grace time') : badge('good', 'connected')) },
];

const FIELDS = [
    { name: 'name', label: 'Part of the name' },
    { name: 'userId', label: 'User id' },
    { name: 'tenantId', label: 'Tenant' },
    { name: 'channel', label: 'Channel' },
    { name: 'listening', label: 'Listens to event' },
];

export const show = (place) => list(place, {
    view: 'users',
    path: 'users',
    what: { one: 'user', many: 'users' },
    columns: COLUMNS,
    fields: place.tenant ? FIELDS.filter(({ name }) => name !== 'tenantId') : FIELDS,
    sort: 'id',
    sends: ['sort', 'order'],
});
