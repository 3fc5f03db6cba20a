/* SPDX-License-Identifier: Apache-2.0 */

/** Which event names the page listens to, and with which functions. */
export class ListenerTable {
    #functions = new Map();

    /** Accepts (name, function), an object of functions, or an array of names: gives pairs. */
    static pairs(names, listener) {
        if (Array.isArray(names)) {
            return names.map((name) => [name]);
        }
        return typeof names === 'string' ? [[names, listener]] : Object.entries(names ?? {});
    }

    static #check([name, listener]) {
        if (typeof name !== 'string' || !/^[^,\r\n\0]+$/.test(name)) {
            throw new TypeError(`event name "${String(name)}": use text without comma or newline`);
        }
        if (listener != null && typeof listener !== 'function') {
            throw new TypeError(`listener of "${name}": use a function`);
        }
    }

    add(pairs) {
        pairs.forEach(ListenerTable.#check);
        for (const [name, listener] of pairs) {
            const functions = this.#functions.get(name) ?? new Set();
            this.#functions.set(name, listener ? functions.add(listener) : functions);
        }
    }

    /** Without a function the whole name goes. Gives the names that nobody listens to any more. */
    remove(pairs) {
        const gone = pairs.filter(([name, listener]) => {
            const functions = this.#functions.get(name);
            functions?.delete(listener);
            return functions && (!listener || functions.size === 0) && this.#functions.delete(name);
        });
        return gone.map(([name]) => name);
    }

    names() {
        return [...this.#functions.keys()];
    }

    has(name) {
        return this.#functions.has(name);
    }

    /** A copy: a listener may change the table while it runs. */
    of(name) {
        return [...(this.#functions.get(name) ?? [])];
    }

    clear() {
        this.#functions.clear();
    }
}
