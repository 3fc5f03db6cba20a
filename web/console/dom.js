/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What views are made of. Names, hrefs and user agents are what strangers have sent: they become text
 * nodes and attributes, never markup; what would change how text runs is shown as a sign.
 */

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (typeof value === 'function') {
            node.addEventListener(name, value);
        } else if (value !== undefined && value !== null && value !== false) {
            node.setAttribute(name, value === true ? '' : value);
        }
    }
    node.append(...children.flat(2).filter((child) => child !== undefined && child !== null && child !== false));
    return node;
}

/** make('a', {href: '#x', click: onClick}, 'text', otherNode): a function listens to that event */
export const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/* C0 and C1, what turns the direction of text, what has no width, halves of characters. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

function sign(character) {
    const code = character.codePointAt(0);
    if (code < 0x20) {
        return String.fromCodePoint(0x2400 + code);
    }
    return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/** keepsLines: line ends and tabs stay what they are */
export function plain(value, keepsLines = false) {
    return String(value).replace(CONTROLS, (character) => (keepsLines && '\n\t'.includes(character) ? character : sign(character)));
}

/** The first characters of a text that somebody else has written; its direction stays its own. */
export function text(value, most = 120) {
    if (value === undefined || value === null || value === '') {
        return make('span', { class: 'soft' }, '–');
    }
    const all = [...String(value).slice(0, most * 2 + 2)];
    const isCut = all.length > most || String(value).length > most * 2 + 2;
    return make('bdi', undefined, plain(all.slice(0, most).join('')) + (isCut ? '…' : ''));
}

/** As a link where it is one that a browser may follow, else as text. */
export function pageLink(href, most) {
    let url;
    try {
        url = new URL(href);
    } catch {
        return text(href, most);
    }
    if (!['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
        return text(href, most);
    }
    return make('a', { href: url.href, rel: 'noopener noreferrer', target: '_blank', class: 'away' }, text(href, most));
}

export const number = (value) => Number(value).toLocaleString('en');

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value) {
    let size = Number(value);
    let unit = 0;
    while (size >= 1024 && unit < UNITS.length - 1) {
        size /= 1024;
        unit += 1;
    }
    return `${size.toLocaleString('en', { maximumFractionDigits: size < 10 && unit > 0 ? 1 : 0 })} ${UNITS[unit]}`;
}

export function duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const parts = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
    const at = parts.findIndex(([, size]) => whole >= size);
    if (at < 0) {
        return '0 s';
    }
    const [unit, size] = parts[at];
    const next = parts[at + 1];
    const rest = next ? Math.floor((whole % size) / next[1]) : 0;
    return `${Math.floor(whole / size)} ${unit}${rest > 0 ? ` ${rest} ${next[0]}` : ''}`;
}

/** A moment in ms since 1970, as this browser's clock shows it. */
export function moment(ms) {
    if (!ms) {
        return make('span', { class: 'soft' }, '–');
    }
    const date = new Date(ms);
    if (Number.isNaN(date.getTime())) {
        return text(ms);
    }
    const digits = (value) => String(value).padStart(2, '0');
    const day = `${date.getFullYear()}-${digits(date.getMonth() + 1)}-${digits(date.getDate())}`;
    const time = `${digits(date.getHours())}:${digits(date.getMinutes())}:${digits(date.getSeconds())}`;
    return make('time', { datetime: date.toISOString(), class: 'moment' }, `${day} ${time}`);
}

export const age = (ms) => duration((Date.now() - ms) / 1000);

export const badge = (kind, ...children) => make('span', { class: `badge ${kind}` }, ...children);

export const note = (kind, ...children) => make('p', { class: `note ${kind}`, role: kind === 'bad' ? 'alert' : undefined }, ...children);

/** [['Name', node or text], …] */
export function facts(rows, isAcross = false) {
    return make('dl', { class: isAcross ? 'facts across' : 'facts' }, rows.filter(Boolean).map(([name, ...values]) => (
        make('div', undefined, make('dt', undefined, name), make('dd', undefined, ...values)))));
}

export function card(title, ...children) {
    return make('section', { class: 'card' }, make('h2', undefined, title), ...children);
}

/** JSON of somebody else, in lines. */
export function json(value) {
    const shown = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
    return make('pre', { tabindex: '0' }, make('bdi', undefined, plain(shown ?? '', true)));
}

/** Resolves to true when the person says so. */
export function confirmed(question, action) {
    return new Promise((resolve) => {
        const title = make('h2', { id: 'question' }, question);
        const box = make(
            'dialog',
            { 'aria-labelledby': 'question', close: () => { box.remove(); resolve(box.returnValue === 'yes'); } },
            title,
            make(
                'div',
                { class: 'row' },
                make('button', { type: 'button', class: 'danger', id: 'confirm', click: () => box.close('yes') }, action),
                make('button', { type: 'button', autofocus: true, click: () => box.close('no') }, 'Leave it'),
            ),
        );
        document.body.append(box);
        box.showModal();
    });
}
