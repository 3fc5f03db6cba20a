/* SPDX-License-Identifier: Apache-2.0 */

const instances = new Set();
const namedClassIn = new WeakSet(); // the windows that have window.Sse from here

/** window.sse is the page's first living instance, window.Sse its class: pages rely on both. */
export function publish(sse, windowGlobal) {
    instances.add(sse);
    windowGlobal.sse ??= sse;
    if (!windowGlobal.Sse) {
        windowGlobal.Sse = sse.constructor;
        namedClassIn.add(windowGlobal);
    }
}

export function withdraw(sse, windowGlobal) {
    instances.delete(sse);
    const heir = [...instances].find(({ options }) => options.windowGlobal === windowGlobal);
    if (windowGlobal.sse === sse) {
        windowGlobal.sse = heir;
    }
    if (heir) {
        return;
    }
    if (windowGlobal.sse === undefined) {
        delete windowGlobal.sse;
    }
    if (namedClassIn.delete(windowGlobal)) {
        delete windowGlobal.Sse;
    }
}
