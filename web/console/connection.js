/* SPDX-License-Identifier: Apache-2.0 */
/* One event stream: what is known of it, and its live trace. */
import { age, bytes, card, duration, facts, json, make, moment, note, number, pageLink, text } from './dom.js';
import { kick } from './kick.js';
import { address } from './place.js';
import { trace } from './trace.js';

export const title = 'Connection';
export const needs = 'query';

const LONG = 12000;

const names = (all, view, parameter) => (all?.length > 0
    ? make('ul', { class: 'tags' }, all.map((name) => make('li', undefined, make('a', { href: address({ view, [parameter]: name }) }, text(name)))))
    : text(''));

function ofUser({ accessUser, accessUserId, accessTenantId, accessToken }) {
    return card('User', facts([
        ['Id', make('a', { href: address({ view: 'user', userId: accessUserId, tenantId: accessTenantId }) }, text(accessUserId, 1000))],
        ['Name', text(accessUser?.name, LONG)],
        ['Tenant', text(accessTenantId, 1000)],
        ['Access token', text(accessToken)],
    ]));
}

function ofStream(connection) {
    return card('Stream', facts([
        ['Handle', make('span', { class: 'mono' }, text(connection.id))],
        ['Open since', moment(connection.createTime), ` (${age(connection.createTime)})`],
        ['Lives at the most', connection.timeout > 0 ? duration(connection.timeout / 1000) : 'as long as it wants'],
        ['Last access, says its page', moment(connection.accessTime)],
        ['Events', number(connection.messageCount)],
        ['Not read yet', bytes(connection.queuedBytes)],
        ['Last request', moment(connection.lastRequestTime)],
        ['Messages and uploads', `${number(connection.requestMessageCount)} and ${number(connection.requestUploadCount)}`],
        ['Counted time online', duration(connection.sessionDuration)],
        ['Channels', names(connection.channels, 'connections', 'channel')],
        ['Listens to', names(connection.listeners, 'connections', 'listening')],
    ]));
}

function ofBrowser(connection) {
    return card('Client', facts([
        ['Address', text(connection.requestIp)],
        ['TLS', text(connection.requestTls)],
        ['Domain', text(connection.requestDomain, 1000)],
        ['Page', connection.locationHref ? pageLink(connection.locationHref, LONG) : text('')],
        ['User agent', text(connection.userAgent, LONG)],
        ['Client id', text(connection.clientId, 1000)],
        ['Client version', text(connection.clientVersion, 1000)],
        ['Screen', text(connection.screen, 1000)],
        ['Heap in use', typeof connection.usedJSHeapSize === 'number' ? bytes(connection.usedJSHeapSize) : text(connection.usedJSHeapSize)],
        ['Server', make('span', { class: 'mono' }, text(connection.serverId))],
    ]));
}

export async function show(place) {
    const id = place.parameter('id');
    const { list: [connection] } = await place.ask('connections', { parameters: { id, sort: 'queuedBytes', pageSize: 1 } });
    if (!connection) {
        return [note('', 'There is no such connection (any more).'), trace(place, { connection: id })];
    }
    return [
        ofUser(connection),
        make('div', { class: 'cards' }, ofStream(connection), ofBrowser(connection)),
        trace(place, { connection: id }),
        card('Sent with the request', make('h3', undefined, 'Parameters'), json(connection.httpParameters), make('h3', undefined, 'Header fields'),
            json(connection.httpHeaders), connection.attributes ? [make('h3', undefined, 'Attributes'), json(connection.attributes)] : undefined),
        // A key for tenants may name users alone.
        place.tenant ? undefined : kick(place, { target: { connectionId: id }, whom: 'this connection' }),
    ];
}
