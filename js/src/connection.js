/* SPDX-License-Identifier: Apache-2.0 */
import { SseError } from './error.js';
import { EventStream } from './event_stream.js';
import { PageLife } from './page_life.js';
import { retryAfter, toSearch } from './texts.js';
import { jitteredWait, now } from './wait.js';

const FIRST_CEILING = 1000; // ms, of the first wait, until the server has said its own
const STABLE_AFTER = 10_000; // ms: a stream that lived this long was no failed attempt
const LAST_WORDS = 500; // ms in which the last event of a stream comes behind an answer that says that it has ended
const PADDING = 2048; // bytes, for what holds back small answers
// What asking again cannot mend. 404 may be a proxy whose server is not there yet.
const REFUSALS = {
    400: 'bad-request',
    401: 'unauthorized',
    403: 'forbidden',
    405: 'bad-request',
    406: 'bad-request',
    410: 'gone',
    413: 'too-large',
    414: 'too-large',
    422: 'bad-request',
    431: 'too-large',
};

/**
 * Keeps one stream open while three facts hold: the page wants it, the page is awake, and no wait
 * for the next attempt is running.
 *
 * on: open(url): a new EventSource; connected(event, finish), event(event), lost(event), timeout(data); dead() before lost, when
 * nothing comes any more; leaving(id, reason) before and closed(who, data) after an end,
 * gaveUp() when there will be no further attempt by itself.
 */
export class Connection {
    id; // undefined while there is none
    whyClosed = '';
    #window;
    #options;
    #describe;
    #on;
    #life;
    #stream = null;
    #wanted = false;
    #attempt = 0;
    #openedAt = 0; // when connect-finish came; 0: it has not
    #serverWait = 0;
    #timer;
    #parting; // a timer, from the server's word that the stream has ended
    #lastEventId;
    #padding;
    #address; // of the latest stream

