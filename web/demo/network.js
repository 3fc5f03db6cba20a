/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window whose network can be switched off, and which tells how far an upload has come: the
 * client takes EventSource and fetch from the window that it is given (option windowGlobal).
 */

const FAILS_AFTER = 300; // ms: what has no network finds out a little later

export class Network {
    online = true;
    #streams = new Set();
    #onProgress;

    /** onProgress(sent, total) while an upload is under way */
    constructor(onProgress) {
        this.#onProgress = onProgress;
        const own = new Map(Object.entries({
            EventSource: this.#eventSourceClass(),
            fetch: (url, request) => this.#fetch(url, request),
        }));
        this.windowGlobal = new Proxy(window, {
            get: (target, name) => own.get(name) ?? Network.#bound(target, name),
            set: (target, name, value) => Reflect.set(target, name, value),
        });
    }

    switchTo(online) {
        this.online = online;
        if (online) {
            window.dispatchEvent(new Event('online'));
        } else {
            this.breakStreams();
        }
    }

    /** As when a cable is pulled: the stream does not say goodbye. */
    breakStreams() {
        for (const stream of [...this.#streams]) {
            stream.close();
            stream.dispatchEvent(new Event('error'));
        }
    }

    static #bound(target, name) {
        const value = Reflect.get(target, name);
        const isMethod = typeof value === 'function' && !value.prototype;
        return isMethod ? value.bind(target) : value;
    }

    #eventSourceClass() {
        const network = this;
        class DeadStream extends EventTarget {
            readyState = 0;
            #timer = setTimeout(() => this.dispatchEvent(new Event('error')), FAILS_AFTER);

            close() {
                clearTimeout(this.#timer);
            }
        }
        class LiveStream extends EventSource {
            constructor(...all) {
                super(...all);
                network.#streams.add(this);
            }

            close() {
                network.#streams.delete(this);
                super.close();
            }
        }
        // Called with new: what it returns is what new gives.
        return function Stream(...all) {
            return network.online ? new LiveStream(...all) : new DeadStream();
        };
    }

    async #fetch(url, request) {
        if (!this.online) {
            await new Promise((resolve) => { setTimeout(resolve, FAILS_AFTER); });
            throw new TypeError('the network is switched off');
        }
        return request.body instanceof FormData ? this.#upload(url, request) : fetch(url, request);
    }

    /** fetch does not tell the progress of a body; the older way does. */
    #upload(url, { method, headers, body }) {
        const request = new XMLHttpRequest();
        request.open(method, url);
        headers.forEach((value, name) => request.setRequestHeader(name, value));
        request.upload.onprogress = ({ loaded, total }) => this.#onProgress(loaded, total);
        return new Promise((resolve, reject) => {
            request.onload = () => resolve(new Response(request.response, { status: request.status }));
            request.onerror = () => reject(new TypeError('the upload failed on the network'));
            request.send(body);
        });
    }
}
