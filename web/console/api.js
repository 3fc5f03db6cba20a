/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API, asked with the key of this tab: it lies in sessionStorage, and goes out in a field of
 * the request, never in an address.
 */

const STORED = 'sse-server.console.key';

export class ApiError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

export const session = {
    access: undefined, // what GET /access says

    get key() {
        return sessionStorage.getItem(STORED);
    },

    set key(key) {
        if (key) {
            sessionStorage.setItem(STORED, key);
        } else {
            sessionStorage.removeItem(STORED);
            session.access = undefined;
        }
    },

    may(permission) {
        return session.access.permissions.includes(permission);
    },

    /** What is of the whole process is for keys without services and tenants. */
    mayProcess(permission) {
        return session.may(permission) && session.access.allServices && !session.access.tenants;
    },
};

async function open(path, { method = 'GET', parameters = {}, body, signal, accept, lastId } = {}) {
    const url = new URL(path, window.location.origin);
    for (const [name, value] of Object.entries(parameters)) {
        if (value !== undefined && value !== null) {
            url.searchParams.set(name, value);
        }
    }
    const headers = { authorization: `Bearer ${session.key}`, 'x-sse-envelope': 'plain' };
    if (body !== undefined) {
        headers['content-type'] = 'application/json';
    }
    if (accept) {
        headers.accept = accept;
    }
    if (lastId) {
        headers['last-event-id'] = lastId;
    }
    let answer;
    try {
        answer = await fetch(url, {
            method,
            headers,
            body: body === undefined ? undefined : JSON.stringify(body),
            signal,
            cache: 'no-store',
            credentials: 'omit',
            redirect: 'error',
        });
    } catch (error) {
        if (error.name === 'AbortError') {
            throw error;
        }
        throw new ApiError(0, 'the server cannot be reached');
    }
    if (!answer.ok) {
        const said = await answer.json().catch(() => ({}));
        throw new ApiError(answer.status, said.errorMessage ?? said.error ?? `the server answers ${answer.status}`);
    }
    return answer;
}

/** The data of an answer; of /settings, which has no envelope, all of it. */
export async function ask(path, options) {
    const answer = await (await open(path, options)).json();
    return 'data' in answer && 'success' in answer ? answer.data : answer;
}

export async function askText(path, options) {
    return (await open(path, options)).text();
}

/** Whether the key is one: then session.access is set. */
export async function signIn(key) {
    if (!/^[\x21-\x7e]+$/.test(key)) {
        throw new ApiError(401, 'an API key has no white space and no letters beyond ASCII');
    }
    session.key = key;
    try {
        session.access = await ask('/access');
    } catch (error) {
        session.key = null;
        throw error;
    }
}

/** Splits a stream of events into {event, data, id}; what it is given are pieces of text. */
export class EventParser {
    #rest = '';
    #event = {};

    push(piece) {
        const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
        this.#rest = lines.pop();
        return lines.map((line) => this.#line(line)).filter(Boolean);
    }

    #line(line) {
        if (line === '') {
            const event = this.#event;
            this.#event = {};
            return event.data === undefined ? undefined : { event: 'message', ...event };
        }
        const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (name === 'data') {
            this.#event.data = this.#event.data === undefined ? value : `${this.#event.data}\n${value}`;
        } else if (name === 'event' || name === 'id') {
            this.#event[name] = value;
        }
        return undefined;
    }
}

/** Calls onEvent for each event of the stream until it ends or signal aborts it. */
export async function listen(path, { onOpen, onEvent, ...options }) {
    const answer = await open(path, { ...options, accept: 'text/event-stream' });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    onOpen?.();
    for (;;) {
        const { done, value } = await reader.read();
        if (done) {
            return;
        }
        parser.push(value).forEach(onEvent);
    }
}
