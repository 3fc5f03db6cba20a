/* SPDX-License-Identifier: Apache-2.0 */

const OPEN_STATE = 1; // of EventSource
const CLOSED_STATE = 2;
const GREETING_LIMIT = 10_000; // ms

/**
 * One EventSource, from its opening to its end. What it brings after close() is nobody's.
 * on: {own: functions by event name, other(event) for all further ones, silent(limit) when nothing
 * has come for so long that something in between must hold it back}.
 */
export class EventStream {
    #window;
    #source;
    #on;
    #hooked = new Set();
    #watchdog;

    constructor(windowGlobal, url, withCredentials, on) {
        this.#window = windowGlobal;
        this.#on = on;
        this.#source = new windowGlobal.EventSource(url, { withCredentials });
        this.#watchdog = windowGlobal.setTimeout(() => on.silent(GREETING_LIMIT), GREETING_LIMIT);
        this.listen(Object.keys(on.own));
    }

    /** An EventSource reports only the names it was asked for. */
    listen(names) {
        for (const name of names) {
            if (!this.#hooked.has(name)) {
                this.#hooked.add(name);
                this.#source.addEventListener(name, (event) => this.#receive(name, event));
            }
        }
    }

    isOpen() {
        return this.#source.readyState === OPEN_STATE;
    }

    /** The browser gave up by itself: the answer was no event stream. */
    isRefused() {
        return this.#source.readyState === CLOSED_STATE;
    }

    greeted() {
        this.#window.clearTimeout(this.#watchdog);
    }

    close() {
        this.greeted();
        this.#source?.close();
        this.#source = null;
    }

    #receive(name, event) {
        if (!this.#source) {
            // WebKit opens a closed stream again when a page comes back from the back/forward cache.
            event.target.close();
            return;
        }
        // A message may be called "error" as well, and that one has data.
        const isOwn = Object.hasOwn(this.#on.own, name) && (name !== 'error' || !('data' in event));
        const handle = isOwn ? this.#on.own[name] : this.#on.other;
        handle(event);
    }
}
