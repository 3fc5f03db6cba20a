/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page without a browser: what sse.js uses of window and document, with every request and event
 * stream kept for the test to answer.
 */
import { setMaxListeners } from 'node:events';
import { webcrypto } from 'node:crypto';

export class FakeEventSource extends EventTarget {
    readyState = 0;
    #lastEventId = '';

    constructor(url, init, page) {
        super();
        this.url = new URL(url, 'https://page.test');
        this.withCredentials = init.withCredentials;
        page.sources.push(this);
    }

    close() {
        this.readyState = 2;
    }

    /** An event without an id bears that of the one before, as in a browser. */
    receive(type, data, id = this.#lastEventId) {
        const text = typeof data === 'string' ? data : JSON.stringify(data);
        this.#lastEventId = id;
        this.dispatchEvent(new MessageEvent(type, { data: text, lastEventId: id }));
    }

    finish(connectionId = 'c1', more = {}) {
        this.readyState = 1;
        const data = { connectionId, reconnectTime: 20, name: 'demo', ...more };
        this.receive('connect-finish', data, `finish-${connectionId}`);
    }

    /** The network went away: a browser's EventSource would try again by itself. */
    breakOff() {
        this.readyState = 0;
        this.dispatchEvent(new Event('error'));
    }

    /** The server answered something else than 200: a browser's EventSource gives up. */
    refuse() {
        this.readyState = 2;
        this.dispatchEvent(new Event('error'));
    }
}

class FakeStorage extends Map {
    getItem(key) {
        return this.get(key) ?? null;
    }

    setItem(key, value) {
        this.set(key, String(value));
    }

    removeItem(key) {
        this.delete(key);
    }
}

/** Time that passes only when the test says so. */
class FakeClock {
    now = 1_000_000;
    #timers = new Map();
    #lastId = 0;

    set(run, wait, every) {
        this.#lastId += 1;
        this.#timers.set(this.#lastId, { run, at: this.now + wait, every });
        return this.#lastId;
    }

    clear(id) {
        this.#timers.delete(id);
    }

    tick(span) {
        const end = this.now + span;
        let next;
        while ((next = this.#dueBefore(end))) {
            const [id, timer] = next;
            this.now = Math.max(this.now, timer.at);
            if (timer.every) {
                timer.at = this.now + timer.every;
            } else {
                this.#timers.delete(id);
            }
            timer.run();
        }
        this.now = end;
    }

    /** As when the machine sleeps: timers are late. */
    skip(span) {
        this.now += span;
    }

    get size() {
        return this.#timers.size;
    }

    #dueBefore(end) {
        const due = [...this.#timers].filter(([, { at }]) => at <= end);
        return due.sort(([, left], [, right]) => left.at - right.at)[0];
    }
}

export class FakePage extends EventTarget {
    sources = [];
    requests = [];
    beacons = [];
    localStorage = new FakeStorage();
    sessionStorage = new FakeStorage();
    location = { origin: 'https://page.test', pathname: '/app' };
    screen = { width: 800, height: 600 };
    crypto = webcrypto; // Node 18 has no global one
    FormData = globalThis.FormData;
    Headers = globalThis.Headers;
    Blob = globalThis.Blob;
    AbortController = globalThis.AbortController;
    MessageEvent = globalThis.MessageEvent;
    Event = globalThis.Event;
    onmessage = null;
    hooks = new Set();
    hookCount = 0;
    clock = new FakeClock();
    setTimeout = (run, wait) => this.clock.set(run, wait);
    clearTimeout = (id) => this.clock.clear(id);
    setInterval = (run, wait) => this.clock.set(run, wait, wait);
    clearInterval = (id) => this.clock.clear(id);

    constructor() {
        super();
        const page = this;
        this.document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
        this.navigator = {
            sendBeacon: (url, body) => page.beacons.push({
                url,
                body: body instanceof Blob ? body : Object.fromEntries(body),
            }),
        };
        this.EventSource = class extends FakeEventSource {
            constructor(url, init) {
                super(url, init, page);
            }
        };
        this.listen = this.addEventListener; // as a page does, uncounted
        this.#countHooks(this);
        this.#countHooks(this.document);
    }

    /** How many listeners sse.js has left on window and document. */
    #countHooks(target) {
        const { addEventListener } = target;
        target.addEventListener = (name, handler, options) => {
            this.hooks.add(name);
            this.hookCount += 1;
            setMaxListeners(0, options.signal);
            options.signal.addEventListener('abort', () => {
                this.hookCount -= 1;
            });
            addEventListener.call(target, name, handler, options);
        };
    }

    fetch = (url, init) => {
        const request = { url: new URL(url, 'https://page.test'), ...init };
        const answer = new Promise((resolve, reject) => {
            Object.assign(request, { resolve, reject });
            init.signal?.addEventListener('abort', () => reject(init.signal.reason));
        });
        this.requests.push(request);
        return answer;
    };

    get source() {
        return this.sources.at(-1);
    }

    get request() {
        return this.requests.at(-1);
    }

    show(visibilityState) {
        this.document.visibilityState = visibilityState;
        this.document.dispatchEvent(new Event('visibilitychange'));
    }
}
