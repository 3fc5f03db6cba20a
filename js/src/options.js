/* SPDX-License-Identifier: Apache-2.0 */
import { withoutTrailingSlash } from './texts.js';

export const defaultOptions = {
    url: '/api/sse',
    eventListeners: {},
    query: {},
    withCredentials: true,
    clientId: null,
    accessTimestamp: null,
    reconnectTime: null, // ms, the ceiling of the first wait; else what the server says
    keepaliveTime: null, // ms; else what the server says
    useWindowEventBus: true,
    intercepts: [],
    leaveTimeout: 5000, // ms without activity: the person has left
    leaveCheckInterval: 500,
    sseDurationKey: null, // in sessionStorage; else made from the url
    background: false, // true: stay connected while the tab is hidden
    queueLimit: 1000,
    callTimeout: 60_000, // ms without an answer: the call is made again; uploads get more, by size
};

/** Copies all that instances would share otherwise. */
export function completeOptions(given) {
    const options = { ...defaultOptions, ...given };
    options.url = withoutTrailingSlash(options.url);
    options.query = { ...options.query };
    options.intercepts = [...(options.intercepts ?? [])];
    options.sseDurationKey ||= `sseDuration${options.url}`;
    options.windowGlobal ??= globalThis; // of a page or a worker
    // A worker has none, and is never hidden.
    options.documentGlobal ??= options.windowGlobal.document ?? new EventTarget();
    options.jsonGlobal ??= JSON;
    return options;
}
