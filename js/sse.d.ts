/* SPDX-License-Identifier: Apache-2.0 */

/** An event of the stream. `data` is the text as it was sent, where the server brought it. */
export interface SseEvent<Data = string> extends MessageEvent<Data> {
    /** The service's base path. */
    readonly url: string;
}

export type SseTrigger = 'server' | 'client';

/** Who ended the connection, and why. */
export interface SseCloseInfo {
    readonly whoTriggerClose: SseTrigger;
    readonly closeReason: string;
}

export interface SseCloseEvent extends SseEvent, SseCloseInfo {}

/** Whole seconds that the person was there: before the present visit, and during it. */
export interface SseDuration {
    sessionDuration: number;
    duration: number;
}

export interface SseActivity {
    oldActive: boolean;
    newActive: boolean;
    duration: SseDuration;
}

/** What sse-gap's data is, as JSON. */
export interface SseGap {
    /** The last event that the page had; null: nothing that an event could bear. */
    from?: string | null;
    /** Where the stream goes on. */
    to?: string;
    /**
     * What was missed is not kept any more, the server has begun anew, it does not know the last
     * event, or this page took events too slowly.
     */
    reason: 'too-old' | 'epoch' | 'unknown-id' | 'slow';
    /** How many events a slow page has lost. */
    dropped?: number;
}

/** What the client itself tells, beside the page's own events. */
export interface SseOwnEvents {
    'connect-finish': SseEvent;
    'connect-close': SseCloseEvent;
    /** No connect-finish within 10 s: something between buffers. The data names the fix. */
    'connect-timeout': SseEvent;
    'sse-change-active': SseEvent<SseActivity>;
    'sse-set-duration': SseEvent;
    /**
     * Events may be missing here (JSON: SseGap): load anew what depends on them. Stored messages
     * are not among them.
     */
    'sse-gap': SseEvent;
    /** What the page has asked for and does not get (JSON: leftOut, as in connect-finish). */
    'sse-left-out': SseEvent;
    /** The token ends soon (JSON: expiresAt, expiresIn): call refresh() with a new one. */
    'sse-token-expiring': SseEvent;
    /** The stream is lost, and comes again. Where that is known, error says why. */
    error: Event & { readonly error?: unknown };
}

/** The type of an event by its name, as a page declares it: interface MyEvents { bell: SseEvent } */
export type SseEventMap = Record<string, Event>;

type EventOf<Events, Name> = Name extends keyof SseOwnEvents
    ? SseOwnEvents[Name]
    : Name extends keyof Events
      ? Events[Name]
      : never;

/** Events, but not to be guessed from where it stands. */
type Given<Events> = [Events][Events extends unknown ? 0 : never];

type NameOf<Events> = Extract<keyof Events, string> | keyof SseOwnEvents;

export type SseListener<Received = SseEvent, Events = any> = (
    this: Sse<Events>,
    event: Received,
    info?: Received extends SseCloseEvent ? SseCloseInfo : undefined,
) => void;

/** Functions by event name; null listens for the window event bus alone. */
export type SseListeners<Events> = {
    [Name in NameOf<Events>]?: SseListener<EventOf<Events, Name>, Events> | null;
};

export type SseQuery = Record<string, unknown>;

export interface SseOptions<Events = Record<string, SseEvent>> {
    /** The service's base path, such as "/sse/hr". */
    url?: string;
    eventListeners?: SseListeners<Events> | NameOf<Events>[];
    /** Sent with `connect` and listener changes; undefined and null are left out. */
    query?: SseQuery;
    withCredentials?: boolean;
    /** Names this browser; made once and kept in localStorage (`sseClientId`) when not given. */
    clientId?: string | null;
    /** Epoch ms; kept in sessionStorage (`sseAccessTimestamp`) when not given. */
    accessTimestamp?: number | null;
    /** The longest first wait before a reconnect, ms. Waits double up to 30 s. Default: the server's. */
    reconnectTime?: number | null;
    /** The longest life of one stream, ms, where the service lets the page say it. Default: the service's. */
    keepaliveTime?: number | null;
    /** Dispatch each event on window too (not names that the browser itself uses, as "message"). */
    useWindowEventBus?: boolean;
    /** Called with each event, after its listeners and before the window. */
    intercepts?: SseListener<any, Events>[];
    /** ms without activity after which the person has left: `sse-change-active`. */
    leaveTimeout?: number;
    leaveCheckInterval?: number;
    /** Where sessionStorage keeps the counted time. Default: "sseDuration" and the url. */
    sseDurationKey?: string | null;
    /** Stay connected while the tab is hidden. */
    background?: boolean;
    /** How many calls may wait for a connection; one more is rejected. */
    queueLimit?: number;
    /** ms until a call without an answer counts as failed, and is made again. Uploads get more, by size. */
    callTimeout?: number;
    windowGlobal?: Window & typeof globalThis;
    documentGlobal?: Document;
    jsonGlobal?: JSON;
}

