/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client that a page imports from the service itself: import('/sse/hr').
 *
 * An Sse keeps one event stream open for as long as the page wants it and the person looks at it
 * (src/connection.js), and carries the page's own calls (listener changes, send, upload) beside it
 * (src/calls.js). This file is what pages see of it.
 *
 * When the server is built, the modules are bundled to one, with one default export, and to a
 * classic script (classic.js). Nothing here touches a global but through `windowGlobal`.
 */
import { Acknowledgements } from './src/acknowledgements.js';
import { Activity } from './src/activity.js';
import { Calls } from './src/calls.js';
import { Connection } from './src/connection.js';
import { SseError } from './src/error.js';
import { publish, withdraw } from './src/globals.js';
import { ListenerTable } from './src/listeners.js';
import { completeOptions, defaultOptions } from './src/options.js';
import { Outlet } from './src/outlet.js';
import { isUnknown, Requests } from './src/requests.js';
import { recall, remember } from './src/storage.js';
import { describeBrowser, fitInAddress, randomId, toSearch, withoutTrailingSlash } from './src/texts.js';

// A browser gives an event without an id that of the event before.
const MAY_LACK_ID = /^sse-(gap|left-out|token-expiring)$/;
const importTime = Date.now();
const toldVersions = new Set(); // of servers that are not this client's

class Sse {
    static version = '0.1.0';
    static STATE_CONNECTING = 0;
    static STATE_OPEN = 1;
    static STATE_CLOSED = 2;
    static SERVER_TRIGGER_CLOSE = 'server';
    static CLIENT_TRIGGER_CLOSE = 'client';
    static DEFAULT_RECONNECT_TIME = 5000; // ms, of a server that is not told otherwise
    static IMPORT_MODULE_TIMESTAMP = importTime;
    static DEFAULT_OPTIONS = defaultOptions;

    connectionName = '';
    createTimestamp = Date.now();
    #window;
    #json;
    #listeners = new ListenerTable();
    #channels = new Set();
    #outlet;
    #calls;
    #requests;
    #acknowledgements;
    #activity;
    #connection;
    #destroyed = false;
    #closingId; // while listeners of connect-close are told

