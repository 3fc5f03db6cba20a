/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests share: the class (of the sources, or of the module that is served, which SSE_MODULE
 * names), a fake page for each test, and an end to all that a test has made.
 */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, mock } from 'node:test';

import { FakePage } from './fake_page.js';

async function load() {
    const file = process.env.SSE_MODULE;
    if (!file) {
        return import('../sse.js');
    }
    // Its name does not say that it is a module.
    return import(`data:text/javascript;base64,${readFileSync(file).toString('base64')}`);
}

export const { default: Sse } = await load();

export let page;

let made = [];

export function makeSse(options = {}) {
    const sse = new Sse({ url: '/sse/demo', windowGlobal: page, ...options });
    made.push(sse);
    return sse;
}

export function connectedSse(options) {
    const sse = makeSse(options);
    page.source.finish();
    return sse;
}

/** Lets what is already settled run its handlers. */
export async function settle() {
    for (let turn = 0; turn < 12; turn += 1) {
        await Promise.resolve();
    }
}

/** As fetch gives it. */
export function answer(status, headers = {}) {
    return { status, ok: status < 300, headers: new Headers(headers) };
}

beforeEach(() => {
    page = new FakePage();
    mock.method(Date, 'now', () => page.clock.now);
});

afterEach(() => {
    made.splice(0).forEach((sse) => sse.destroy());
    mock.restoreAll();
});
