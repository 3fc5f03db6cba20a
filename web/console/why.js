/* SPDX-License-Identifier: Apache-2.0 */
/* Why somebody did not get an event: the server answers. */
import { badge, card, json, make, text } from './dom.js';
import { go } from './place.js';

export const title = 'Why?';
export const needs = 'inspect';

const FIELDS = [['userId', 'User id'], ['tenantId', 'Tenant'], ['event', 'Event'], ['id', 'or the id of a message']];

function form(place) {
    const submit = (event) => {
        event.preventDefault();
        const { elements } = event.currentTarget;
        go({ view: 'why', ...Object.fromEntries(FIELDS.map(([name]) => [name, elements[name]?.value.trim()])) });
    };
    return make(
        'form',
        { class: 'filter card', id: 'why', submit },
        FIELDS.filter(([name]) => !(place.tenant && name === 'tenantId')).map(([name, label]) => make('label', undefined, label, make('input', {
            name, type: 'search', value: place.parameter(name), autocomplete: 'off', spellcheck: 'false',
        }))),
        make('div', { class: 'actions' }, make('button', { type: 'submit', class: 'primary' }, 'Ask')),
    );
}

function answerOf({ cause, text: said, explanation, ...rest }) {
    return [
        card(
            'Answer',
            make('p', { id: 'cause' }, badge('busy', text(cause, 60))),
            make('p', { id: 'explanation' }, text(said ?? explanation, 4000)),
        ),
        card('What it goes by', json(rest)),
    ];
}

export async function show(place) {
    const asked = Object.fromEntries(FIELDS.map(([name]) => [name, place.parameter(name)]).filter(([, value]) => value));
    if (!asked.id && !asked.userId) {
        return [form(place), make('p', { class: 'soft' }, 'Ask for a user and an event, or for a message that was sent.')];
    }
    const answer = place.run(() => place.ask('why', { parameters: asked }));
    return [form(place), ...await answer.then((said) => (said ? answerOf(said) : []))];
}
