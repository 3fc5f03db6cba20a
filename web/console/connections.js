/* SPDX-License-Identifier: Apache-2.0 */
/* The event streams that are open. */
import { age, bytes, make, moment, number, pageLink, text } from './dom.js';
import { list, table } from './list.js';
import { address } from './place.js';

export const title = 'Connections';
export const needs = 'query';

const HANDLE = {
    title: 'Handle',
    className: 'nowrap',
    show: ({ id }) => make('a', { href: address({ view: 'connection', id }), class: 'mono' }, text(id)),
};
const USER = {
    title: 'User',
    sort: 'name',
    className: 'wide',
    show: ({ accessUserId, accessTenantId, accessUser }) => [
        make('a', { href: address({ view: 'user', userId: accessUserId, tenantId: accessTenantId }) }, text(accessUser?.name || accessUserId, 60)),
        accessUser?.name ? [' ', make('span', { class: 'soft' }, text(accessUserId, 40))] : undefined,
    ],
};
const REST = [
    { title: 'Open since', sort: 'createTime', isMostFirst: true, show: ({ createTime }) => [moment(createTime), make('span', { class: 'soft' }, ` ${age(createTime)}`)] },
    { title: 'Events', sort: 'messageCount', isMostFirst: true, className: 'figure', show: ({ messageCount }) => number(messageCount) },
    { title: 'Queued', sort: 'queuedBytes', isMostFirst: true, className: 'figure', show: ({ queuedBytes }) => bytes(queuedBytes) },
    { title: 'Channels', className: 'figure', show: ({ channels }) => number(channels?.length ?? 0) },
    { title: 'Address', className: 'nowrap', show: ({ requestIp }) => text(requestIp, 50) },
    { title: 'Browser', className: 'wide', show: ({ userAgent }) => text(userAgent, 60) },
    { title: 'Page', className: 'wide', show: ({ locationHref }) => (locationHref ? pageLink(locationHref, 60) : text('')) },
];
const COLUMNS = [USER, HANDLE, ...REST];

const FIELDS = [
    { name: 'name', label: 'Part of the user’s name' },
    { name: 'userId', label: 'User id' },
    { name: 'tenantId', label: 'Tenant' },
    { name: 'channel', label: 'Channel' },
    { name: 'listening', label: 'Listens to event' },
    { name: 'clientId', label: 'Client id' },
    { name: 'id', label: 'Handle' },
];

export const show = (place) => list(place, {
    view: 'connections',
    path: 'connections',
    what: { one: 'connection', many: 'connections' },
    columns: COLUMNS,
    fields: place.tenant ? FIELDS.filter(({ name }) => name !== 'tenantId') : FIELDS,
    sort: 'name',
    sends: ['sort', 'order'],
});

/** Some of them, in a page about something else. */
export const short = (rows) => table('connections', [HANDLE, ...REST], rows);