export interface SseWaitingCall {
    type: 'send' | 'upload' | 'addListener' | 'removeListener' | 'subscribe' | 'unsubscribe' | 'refresh';
    /** These of send and upload. */
    path?: string;
    body?: unknown;
    query?: SseQuery;
    headers?: HeadersInit;
}

export interface SseSendOptions {
    /** false: it waits for no other send, and none waits for it. */
    ordered?: boolean;
}

/** What a call is rejected with (blocked: a header field that may not be sent); silent: why a stream on which nothing came any more was given up. */
export interface SseError extends Error {
    code: 'queue-full' | 'closed' | 'network' | 'stale' | 'silent' | 'blocked';
}

/**
 * One event stream and the page's calls beside it. Calls made while there is no connection wait
 * for the next one, and calls that the network fails are made again; close(), destroy() and a
 * server that says "stay away" reject what waits.
 *
 * Events maps the page's event names to their types: new Sse<{ bell: SseEvent }>({ … }).
 */
export default class Sse<Events = Record<string, SseEvent>> {
    static readonly version: string;
    static readonly STATE_CONNECTING: 0;
    static readonly STATE_OPEN: 1;
    static readonly STATE_CLOSED: 2;
    static readonly SERVER_TRIGGER_CLOSE: 'server';
    static readonly CLIENT_TRIGGER_CLOSE: 'client';
    static readonly IMPORT_MODULE_TIMESTAMP: number;
    static readonly DEFAULT_OPTIONS: SseOptions;
    /** ms: what the server says where it is not told otherwise. */
    static readonly DEFAULT_RECONNECT_TIME: number;

    /** What its listeners are called says nothing of the events that may come besides. */
    constructor(options?: SseOptions<Given<Events>>);

    readonly options: SseOptions<Events>;
    readonly clientId: string;
    readonly instanceId: string;
    readonly createTimestamp: number;
    readonly destroyed: boolean;
    /** Undefined while there is no connection, but in listeners of connect-close. A credential: its first 24 characters, the handle, are
     * what back ends see of it, and enough for them to send to this page. */
    readonly connectionId: string | undefined;
    readonly connectionName: string;
    readonly connectionTimestamp: number | undefined;
    readonly serverVersion: string | undefined;
    readonly state: 0 | 1 | 2;
    /** The browser's; null while there is none. */
    readonly es: EventSource | null;
    /** What waits to be sent, a copy. */
    readonly retryQueue: SseWaitingCall[];

    connect(): void;
    close(reason?: string): void;
    destroy(): void;
    switchURL(newUrl: string): void;
    isActive(): boolean;
    /** Opens each stream: for pages that override it, with an EventSource of their own. */
    newEventSource(url?: string): EventSource;
    getDuration(): SseDuration;

    /** The newest function of each name. */
    getEventListeners(): SseListeners<Events>;
    /** The function listens at once; the promise is the server's answer. */
    addListener<Name extends NameOf<Events>>(
        eventName: Name,
        listener?: SseListener<EventOf<Events, Name>, Events> | null,
    ): Promise<Response>;
    addListener(eventListeners: SseListeners<Events> | NameOf<Events>[]): Promise<Response>;
    /** Without a function, all functions of that name go. */
    removeListener<Name extends NameOf<Events>>(
        eventName: Name,
        listener?: SseListener<EventOf<Events, Name>, Events> | null,
    ): Promise<Response>;
    removeListener(eventListeners: SseListeners<Events> | NameOf<Events>[]): Promise<Response>;

    /** Joins channels, now and after each reconnect. */
    subscribe(channel: string | readonly string[]): Promise<Response>;
    unsubscribe(channel: string | readonly string[]): Promise<Response>;
    /**
     * Keeps the stream alive with a new token. Without one the request's cookies are what counts.
     * Where the query has `access-token`, it is replaced there for the reconnects to come.
     */
    refresh(accessToken?: string): Promise<Response>;

    /**
     * POST {url}/connect/message/{path}.do. Runs once on the server, however often it is sent, and
     * after the sends before it have ended there, however they went. Nobody needs to await those.
     */
    send(
        path: string,
        body?: unknown,
        query?: SseQuery,
        headers?: HeadersInit,
        options?: SseSendOptions,
    ): Promise<Response>;
    /** POST {url}/connect/upload/{path}.do. In no order with others: await it where that matters. */
    upload(
        path: string,
        formData: FormData,
        query?: SseQuery,
        headers?: HeadersInit,
    ): Promise<Response>;
}
