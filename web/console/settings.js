/* SPDX-License-Identifier: Apache-2.0 */
/* The settings in use, and what differs from their defaults. */
import { badge, make, note, number, plain, text } from './dom.js';
import { table } from './list.js';

export const title = 'Settings';
export const needs = 'metrics';
export const ofProcess = true;

const shown = (value) => (String(value) === '' ? make('span', { class: 'soft' }, 'empty') : text(value, 400));

const COLUMNS = [
    { title: 'Setting', className: 'mono wide', show: ({ name }) => plain(name) },
    { title: 'Value', show: ({ value, isOther }) => [shown(value), isOther ? [' ', badge('busy', 'set')] : undefined] },
    { title: 'Default', show: ({ isOther, normal, value }) => (isOther ? shown(normal) : make('span', { class: 'soft' }, shown(value))) },
];

export async function show(place) {
    const { version, settings, defaults } = await place.askServer('/settings');
    const rows = Object.entries(settings).map(([name, value]) => ({ name, value, isOther: name in defaults, normal: defaults[name] }));
    const found = make('div', { id: 'settings' });
    const count = make('p', { class: 'count', role: 'status' });
    const filter = make('input', { type: 'search', name: 'name', autocomplete: 'off', spellcheck: 'false' });
    const onlyOthers = make('input', { type: 'checkbox', name: 'others' });
    const choose = () => {
        const part = filter.value.trim().toLowerCase();
        const chosen = rows.filter(({ name, isOther }) => name.toLowerCase().includes(part) && (isOther || !onlyOthers.checked));
        count.textContent = `${number(chosen.length)} of ${number(rows.length)} settings; ${number(Object.keys(defaults).length)} differ from the default`;
        found.replaceChildren(chosen.length > 0 ? table('settings', COLUMNS, chosen) : note('', 'There are no such settings.'));
    };
    const form = make(
        'form',
        { class: 'filter card', role: 'search', submit: (event) => event.preventDefault(), input: choose },
        make('label', undefined, 'Part of the name', filter),
        make('label', { class: 'check' }, onlyOthers, 'Only what differs from the default'),
    );
    choose();
    return [
        make('p', { class: 'soft' }, `Version ${number(version)}: 1 at the start, one more with each reload. Secrets are shown as ***.`),
        form,
        count,
        found,
    ];
}
