/* SPDX-License-Identifier: Apache-2.0 */
import { recall, remember } from './storage.js';

const SIGNS_OF_LIFE = ['mouseover', 'click', 'keydown', 'touchstart', 'wheel'];

/**
 * Whether the person is there, and for how long altogether: time counts from a sign of life until
 * none has come for `leaveTimeout`, or the connection is left. The sum outlives reconnects and
 * reloads, in sessionStorage under `sseDurationKey`, until the page ends the session.
 */
export class Activity {
    active = true;
    #window;
    #options;
    #changed;
    #counted; // ms, without the time since #since
    #since = Date.now();
    #lastSign = Date.now();
    #interval;
    #end = new AbortController();

    /** changed({oldActive, newActive, duration}) */
    constructor(windowGlobal, documentGlobal, options, changed) {
        this.#window = windowGlobal;
        this.#options = options;
        this.#changed = changed;
        this.#counted = (Number(recall(windowGlobal, 'sessionStorage', options.sseDurationKey)) || 0) * 1000;
        const { signal } = this.#end;
        for (const name of SIGNS_OF_LIFE) {
            documentGlobal.addEventListener(name, () => this.come(), { signal, passive: true });
        }
        this.#interval = windowGlobal.setInterval(() => this.#check(), options.leaveCheckInterval);
    }

    /** Whole seconds: what was counted before, and the time since the person came back. */
    durations() {
        const duration = this.active ? Math.round((Date.now() - this.#since) / 1000) : 0;
        return { sessionDuration: Math.round(this.#counted / 1000), duration };
    }

    come() {
        this.#lastSign = Date.now();
        this.#become(true);
    }

    leave() {
        this.#become(false);
    }

    /** The back end says how much has been counted. */
    set(seconds) {
        this.#since = Date.now();
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

    #check() {
        if (Date.now() - this.#lastSign >= this.#options.leaveTimeout) {
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
            this.#keep(this.#counted + Date.now() - this.#since);
        }
        this.#since = Date.now();
        this.active = newActive;
        this.#changed({ oldActive: !newActive, newActive, duration });
    }
}
