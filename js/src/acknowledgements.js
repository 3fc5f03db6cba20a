/* SPDX-License-Identifier: Apache-2.0 */

const REMEMBERED = 1000; // ids
const BATCH_DELAY = 200; // ms

/**
 * Which events the page has handled. A message may come again, when its acknowledgement was lost or
 * after a reconnect: it is acknowledged again, and not handled twice. `enabled` says whether the
 * server wants to hear of it.
 */
export class Acknowledgements {
    enabled = false;
    #handled = new Set();
    #waiting = new Set();
    #window;
    #post;
    #timer;

    /** post(ids): a promise that rejects when the server has not heard it. */
    constructor(windowGlobal, post) {
        this.#window = windowGlobal;
        this.#post = post;
    }

    isHandled(id) {
        return this.#handled.has(id);
    }

    add(id) {
        if (!id) {
            return;
        }
        Acknowledgements.#put(this.#handled, id);
        if (this.enabled) {
            Acknowledgements.#put(this.#waiting, id);
            this.#timer ??= this.#window.setTimeout(() => this.flush(), BATCH_DELAY);
        }
    }

    /** Also when a connection is there again, for what could not be said before. */
    flush() {
        this.#clearTimer();
        if (this.enabled && this.#waiting.size > 0) {
            const ids = this.take();
            this.#post(ids).catch(() => ids.forEach((id) => Acknowledgements.#put(this.#waiting, id)));
        }
    }

    /** What is still to be said, by whoever says it. */
    take() {
        const ids = [...this.#waiting];
        this.#waiting.clear();
        return ids;
    }

    /** The connection has ended; what waits is kept for the next. */
    pause() {
        this.#clearTimer();
        this.enabled = false;
    }

    #clearTimer() {
        this.#window.clearTimeout(this.#timer);
        this.#timer = undefined;
    }

    /** The newest last, the oldest forgotten. */
    static #put(ids, id) {
        ids.delete(id);
        ids.add(id);
        if (ids.size > REMEMBERED) {
            ids.delete(ids.values().next().value);
        }
    }
}
