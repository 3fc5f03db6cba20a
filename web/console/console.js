/* SPDX-License-Identifier: Apache-2.0 */
/* The console: who has signed in, which view the address names, and what is above all views. */
import { ApiError, session, signIn } from './api.js';
import { make, note, plain } from './dom.js';
import { address, current, go, place } from './place.js';
import * as certificates from './certificates.js';
import * as channels from './channels.js';
import * as connection from './connection.js';
import * as connections from './connections.js';
import * as message from './message.js';
import * as messages from './messages.js';
import * as overview from './overview.js';
import * as send from './send.js';
import * as settings from './settings.js';
import * as trace from './trace.js';
import * as user from './user.js';
import * as users from './users.js';
import * as why from './why.js';

/* Each has a title, needs (a permission, or several of which one is enough), ofProcess where it shows more
 * than services, and show(place), which gives what is seen. inMenu: the others are led to by these. */
const VIEWS = {
    overview: { ...overview, inMenu: true },
    users: { ...users, inMenu: true },
    user,
    connections: { ...connections, inMenu: true },
    connection,
    channels: { ...channels, inMenu: true },
    messages: { ...messages, inMenu: true },
    message,
    send: { ...send, inMenu: true },
    trace: { ...trace, inMenu: true },
    why: { ...why, inMenu: true },
    settings: { ...settings, inMenu: true },
    certificates: { ...certificates, inMenu: true },
};

const top = document.getElementById('top');
const main = document.getElementById('view');
let leaving = new AbortController(); // aborted when the view is left

function needs(view) {
    return [view.needs].flat();
}

function isOpen(view) {
    return needs(view).some((word) => (view.ofProcess ? session.mayProcess(word) : session.may(word)));
}

function choice(label, name, values, chosen) {
    const select = make('select', {
        id: name,
        change: () => go({ view: current().view in VIEWS && VIEWS[current().view].inMenu ? current().view : 'overview', [name]: select.value }),
    }, values.map((value) => make('option', { value, selected: value === chosen }, plain(value))));
    return make('div', { class: 'choice' }, make('label', { for: name }, label), select);
}

function showTop() {
    const { view, service, tenant } = current();
    const { services, tenants, key } = session.access;
    top.replaceChildren(
        make('p', { class: 'brand' }, make('a', { href: address({ view: 'overview' }) }, 'sse-server')),
        make(
            'div',
            { class: 'choices' },
            services.length > 1 ? choice('Service', 'service', services.map(({ name }) => name), service.name) : undefined,
            tenants ? choice('Tenant', 'tenant', tenants, tenant) : undefined,
        ),
        make('nav', { 'aria-label': 'Views' }, make('ul', undefined, Object.entries(VIEWS)
            .filter(([, { inMenu, ...shown }]) => inMenu && isOpen(shown))
            .map(([name, { title }]) => make(
                'li',
                undefined,
                make('a', { href: address({ view: name }), 'aria-current': name === view ? 'page' : undefined }, title),
            )))),
        make(
            'div',
            { class: 'who' },
            make('span', { class: 'soft' }, 'Key ', make('bdi', undefined, plain(key))),
            make('button', { type: 'button', id: 'sign-out', click: () => signOut() }, 'Sign out'),
        ),
    );
    top.hidden = false;
}

function explain(error) {
    if (error.status === 403) {
        return note('bad', `This key may not do that: ${error.message}.`);
    }
    return note('bad', `${error instanceof ApiError ? '' : 'The console has failed: '}${plain(error.message)}`);
}

/** A view may fail later, too. */
function onFailure(error) {
    if (error.name === 'AbortError') {
        return;
    }
    if (error.status === 401 && session.key) {
        signOut('The server takes this key no more.');
        return;
    }
    main.querySelector('.failure')?.remove();
    const shown = explain(error);
    shown.classList.add('failure');
    main.querySelector('h1').after(shown);
}

function closed(view) {
    const words = needs(view).map((word) => `“${word}”`).join(' or ');
    const where = view.ofProcess ? ', and a key for all services and tenants' : '';
    return note('bad', `This view needs the permission ${words}${where}. The key in use, `, make('bdi', undefined, plain(session.access.key)),
        `, has: ${session.access.permissions.join(', ')}. Permissions stand with the key in the configuration (apiKeys[].permissions).`);
}

async function show({ isFirst }) {
    leaving.abort();
    leaving = new AbortController();
    const shown = place(leaving.signal, onFailure, Object.keys(VIEWS));
    const view = VIEWS[shown.view];
    const heading = make('h1', { tabindex: '-1' }, view.title);
    const chosen = main.dataset.view === shown.view ? document.activeElement?.id : ''; // such as by what a list is sorted
    document.title = `${view.title} · sse-server console`;
    showTop();
    delete main.dataset.shown;
    main.dataset.view = shown.view;
    const waiting = make('p', { class: 'soft waiting', role: 'status' }, 'Asking the server …');
    main.replaceChildren(heading, waiting);
    if (!isFirst) {
        heading.focus();
    }
    if (session.access.services.length === 0) {
        main.append(note('bad', 'This key is for no service.'));
    } else if (!isOpen(view)) {
        main.append(closed(view));
    } else {
        try {
            const parts = await view.show(shown);
            if (!shown.signal.aborted) {
                main.append(...[parts].flat().filter(Boolean));
                if (chosen && document.activeElement === heading) {
                    document.getElementById(chosen)?.focus();
                }
            }
        } catch (error) {
            if (!shown.signal.aborted) {
                onFailure(error);
            }
        }
    }
    if (!shown.signal.aborted) {
        waiting.remove();
        main.dataset.shown = shown.view; // all of it
    }
}

function showSignIn(why) {
    leaving.abort();
    top.hidden = true;
    top.replaceChildren();
    document.title = 'Sign in · sse-server console';
    const field = make('input', {
        id: 'key', type: 'password', name: 'key', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'key-hint',
    });
    const result = make('div', { id: 'sign-in-result' }, why ? note('bad', why) : undefined);
    const enter = async (event) => {
        event.preventDefault();
        try {
            await signIn(field.value.trim());
            await show({});
        } catch (error) {
            result.replaceChildren(note('bad', error.status === 401 ? `This is no key here: ${error.message}.` : error.message));
            field.focus();
        }
    };
    main.dataset.shown = 'sign-in';
    main.replaceChildren(make(
        'form',
        { class: 'card sign-in', submit: enter },
        make('h1', undefined, 'sse-server console'),
        make('label', { for: 'key' }, 'API key'),
        field,
        make('p', { class: 'hint', id: 'key-hint' }, 'One of apiKeys in the configuration. It stays in this tab, and what it may not do is not shown.'),
        make('button', { type: 'submit', class: 'primary' }, 'Sign in'),
        result,
    ));
    field.focus();
}

function signOut(why) {
    session.key = null;
    showSignIn(why);
}

async function start() {
    document.getElementById('skip').addEventListener('click', () => main.focus());
    window.addEventListener('hashchange', () => session.access && show({}));
    if (!session.key) {
        showSignIn();
        return;
    }
    try {
        await signIn(session.key);
        await show({ isFirst: true });
    } catch (error) {
        showSignIn(error.status === 401 ? 'The server takes the key of this tab no more.' : error.message);
    }
}

start();
