/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo page. It shows several tabs, each a page of somebody else in a frame, and plays the back
 * end that they have: asks who is online, pushes events, and looks at what the connection of this
 * browser carries (plain requests with the API key, which only this page keeps).
 */
import { find, make, onSubmit, readAnswer, service, showResult } from './page.js';

const pollInterval = 3000;
const mostTabs = 8;
const people = [
    { userId: '7', name: 'Ann', tenantId: '1', channel: 'lobby' },
    { userId: '8', name: 'Bo', tenantId: '1', channel: 'office' },
    { userId: '9', name: 'Chen', tenantId: '2', channel: 'lobby' },
    { userId: '10', name: 'Dara', tenantId: '2', channel: 'office' },
    { userId: '11', name: 'Elif', tenantId: '3', channel: 'lobby' },
];
let opened = 0;

/* ---- the tabs ---- */

function countTabs() {
    const { length } = find('tabs').children;
    find('tabs-count').textContent = length === 1 ? '1 tab' : `${length} tabs`;
    find('add').disabled = length >= mostTabs;
}

function closeTab(tab) {
    tab.remove();
    countTabs();
    find('add').focus();
    refreshSoon();
}

function addTab() {
    const person = people[opened % people.length];
    opened += 1;
    const search = new URLSearchParams({ ...person, background: find('background').checked ? '1' : '0' });
    const close = make('button', { type: 'button', className: 'quiet', ariaLabel: `Close ${person.name}'s tab` }, 'Close');
    const where = `user ${person.userId} · tenant ${person.tenantId} · channel ${person.channel}`;
    const tab = make('li', { className: 'frame' },
        make('div', { className: 'head' }, make('span', { className: 'hint' }, where), close),
        make('iframe', { src: `/demo/tab.html?${search}`, title: `${person.name}'s tab` }));
    close.addEventListener('click', () => closeTab(tab));
    find('tabs').append(tab);
    countTabs();
}

/* ---- what the connection carries ---- */

/** Values of the metrics without labels, summed over workers and services. */
function readMetrics(text) {
    const sums = new Map();
    for (const [, name, value] of text.matchAll(/^([a-z_]+)(?:{.*})? (\S+)$/gm)) {
        sums.set(name, (sums.get(name) ?? 0) + Number(value));
    }
    return sums;
}

function protocolOf(url) {
    const entries = performance.getEntriesByType('resource').filter(({ name }) => name.includes(url));
    return entries.at(-1)?.nextHopProtocol ?? '';
}

async function inspect() {
    const response = await fetch('/metrics', { headers: { authorization: `Bearer ${readKey()}` } });
    if (!response.ok) {
        return;
    }
    const metrics = readMetrics(await response.text());
    const value = (name) => (metrics.get(`sse_server_${name}`) ?? 0).toLocaleString();
    const rows = {
        'HTTP/2 connections': value('sessions'),
        'open streams on them': value('streams'),
        'of these, event streams': value('connections'),
        'streams so far': value('streams_opened_total'),
        'events queued': value('events_queued_total'),
        'requests run once though sent again': value('requests_replayed_total'),
        protocol: protocolOf('/metrics') || 'h2',
    };
    find('inspector').replaceChildren(...Object.entries(rows).flatMap(([name, text]) =>
        [make('dt', {}, name), make('dd', {}, text)]));
}

/* ---- the back end: the key ---- */

const keyTexts = {
    missing: 'Needed to see who is online and to send as the back end. The server prints it when it'
        + ' starts; a link to this page can carry it as #key=…',
    unknown: 'Not tried yet.',
    accepted: 'Accepted. It stays in this tab and goes when the tab is closed.',
    refused: 'The server refuses this key. Compare it with what it printed when it started.',
};

const readKey = () => sessionStorage.getItem('demoKey') ?? '';

function showKey(state) {
    const key = readKey();
    find('key-state').dataset.state = state;
    if (find('key-state').textContent !== keyTexts[state]) {
        find('key-state').textContent = keyTexts[state];
    }
    find('forget').hidden = !key;
    if (state === 'missing' || state === 'refused') {
        showPeople([], 'Enter the back-end key to see who is online.');
        find('inspector').replaceChildren();
    }
}

function keepKey(key) {
    if (key) {
        sessionStorage.setItem('demoKey', key);
    } else {
        sessionStorage.removeItem('demoKey');
    }
    find('key').value = key;
    showKey(key ? 'unknown' : 'missing');
    refreshSoon();
}

/** A key in the fragment is never sent to a server; it leaves the address bar at once. */
function takeKeyFromAddress() {
    const key = new URLSearchParams(location.hash.slice(1)).get('key');
    if (key) {
        history.replaceState(null, '', location.pathname + location.search);
    }
    keepKey(key ?? readKey());
}

/* ---- the back end: requests ---- */

