/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client that a page imports from the service itself: import('/sse/hr').
 *
 * An Sse keeps one event stream open for as long as the page wants it and the person looks at it,
 * and carries the page's own calls (listener changes, send, upload) beside it. Three facts decide
 * whether there is a stream: the page wants one (connect, close), it is awake (shown, or
 * `background`), and no wait for the next attempt is running. Everything else follows from them.
 *
 * One module, one default export: the classic script is made from this file when the server is
 * built. Nothing here touches a global but through `options.windowGlobal`.
 */

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

const SHORTEST_WAIT = 500; // ms between two attempts
const LONGEST_WAIT = 30_000;
const FIRST_CEILING = 1000; // of the first wait, until the server has said its own
const STABLE_AFTER = 10_000; // a stream that lived this long was no failed attempt
const HIDE_DELAY = 1000; // a glance at another tab should not cost a reconnect
const REPEATS = 3;

const importTime = Date.now();

/** What went wrong, for people in `message` and for programs in `code`. */
class SseError extends Error {
    constructor(code, message) {
        super(message);
        this.name = 'SseError';
        this.code = code;
    }
}

/** Which event names the page listens to, and with which functions. */
class ListenerTable {
    #functions = new Map();

    /** Accepts (name, function), an object of functions, or an array of names: gives pairs. */
    static pairs(names, listener) {
        if (typeof names === 'string') {
            return [[names, listener]];
        }
        return Array.isArray(names) ? names.map((name) => [name]) : Object.entries(names ?? {});
    }

