/* SPDX-License-Identifier: Apache-2.0 */
/* Sends one event. */
import { session } from './api.js';
import { card, json, make, note, number, text } from './dom.js';
import { address } from './place.js';

export const title = 'Send';
export const needs = 'send';

const KINDS = [['userId', 'a user'], ['tenantId', 'a tenant'], ['channel', 'a channel'], ['connectionId', 'a connection'],
    ['accessToken', 'an access token'], ['all', 'everybody']];

/* JSON where it is some, else the text itself. */
function valueOf(data) {
    try {
        return JSON.parse(data);
    } catch {
        return data;
    }
}

function messageOf(form, place) {
    const { kind, target, tenantId, event, data, listening, qos, ttl, id } = form.elements;
    const tenant = place.tenant ?? tenantId.value.trim();
    const isOfTenant = kind.value === 'userId' && (tenant !== '' || place.service.usersUnique === 'tenant');
    return {
        ...(kind.value === 'all' ? { all: true } : { [kind.value]: target.value }),
        ...(isOfTenant ? { tenantId: tenant } : {}),
        ...(event.value ? { event: event.value } : {}),
        ...(data.value ? { data: valueOf(data.value) } : {}),
        ...(listening.checked ? { listening: true } : {}),
        ...(qos.checked ? { qos: 1 } : {}),
        ...(qos.checked && ttl.value ? { ttl: Number(ttl.value) } : {}),
        ...(id.value ? { id: id.value } : {}),
    };
}

function told(sent) {
    const { id, count, stored, repeated } = sent;
    const parts = [repeated ? 'It was sent before, and is not again.' : `Written to ${number(count)} ${count === 1 ? 'connection' : 'connections'}.`];
    if (stored !== undefined) {
        parts.push(` Stored for ${number(stored)} ${stored === 1 ? 'recipient' : 'recipients'}.`);
    }
    return [
        note('good', ...parts, ' Id ', make('span', { class: 'mono' }, text(id, 130)), '.'),
        make('p', { class: 'row' }, stored !== undefined && session.may('query')
            ? make('a', { class: 'button', href: address({ view: 'message', id }) }, 'What becomes of it?') : undefined,
        session.may('inspect') ? make('a', { class: 'button', href: address({ view: 'why', id }) }, 'Why?') : undefined),
    ];
}

export function show(place) {
    const input = (name, attributes) => make('input', { name, autocomplete: 'off', spellcheck: 'false', ...attributes });
    const kinds = place.tenant ? KINDS.filter(([kind]) => ['userId', 'tenantId'].includes(kind)) : KINDS;
    const kind = make('select', { name: 'kind' }, kinds.map(([value, name]) => (
        make('option', { value, selected: value === (place.parameter('kind') || 'userId') }, name))));
    const target = input('target', { value: place.parameter('target') || undefined, required: true, maxlength: '4096' });
    const tenantId = input('tenantId', { value: place.parameter('tenantId') || undefined });
    const tenant = make('label', undefined, 'of the tenant', tenantId);
    const result = make('div', { id: 'sent', role: 'status' });
    const preview = make('div');
    const onKind = () => {
        const isAll = kind.value === 'all';
        target.disabled = isAll;
        target.required = !isAll;
        tenant.hidden = kind.value !== 'userId' || Boolean(place.tenant);
    };
    const form = make(
        'form',
        {
            id: 'send',
            class: 'fields',
            submit: async (event) => {
                event.preventDefault();
                const sent = await place.run(() => place.command('send', messageOf(form, place)));
                result.replaceChildren(...(sent ? told(sent) : []));
            },
            input: () => preview.replaceChildren(json(messageOf(form, place))),
        },
        make('label', undefined, 'To', kind),
        make('label', undefined, 'Which', target),
        tenant,
        make('label', undefined, 'Event', input('event', { value: 'message', maxlength: '128', pattern: '[A-Za-z0-9._\\-]*' })),
        make('label', { class: 'full' }, 'Data, JSON or text', make('textarea', { name: 'data', rows: '4', spellcheck: 'false' })),
        make('label', { class: 'check' }, input('listening', { type: 'checkbox' }), 'Only to those who listen to the event'),
        make('label', { class: 'check' }, input('qos', { type: 'checkbox' }), 'Store it until it is acknowledged (qos 1)'),
        make('label', undefined, 'For so many seconds', input('ttl', { type: 'number', min: '0' })),
        make('label', undefined, 'Id of its own', input('id', { maxlength: '128', pattern: '[A-Za-z0-9\\-]*' })),
        make('div', { class: 'actions full' }, make('button', { type: 'submit', class: 'primary' }, 'Send')),
    );
    kind.addEventListener('change', onKind);
    onKind();
    preview.replaceChildren(json(messageOf(form, place)));
    return [card('Event', form, result), card('What is posted to send', preview)];
}
