/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo page. It plays two parts: a page that listens, sends and uploads (all through the
 * client that the service hands out), and a back end that asks who is online and pushes events
 * (plain requests with the API key, which only this tab keeps).
 */

const service = '/sse/demo';
const logLimit = 200;
const pollInterval = 3000;
const digestLimit = 64 * 1024 * 1024; // a browser hashes in memory: no further than this

const find = (id) => document.getElementById(id);
const shown = new Set(['hello']); // the events that the page listens to
let sse = null;

/** make('li', {className: 'x'}, 'text', otherNode) */
function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
}

function showResult(output, good, text) {
    output.dataset.state = good ? 'good' : 'bad';
    output.textContent = text;
}

/** One run at a time, and a failure is shown where its button is. */
function onSubmit(form, output, run) {
    let running = false;
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        if (running) {
            return;
        }
        running = true;
        const button = form.querySelector('[type=submit]');
        button.setAttribute('aria-disabled', 'true');
        try {
            await run();
        } catch (error) {
            showResult(output, false, error.message);
        }
        button.removeAttribute('aria-disabled');
        running = false;
    });
}

/** The data of an answer in the envelope, or an error that says what the server said. */
async function readAnswer(response) {
    const answer = await response.json().catch(() => ({}));
    if (!response.ok || answer.success === false) {
        const said = [answer.message, answer.errorMessage, answer.error].filter(Boolean);
        const text = said.join(': ') || response.statusText;
        throw Object.assign(new Error(`${response.status} ${text}`), { status: response.status });
    }
    return 'data' in answer ? answer.data : answer;
}

/* ---- the log ---- */

function pretty(text) {
    try {
        const value = JSON.parse(text);
        return typeof value === 'object' ? JSON.stringify(value, null, 1).replace(/\n */g, ' ') : text;
    } catch {
        return text;
    }
}

function log(name, data, own = false) {
    const list = find('log');
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const time = new Date().toLocaleTimeString([], { hour12: false });
    list.append(
        make('li', { className: own ? 'own' : '' },
            make('time', {}, time),
            make('span', { className: 'name' }, name),
            make('span', { className: 'data' }, pretty(data))),
    );
    while (list.children.length > logLimit) {
        list.firstChild.remove();
    }
    if (atEnd) {
        list.scrollTop = list.scrollHeight;
    }
}

/* ---- you: the connection ---- */

function readIdentity() {
    try {
        const kept = JSON.parse(sessionStorage.getItem('demoIdentity'));
        if (kept?.userId) {
            return kept;
        }
    } catch {
        // made by something else: start anew
    }
    const names = ['Ann', 'Bo', 'Chen', 'Dara', 'Elif', 'Femi', 'Grace', 'Hugo', 'Ines', 'Juma'];
    const name = names[Math.floor(Math.random() * names.length)];
    const userId = String(Math.floor(Math.random() * 900) + 100);
    return { userId, name, tenantId: '1', channel: 'lobby', background: true };
}

function showIdentity({ userId, name, tenantId, channel, background }) {
    const { elements } = find('you');
    Object.entries({ userId, name, tenantId, channel }).forEach(([field, value]) => {
        elements[field].value = value ?? '';
    });
    elements.background.checked = background !== false;
}

function keepIdentity() {
    const { elements } = find('you');
    const identity = { background: elements.background.checked };
    for (const field of ['userId', 'name', 'tenantId', 'channel']) {
        identity[field] = elements[field].value.trim();
    }
    sessionStorage.setItem('demoIdentity', JSON.stringify(identity));
    return identity;
}

function showStatus(state, text) {
    find('status').dataset.state = state;
    find('status-text').textContent = text;
}

function onFinish(event) {
    const { version, connectionId } = JSON.parse(event.data);
    showStatus('open', `connected, server ${version}`);
    log('connected', `connection ${connectionId}`, true);
    refreshSoon();
}

function onClose(event) {
    const by = event.whoTriggerClose === 'server' ? 'by the server' : 'by this page';
    const back = this.state === this.constructor.STATE_CONNECTING;
    showStatus(back ? 'connecting' : 'closed', back ? 'coming back' : 'not connected');
    log('closed', `${by}: ${event.closeReason || 'no reason given'}`, true);
    refreshSoon();
}

function onLost() {
    showStatus('connecting', 'connection lost, trying again');
}

async function connect() {
    const { background, ...identity } = keepIdentity();
    const filled = Object.entries(identity).filter(([, value]) => value !== '');
    const query = Object.fromEntries(filled);
    sse?.destroy();
    sse = null;
    showStatus('connecting', 'connecting');
    const { default: Sse } = await import(`${service}?${new URLSearchParams(query)}`);
    const onEvent = (event) => log(event.type, event.data);
    const eventListeners = Object.fromEntries([...shown].map((name) => [name, onEvent]));
    Object.assign(eventListeners, {
        'connect-finish': onFinish,
        'connect-close': onClose,
        error: onLost,
    });
    sse = new Sse({ url: service, query, background, eventListeners });
}

async function connectOrSay() {
    try {
        await connect();
    } catch (error) {
        showStatus('closed', 'not connected');
        log('failed', `the client did not load: ${error.message}`, true);
    }
}

function connectedClient() {
    if (!sse) {
        throw new Error('Not connected: press Connect first.');
    }
    return sse;
}