    constructor(options = {}) {
        this.options = completeOptions(options);
        ({ windowGlobal: this.#window, jsonGlobal: this.#json } = this.options);
        this.#listeners.add(ListenerTable.pairs(this.options.eventListeners));
        this.#identify();
        this.#assemble();
        if (this.#missing().length === 0) {
            this.connect();
        }
    }

    connect() {
        if (this.#destroyed) {
            console.warn(this.#closedError());
            return;
        }
        const missing = this.#missing();
        if (missing.length > 0) {
            throw new TypeError(`this is no page or worker: ${missing} missing; give options.windowGlobal`);
        }
        publish(this, this.#window);
        this.#activity.start();
        this.#calls.open();
        this.#connection.want();
    }

    /** Ends the stream and the session until connect(); what still waits in the queue is rejected. */
    close(reason = 'close') {
        this.#connection.giveUp(reason);
        this.#connection.stop(reason);
        this.#activity.forget();
    }

    destroy() {
        if (this.#destroyed) {
            return;
        }
        this.#destroyed = true;
        this.close('destroy');
        this.#listeners.clear();
        this.#connection.release();
        this.#activity.release();
        withdraw(this, this.#window);
    }

    /** Says goodbye to the old server, and goes on with the new one. */
    switchURL(newUrl) {
        const url = withoutTrailingSlash(newUrl);
        if (url !== this.options.url && !this.#destroyed) {
            this.#calls.open();
            this.#connection.moveTo(url);
            this.#forgetIds();
        }
    }

    isActive() {
        return this.#connection.isOpen();
    }

    get connectionId() {
        return this.#connection.id ?? this.#closingId;
    }

    /** The browser's EventSource, or null. */
    get es() {
        return this.#connection.source() ?? null;
    }

    /** What waits to be sent: {type, path, body, query, headers} of a send or upload, {type, …} of others. */
    get retryQueue() {
        return this.#calls.waiting();
    }

    /** Opens each stream; for pages that bring an EventSource of their own. */
    newEventSource(url = this.#connection.address()) {
        const { withCredentials } = this.options;
        return new this.#window.EventSource(url, { withCredentials });
    }

    get destroyed() {
        return this.#destroyed;
    }

    get state() {
        if (this.isActive()) {
            return Sse.STATE_OPEN;
        }
        return this.#connection.isComing() ? Sse.STATE_CONNECTING : Sse.STATE_CLOSED;
    }

    /** Seconds that the person was there: before the present visit, and during it. */
    getDuration() {
        return this.#activity.durations();
    }

    /** The newest function of each name. */
    getEventListeners() {
        const newest = (name) => [name, this.#listeners.of(name).at(-1) ?? null];
        return Object.fromEntries(this.#listeners.names().map(newest));
    }

    /** (name, function), an object of functions, or an array of names. */
    async addListener(eventListeners, listener) {
        const pairs = ListenerTable.pairs(eventListeners, listener);
        this.#listeners.add(pairs);
        this.#connection.listen(this.#listeners.names());
        return this.#ask('addListener', { listener: pairs.map(([name]) => name) });
    }

    /** As addListener; a name without its function removes all functions of that name. */
    async removeListener(eventListeners, listener) {
        const pairs = ListenerTable.pairs(eventListeners, listener);
        return this.#ask('removeListener', { listener: this.#listeners.remove(pairs) });
    }

    /** A name or an array of names; once granted, joined again after each reconnect. */
    async subscribe(channel) {
        const response = await this.#ask('subscribe', { channel });
        if (response.ok) {
            [channel].flat().forEach((name) => this.#channels.add(name));
        }
        return response;
    }

    unsubscribe(channel) {
        this.#leave([channel].flat());
        return this.#ask('unsubscribe', { channel });
    }

    /** Keeps the stream alive with a new token, such as when sse-token-expiring comes. */
    async refresh(accessToken = this.options.query['access-token']) {
        this.options.query['access-token'] &&= accessToken;
        const response = await this.#ask('refresh', { accessToken });
        const answer = response.ok ? await response.clone().json().catch(() => null) : null;
        this.#leave((answer?.data ?? answer)?.removed);
        return response;
    }

    /** Runs after those before it, unless told otherwise, and does not wait here for their answers. */
    async send(path = '', body = {}, query = {}, headers = {}, { ordered = true } = {}) {
        const text = this.#json.stringify(body ?? {});
        const what = { type: 'send', path, body, query, headers };
        return this.#call('message', what, text, ordered ? 'message' : undefined);
    }

    async upload(path = '', formData, query = {}, headers = {}) {
        if (!(formData instanceof this.#window.FormData)) {
            throw new TypeError('upload() takes a FormData');
        }
        return this.#call('upload', { type: 'upload', path, body: formData, query, headers }, formData);
    }

    toString() {
        return `${this.connectionName}:${this.state}:${this.createTimestamp}`;
    }

    /* ---- who and where ---- */

    /** What a server that renders pages does not have. */
    #missing() {
        return ['EventSource', 'fetch', 'addEventListener'].filter((name) => !this.#window[name]);
    }

    #identify() {
        const { options } = this;
        const page = this.#window;
        this.instanceId = randomId(page);
        this.clientId = String(
            options.clientId || recall(page, 'localStorage', 'sseClientId') || randomId(page),
        );
        remember(page, 'localStorage', 'sseClientId', this.clientId);
        options.accessTimestamp = Number(
            options.accessTimestamp || recall(page, 'sessionStorage', 'sseAccessTimestamp') || Date.now(),
        );
        remember(page, 'sessionStorage', 'sseAccessTimestamp', options.accessTimestamp);
    }

    #assemble() {
        const { options } = this;
        const { windowGlobal, documentGlobal } = options;
        this.#outlet = new Outlet(this, this.#listeners, windowGlobal);
        this.#requests = new Requests(options);
        const hint = () => this.#requests.hint();
        this.#calls = new Calls(windowGlobal, options.queueLimit, () => this.isActive(), hint);
        this.#forgetIds();
        this.#activity = new Activity(windowGlobal, documentGlobal, options, (change) =>
            this.#outlet.say('sse-change-active', change));
        this.#connection = new Connection(options, () => this.#describe(), {
            open: (url) => this.newEventSource(url),
            connected: (event, finish) => this.#connected(event, finish),
            event: (event) => this.#deliver(event),
            lost: (event) => this.#lost(event),
            dead: () => this.#requests.abort(),
            timeout: (data) => this.#outlet.say('connect-timeout', this.#json.stringify(data)),
            leaving: (...goodbye) => this.#sayGoodbye(...goodbye),
            closed: (...close) => this.#closed(...close),
            gaveUp: () => this.#calls.close(() => this.#closedError()),
        });
    }

    /** They are the service's own: another may use the same. */
    #forgetIds() {
        this.#acknowledgements = new Acknowledgements(this.#window, (ids) => this.#acknowledge(ids));
    }

    /** The names are not asked for any more. */
    #leave(channels = []) {
        channels.forEach((name) => this.#channels.delete(name));
    }

    /* ---- what the connection tells ---- */

    #describe() {
        const { options } = this;
        const names = this.#listeners.names();
        return {
            sessionDuration: this.getDuration().sessionDuration,
            keepaliveTime: options.keepaliveTime,
            clientId: this.clientId,
            clientVersion: Sse.version,
            clientInstanceId: this.instanceId,
            clientInstanceTime: this.createTimestamp,
            clientImportModuleTime: importTime,
            accessTime: options.accessTimestamp,
            listeners: fitInAddress(names) ? names : [],
            channel: [...this.#channels],
            useWindowEventBus: options.useWindowEventBus,
            ...describeBrowser(this.#window),
        };
    }

    #connected(event, finish) {
        this.connectResponse = finish;
        this.connectionName = finish.name ?? '';
        this.connectionTimestamp = finish.serverTime;
        this.serverVersion = finish.version;
        this.#compareVersions();
        this.#acknowledgements.begin(finish.ack === true, event.lastEventId);
        this.#acknowledgements.flush();
        this.#requests.allow(finish.corsHeaders);
        this.#calls.begin(finish.ordered);
        this.#leave(finish.leftOut?.map(({ channel }) => channel));
        const names = this.#listeners.names();
        if (!fitInAddress(names)) {
            this.#connection.listen(names);
            this.#tellListeners(names);
        }
        this.#outlet.emit(event);
        this.#activity.come();
    }

    /** A page that brings its own client, or has been open since before the server was upgraded. */
    #compareVersions() {
        const { serverVersion } = this;
        if (serverVersion && serverVersion !== Sse.version && !toldVersions.has(serverVersion)) {
            toldVersions.add(serverVersion);
            this.#window.console?.warn(
                `sse-server: this page has the client ${Sse.version}, the server is ${serverVersion}`,
            );
        }
    }

    /** Not twice, where an event comes again because nobody knew that it had come. */
    #deliver(event) {
        const { type, lastEventId } = event;
        const id = MAY_LACK_ID.test(type) ? '' : lastEventId;
        if (!this.#acknowledgements.isHandled(id, event)) {
            if (type === 'sse-set-duration') {
                this.#activity.set(Number(this.#json.parse(event.data).duration));
            }
            this.#outlet.emit(event);
        }
        this.#acknowledgements.add(id, event);
    }

    #lost(event) {
        this.#acknowledgements.enabled = false;
        this.#outlet.emit(event);
    }

