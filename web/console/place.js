/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the console is, as the fragment of the address says it, which no server is told:
 * #connections?service=demo&name=ann&pageNum=2. It never has a key.
 */
import { ask, askText, session } from './api.js';

const HOME = 'overview';

function read() {
    const [view, query] = window.location.hash.slice(1).split('?', 2);
    return { view: view || HOME, query: new URLSearchParams(query ?? '') };
}

function find(names, wanted) {
    return names.includes(wanted) ? wanted : names[0];
}

/** The view, the service of the key and its tenant, where it is for some. */
export function current() {
    const { view, query } = read();
    const { services, tenants } = session.access;
    const name = find(services.map((service) => service.name), query.get('service'));
    return {
        view,
        service: services.find((service) => service.name === name) ?? { name: '', path: '' },
        tenant: tenants ? find(tenants, query.get('tenant')) : undefined,
    };
}

/** Of a view of the same service and tenant, where these are not said. */
export function address({ view, ...parameters }) {
    const { service, tenant } = current();
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ service: service.name, tenant, ...parameters })) {
        if (value !== undefined && value !== null && value !== '') {
            query.set(name, value);
        }
    }
    return `#${view}?${query}`;
}

export function go(to) {
    window.location.hash = address(to);
}

/** For a view: what it asks for, and how it asks until it is left. */
export function place(signal, onFailure, views) {
    const { query } = read();
    const { view, service, tenant } = current();
    return {
        view: views.includes(view) ? view : HOME,
        service,
        tenant,
        signal,
        parameter: (name) => query.get(name) ?? '',
        /** Of the service; a key that is for tenants asks for one of them. */
        ask: (path, { isOfTenant = true, ...options } = {}) => ask(`${service.path}/${path}`, {
            signal, ...options, parameters: { ...(tenant && isOfTenant ? { tenantId: tenant } : {}), ...options.parameters },
        }),
        command: (path, body) => ask(`${service.path}/${path}`, { signal, method: 'POST', body }),
        askServer: (path) => ask(path, { signal }),
        askMetrics: () => askText('/metrics', { signal }),
        /** Runs what is asked for by a button; a failure is shown above. */
        run: async (act) => {
            try {
                return await act();
            } catch (error) {
                if (!signal.aborted) {
                    onFailure(error);
                }
                return undefined;
            }
        },
        /**
         * Calls run, now and then every ms after it has ended, until the view is left, while the tab is seen. isShort: run is
         * one question; what takes long is asked less often, so that it takes a twentieth of the time at the most.
         */
        repeat: async (ms, run, isShort = true) => {
            while (!signal.aborted) {
                const began = performance.now();
                if (document.visibilityState === 'visible') {
                    try {
                        await run();
                    } catch (error) {
                        if (!signal.aborted) {
                            onFailure(error);
                        }
                    }
                }
                await new Promise((resolve) => { setTimeout(resolve, isShort ? Math.max(ms, 19 * (performance.now() - began)) : ms); });
            }
        },
    };
}
