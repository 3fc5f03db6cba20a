/* SPDX-License-Identifier: Apache-2.0 */
/* Sends somebody away, after a question. */
import { session } from './api.js';
import { card, confirmed, make, note, number } from './dom.js';

/** target: of disconnectUser; whom: the same for people; onDone: when it has happened */
export function kick(place, { target, whom, onDone }) {
    if (!session.may('disconnect')) {
        return undefined;
    }
    const stays = make('input', { type: 'checkbox', name: 'stays', checked: true });
    const revokes = make('input', { type: 'checkbox', name: 'revokes', checked: true });
    const reason = make('input', { name: 'reason', maxlength: '128', pattern: '[A-Za-z0-9 ]*', autocomplete: 'off' });
    const result = make('div', { role: 'status' });
    const submit = async (event) => {
        event.preventDefault();
        if (!await confirmed(`Close ${whom}?`, 'Close')) {
            return;
        }
        const { count } = await place.run(() => place.command('disconnectUser', {
            ...target,
            ...(reason.value ? { reason: reason.value } : {}),
            ...(stays.checked ? { revoke: revokes.checked } : { reconnect: 5000 }),
        })) ?? {};
        if (count !== undefined) {
            result.replaceChildren(note('good', `Closed: ${number(count)}.`));
            onDone?.();
        }
    };
    stays.addEventListener('change', () => { revokes.disabled = !stays.checked; });
    return card('Disconnect', make(
        'form',
        { class: 'fields', id: 'kick', submit },
        make('label', { class: 'check' }, stays, 'The page stays away'),
        make('label', { class: 'check' }, revokes, 'Revoke the credentials as well'),
        make('label', undefined, 'Reason that the page is told', reason),
        make('div', { class: 'actions' }, make('button', { type: 'submit', class: 'danger' }, 'Disconnect')),
        result,
    ));
}
