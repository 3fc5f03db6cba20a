/* SPDX-License-Identifier: Apache-2.0 */
/* The last minutes in plots: of the service, and of the process where the key may see that. */
import { session } from './api.js';
import { bytes, card, facts, make, number } from './dom.js';
import { Reading, quantile, rate } from './metrics.js';
import { Plot } from './plot.js';

export const title = 'Overview';
export const needs = ['metrics', 'query'];

const EVERY_MS = 2000;
const TELL_MS = 20000; // to those who hear the page, and not more often

const perSecond = (value) => `${value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })}/s`;
const milliseconds = (seconds) => `${(seconds * 1000).toLocaleString('en', { maximumFractionDigits: seconds < 0.1 ? 2 : 0 })} ms`;
const bytesPerSecond = (value) => `${bytes(value)}/s`;

/* Of a histogram: how long the middle one took, and the slowest of a hundred. */
const times = (name, metric) => ({
    title: name,
    series: ['half below', '99 % below'],
    format: milliseconds,
    least: 0.001,
    values: (now, before, of) => [quantile(before, now, metric, 0.5, of), quantile(before, now, metric, 0.99, of)],
});

/* What is drawn: values(now, before, of) gives one for each of the series; of: the labels of the service. */
const SERVICE_PLOTS = [
    {
        title: 'Connections',
        series: ['open', 'users online'],
        format: number,
        least: 10,
        values: (now, before, of) => [now.sum('sse_server_connections', of), now.sum('sse_server_users_online', of)],
    },
    {
        title: 'Events',
        series: ['queued for connections', 'messages sent'],
        format: perSecond,
        values: (now, before, of) => [
            rate(before, now, 'sse_server_events_queued_total', of), rate(before, now, 'sse_server_messages_total', of)],
    },
    {
        title: 'Event bytes',
        series: ['queued'],
        format: bytesPerSecond,
        least: 1024,
        base: 1024,
        values: (now, before, of) => [rate(before, now, 'sse_server_event_bytes_total', of)],
    },
    {
        title: 'Queues',
        series: ['bytes that wait for slow readers'],
        format: bytes,
        least: 1024,
        base: 1024,
        values: (now, before, of) => [now.sum('sse_server_queued_bytes', of)],
    },
    {
        title: 'Dropped',
        series: ['events', 'slow connections closed'],
        format: perSecond,
        values: (now, before, of) => [
            ['oldest', 'latest', 'slow'].reduce((sum, kind) => sum + rate(before, now, `sse_server_events_dropped_${kind}_total`, of), 0),
            rate(before, now, 'sse_server_slow_disconnects_total', of)],
    },
    {
        title: 'Stored messages',
        series: ['copies', 'in flight'],
        format: number,
        least: 10,
        values: (now, before, of) => [now.sum('sse_server_qos_copies', of), now.sum('sse_server_qos_in_flight', of)],
    },
    times('Send to written', 'sse_server_send_written_seconds'),
    times('Written to acknowledged', 'sse_server_written_acknowledged_seconds'),
    times('Store latency', 'sse_server_store_commit_seconds'),
];

const PROCESS_PLOTS = [
    {
        title: 'Bytes on the wire',
        series: ['sent', 'received'],
        format: bytesPerSecond,
        least: 1024,
        base: 1024,
        values: (now, before) => [rate(before, now, 'sse_server_sent_bytes_total'), rate(before, now, 'sse_server_received_bytes_total')],
    },
    {
        title: 'Loop lag',
        series: ['worst worker'],
        format: milliseconds,
        least: 0.001,
        values: (now) => [now.most('sse_server_loop_lag_seconds')],
    },
    {
        title: 'Handshakes',
        series: ['made', 'failed'],
        format: perSecond,
        values: (now, before) => [
            rate(before, now, 'sse_server_sessions_opened_total'), rate(before, now, 'sse_server_handshake_failures_total')],
    },
    times('Handshake time', 'sse_server_handshake_seconds'),
    times('Request time', 'sse_server_request_seconds'),
    {
        title: 'Refusals',
        series: ['of keys and tokens of back ends'],
        format: perSecond,
        values: (now, before) => [rate(before, now, 'sse_server_back_end_refusals_total')],
    },
];

function drawPlots(place) {
    const ofService = { service: place.service.name };
    const plots = [...SERVICE_PLOTS.map((drawn) => [drawn, ofService]), ...(session.mayProcess('metrics') ? PROCESS_PLOTS.map((drawn) => [drawn, {}]) : [])]
        .map(([{ title: name, ...options }, labels]) => ({ ...options, labels, plot: new Plot(name, options) }));
    const words = make('p', { class: 'hidden', 'aria-live': 'polite', id: 'figures' });
    let before;
    let told = -Infinity;
    let isPaused = false;
    const pause = make('button', {
        type: 'button',
        id: 'pause',
        'aria-pressed': 'false',
        click: () => {
            isPaused = !isPaused;
            pause.setAttribute('aria-pressed', String(isPaused));
        },
    }, 'Pause');
    place.repeat(EVERY_MS, async () => {
        if (isPaused) {
            return;
        }
        const now = new Reading(await place.askMetrics(), performance.now());
        if (before) {
            plots.forEach(({ plot, values, labels }) => plot.add(values(now, before, labels)));
            if (now.at - told > TELL_MS) {
                told = now.at;
                words.textContent = plots.map(({ plot }) => plot.now()).join('. ');
            }
        }
        before = now;
    });
    return [
        make('div', { class: 'row between' }, make('p', { class: 'soft' }, 'The last five minutes that this page was open.'), pause),
        words,
        make('div', { class: 'plots' }, plots.map(({ plot }) => plot.node)),
    ];
}

function drawCounts(place) {
    const names = [['connections', 'Connections'], ['users', 'Users'], ['channels', 'Channels'], ['tenants', 'Tenants'],
        ['accessTokens', 'Access tokens']];
    const figures = names.map(() => make('span', undefined, '–'));
    place.repeat(EVERY_MS * 5, async () => {
        const counts = await place.ask('counts');
        names.forEach(([key], at) => { figures[at].textContent = number(counts[key]); });
    });
    return card('Now', facts(names.map(([, name], at) => [name, figures[at]]), true));
}

export function show(place) {
    const mayMetrics = session.may('metrics') && !session.access.tenants;
    return [session.may('query') ? drawCounts(place) : undefined, ...(mayMetrics ? drawPlots(place) : [])];
}
