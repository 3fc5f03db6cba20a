/* SPDX-License-Identifier: Apache-2.0 */
/* A list that the server sorts and cuts into pages, with what narrows it; all of that stands in the address. */
import { make, note, number } from './dom.js';
import { address, go } from './place.js';

const SIZE = 50;

/** On a phone, which has little room, it is closed unless it says something. */
export function folded(name, isSaid, form) {
    const isWide = window.matchMedia('(min-width: 40rem)').matches;
    return make('details', { class: 'card', open: isWide || isSaid }, make('summary', undefined, name), form);
}

/** fields: [{name, label, hint, type}] of the query */
function filterForm(place, view, fields, kept) {
    const said = (name) => place.parameter(name);
    const inputs = fields.map(({ name, label, type, width }) => (type === 'checkbox'
        ? make('label', { class: 'check' }, make('input', { type, name, checked: said(name) === 'true' }), label)
        : make('label', { class: width }, label, make('input', {
            type: 'search', name, value: said(name), maxlength: '256', autocomplete: 'off', spellcheck: 'false',
        }))));
    const submit = (event) => {
        event.preventDefault();
        const values = fields.map(({ name, type }) => {
            const input = event.currentTarget.elements[name];
            return [name, type === 'checkbox' ? input.checked && 'true' : input.value.trim()];
        });
        go({ view, ...kept, ...Object.fromEntries(values.filter(([, value]) => value)) });
    };
    return folded('Search', fields.some(({ name }) => said(name)), make(
        'form',
        { class: 'filter', role: 'search', submit },
        inputs,
        make('div', { class: 'actions' }, make('button', { type: 'submit', class: 'primary' }, 'Search'),
            make('a', { class: 'button', href: address({ view, ...kept }) }, 'Clear')),
    ));
}

const SORTED = { asc: 'ascending', desc: 'descending' };
const OTHER = { asc: 'desc', desc: 'asc' };

/* Of numbers the most, of times the latest. */
const firstOf = (column) => (column?.isMostFirst ? 'desc' : 'asc');

function heads(place, view, columns, order, here) {
    return columns.map((column) => {
        const { title, sort, className } = column;
        if (!sort) {
            return make('th', { scope: 'col', role: 'columnheader', class: className }, title);
        }
        const isChosen = order.sort === sort;
        const next = isChosen ? OTHER[order.order] : firstOf(column);
        return make(
            'th',
            { scope: 'col', role: 'columnheader', class: `sortable ${className ?? ''}`, 'aria-sort': isChosen ? SORTED[order.order] : undefined },
            make('a', { class: 'sort', id: `sort-${sort}`, href: address({ ...here, view, sort, order: next, pageNum: undefined }) }, title,
                make('span', { 'aria-hidden': 'true' }, isChosen ? { asc: ' ▲', desc: ' ▼' }[order.order] : ' ↕')),
        );
    });
}

function pager(view, here, page, pages) {
    const to = (label, pageNum, isThere) => (isThere
        ? make('a', { class: 'button', id: `page-${label}`, href: address({ ...here, view, pageNum }) }, label)
        : make('span', { class: 'button off', 'aria-disabled': 'true' }, label));
    const field = make('input', {
        type: 'number', id: 'page', min: '1', max: String(pages), value: String(page), class: 'narrow',
    });
    const jump = (event) => {
        event.preventDefault();
        go({ ...here, view, pageNum: field.value });
    };
    return make(
        'nav',
        { class: 'pager', 'aria-label': 'Pages' },
        to('First', 1, page > 1),
        to('Previous', page - 1, page > 1),
        make('form', { submit: jump }, make('label', { for: 'page' }, 'Page'), field, make('span', undefined, `of ${number(pages)}`)),
        to('Next', page + 1, page < pages),
        to('Last', pages, page < pages),
    );
}

/* A phone shows each row as a list (console.css); the roles say that it stays a table. */
export function table(caption, columns, rows, head) {
    const cells = (row) => columns.map(({ title, show, className }) => (
        make('td', { role: 'cell', class: className, 'data-label': title }, make('div', undefined, show(row)))));
    const heads = head ?? columns.map(({ title, className }) => make('th', { scope: 'col', role: 'columnheader', class: className }, title));
    return make(
        'div',
        { class: 'table', tabindex: '0', role: 'region', 'aria-label': caption },
        make(
            'table',
            { role: 'table', 'aria-label': caption },
            make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, heads)),
            make('tbody', { role: 'rowgroup' }, rows.map((row) => make('tr', { role: 'row' }, cells(row)))),
        ),
    );
}

/**
 * view: whose parameters these are; path: of the service; columns: [{title, show(row), sort, isMostFirst, className}], where
 * sort is what the server calls it; fields: that narrow it; sort: by what it is sorted at first.
 */
export async function list(place, { view, path, what, columns, fields, sort, sends = [], kept = {} }) {
    const said = Object.fromEntries(fields.map(({ name }) => [name, place.parameter(name)]).filter(([, value]) => value));
    const sorted = place.parameter('sort') || sort;
    const order = { sort: sorted, order: SORTED[place.parameter('order')] ? place.parameter('order') : firstOf(columns.find((one) => one.sort === sorted)) };
    const page = Math.max(1, Math.floor(Number(place.parameter('pageNum'))) || 1);
    const here = { ...kept, ...said, sort: place.parameter('sort'), order: place.parameter('order'), pageNum: page };
    const form = filterForm(place, view, fields, kept);
    const asked = {
        ...said,
        ...kept,
        ...(sends.includes('sort') ? { sort: order.sort } : {}),
        ...(sends.includes('order') ? { order: order.order } : {}),
        pageNum: page,
        pageSize: SIZE,
    };
    const { total, list: rows, timeout } = await place.ask(path, { parameters: asked });
    const pages = Math.max(1, Math.ceil(total / SIZE));
    const count = make('p', { class: 'count', role: 'status' }, `${number(total)} ${total === 1 ? what.one : what.many}`);
    return [
        form,
        make('div', { class: 'row between' }, count, make('button', { type: 'button', id: 'refresh', click: () => window.dispatchEvent(new Event('hashchange')) }, 'Refresh')),
        timeout ? note('bad', 'This took too long: what is shown is not all.') : undefined,
        rows.length > 0
            ? table(what.many, columns, rows, heads(place, view, columns, order, here))
            : note('', page > pages ? `There are only ${number(pages)} pages.` : `There are no such ${what.many}.`),
        pages > 1 || page > 1 ? pager(view, here, Math.min(page, pages), pages) : undefined,
    ].filter(Boolean);
}
