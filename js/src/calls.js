/* SPDX-License-Identifier: Apache-2.0 */
import { SseError } from './error.js';
import { jitteredWait } from './wait.js';

const REPEATS = 4;
const FIRST_REPEAT = 1000; // ms, the ceiling of the wait

/**
 * The page's calls to the server. Each settles: it has an answer, or it is rejected. One that fails
 * on the network waits and is performed again, so what a call does has to bear that.
 */
export class Calls {
    #waiting = [];
    #timer;
    #window;
    #limit;
    #isActive;
    #makeError = null; // given: there will be no connection

    constructor(windowGlobal, limit, isActive) {
        this.#window = windowGlobal;
        this.#limit = limit;
        this.#isActive = isActive;
    }

    run(perform) {
        return new Promise((resolve, reject) => {
            const call = { perform, resolve, reject, failures: 0 };
            if (this.#isActive()) {
                this.#perform(call);
            } else {
                this.#add(call);
            }
        });
    }

    /** The connection is there. */
    flush() {
        this.#waiting.splice(0).forEach((call) => this.#perform(call));
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
        } else if (this.#waiting.length >= this.#limit) {
            const text = `${this.#limit} calls wait: raise queueLimit`;
            call.reject(new SseError('queue-full', text));
        } else {
            this.#waiting.push(call);
        }
    }

    async #perform(call) {
        try {
            call.resolve(await call.perform());
        } catch (error) {
            call.failures += 1;
            if (call.failures > REPEATS) {
                const text = `no answer in ${call.failures} attempts: ${error.message}`;
                call.reject(new SseError('network', text, error));
            } else {
                this.#add(call);
                this.#repeatSoon(call.failures);
            }
        }
    }

    /** For when the stream goes on and will not flush: it was this request alone that failed. */
    #repeatSoon(failures) {
        if (this.#makeError) {
            return;
        }
        // One that runs takes all: those that fail meanwhile must not put it off.
        this.#timer ??= this.#window.setTimeout(() => {
            this.#timer = undefined;
            if (this.#isActive()) {
                this.flush();
            }
        }, jitteredWait(failures - 1, FIRST_REPEAT));
    }
}
