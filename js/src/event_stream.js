/* SPDX-License-Identifier: Apache-2.0 */
import { now } from './wait.js';

const OPEN_STATE = 1; // of EventSource
const CLOSED_STATE = 2;
const GREETING_LIMIT = 10_000; // ms
const LOOKS = 4; // that find nothing new: the line is dead

/**
 * One EventSource, from its opening to its end. What it brings after close() is nobody's.
 * on: {open(url): a new one, own: functions by event name, other(event) for all further ones, silent(limit) when nothing
 * has come for so long that something in between must hold it back, dead(limit) when nothing comes
 * any more}.
 */
export class EventStream {
    #window;
    source; // null once it is closed
    #on;
    #hooked = new Set();
    #watchdog;
    #looks = 0; // since the last heartbeat,
    #heardAt; // which was then
    #limit = Infinity; // ms without one: the line is dead

    constructor(windowGlobal, url, on) {
        this.#window = windowGlobal;
        this.#on = on;
        this.source = on.open(url);
        this.#watchdog = windowGlobal.setTimeout(() => on.silent(GREETING_LIMIT), GREETING_LIMIT);
        this.listen(Object.keys(on.own));
    }

    /** An EventSource reports only the names it was asked for. */
    listen(names) {
        for (const name of names) {
            if (!this.#hooked.has(name)) {
                this.#hooked.add(name);
                this.source.addEventListener(name, (event) => this.#receive(name, event));
            }
        }
    }

    isOpen() {
        return this.source.readyState === OPEN_STATE;
    }

    /** The browser gave up by itself: the answer was no event stream. */
    isRefused() {
        return this.source.readyState === CLOSED_STATE;
    }

    /** interval: ms within which the server gives a heartbeat; none: it has promised nothing. */
    greeted(interval) {
        this.#window.clearTimeout(this.#watchdog);
        if (interval > 0) {
            this.#limit = interval * 2;
            this.#watch(this.#limit);
        }
    }

    /** Until when it has been alive, as far as can be known. */
    lastAlive() {
        return Math.min(now(this.#window), this.#heardAt + this.#limit);
    }

    close() {
        this.#window.clearTimeout(this.#watchdog);
        this.source?.close();
        this.source = null;
    }

    /** In several looks: of the hours that a machine slept, or a browser held its timers back, one counts. */
    #watch(limit) {
        this.#watchdog = this.#window.setTimeout(() => {
            this.#looks += 1;
            if (this.#looks < LOOKS) {
                this.#watch(limit);
            } else {
                this.#on.dead(limit);
            }
        }, limit / LOOKS);
    }

    #receive(name, event) {
        this.#looks = 0;
        this.#heardAt = now(this.#window);
        if (!this.source) {
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
