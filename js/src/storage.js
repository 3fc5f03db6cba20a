/* SPDX-License-Identifier: Apache-2.0 */

/** Uses localStorage or sessionStorage, where that is not forbidden: then the answer is undefined. */
function use(windowGlobal, storage, run) {
    try {
        return run(windowGlobal[storage]);
    } catch {
        return undefined; // even to look at the property throws there
    }
}

export function recall(windowGlobal, storage, key) {
    return use(windowGlobal, storage, (items) => items.getItem(key));
}

/** null forgets. */
export function remember(windowGlobal, storage, key, value) {
    use(windowGlobal, storage, (items) =>
        (value === null ? items.removeItem(key) : items.setItem(key, String(value))));
}
