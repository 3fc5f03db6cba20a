/* SPDX-License-Identifier: Apache-2.0 */

const REMEMBERED = 10_000; // ids: what may come again from several queues
const BATCH_SIZE = 1000; // ids, as many as the server takes at once
const BATCH_DELAY = 200; // ms
// The server's ids of what it does not store (src/sse/own_id.h). Older servers let senders give ids of
// this form to what is stored: these do not begin as those of the server's present life.
const UNSTORED_ID = /^[\da-f]{16}-p?[\da-f]+$/;
const EPOCH = /^[\da-f]{16}-/;

/** The newest last, the oldest forgotten. */
function put(ids, id) {
    ids.delete(id);
    ids.add(id);
    if (ids.size > REMEMBERED) {
        ids.delete(ids.values().next().value);
    }
}

/** What tells an event from others with its id: a sender may give one id to several. */
function nameOf(id, { type, data }) {
    const text = `${type}\n${data}`;
    let hash = 0;
    for (let at = 0; at < text.length; at += 1) {
        hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
    }
    return `${id} ${hash}`;
}

/**
 * Which events the page has handled. A stored message may come again, when its acknowledgement was
 * lost or after a reconnect: it is acknowledged again, and not handled twice. `enabled` says whether
 * the server wants to hear of it.
 */
export class Acknowledgements {
    enabled = false;
    #epoch = '';
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

    /** A stream begins; id: of its first event. */
    begin(enabled, id) {
        this.enabled = enabled;
        this.#epoch = EPOCH.exec(id)?.[0] ?? '';
    }

    isHandled(id, event) {
        return this.#handled.has(nameOf(id, event));
    }

    add(id, event) {
        if (!id) {
            return;
        }
        put(this.#handled, nameOf(id, event));
        if (this.enabled && !(UNSTORED_ID.test(id) && id.startsWith(this.#epoch))) {
            put(this.#waiting, id);
            this.#timer ??= this.#window.setTimeout(() => this.flush(), BATCH_DELAY);
        }
    }

    /** Also when a connection is there again, for what could not be said before. */
    flush() {
        this.#timer = undefined;
        while (this.enabled && this.#waiting.size > 0) {
            const ids = this.batch();
            ids.forEach((id) => this.#waiting.delete(id));
            this.#post(ids).catch(() => ids.forEach((id) => put(this.#waiting, id)));
        }
    }

    /** What is to be said next. It waits on: a beacon may get lost, and nobody hears of it. */
    batch() {
        return [...this.#waiting].slice(0, BATCH_SIZE);
    }
}
