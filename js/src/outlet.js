/* SPDX-License-Identifier: Apache-2.0 */

const OWN_EVENTS = /^(connect|sse)-/; // the window hears of them in any case

/** Where events reach the page: its listeners, then the interceptors, then its window. */
export class Outlet {
    #sse;
    #listeners;
    #window;

    constructor(sse, listeners, windowGlobal) {
        this.#sse = sse;
        this.#listeners = listeners;
        this.#window = windowGlobal;
    }

    /** An event that no stream brought. */
    say(type, data, extra = {}) {
        this.emit(new this.#window.MessageEvent(type, { data }), extra);
    }

    /** extra: what the listeners of some events get beside the event, and in it. */
    emit(event, extra) {
        const { options } = this.#sse;
        const { type } = event;
        Object.assign(event, { url: options.url }, extra);
        for (const receive of [...this.#listeners.of(type), ...options.intercepts]) {
            this.#guard(() => receive.call(this.#sse, event, extra));
        }
        if (options.useWindowEventBus && (OWN_EVENTS.test(type) || this.#listeners.has(type))) {
            this.#guard(() => this.#dispatchOnWindow(event, extra));
        }
    }

    /** Not for names that the browser itself dispatches there, such as "message" and "error". */
    #dispatchOnWindow(event, extra) {
        const { type } = event;
        if (`on${type}` in this.#window) {
            return;
        }
        const copy = new this.#window.MessageEvent(type, event);
        this.#window.dispatchEvent(Object.assign(copy, { url: event.url }, extra));
    }

    /** A listener that throws must not keep the event from the others. */
    #guard(run) {
        try {
            run();
        } catch (error) {
            console.error('sse: a listener failed', error);
        }
    }
}
