/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of the listeners. */
import { badge, duration, make, moment, note, text } from './dom.js';
import { table } from './list.js';

export const title = 'Certificates';
export const needs = 'metrics';
export const ofProcess = true;

const SOON = 14 * 86400; // s

function endOf({ notBefore, notAfter, warning }) {
    const left = (notAfter - Date.now()) / 1000;
    return [
        moment(notAfter),
        ' ',
        left <= 0 ? badge('bad', 'over') : badge(left < SOON ? 'busy' : 'good', `in ${duration(left)}`),
        make('div', { class: 'soft' }, 'since ', moment(notBefore)),
        warning ? note('bad', text(warning, 400)) : undefined,
    ];
}

const COLUMNS = [
    { title: 'Listener', className: 'nowrap', show: ({ listener }) => text(listener) },
    { title: 'Names', show: ({ names }) => make('ul', { class: 'tags' }, names.map((name) => make('li', undefined, text(name)))) },
    { title: 'Subject', show: ({ subject }) => text(subject) },
    { title: 'Issuer', show: ({ issuer, isDevelopment }) => [text(issuer), isDevelopment ? [' ', badge('busy', 'for development')] : undefined] },
    { title: 'Ends', show: endOf },
    { title: 'File', className: 'mono wide', show: ({ file }) => text(file, 200) },
];

export async function show(place) {
    const { certificates } = await place.askServer('/certificates');
    return certificates.length > 0
        ? [table('certificates', COLUMNS, certificates)]
        : [note('', 'No listener has TLS of its own.')];
}
