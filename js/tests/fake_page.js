/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page without a browser: what sse.js uses of window and document, with every request and event
 * stream kept for the test to answer.
 */
import { webcrypto } from 'node:crypto';

export class FakeEventSource extends EventTarget {
    readyState = 0;

    constructor(url, init, page) {
        super();
        this.url = new URL(url, 'https://page.test');
        this.withCredentials = init.withCredentials;
        page.sources.push(this);
    }

    close() {
        this.readyState = 2;
    }

    receive(type, data) {
        const text = typeof data === 'string' ? data : JSON.stringify(data);
        this.dispatchEvent(new MessageEvent(type, { data: text }));
    }

    finish(connectionId = 'c1', more = {}) {
        this.readyState = 1;
        this.receive('connect-finish', { connectionId, reconnectTime: 20, name: 'demo', ...more });
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
}

/** Time that passes only when the test says so. */
class FakeClock {
    now = 1_000_000;
    #timers = new Map();
    #lastId = 0;

    set(run, wait) {
        this.#lastId += 1;
        this.#timers.set(this.#lastId, { run, at: this.now + wait });
        return this.#lastId;
    }

    clear(id) {
        this.#timers.delete(id);
    }

    tick(span) {
        const end = this.now + span;
        let next;
        while ((next = this.#dueBefore(end))) {
            const [id, { run, at }] = next;
            this.#timers.delete(id);
            this.now = at;
            run();
        }
        this.now = end;
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
    MessageEvent = globalThis.MessageEvent;
    onmessage = null;
    hooks = 0;
    clock = new FakeClock();
    setTimeout = (run, wait) => this.clock.set(run, wait);
    clearTimeout = (id) => this.clock.clear(id);

    constructor() {
        super();
        const page = this;
        this.document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
        this.navigator = {
            sendBeacon: (url, body) => page.beacons.push({ url, body: Object.fromEntries(body) }),
        };
        this.EventSource = class extends FakeEventSource {
            constructor(url, init) {
                super(url, init, page);
            }
        };
        this.#countHooks(this);
        this.#countHooks(this.document);
    }

    /** How many listeners sse.js has left on window and document. */
    #countHooks(target) {
        const { addEventListener, removeEventListener } = target;
        target.addEventListener = (...all) => {
            this.hooks += 1;
            addEventListener.apply(target, all);
        };
        target.removeEventListener = (...all) => {
            this.hooks -= 1;
            removeEventListener.apply(target, all);
        };
    }

    fetch = (url, init) => {
        const request = { url: new URL(url, 'https://page.test'), ...init };
        const answer = new Promise((resolve, reject) => Object.assign(request, { resolve, reject }));
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