/* ---- listeners ---- */

function showListeners() {
    const chips = [...shown].map((name) => {
        const remove = make('button', { type: 'button', ariaLabel: `Stop listening to ${name}` }, '×');
        remove.addEventListener('click', () => unlisten(name));
        return make('li', { className: 'chip' }, name, remove);
    });
    find('listeners').replaceChildren(...chips);
}

/** What the page listens to is kept here too, so that a failed change is only worth a line. */
function changeListeners(promise) {
    showListeners();
    promise?.then(readAnswer).catch((error) => log('listeners', error.message, true));
}

function listen() {
    const name = find('listener').value.trim();
    find('listener').value = '';
    if (name && !shown.has(name)) {
        shown.add(name);
        changeListeners(sse?.addListener(name, (event) => log(event.type, event.data)));
    }
}

function unlisten(name) {
    shown.delete(name);
    changeListeners(sse?.removeListener(name));
    find('listener').focus();
}

/* ---- from this page to the server ---- */

async function sendMessage() {
    const output = find('message-result');
    showResult(output, true, 'sending');
    const path = find('path').value.trim();
    const response = await connectedClient().send(path, { sentAt: Date.now() });
    const data = await readAnswer(response);
    showResult(output, true, `${response.status} answer: ${JSON.stringify(data)}`);
}

async function digestOf(file) {
    if (file.size > digestLimit || !crypto.subtle) {
        return null;
    }
    const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The first list of objects in the answer, wherever it lies. */
function partsOf(data) {
    const lists = [data, ...Object.values(data ?? {})];
    return lists.find((value) => Array.isArray(value)) ?? [];
}

function showParts(parts) {
    const rows = parts.flatMap((part) =>
        ['filename', 'fileName', 'contentType', 'size', 'sha256']
            .filter((field) => part[field] != null)
            .flatMap((field) => [
                make('dt', {}, { filename: 'file', fileName: 'file', contentType: 'type' }[field] ?? field),
                make('dd', {}, field === 'size' ? `${part.size.toLocaleString()} bytes` : String(part[field])),
            ]));
    find('parts').replaceChildren(...rows);
}

async function upload() {
    const [file] = find('file').files;
    const output = find('upload-result');
    find('parts').replaceChildren();
    showResult(output, true, `uploading ${file.name}`);
    const form = new FormData();
    form.set('file', file);
    const started = performance.now();
    const [response, ours] = await Promise.all([
        connectedClient().upload('demo/files', form),
        digestOf(file),
    ]);
    const seconds = (performance.now() - started) / 1000;
    const parts = partsOf(await readAnswer(response));
    showParts(parts);
    const theirs = parts.find((part) => part.sha256)?.sha256;
    const same = ours && theirs ? ours === theirs : null;
    const verdict = { true: ', the same as here', false: ', but NOT what was sent', null: '' }[same];
    showResult(output, same !== false, `Received in ${seconds.toFixed(2)} s${verdict}.`);
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
    find('another').href = key ? `/#key=${encodeURIComponent(key)}` : '/';
    if (state === 'missing' || state === 'refused') {
        showPeople([], 'Enter the back-end key to see who is online.');
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
        credentials: 'omit',
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
    const you = String(id) === sse?.options.query.userId;
    const text = String(name || id);
    const more = [`user ${id}`, tenantId != null && tenantId !== '' && `tenant ${tenantId}`];
    const button = make('button', { type: 'button', title: 'Send to this user' },
        make('span', { className: 'face', ariaHidden: 'true' }, [...text][0].toUpperCase()),
        make('span', { className: 'who' }, text,
            make('span', { className: 'more' }, more.filter(Boolean).join(' · '))),
        you ? make('span', { className: 'tag' }, 'you') : '');
    button.addEventListener('click', () => aimAt('userId', id));
    return button;
}

/** Leaves the list alone when nothing changed, so that focus and reading position stay. */
function showPeople(list, note) {
    const text = JSON.stringify([list, sse?.options.query.userId]);
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
    await refreshPeople();
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

async function push() {
    const output = find('push-result');
    const { count } = await askAsBackEnd('/send', readPush());
    const text = count === 1 ? 'Written to 1 connection.' : `Written to ${count} connections.`;
    showResult(output, count > 0, count > 0 ? text : 'Nobody matches who is online now.');
}

/* ---- start ---- */

function hookControls() {
    onSubmit(find('you'), find('status-text'), connectOrSay);
    onSubmit(find('listen'), find('status-text'), listen);
    onSubmit(find('push'), find('push-result'), push);
    onSubmit(find('upload'), find('upload-result'), upload);
    onSubmit(find('message'), find('message-result'), sendMessage);
    onSubmit(find('key-form'), find('key-state'), () => keepKey(find('key').value.trim()));
    find('leave').addEventListener('click', () => sse?.close('left by hand'));
    find('clear').addEventListener('click', () => find('log').replaceChildren());
    find('forget').addEventListener('click', () => {
        keepKey('');
        find('key').focus();
    });
    find('push').addEventListener('input', showPush);
    document.addEventListener('visibilitychange', refreshSoon);
    window.addEventListener('hashchange', takeKeyFromAddress);
}

hookControls();
showIdentity(readIdentity());
showListeners();
showPush();
takeKeyFromAddress();
connectOrSay();
