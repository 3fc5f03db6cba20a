/* SPDX-License-Identifier: Apache-2.0 */

const HIDE_DELAY = 1000; // ms: a short look at another tab should not cost a reconnect

/**
 * Whether the page is awake: shown to somebody (or told to work in the background), not frozen and
 * not put away for the back button. No unload handlers: they would keep it from being put away.
 */
export class PageLife {
    asleep;
    #window;
    #document;
    #background;
    #on;
    #timer;
    #end = new AbortController();

    /** on: {sleep(reason), wake()}; the second also when the network is there again */
    constructor({ windowGlobal, documentGlobal, background }, on) {
        this.#window = windowGlobal;
        this.#document = documentGlobal;
        this.#background = background;
        this.#on = on;
        this.stir();
        const hook = (target, name, handler) =>
            target.addEventListener?.(name, handler, { signal: this.#end.signal });
        hook(documentGlobal, 'visibilitychange', () => this.#look());
        hook(documentGlobal, 'resume', () => this.#look());
        hook(windowGlobal, 'pageshow', () => this.#look());
        hook(windowGlobal, 'focus', () => this.#look());
        hook(documentGlobal, 'freeze', () => this.#sleep('freeze'));
        hook(windowGlobal, 'pagehide', () => this.#sleep('pagehide'));
        hook(windowGlobal, 'online', on.wake);
    }

    /** Until somebody turns to this page again, or it asks itself. */
    rest() {
        this.asleep = true;
    }

    stir() {
        this.asleep = this.#isOutOfSight();
    }

    release() {
        this.#window.clearTimeout(this.#timer);
        this.#end.abort();
    }

    #isOutOfSight() {
        const page = this.#document;
        const visibility = page.getVisibilityState?.() ?? page.visibilityState;
        return !this.#background && visibility === 'hidden';
    }

    #look() {
        this.#window.clearTimeout(this.#timer);
        if (this.#isOutOfSight()) {
            this.#timer = this.#window.setTimeout(() => this.#sleep('visibilitychange'), HIDE_DELAY);
        } else if (this.asleep) {
            this.asleep = false;
            this.#on.wake();
        }
    }

    #sleep(reason) {
        this.#window.clearTimeout(this.#timer);
        if (!this.asleep) {
            this.asleep = true;
            this.#on.sleep(reason);
        }
    }
}