    #closed(whoTriggerClose, close) {
        this.#acknowledgements.enabled = false;
        this.closeResponse = close;
        const info = { whoTriggerClose, closeReason: close.reason };
        this.#closingId = close.connectionId;
        this.#outlet.say('connect-close', this.#json.stringify(close), info);
        this.#closingId = undefined;
    }

    /** The server adds the present visit to what was counted before it. */
    #sayGoodbye(connectionId, reason) {
        const durations = this.getDuration();
        this.#activity.leave();
        const ids = this.#acknowledgements.batch();
        if (ids.length > 0) {
            const ack = this.#json.stringify({ connectionId, ids });
            this.#requests.beacon('ack', new this.#window.Blob([ack], { type: 'application/json' }));
        }
        this.#requests.beacon('disconnect', toSearch({
            connectionId,
            clientId: this.clientId,
            reason,
            ...durations,
            sseVersion: Sse.version,
        }));
    }

    /* ---- calls to the server ---- */

    /** Those that an address cannot hold. Nobody waits for the answer: a refusal is an event. */
    async #tellListeners(names) {
        const response = await this.#ask('addListener', { listener: names }).catch(() => null);
        if (response && !response.ok) {
            const leftOut = names.map((listener) => ({ listener, reason: `status ${response.status}` }));
            this.#outlet.say('sse-left-out', this.#json.stringify({ leftOut }));
        }
    }

    #closedError() {
        const fix = this.#destroyed ? 'make a new Sse' : 'call connect()';
        return new SseError('closed', `closed (${this.#connection.whyClosed}): ${fix}`);
    }

    /**
     * perform(connectionId) gives the server's answer. One that says that there is no such
     * connection is that stream's end, even where the browser has not noticed: the call is made
     * again on the next, but not more than once for that reason.
     */
    #run(what, perform, queue, check) {
        let isRepeated = false;
        return this.#calls.run(what, async (number) => {
            const { connectionId } = this;
            const response = await perform(connectionId, number);
            const isOver = connectionId !== this.connectionId;
            if (isOver ? response.status === 404 || isUnknown(response) : isUnknown(response) && !isRepeated) {
                isRepeated ||= !isOver;
                this.#connection.lose(connectionId);
                throw new SseError('stale', 'connection ended');
            }
            return response;
        }, queue, check);
    }

    #ask(action, value) {
        return this.#run({ type: action, ...value }, (connectionId, number) =>
            this.#requests.tell(action, { connectionId, ...value }, number), 'change');
    }

    async #acknowledge(ids) {
        const { connectionId } = this;
        const response = await this.#requests.tell('ack', { connectionId, ids });
        if (isUnknown(response)) {
            this.#connection.lose(connectionId);
        }
        if (!response.ok || isUnknown(response)) {
            throw response;
        }
    }

    async #call(kind, what, body, queue) {
        const { path, query } = what;
        const headers = this.#requests.headersOfCall(what.headers, body);
        return this.#run(
            what,
            (connectionId, number) =>
                this.#requests.call(kind, path, { connectionId, ...query }, body, headers, number),
            queue,
            () => this.#requests.check(headers),
        );
    }
}

export default Sse;
