/* SPDX-License-Identifier: Apache-2.0 */
import { SseError } from './error.js';
import { randomId, toSearch } from './texts.js';

/** The server's word that the connection does not exist; a handler's own 404 has none. */
export function isUnknown(response) {
    return response.headers.get('x-sse-connection') === 'unknown';
}

const SLOWEST_UPLOAD = 16; // bytes a ms
const SAFE_FIELDS = /^(accept|accept-language|content-language|content-type)$/; // Fetch, CORS

/** Bytes of the files in a form. */
function sizeOf(body) {
    return typeof body === 'string' ? 0 : [...body.values()].reduce((sum, { size = 0 }) => sum + size, 0);
}

/** How the page's requests look. What they are about is the caller's. */
export class Requests {
    #options;
    #window;
    #allowed; // names of header fields, where not all are
    #pending = new Set(); // what can be broken off: uploads, with bodies of any size, go on

    constructor(options) {
        this.#options = options;
        this.#window = options.windowGlobal;
    }

    /** Throws where the page's headers are none. The key lets the server run a repeated call once. */
    headersOfCall(given, body) {
        const headers = new this.#window.Headers(given);
        if (typeof body === 'string' && !headers.has('content-type')) {
            headers.set('content-type', 'application/json');
        }
        if (!headers.has('idempotency-key')) {
            headers.set('idempotency-key', randomId(this.#window));
        }
        return headers;
    }

    /** The header fields that the server takes from this page, with commas; undefined: any. */
    allow(names) {
        const { origin } = this.#window.location ?? {};
        const isOwn = !origin || new URL(this.#options.url, origin).origin === origin;
        this.#allowed = isOwn ? undefined : names?.split(', ');
    }

    /** A browser does not tell why it lets none of them out. */
    hint() {
        const fix = '(of another origin: header fields that tools add to fetch must be in corsHeaders)';
        return this.#allowed ? ` ${fix}` : '';
    }

    /** Throws where the browser would not let them out. */
    check(headers) {
        const isBlocked = (name) => !this.#allowed.includes(name) && !SAFE_FIELDS.test(name);
        const blocked = this.#allowed ? [...headers.keys()].filter(isBlocked) : [];
        if (blocked.length > 0) {
            const text = `header ${blocked}: pages of other origins may not send it unless corsHeaders names it`;
            throw new SseError('blocked', text);
        }
    }

    /** kind: message or upload; number: of those that run in order */
    call(kind, path, query, body, headers, number) {
        const name = path.replace(/^\/+/, '').replace(/[?#\\]|%(?![\da-f]{2})/gi, encodeURIComponent);
        return this.#post(`${kind}/${name}.do?${toSearch(query)}`, body, headers, number);
    }

    tell(action, value, number) {
        const body = this.#options.jsonGlobal.stringify(value);
        const headers = this.headersOfCall({}, body);
        // The answer to this one is read here: the service may have an envelope of its own.
        if (action === 'refresh' && this.#allowed?.includes('x-sse-envelope') !== false) {
            headers.set('x-sse-envelope', 'plain');
        }
        const path = `${action}.do?${toSearch(this.#options.query)}`;
        return this.#post(path, body, headers, number);
    }

    /** For a page that goes away: sent without anybody waiting for an answer. */
    beacon(action, body) {
        this.#window.navigator.sendBeacon?.(`${this.#options.url}/connect/${action}.do`, body);
    }

    /** The line is dead: nothing that was asked on it gets an answer. */
    abort() {
        this.#pending.forEach((abort) => abort.abort());
    }

    /** What never comes to an end, on a line that is dead, fails as the network does. */
    async #post(path, body, headers, number) {
        if (number) {
            headers.set('x-sse-order', number);
        } else {
            headers.delete('x-sse-order');
        }
        const { url, withCredentials, callTimeout } = this.#options;
        const credentials = withCredentials ? 'include' : 'same-origin';
        const address = `${url}/connect/${path}`;
        const abort = new this.#window.AbortController();
        const limit = callTimeout + sizeOf(body) / SLOWEST_UPLOAD;
        const timer = this.#window.setTimeout(() => abort.abort(), limit);
        if (typeof body === 'string') {
            this.#pending.add(abort);
        }
        try {
            const { signal } = abort;
            return await this.#window.fetch(address, { method: 'POST', credentials, headers, body, signal });
        } finally {
            this.#window.clearTimeout(timer);
            this.#pending.delete(abort);
        }
    }
}