    static #check([name, listener]) {
        if (typeof name !== 'string' || !/^[^,\r\n\0]+$/.test(name)) {
            throw new TypeError(`event name ${JSON.stringify(name)}: text without comma or newline`);
        }
        if (listener != null && typeof listener !== 'function') {
            throw new TypeError(`the listener of "${name}" is a ${typeof listener}: use a function`);
        }
    }

    add(pairs) {
        pairs.forEach(ListenerTable.#check);
        for (const [name, listener] of pairs) {
            const functions = this.#functions.get(name) ?? new Set();
            this.#functions.set(name, listener ? functions.add(listener) : functions);
        }
    }

    /** Without a function the whole name goes. Gives the names that nobody listens to any more. */
    remove(pairs) {
        const gone = pairs.filter(([name, listener]) => {
            const functions = this.#functions.get(name);
            functions?.delete(listener);
            return functions && (!listener || functions.size === 0) && this.#functions.delete(name);
        });
        return gone.map(([name]) => name);
    }

    names() {
        return [...this.#functions.keys()];
    }

    has(name) {
        return this.#functions.has(name);
    }

    /** A copy: a listener may change the table while it runs. */
    of(name) {
        return [...(this.#functions.get(name) ?? [])];
    }

    clear() {
        this.#functions.clear();
    }
}

/** Calls that wait for the next connection. Each settles: it runs, or is rejected. */
class CallQueue {
    #waiting = [];
    #limit;

    constructor(limit) {
        this.#limit = limit;
    }

    add(call) {
        if (this.#waiting.length >= this.#limit) {
            const text = `${this.#limit} calls wait for the connection already: try again once it is back`;
            return Promise.reject(new SseError('queue-full', text));
        }
        return new Promise((resolve, reject) => this.#waiting.push({ call, resolve, reject }));
    }

    flush(perform) {
        for (const { call, resolve, reject } of this.#waiting.splice(0)) {
            perform(call).then(resolve, reject);
        }
    }

    rejectAll(error) {
        this.#waiting.splice(0).forEach(({ reject }) => reject(error));
    }
}

/** Full jitter: any wait up to a ceiling that doubles, so that 10,000 pages do not return at once. */
function reconnectWait(attempt, firstCeiling) {
    const ceiling = Math.min(LONGEST_WAIT, firstCeiling * 2 ** Math.min(attempt, 16));
    const shortest = Math.min(SHORTEST_WAIT, ceiling);
    return shortest + Math.random() * (ceiling - shortest);
}

function toSearch(...queries) {
    const search = new URLSearchParams();
    for (const [name, value] of queries.flatMap((query) => Object.entries(query ?? {}))) {
        if (value != null) {
            search.append(name, String(value));
        }
    }
    return search;
}

function randomId(crypto) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Gives the stored value, or stores the one given. Storage may be forbidden: then once per page. */
function remember(windowGlobal, storageName, key, given, make) {
    try {
        const storage = windowGlobal[storageName];
        const value = String(given || storage.getItem(key) || make());
        storage.setItem(key, value);
        return value;
    } catch {
        return String(given || make());
    }
}

function withoutTrailingSlash(url) {
    return String(url).replace(/\/+$/, '');
}

class Sse {
    static version = '0.1.0';
    static STATE_CONNECTING = CONNECTING;
    static STATE_OPEN = OPEN;
    static STATE_CLOSED = CLOSED;
    static IMPORT_MODULE_TIMESTAMP = importTime;
    static DEFAULT_OPTIONS = {
        url: '/api/sse',
        eventListeners: {},
        query: {},
        withCredentials: true,
        clientId: null,
        accessTimestamp: null,
        reconnectTime: null, // ms, the ceiling of the first wait; else what the server says
        keepaliveTime: 900_000,
        useWindowEventBus: true,
        intercepts: [],
        background: false, // true: stay connected while the tab is hidden
        queueLimit: 1000,
    };

    #window;
    #document;
    #json;
    #listeners = new ListenerTable();
    #calls;
    #source = null;
    #hooked = new Set(); // the names that #source reports
    #wanted = false;
    #whyClosed = '';
    #asleep = false;
    #destroyed = false;
    #attempt = 0;
    #openedAt = 0; // when connect-finish came; 0: it has not
    #serverWait = 0;
    #waitTimer;
    #hideTimer;
    #pageHooks = [];

    constructor(options = {}) {
        this.options = { ...Sse.DEFAULT_OPTIONS, ...options };
        this.options.url = withoutTrailingSlash(this.options.url);
        this.options.query = { ...this.options.query };
        this.options.intercepts = [...this.options.intercepts];
        this.#window = this.options.windowGlobal ?? globalThis.window;
        this.#document = this.options.documentGlobal ?? this.#window.document;
        this.#json = this.options.jsonGlobal ?? JSON;
        this.#calls = new CallQueue(this.options.queueLimit);
        this.#listeners.add(ListenerTable.pairs(this.options.eventListeners));
        this.#identify();
        this.#hookPage();
        this.connect();
    }

    connect() {
        if (this.#destroyed) {
            throw this.#closedError();
        }
        this.#wanted = true;
        this.#attempt = 0;
        this.#start();
    }

    /** Ends the stream until connect(); what still waits in the queue is rejected. */
    close(reason = 'close') {
        this.#giveUp(reason);
        this.#stop(reason);
    }

    destroy() {
        if (this.#destroyed) {
            return;
        }
        this.#destroyed = true;
        this.close('destroy');
        this.#listeners.clear();
        this.#pageHooks.splice(0).forEach((unhook) => unhook());
        if (this.#window.sse === this) {
            delete this.#window.sse;
        }
    }

    switchURL(newUrl) {
        const url = withoutTrailingSlash(newUrl);
        if (url === this.options.url) {
            return;
        }
        this.#stop('switchURL'); // says goodbye to the old server, so before the change
        this.#dropSource(); // which a listener of connect-close may have opened, to the old one
        this.options.url = url;
        this.connect();
    }

    isActive() {
        return this.#source?.readyState === OPEN && this.connectionId !== undefined;
    }

    get state() {
        const waiting = this.#wanted && !this.#asleep;
        return this.isActive() ? OPEN : waiting ? CONNECTING : CLOSED;
    }

    getEventListeners() {
        const entries = this.#listeners.names().map((name) => [name, this.#listeners.of(name)]);
        return Object.fromEntries(entries);
    }

    /** (name, function), an object of functions, or an array of names. */
    addListener(eventListeners, listener) {
        try {
            this.#listeners.add(ListenerTable.pairs(eventListeners, listener));
        } catch (error) {
            return Promise.reject(error);
        }
        this.#hookSource();
        const names = ListenerTable.pairs(eventListeners).map(([name]) => name);
        return this.#tellListeners('addListener', names);
    }

    /** As addListener; a name without its function removes all functions of that name. */
    removeListener(eventListeners, listener) {
        const names = this.#listeners.remove(ListenerTable.pairs(eventListeners, listener));
        return this.#tellListeners('removeListener', names);
    }

    send(path = '', body = {}, query = {}, headers = {}) {
        let text;
        try {
            text = this.#json.stringify(body ?? {});
        } catch (error) {
            return Promise.reject(error);
        }
        return this.#call(() => this.#post(this.#callUrl('message', path, query), text, headers));
    }

    upload(path = '', formData, query = {}, headers = {}) {
        if (!(formData instanceof this.#window.FormData)) {
            const text = 'upload(path, formData): the second argument has to be a FormData';
            return Promise.reject(new TypeError(text));
        }
        return this.#call(() => this.#post(this.#callUrl('upload', path, query), formData, headers));
    }

    toString() {
        return `${this.connectionName}:${this.state}:${this.createTimestamp}`;
    }

    /* ---- who and where ---- */

    #identify() {
        const { options } = this;
        const newId = () => randomId(this.#window.crypto);
        this.createTimestamp = Date.now();
        this.connectionName = '';
        this.connectionId = undefined;
        this.instanceId = newId();
        this.clientId = remember(this.#window, 'localStorage', 'sseClientId', options.clientId, newId);
        const access = [options.accessTimestamp, Date.now];
        options.accessTimestamp = Number(
            remember(this.#window, 'sessionStorage', 'sseAccessTimestamp', ...access),
        );
        this.#window.sse ??= this;
    }

    /** Hooks that end with destroy(). No unload handlers: they keep a page out of the back cache. */
    #hookPage() {
        const on = (target, name, handler) => {
            target.addEventListener(name, handler);
            this.#pageHooks.push(() => target.removeEventListener(name, handler));
        };
        this.#asleep = this.#isOutOfSight();
        on(this.#document, 'visibilitychange', () => this.#visibilityChanged());
        on(this.#document, 'freeze', () => this.#sleep('freeze'));
        on(this.#document, 'resume', () => this.#visibilityChanged());
        on(this.#window, 'pagehide', () => this.#sleep('pagehide'));
        on(this.#window, 'pageshow', () => this.#visibilityChanged());
        on(this.#window, 'online', () => this.#retryNow());
    }

    #isOutOfSight() {
        return !this.options.background && this.#document.visibilityState === 'hidden';
    }

    #visibilityChanged() {
        this.#window.clearTimeout(this.#hideTimer);
        if (this.#isOutOfSight()) {
            this.#hideTimer = this.#window.setTimeout(() => this.#sleep('visibilitychange'), HIDE_DELAY);
        } else if (this.#asleep) {
            this.#asleep = false;
            this.#retryNow();
        }
    }

    #sleep(reason) {
        this.#asleep = true;
        this.#stop(reason);
    }

    /* ---- the stream ---- */

    #start() {
        this.#window.clearTimeout(this.#waitTimer);
        if (this.#source || !this.#wanted || this.#asleep) {
            return;
        }
        const { url, withCredentials } = this.options;
        const source = new this.#window.EventSource(`${url}/connect?${this.#connectSearch()}`, {
            withCredentials,
        });
        this.#source = source;
        this.#hooked.clear();
        this.#hookSource();
    }

    #retryNow() {
        this.#attempt = 0;
        this.#start();
    }

    #stop(reason) {
        this.#window.clearTimeout(this.#waitTimer);
        this.#window.clearTimeout(this.#hideTimer);
        const { connectionId } = this;
        const openedAt = this.#openedAt;
        this.#dropSource();
        if (connectionId !== undefined) {
            this.#sayGoodbye(connectionId, reason, openedAt);
            this.#announceClose('client', reason, { connectionId, reason });
        }
    }

    #dropSource() {
        this.#source?.close();
        this.#source = null;
        this.connectionId = undefined;
        this.#openedAt = 0;
    }

    #connectSearch() {
        const { options } = this;
        const { screen, location, performance } = this.#window;
        const known = {
            keepaliveTime: options.keepaliveTime,
            clientId: this.clientId,
            clientVersion: Sse.version,
            clientInstanceId: this.instanceId,
            clientInstanceTime: this.createTimestamp,
            clientImportModuleTime: importTime,
            accessTime: options.accessTimestamp,
            screen: screen && `${screen.width}x${screen.height}`,
            listeners: this.#listeners.names().join(','),
            useWindowEventBus: options.useWindowEventBus,
            // Without search and fragment: they hold tokens, and this ends up in access logs.
            locationHref: location && location.origin + location.pathname,
        };
        const { jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize } = performance?.memory ?? {};
        return toSearch(known, { jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize }, options.query);
    }

    /** An EventSource reports only the names it was asked for. What it reports late is not ours. */
    #hookSource() {
        const source = this.#source;
        const own = new Map([
            ['connect-finish', (event) => this.#connected(event)],
            ['connect-close', (event) => this.#closedByServer(event)],
            ['error', (event) => this.#lost(event)],
        ]);
        for (const name of [...own.keys(), ...this.#listeners.names()]) {
            if (source && !this.#hooked.has(name)) {
                this.#hooked.add(name);
                const handle = own.get(name) ?? ((event) => this.#emit(event));
                source.addEventListener(name, (event) => source === this.#source && handle(event));
            }
        }
    }

    #connected(event) {
        const finish = this.#parse(event.data);
        if (!finish.connectionId) {
            this.#lost(event); // not our server's: without the id no call can name this stream
            return;
        }
        this.connectResponse = finish;
        this.connectionId = finish.connectionId;
        this.connectionName = finish.name ?? '';
        this.connectionTimestamp = finish.serverTime;
        this.serverVersion = finish.version;
        this.#serverWait = finish.reconnectTime;
        this.#openedAt = Date.now();
        this.#calls.flush((call) => this.#perform(call));
        this.#emit(event);
    }

    #closedByServer(event) {
        const close = this.#parse(event.data);
        this.closeResponse = close;
        this.#forgetFailures();
        this.#dropSource();
        if (close.reconnect === false) {
            this.#giveUp(close.reason ?? 'server');
        } else {
            this.#startIn(Number(close.reconnect) || this.#nextWait());
        }
        this.#announceClose('server', close.reason, close, event);
    }

    /** The browser would reconnect by itself, but to the old URL with the old listeners. */
    #lost(event) {
        const refused = this.#source.readyState === CLOSED && !this.#openedAt;
        this.#forgetFailures();
        this.#dropSource();
        this.#startIn(this.#nextWait());
        if (refused) {
            this.#askWhy();
        }
        this.#emit(event);
    }

    #forgetFailures() {
        if (this.#openedAt && Date.now() - this.#openedAt > STABLE_AFTER) {
            this.#attempt = 0;
        }
    }

    #nextWait() {
        const ceiling = this.options.reconnectTime || this.#serverWait || FIRST_CEILING;
        return reconnectWait(this.#attempt++, ceiling);
    }

    #startIn(wait) {
        this.#window.clearTimeout(this.#waitTimer);
        this.#waitTimer = this.#window.setTimeout(() => this.#start(), wait);
    }

    #giveUp(reason) {
        this.#wanted = false;
        this.#whyClosed = reason;
        this.#window.clearTimeout(this.#waitTimer);
        this.#calls.rejectAll(this.#closedError());
    }

    /** EventSource hides the status of a refusal. An empty listener change tells it without effect. */
    async #askWhy() {
        const { url, query } = this.options;
        const question = `${url}/connect/addListener.do?${toSearch(query)}`;
        const { status } = await this.#post(question, '{}').catch(() => ({ status: 0 }));
        const stillOut = this.#wanted && !this.isActive() && url === this.options.url;
        if (stillOut && (status === 401 || status === 403)) {
            const reason = status === 401 ? 'unauthorized' : 'forbidden';
            this.#giveUp(reason);
            this.#dropSource();
            this.#announceClose('server', reason, { reason, status, reconnect: false });
        }
    }

    #sayGoodbye(connectionId, reason, openedAt) {
        const duration = Math.round((Date.now() - openedAt) / 1000);
        const { clientId } = this;
        const body = { connectionId, clientId, reason, sseVersion: Sse.version, duration };
        const url = `${this.options.url}/connect/disconnect.do`;
        this.#window.navigator.sendBeacon?.(url, toSearch(body));
    }

    /* ---- events on their way to the page ---- */

    #announceClose(whoTriggerClose, closeReason = '', close, origin = null) {
        const data = origin?.data ?? this.#json.stringify(close);
        const event = new this.#window.MessageEvent('connect-close', { data });
        this.#emit(Object.assign(event, { whoTriggerClose, closeReason }));
    }

    #emit(event) {
        event.url = this.options.url;
        const listeners = this.#listeners.of(event.type);
        for (const receive of [...this.options.intercepts, ...listeners]) {
            this.#guard(() => receive.call(this, event));
        }
        const own = event.type === 'connect-finish' || event.type === 'connect-close';
        if (this.options.useWindowEventBus && (own || this.#listeners.has(event.type))) {
            this.#guard(() => this.#dispatchOnWindow(event));
        }
    }

    /** Not for names that the browser itself dispatches there, such as "message" and "error". */
    #dispatchOnWindow(event) {
        const { type, data, origin, lastEventId, url, whoTriggerClose, closeReason } = event;
        if (`on${type}` in this.#window) {
            return;
        }
        const copy = new this.#window.MessageEvent(type, { data, origin, lastEventId });
        const more = whoTriggerClose ? { url, whoTriggerClose, closeReason } : { url };
        this.#window.dispatchEvent(Object.assign(copy, more));
    }

    /** A listener that throws must not keep the event from the others. */
    #guard(run) {
        try {
            run();
        } catch (error) {
            console.error('sse: a listener failed', error);
        }
    }

    #parse(text) {
        try {
            return this.#json.parse(text) ?? {};
        } catch {
            return {};
        }
    }

    /* ---- calls to the server ---- */

    #closedError() {
        const cure = this.#destroyed ? 'make a new Sse' : 'call connect() first';
        return new SseError('closed', `the connection is closed (${this.#whyClosed}): ${cure}`);
    }

    /** A repeatable call may run twice on the server without harm. */
    #call(run, repeatable = false) {
        if (!this.#wanted) {
            return Promise.reject(this.#closedError());
        }
        const call = { run, repeats: repeatable ? REPEATS : 0 };
        return this.isActive() ? this.#perform(call) : this.#calls.add(call);
    }

    async #perform(call) {
        try {
            return await call.run();
        } catch (error) {
            if (this.#wanted && call.repeats-- > 0) {
                return this.#calls.add(call);
            }
            throw error;
        }
    }

    #tellListeners(action, listener) {
        return this.#call(() => {
            const url = `${this.options.url}/connect/${action}.do?${toSearch(this.options.query)}`;
            return this.#post(url, this.#json.stringify({ connectionId: this.connectionId, listener }));
        }, true);
    }

    #callUrl(kind, path, query) {
        const name = String(path).replace(/^\/+/, '').replace(/[?#]/g, encodeURIComponent);
        const search = toSearch({ connectionId: this.connectionId }, query);
        return `${this.options.url}/connect/${kind}/${name}.do?${search}`;
    }

    #post(url, body, headers) {
        const all = new this.#window.Headers(headers);
        if (typeof body === 'string' && !all.has('content-type')) {
            all.set('content-type', 'application/json;charset=UTF-8');
        }
        const credentials = this.options.withCredentials ? 'include' : 'same-origin';
        const request = { method: 'POST', mode: 'cors', credentials, headers: all, body };
        return this.#window.fetch(url, request);
    }
}

export default Sse;
