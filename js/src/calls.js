/* SPDX-License-Identifier: Apache-2.0 */
import { SseError } from './error.js';
import { jitteredWait } from './wait.js';

const REPEATS = 4;
const FIRST_REPEAT = 1000; // ms, the ceiling of the wait

/**
 * The page's calls to the server, in the order in which the page has made them. Each settles: it has
 * an answer, or it is rejected. One that fails on the network waits and is performed again, so what a
 * call does has to bear that.
 *
 * They travel in parallel. Those of a queue get numbers, by which the server runs them in order: each
 * keeps its own while the connection lasts, and gets another on the next.
 */
export class Calls {
    #waiting = []; // the first first
    #count = 0; // since the beginning
    #queues = {}; // of this connection
    #most; // calls of a queue that may be under way
    #timer;
    #window;
    #limit;
    #isActive;
    #hint;
    #makeError = null; // given: there will be no connection

    /** hint(): what to say beside the network's word. */
    constructor(windowGlobal, limit, isActive, hint) {
        this.#window = windowGlobal;
        this.#limit = limit;
        this.#isActive = isActive;
        this.#hint = hint;
    }

    /** What the page has asked for and is still to be sent. */
    waiting() {
        return this.#waiting.map(({ what }) => what);
    }

    /** what: as waiting() tells it; perform(number); without a queue there is no number. check() throws what nothing can mend. */
    run(what, perform, queue, check = () => {}) {
        return new Promise((resolve, reject) => {
            this.#count += 1;
            const call = { what, perform, check, kind: queue, resolve, reject, failures: 0, place: this.#count };
            if (!this.#isActive() && this.#waiting.length >= this.#limit && !this.#makeError) {
                reject(new SseError('queue-full', `${this.#limit} calls wait: raise queueLimit`));
            } else {
                this.#add(call);
                this.#next();
            }
        });
    }

    /** A connection is there, whose server holds so many calls of a queue; undefined: it has no order. */
    begin(most) {
        const fresh = () => ({ open: 0, last: 0 });
        this.#most = most;
        this.#queues = most ? { message: fresh(), change: fresh() } : {};
        this.#flush();
    }

    open() {
        this.#makeError = null;
    }

    /** Until open(), calls fail with what makeError gives. */
    close(makeError) {
        this.#window.clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#makeError = makeError;
        this.#waiting.splice(0).forEach(({ reject }) => reject(makeError()));
    }

    #add(call) {
        if (this.#makeError) {
            call.reject(this.#makeError());
        } else {
            this.#waiting.push(call);
            this.#waiting.sort((one, other) => one.place - other.place);
        }
    }

    #flush() {
        this.#waiting.forEach((call) => {
            call.rests = false;
        });
        this.#next();
    }

    /** Performs what can be. */
    #next() {
        if (!this.#isActive()) {
            return;
        }
        const isReady = ({ rests, kind }) => !rests && !(this.#queues[kind]?.open >= this.#most);
        for (let at; (at = this.#waiting.findIndex(isReady)) >= 0;) {
            this.#perform(this.#waiting.splice(at, 1)[0]);
        }
    }

    async #perform(call) {
        try {
            call.check();
        } catch (error) {
            call.reject(error); // no number of its own: nobody waits for it
            return;
        }
        const queue = this.#queues[call.kind];
        if (call.queue !== queue) {
            call.queue = queue;
            call.number = queue && this.#number(call.kind, queue);
        }
        if (queue) {
            queue.open += 1;
        }
        try {
            call.resolve(await call.perform(call.number));
        } catch (error) {
            this.#fail(call, error);
        }
        if (queue) {
            queue.open -= 1;
            this.#next();
        }
    }

    /** A message comes after the changes before it, and these after no message. */
    #number(kind, queue) {
        queue.last += 1;
        const after = kind === 'message' && this.#queues.change.last;
        return after ? `${queue.last};after=${after}` : `${queue.last}`;
    }

    #fail(call, error) {
        call.failures += 1;
        if (call.failures > REPEATS) {
            const text = `no answer in ${call.failures} attempts: ${error.message}${this.#hint()}`;
            call.reject(new SseError('network', text, error));
            return;
        }
        call.rests = true;
        this.#add(call);
        this.#repeatSoon(call.failures);
    }

    /** For when the stream goes on and will not flush: it was this request alone that failed. */
    #repeatSoon(failures) {
        if (this.#makeError) {
            return;
        }
        // One that runs takes all: those that fail meanwhile must not put it off.
        this.#timer ??= this.#window.setTimeout(() => {
            this.#timer = undefined;
            this.#flush();
        }, jitteredWait(failures - 1, FIRST_REPEAT));
    }
}
