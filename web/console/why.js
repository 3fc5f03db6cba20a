/* SPDX-License-Identifier: Apache-2.0 */
/* Why somebody did not get an event: what the server answers, and what that rests on (GET /why). */
import { session } from './api.js';
import { badge, card, facts, json, make, moment, note, number, text } from './dom.js';
import { short } from './connections.js';
import { recipient } from './messages.js';
import { address, go } from './place.js';
import { records } from './trace.js';

export const title = 'Why?';
export const needs = 'inspect';

const FIELDS = [['userId', 'User id'], ['tenantId', 'Tenant'], ['event', 'Event'], ['channel', 'Channel'], ['id', 'Id of a message']];

function form(place) {
    const fields = FIELDS.filter(([name]) => !(place.tenant && name === 'tenantId'));
    const submit = (event) => {
        event.preventDefault();
        const { elements } = event.currentTarget;
        go({ view: 'why', ...Object.fromEntries(fields.map(([name]) => [name, elements[name].value.trim()])) });
    };
    return make(
        'form',
        { class: 'filter card', id: 'why', submit },
        fields.map(([name, label]) => make('label', undefined, label, make('input', {
            name, type: 'search', value: place.parameter(name), autocomplete: 'off', spellcheck: 'false',
        }))),
        make('div', { class: 'actions' }, make('button', { type: 'submit', class: 'primary' }, 'Ask')),
    );
}

const happened = (event) => event && [moment(event.time), ' ', badge('bad', text(event.cause)), ' ',
    event.reason ? [text(event.reason, 200), ' '] : undefined,
    event.address ? ['from ', text(event.address), ' '] : undefined,
    event.verified ? undefined : badge('busy', 'claimed, not verified')];

const messageOf = ({ id, time, stored, state, written, dropped, ahead }) => [
    id ? [make('a', { class: 'mono', href: address({ view: session.may('query') && stored ? 'message' : 'trace', id }) }, text(id, 80)), ' '] : undefined,
    moment(time), stored ? [' ', badge('busy', text(state))] : undefined,
    ` written ${number(written)}, dropped ${number(dropped)}`, ahead > 0 ? `, behind ${number(ahead)} others` : ''];

const channelOf = ({ name, connections, connectionsOfUser, refused, refusedFor, nearest }) => [
    text(name), ` ${number(connections)} connections, ${number(connectionsOfUser)} of them this user’s`,
    refused ? [' ', badge('bad', text(refusedFor ? `refused: ${refusedFor}` : 'refused'))] : undefined, nearest ? [' there is ', text(nearest)] : undefined];

function detail(name, count, ...shown) {
    return count > 0 ? make('details', undefined, make('summary', undefined, `${name}: ${number(count)}`), ...shown) : undefined;
}

function answerOf(said) {
    const { cause, event, message, connections, nearestListener, channel, queue, lastRefusal, lastEnd, otherTenant, otherService, knownSince } = said;
    return card(
        'Answer',
        make('p', { class: 'row' }, badge('busy', make('b', { class: 'cause' }, text(cause, 60))), ' ', make('span', undefined, recipient({ ...said, channel: said.userId === undefined ? said.channel?.name : undefined }))),
        make('p', { class: 'told' }, text(said.text, 4000)),
        facts([
            event ? ['Event', text(event)] : undefined,
            message ? ['Message', messageOf(message)] : undefined,
            ['Connections', `${number(connections.count)}, of which listen ${number(connections.listening)}`],
            nearestListener ? ['They listen to', text(nearestListener)] : undefined,
            channel ? ['Channel', channelOf(channel)] : undefined,
            ['Queue', `${number(queue.stored)} stored, ${number(queue.inFlight)} in flight of ${number(queue.window)}`],
            lastRefusal ? ['Last refusal', happened(lastRefusal)] : undefined,
            lastEnd ? ['Last connection ended', happened(lastEnd)] : undefined,
            otherTenant ? ['Online in the tenant', text(otherTenant)] : undefined,
            otherService ? ['Online in the service', text(otherService)] : undefined,
            ['What is known begins', moment(knownSince)],
        ]),
        detail('Connections', connections.list.length, session.may('query') && connections.list.length > 0 ? short(connections.list) : json(connections.list)),
        detail('Stored messages that wait', queue.waiting.length, json(queue.waiting)),
        detail('Records', said.records.length, records(said.records)),
    );
}

export async function show(place) {
    const asked = Object.fromEntries(FIELDS.map(([name]) => [name, place.parameter(name)]).filter(([, value]) => value));
    if (!asked.id && !asked.userId) {
        return [form(place), make('p', { class: 'soft' }, 'Ask for a user and an event, or for a message that was sent.')];
    }
    if (asked.userId && place.service.usersUnique === 'tenant') {
        asked.tenantId = place.tenant ?? place.parameter('tenantId');
    }
    const said = await place.run(() => place.ask('why', { parameters: asked }));
    if (!said) {
        return [form(place)];
    }
    const { recipients, recipientCount } = said;
    return [
        form(place),
        recipients && recipientCount > recipients.length
            ? note('', `It is for ${number(recipientCount)}; these are the first ${number(recipients.length)}.`) : undefined,
        ...(recipients ?? [said]).map(answerOf),
    ];
}
