/* SPDX-License-Identifier: Apache-2.0 */

/** undefined and null are left out; an array is a name several times. */
export function toSearch(...queries) {
    const search = new URLSearchParams();
    for (const [name, value] of queries.flatMap((query) => Object.entries(query ?? {}))) {
        for (const one of [value ?? []].flat()) {
            search.append(name, one);
        }
    }
    return search;
}

export function randomId(windowGlobal) {
    const empty = new Uint8Array(16);
    // Node 18 has no global one; nothing there is a secret.
    const bytes = windowGlobal.crypto?.getRandomValues(empty) ?? empty.map(() => Math.random() * 256);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function withoutTrailingSlash(url) {
    return String(url).replace(/\/+$/, '');
}

/** Servers and proxies bound the length of an address. */
export function fitInAddress(names) {
    return encodeURIComponent(names).length < 2000;
}

/** What the browser tells of itself. */
export function describeBrowser({ screen, location, performance }) {
    const { jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize } = performance?.memory ?? {};
    return {
        screen: screen && `${screen.width}x${screen.height}`,
        // Without search and fragment: they hold tokens, and this ends up in access logs.
        locationHref: location && location.origin + location.pathname,
        jsHeapSizeLimit,
        totalJSHeapSize,
        usedJSHeapSize,
    };
}

/** ms that a refusal asks for: Retry-After in seconds; 0 when it names none. */
export function retryAfter(response) {
    return Math.min(Number(response.headers.get('retry-after')) || 0, 3600) * 1000;
}
