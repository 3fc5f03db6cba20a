/* SPDX-License-Identifier: Apache-2.0 */
/* One user: what is known of it, its connections, what is stored for it, and its live trace. */
import { session } from './api.js';
import { badge, card, facts, make, note, number, text } from './dom.js';
import { short } from './connections.js';
import { kick } from './kick.js';
import { short as shortMessages } from './messages.js';
import { address } from './place.js';
import { trace } from './trace.js';

export const title = 'User';
export const needs = 'query';

const SHOWN = 20;

/* Where users are unique within their tenant one without a tenant is of the tenant "". */
function target(place) {
    const userId = place.parameter('userId');
    const tenantId = place.tenant ?? place.parameter('tenantId');
    return { userId, ...(tenantId !== '' || place.service.usersUnique === 'tenant' ? { tenantId } : {}) };
}

function links(whom) {
    const items = [
        ['send', 'send', { kind: 'userId', target: whom.userId, tenantId: whom.tenantId }, 'Send an event'],
        ['inspect', 'why', { userId: whom.userId, tenantId: whom.tenantId }, 'Why did an event not arrive?'],
    ].filter(([permission]) => session.may(permission));
    return make('p', { class: 'row' }, items.map(([, view, parameters, label]) => (
        make('a', { class: 'button', href: address({ view, ...parameters }) }, label))));
}

export async function show(place) {
    const whom = target(place);
    const asked = { ...whom, pageSize: SHOWN };
    const [{ online, grace }, { list: [known] }, { total, list: rows }, stored] = await Promise.all([
        place.ask('online', { parameters: whom }),
        place.ask('users', { parameters: { ...whom, pageSize: 1 } }),
        place.ask('connections', { parameters: { ...asked, sort: 'createTime', order: 'desc' } }),
        place.ask('messages', { parameters: asked }),
    ]);
    const more = (count, view) => (count > SHOWN
        ? make('p', undefined, make('a', { href: address({ view, ...whom }) }, `All ${number(count)}`)) : undefined);
    return [
        card(
            'Who',
            facts([
                ['Id', text(whom.userId, 1000)],
                ['Name', text(known?.name, 1000)],
                ['Tenant', text(known?.tenantId ?? whom.tenantId, 1000)],
                ['Access token', text(known?.accessToken)],
                ['State', grace ? badge('busy', 'away, within the grace time') : badge(online ? 'good' : 'bad', online ? 'online' : 'offline')],
            ]),
            links(whom),
        ),
        card(`Connections: ${number(total)}`, rows.length > 0 ? short(rows) : note('', 'There is none.'), more(total, 'connections')),
        card(
            `Stored messages: ${number(stored.total)}`,
            make('p', { class: 'hint' }, 'Also those for all, and for the tenant.'),
            stored.list.length > 0 ? shortMessages(stored.list) : note('', 'There are none.'),
            more(stored.total, 'messages'),
        ),
        trace(place, whom),
        kick(place, { target: whom, whom: `all connections of this user` }),
    ];
}