    /** describe(): what the next stream's query says of the page; `listeners` is an array. */
    constructor(options, describe, on) {
        this.#window = options.windowGlobal;
        this.#options = options;
        this.#describe = describe;
        this.#on = on;
        this.#life = new PageLife(options, {
            sleep: (reason) => this.stop(reason),
            wake: () => this.#retryNow(),
        });
    }

    isOpen() {
        return this.id !== undefined && this.#stream.isOpen();
    }

    /** The browser's; undefined or null: there is none. */
    source() {
        return this.#stream?.source;
    }

    /** Of the latest stream. */
    address() {
        return this.#address;
    }

    /** A stream is open, or will be without anybody's help. */
    isComing() {
        return this.#wanted && !this.#life.asleep;
    }

    want() {
        this.#wanted = true;
        this.#life.stir();
        this.#retryNow();
    }

    giveUp(reason) {
        this.#wanted = false;
        this.whyClosed = reason;
        this.#window.clearTimeout(this.#timer);
        this.#on.gaveUp();
    }

    stop(reason) {
        this.#window.clearTimeout(this.#timer);
        const { id } = this;
        if (id !== undefined) {
            this.#on.leaving(id, reason);
        }
        this.#drop();
        if (id !== undefined) {
            this.#on.closed('client', { connectionId: id, reason });
        }
    }

    /** Of another service, whose events have nothing to do with those of before. */
    moveTo(url) {
        this.stop('switchURL');
        this.#drop(); // what a listener of connect-close may have opened, to the old one
        this.#options.url = url;
        this.#address = undefined;
        this.#lastEventId = undefined;
        this.#padding = undefined;
        this.want();
    }

    listen(names) {
        this.#stream?.listen(names);
    }

    /** The server says that this one has ended. Its last event, which may be on the way, says whether to come back. */
    lose(id) {
        if (this.id && id === this.id) {
            this.id = undefined;
            this.#parting = this.#window.setTimeout(() => this.#lost(this.#failure()), LAST_WORDS);
        }
    }

    release() {
        this.#life.release();
    }

    #retryNow() {
        this.#attempt = 0;
        this.#start();
    }

    #start() {
        this.#window.clearTimeout(this.#timer);
        if (this.#stream || !this.isComing()) {
            return;
        }
        const { url, query, background } = this.#options;
        // A new EventSource cannot be given the header Last-Event-ID.
        const own = { lastEventId: this.#lastEventId, padding: this.#padding, heartbeat: true, reasons: true, acknowledges: true,
            background: background || undefined };
        const page = this.#describe();
        const search = toSearch({ ...page, listeners: page.listeners.join() }, own, query);
        const address = `${url}/connect?${search}`;
        this.#address = address;
        const on = {
            open: this.#on.open,
            own: {
                'connect-finish': (event) => this.#connected(event),
                'connect-close': (event) => this.#closedByServer(event),
                'sse-heartbeat': () => {},
                error: (event) => this.#lost(event),
            },
            other: (event) => this.#receive(event),
            silent: (limit) => this.#silent(limit),
            dead: (limit) => this.#dead(limit),
        };
        try {
            this.#stream = new EventStream(this.#window, address, on);
        } catch (error) {
            // WebKit throws where a policy forbids the address; others tell of an error, later.
            this.#startIn(this.#nextWait());
            Promise.resolve().then(() => this.#on.lost(this.#failure(error)));
            return;
        }
        this.#stream.listen(['sse-set-duration', 'sse-gap', 'sse-left-out', ...page.listeners]);
    }

    #drop() {
        this.#window.clearTimeout(this.#parting);
        this.#stream?.close();
        this.#stream = null;
        this.id = undefined;
        this.#openedAt = 0;
    }

    #connected(event) {
        const finish = this.#parse(event.data);
        if (!finish.connectionId) {
            // Not our server: without the id no call can name this stream.
            this.#lost(event);
            return;
        }
        this.#stream.greeted(finish.heartbeat);
        this.id = finish.connectionId;
        this.#openedAt = now(this.#window);
        this.#serverWait = finish.reconnectTime;
        this.#noteId(event);
        this.#on.connected(event, finish);
    }

    #receive(event) {
        this.#noteId(event);
        this.#on.event(event);
    }

    #noteId({ lastEventId }) {
        this.#lastEventId = lastEventId || this.#lastEventId;
    }

    #closedByServer(event) {
        const close = { reason: 'server-close', ...this.#parse(event.data) };
        const { reason, reconnect } = close;
        this.#end();
        if (reason === 'evicted') {
            this.#life.rest(); // another tab of this person has taken the place
        } else if (reconnect === false) {
            this.giveUp(reason);
        } else {
            this.#startIn(Number(reconnect) || this.#nextWait());
        }
        this.#on.closed('server', close);
    }

    /** The browser would reconnect by itself, but to the old URL with the old listeners. */
    #lost(event) {
        const refused = this.#stream.isRefused() && this.id === undefined;
        this.#end();
        this.#startIn(this.#nextWait());
        if (refused) {
            this.#askWhy(this.#address);
        }
        this.#on.lost(event);
    }

    #silent(timeout) {
        this.#padding = PADDING;
        this.#end();
        this.#startIn(this.#nextWait());
        const fix = 'turn off buffering on the way (nginx: proxy_buffering off)';
        this.#on.timeout({ timeout, padding: PADDING, message: `no connect-finish in time: ${fix}` });
    }

    #dead(limit) {
        const fix = 'something on the way has dropped the connection, or holds it back';
        const error = new SseError('silent', `nothing came for ${limit} ms: ${fix}`);
        this.#on.dead();
        this.#lost(this.#failure(error));
    }

    /** As a browser tells of it; error: why, where that is known. */
    #failure(error) {
        return Object.assign(new this.#window.Event('error'), { error });
    }

    #end() {
        if (this.#openedAt && this.#age() > STABLE_AFTER) {
            this.#attempt = 0;
        }
        this.#drop();
    }

    #age() {
        return Math.max(0, this.#stream.lastAlive() - this.#openedAt);
    }

    #nextWait() {
        const ceiling = this.#options.reconnectTime || this.#serverWait || FIRST_CEILING;
        this.#attempt += 1;
        return jitteredWait(this.#attempt - 1, ceiling);
    }

    #startIn(wait) {
        this.#window.clearTimeout(this.#timer);
        this.#timer = this.#window.setTimeout(() => this.#start(), wait);
    }

    /** EventSource hides the status of a refusal; HEAD asks the same, tells it and opens nothing. */
    async #askWhy(address) {
        const { withCredentials } = this.#options;
        const credentials = withCredentials ? 'include' : 'same-origin';
        const request = { method: 'HEAD', credentials };
        // Without any answer the usual wait goes on.
        const response = await this.#window.fetch(address, request).catch(() => null);
        if (!response || !this.#wanted || this.#stream || address !== this.#address) {
            return;
        }
        const { status } = response;
        const reason = REFUSALS[status];
        const wait = retryAfter(response);
        if (reason) {
            this.giveUp(reason);
            const message = `${reason} (${status}): sign in or correct options.query, then call connect()`;
            this.#on.closed('server', { reason, status, reconnect: false, message });
        } else if (wait > 0) {
            this.#startIn(wait + this.#nextWait());
        }
    }

    #parse(text) {
        try {
            return this.#options.jsonGlobal.parse(text) ?? {};
        } catch {
            return {};
        }
    }
}
