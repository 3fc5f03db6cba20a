/* SPDX-License-Identifier: Apache-2.0 */

/** An event of the stream; `data` is the text as it was sent. */
export interface SseEvent extends MessageEvent<string> {
    /** The service's base path. */
    url: string;
    /** Of `connect-close` only. */
    whoTriggerClose?: 'server' | 'client';
    closeReason?: string;
}

export type SseListener = (this: Sse, event: SseEvent) => void;

/** Functions by event name; null listens for the window event bus alone. */
export type SseListeners = Record<string, SseListener | null | undefined>;

export type SseQuery = Record<string, unknown>;

export interface SseOptions {
    /** The service's base path, such as "/sse/hr". */
    url?: string;
    eventListeners?: SseListeners | string[];
    /** Sent with `connect` and listener changes; undefined and null are left out. */
    query?: SseQuery;
    withCredentials?: boolean;
    /** Names this browser; made once and kept in localStorage (`sseClientId`) when not given. */
    clientId?: string | null;
    /** Epoch ms; kept in sessionStorage (`sseAccessTimestamp`) when not given. */
    accessTimestamp?: number | null;
    /** The longest first wait before a reconnect, ms. Waits double up to 30 s. Default: the server's. */
    reconnectTime?: number | null;
    /** The longest life of one stream, ms; 0 is no limit. The service's own setting wins. */
    keepaliveTime?: number;
    /** Dispatch each event on window too (not names that the browser itself uses, as "message"). */
    useWindowEventBus?: boolean;
    /** Called with each event before its listeners. */
    intercepts?: SseListener[];
    /** Stay connected while the tab is hidden. */
    background?: boolean;
    /** How many calls may wait for a connection; one more is rejected. */
    queueLimit?: number;
    windowGlobal?: Window & typeof globalThis;
    documentGlobal?: Document;
    jsonGlobal?: JSON;
}

/** What a call is rejected with when it cannot wait any longer, or not at all. */
export interface SseError extends Error {
    code: 'queue-full' | 'closed';
}

/**
 * One event stream and the page's calls beside it. Calls made while there is no connection wait
 * for the next one; close(), destroy() and a server that says "stay away" reject what waits.
 */
export default class Sse {
    static readonly version: string;
    static readonly STATE_CONNECTING: 0;
    static readonly STATE_OPEN: 1;
    static readonly STATE_CLOSED: 2;
    static readonly IMPORT_MODULE_TIMESTAMP: number;
    static DEFAULT_OPTIONS: SseOptions;

    constructor(options?: SseOptions);

    readonly options: SseOptions;
    readonly clientId: string;
    readonly instanceId: string;
    readonly createTimestamp: number;
    /** Undefined while there is no connection. */
    readonly connectionId: string | undefined;
    readonly connectionName: string;
    readonly connectionTimestamp: number | undefined;
    readonly serverVersion: string | undefined;
    readonly state: 0 | 1 | 2;

    connect(): void;
    close(reason?: string): void;
    destroy(): void;
    switchURL(newUrl: string): void;
    isActive(): boolean;

    getEventListeners(): Record<string, SseListener[]>;
    /** The function listens at once; the promise is the server's answer. */
    addListener(eventName: string, listener?: SseListener | null): Promise<Response>;
    addListener(eventListeners: SseListeners | string[]): Promise<Response>;
    /** Without a function, all functions of that name go. */
    removeListener(eventName: string, listener?: SseListener | null): Promise<Response>;
    removeListener(eventListeners: SseListeners | string[]): Promise<Response>;

    /** POST {url}/connect/message/{path}.do. Rejects when the network fails: it may have run. */
    send(path: string, body?: unknown, query?: SseQuery, headers?: HeadersInit): Promise<Response>;
    /** POST {url}/connect/upload/{path}.do. */
    upload(
        path: string,
        formData: FormData,
        query?: SseQuery,
        headers?: HeadersInit,
    ): Promise<Response>;
}
