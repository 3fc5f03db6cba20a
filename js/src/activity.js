/* SPDX-License-Identifier: Apache-2.0 */
import { recall, remember } from './storage.js';
import { now } from './wait.js';

const INPUT_EVENTS = ['mouseover', 'click', 'keydown', 'touchstart', 'wheel'];

/**
 * Whether the person is there, and for how long altogether: time counts from an input event until
 * none has come for `leaveTimeout`, or the connection is left. A machine that slept, or a timer that
 * came late, adds nothing to that. The sum outlives reconnects and
 * reloads, in sessionStorage under `sseDurationKey`, until the page ends the session.
 */
export class Activity {
    active = true;
    #window;
    #document;
    #options;
    #changed;
    #counted; // ms, without the time since #since
    #since;
    #lastSign;
    #interval;
    #end = new AbortController();

    /** changed({oldActive, newActive, duration}) */
    constructor(windowGlobal, documentGlobal, options, changed) {
        this.#window = windowGlobal;
        this.#document = documentGlobal;
        this.#options = options;
        this.#changed = changed;
        this.#since = this.#lastSign = now(windowGlobal);
        this.#counted = (Number(recall(windowGlobal, 'sessionStorage', options.sseDurationKey)) || 0) * 1000;
    }

    /** Looks for activity from now on, until release(). */
    start() {
        if (this.#interval !== undefined) {
            return;
        }
        const { signal } = this.#end;
        for (const name of INPUT_EVENTS) {
            this.#document.addEventListener(name, () => this.come(), { signal, passive: true });
        }
        this.#interval = this.#window.setInterval(() => this.#check(), this.#options.leaveCheckInterval);
    }

    /** Whole seconds: what was counted before, and the time since the person came back. */
    durations() {
        const duration = this.active ? Math.round(this.#present() / 1000) : 0;
        return { sessionDuration: Math.round(this.#counted / 1000), duration };
    }

    come() {
        this.#check(); // a sign after a long sleep begins another visit
        this.#lastSign = now(this.#window);
        this.#become(true);
    }

    leave() {
        this.#become(false);
    }

    /** The back end says how much has been counted. */
    set(seconds) {
        this.#since = now(this.#window);
        this.#keep(seconds * 1000 || 0);
    }

    /** The session is over: the next one counts from nothing. */
    forget() {
        this.#counted = 0;
        this.#store(null);
    }

    release() {
        this.#window.clearInterval(this.#interval);
        this.#end.abort();
    }

    /** ms of the present visit. */
    #present() {
        const end = Math.min(now(this.#window), this.#lastSign + this.#options.leaveTimeout);
        return Math.max(0, end - this.#since);
    }

    #check() {
        if (now(this.#window) - this.#lastSign >= this.#options.leaveTimeout) {
            this.leave();
        }
    }

    #keep(milliseconds) {
        this.#counted = milliseconds;
        this.#store(Math.round(milliseconds / 1000));
    }

    #store(seconds) {
        remember(this.#window, 'sessionStorage', this.#options.sseDurationKey, seconds);
    }

    #become(newActive) {
        if (this.active === newActive) {
            return;
        }
        const duration = this.durations();
        if (!newActive) {
            this.#keep(this.#counted + this.#present());
        }
        this.#since = now(this.#window);
        this.active = newActive;
        this.#changed({ oldActive: !newActive, newActive, duration });
    }
}