async function askAsBackEnd(path, body) {
    const key = readKey();
    if (!key) {
        throw new Error('The back-end key is missing: enter it above.');
    }
    const response = await fetch(service + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(10_000),
    });
    const refused = response.status === 401 || response.status === 403;
    if (key === readKey()) {
        showKey(refused ? 'refused' : 'accepted');
    }
    return readAnswer(response);
}

function personButton({ id, name, tenantId }) {
    const text = String(name || id);
    const more = [`user ${id}`, tenantId != null && tenantId !== '' && `tenant ${tenantId}`];
    const button = make('button', { type: 'button', title: 'Send to this user' },
        make('span', { className: 'face', ariaHidden: 'true' }, [...text][0].toUpperCase()),
        make('span', { className: 'who' }, text,
            make('span', { className: 'more' }, more.filter(Boolean).join(' · '))));
    button.addEventListener('click', () => aimAt('userId', id));
    return button;
}

/** Leaves the list alone when nothing changed, so that focus and reading position stay. */
function showPeople(list, note) {
    const text = JSON.stringify(list);
    const target = find('online');
    if (target.dataset.shown !== text) {
        target.dataset.shown = text;
        target.replaceChildren(...list.map((user) => make('li', {}, personButton(user))));
    }
    find('online-note').textContent = note;
}

async function refreshPeople() {
    try {
        const { total, list } = await askAsBackEnd('/users?pageSize=50');
        find('online-count').textContent = total === 1 ? '1 person' : `${total} people`;
        const more = total > list.length ? `and ${total - list.length} more` : '';
        showPeople(list, total === 0 ? 'Nobody yet.' : more);
    } catch (error) {
        find('online-count').textContent = '';
        if (error.status !== 401 && error.status !== 403) {
            showPeople([], `Could not ask: ${error.message}`);
        }
    }
}

let pollTimer;
let polling = false;

async function poll() {
    clearTimeout(pollTimer);
    const useless = !readKey() || find('key-state').dataset.state === 'refused';
    if (polling || useless || document.visibilityState === 'hidden') {
        return;
    }
    polling = true;
    await Promise.all([refreshPeople(), inspect().catch(() => {})]);
    polling = false;
    pollTimer = setTimeout(poll, pollInterval);
}

function refreshSoon() {
    clearTimeout(pollTimer);
    pollTimer = setTimeout(poll, 150);
}

/* ---- the back end: push ---- */

function aimAt(kind, value) {
    const { elements } = find('push');
    elements.kind.value = kind;
    elements.target.value = value;
    showPush();
    elements.data.focus();
}

/** What looks like JSON has to be JSON; all else is text. */
function readData(text) {
    if (!/^\s*[[{"]/.test(text)) {
        return text;
    }
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new Error(`The data is not JSON: ${error.message}`);
    }
}

function readPush() {
    const { kind, target, event, data } = find('push').elements;
    const selector = kind.value === 'all' ? { all: true } : { [kind.value]: target.value.trim() };
    return JSON.stringify({ event: event.value.trim(), data: readData(data.value), ...selector });
}

function showPush() {
    const { kind, target } = find('push').elements;
    target.disabled = kind.value === 'all';
    target.required = !target.disabled;
    let body;
    try {
        body = readPush();
    } catch {
        return; // half typed: keep the last good one
    }
    const quoted = body.replaceAll("'", "'\\''");
    find('curl').textContent = `curl --http2 -k -H "Authorization: Bearer $KEY" \\\n`
        + `  -H 'content-type: application/json' \\\n  -d '${quoted}' \\\n`
        + `  ${location.origin}${service}/send`;
}

/** The tabs listen to what is about to be said. */
function tellTabs(name) {
    for (const { contentWindow } of document.querySelectorAll('#tabs iframe')) {
        contentWindow.postMessage({ demo: 'listen', name }, location.origin);
    }
}

async function push() {
    const output = find('push-result');
    tellTabs(find('push').elements.event.value.trim());
    const { count } = await askAsBackEnd('/send', readPush());
    const text = count === 1 ? 'Written to 1 connection.' : `Written to ${count} connections.`;
    showResult(output, count > 0, count > 0 ? text : 'Nobody matches who is online now.');
}

/* ---- start ---- */

function hookControls() {
    onSubmit(find('push'), find('push-result'), push);
    onSubmit(find('key-form'), find('key-state'), () => keepKey(find('key').value.trim()));
    find('forget').addEventListener('click', () => {
        keepKey('');
        find('key').focus();
    });
    find('add').addEventListener('click', addTab);
    find('push').addEventListener('input', showPush);
    document.addEventListener('visibilitychange', refreshSoon);
    window.addEventListener('hashchange', takeKeyFromAddress);
    window.addEventListener('message', ({ origin, data }) => {
        if (origin === location.origin && data?.demo === 'changed') {
            refreshSoon();
        }
    });
}

hookControls();
showPush();
takeKeyFromAddress();
[addTab, addTab, addTab].forEach((add) => add());
