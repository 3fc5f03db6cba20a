/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tab of the demo: a page as somebody, who that is says its address. It listens, sends and
 * uploads through the client that the service hands out.
 */
import { Network } from './network.js';
import { find, make, onSubmit, readAnswer, service, showResult } from './page.js';

const logLimit = 100;
const query = Object.fromEntries(new URLSearchParams(location.search));
const network = new Network(showProgress);

function pretty(text) {
    try {
        const value = JSON.parse(text);
        return typeof value === 'object' ? JSON.stringify(value, null, 1).replace(/\n */g, ' ') : text;
    } catch {
        return text;
    }
}

function log(name, text, own = false) {
    const list = find('log');
    list.append(
        make('li', { className: own ? 'own' : '' },
            make('span', { className: 'name' }, name),
            make('span', { className: 'data' }, pretty(text))),
    );
    while (list.children.length > logLimit) {
        list.firstChild.remove();
    }
    list.scrollTop = list.scrollHeight;
}

function showState(state, text) {
    find('status').dataset.state = state;
    find('status-text').textContent = text;
    window.parent.postMessage({ demo: 'changed' }, location.origin);
}

function showProgress(sent, total) {
    const progress = find('progress');
    progress.hidden = false;
    progress.value = sent / total;
}

function onClose({ whoTriggerClose, closeReason }) {
    const waits = this.state === this.constructor.STATE_CONNECTING;
    showState(waits ? 'connecting' : 'closed', waits ? 'coming back' : 'away');
    log('closed', `by the ${whoTriggerClose}: ${closeReason}`, true);
}

async function connect() {
    const { background, ...who } = query;
    const { default: Sse } = await import(`${service}?${new URLSearchParams(who)}`);
    return new Sse({
        url: service,
        query: who,
        background: background === '1',
        sseDurationKey: `sseDuration${service}/${who.userId}`,
        windowGlobal: network.windowGlobal,
        documentGlobal: document,
        eventListeners: {
            hello: (event) => log(event.type, event.data),
            'connect-finish': () => {
                showState('open', 'online');
                log('connected', '', true);
            },
            'connect-close': onClose,
            'connect-timeout': (event) => log('waiting', JSON.parse(event.data).message, true),
            'sse-change-active': ({ data }) => log(data.newActive ? 'came back' : 'idle',
                `${data.duration.sessionDuration + data.duration.duration} s here`, true),
            error: () => showState('connecting', 'trying again'),
        },
    });
}

async function send(sse) {
    const output = find('message-result');
    const waits = sse.isActive() ? '' : ' (waits for the connection)';
    showResult(output, true, `sent${waits}`);
    const started = performance.now();
    const data = await readAnswer(await sse.send(find('path').value.trim(), { at: Date.now() }));
    showResult(output, true, `${JSON.stringify(data)} in ${Math.round(performance.now() - started)} ms`);
}

async function upload(sse) {
    const form = new FormData();
    form.set('file', find('file').files[0]);
    showResult(find('upload-result'), true, 'uploading');
    showProgress(0, 1);
    const { parts } = await readAnswer(await sse.upload('demo/files', form));
    find('progress').value = 1;
    const [{ fileName, size, sha256 }] = parts;
    const text = `${fileName}: ${size.toLocaleString()} bytes, sha256 ${sha256.slice(0, 12)}…`;
    showResult(find('upload-result'), true, text);
}

/** The page around us says what it is about to push. */
function listenAsTold(sse) {
    window.addEventListener('message', ({ origin, data }) => {
        const isNew = data?.demo === 'listen' && !(data.name in sse.getEventListeners());
        if (origin === location.origin && isNew) {
            sse.addListener(data.name, (event) => log(event.type, event.data))
                .catch((error) => log('listeners', error.message, true));
        }
    });
}

async function start() {
    const connecting = connect();
    find('name').textContent = query.name ?? query.userId;
    onSubmit(find('message'), find('message-result'), async () => send(await connecting));
    onSubmit(find('upload'), find('upload-result'), async () => upload(await connecting));
    try {
        listenAsTold(await connecting);
    } catch (error) {
        showState('closed', 'not connected');
        log('failed', `the client did not load: ${error.message}`, true);
    }
}

find('offline').addEventListener('change', ({ target }) => network.switchTo(!target.checked));
find('break').addEventListener('click', () => network.breakStreams());
start();
