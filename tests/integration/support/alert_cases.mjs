// SPDX-License-Identifier: Apache-2.0
// For each alarm of packaging/prometheus what makes it ring, each case by itself, and what does not: series of
// half an hour in promtool's notation, a value each minute.
const ofService = 'instance="a",service="demo",worker="0"';
const ofWorker = 'instance="a",worker="0"';
const always = (value) => `${value}x30`;
const growing = (each) => `0+${each}x30`;
const stepping = (from, to) => `${from}x20 ${to}x10`;

// So many a minute take that long: of the buckets that the expressions need.
const taking = (name, seconds, labels = 'instance="a",service="demo"') => Object.fromEntries([0.1, 0.5, 1, 2.5, '+Inf'].map((le) => (
  [`sse_server_${name}_seconds_bucket{${labels},le="${le}"}`, growing(le === '+Inf' || le >= seconds ? 60 : 0)])));

const dropped = (oldest) => ({
  [`sse_server_events_dropped_oldest_total{${ofService}}`]: growing(oldest),
  [`sse_server_events_dropped_slow_total{${ofService}}`]: growing(0),
  [`sse_server_events_refused_total{${ofService}}`]: growing(0),
  [`sse_server_events_queued_total{${ofService}}`]: growing(1000),
});

const outbound = (timeouts) => ({
  [`sse_server_outbound_timeouts_total{${ofWorker}}`]: growing(timeouts),
  ...Object.fromEntries(['unreachable', 'broken', 'too_large', 'refused'].map((name) => (
    [`sse_server_outbound_${name}_total{${ofWorker}}`, growing(0)]))),
  [`sse_server_outbound_requests_total{${ofWorker}}`]: growing(100),
});

const questions = (failures) => ({
  [`sse_server_auth_question_failures_total{${ofService}}`]: growing(failures),
  [`sse_server_auth_questions_total{${ofService}}`]: growing(100),
});

const answers = (counts) => Object.fromEntries(Object.entries(counts).map(([status, each]) => (
  [`sse_server_requests_total{${ofWorker},route="connect",status="${status}"}`, growing(each)])));

const handshakes = (failures, opened) => ({
  [`sse_server_handshake_failures_total{${ofWorker}}`]: growing(failures),
  [`sse_server_handshake_timeouts_total{${ofWorker}}`]: growing(0),
  [`sse_server_sessions_opened_total{${ofWorker}}`]: growing(opened),
});

// What of workers is added up, and its bound.
const filled = (name, labels, limit, values) => ({
  ...Object.fromEntries(values.map((value, worker) => (
    [`${name}{${labels},worker="${worker}"}`, always(value)]))),
  [`${limit}{${labels}}`]: always(100),
});

const stored = (what, value) => filled(`sse_server_qos_${what}`, 'instance="a",service="demo"',
  `sse_server_qos_${what}_limit`, [value, 0]);

const messages = (values) => ({
  [`sse_server_qos_messages{${ofService}}`]: values,
  [`sse_server_qos_messages_limit{${ofService}}`]: always(100),
});

const memory = (bytes) => ({
  'process_resident_memory_bytes{job="sse-server",instance="a"}': always(bytes),
  'sse_server_memory_limit_bytes{instance="a"}': always(100),
});

const storeOpen = (owner) => ({
  'sse_server_store_open{instance="a",service="demo",worker="0"}': always(owner),
  'sse_server_store_open{instance="a",service="demo",worker="1"}': always(0),
});

export const cases = {
  SseServerDown: {
    rings: [{ 'up{job="sse-server",instance="a"}': always(0) }],
    silent: [{ 'up{job="sse-server",instance="a"}': always(1) }, { 'up{job="another",instance="a"}': always(0) }],
  },
  SseServerCertificateEnds: {
    rings: [{ 'sse_server_certificate_not_after_seconds{instance="a",certificate="c"}': always(5 * 86400) }],
    silent: [{ 'sse_server_certificate_not_after_seconds{instance="a",certificate="c"}': always(60 * 86400) }],
  },
  SseServerReloadFailed: {
    rings: ['reloads', 'certificate_reloads'].map((name) => (
      { [`sse_server_${name}_total{instance="a",result="failed"}`]: stepping(0, 1) })),
    silent: [{
      'sse_server_reloads_total{instance="a",result="failed"}': always(3),
      'sse_server_reloads_total{instance="a",result="ok"}': growing(1),
    }],
  },
  SseServerLoopLag: {
    rings: [{ [`sse_server_loop_lag_seconds{${ofWorker}}`]: always(0.5) }],
    silent: [{ [`sse_server_loop_lag_seconds{${ofWorker}}`]: always(0.01) }],
  },
  SseServerEventsLate: { rings: [taking('send_written', 2.5)], silent: [taking('send_written', 0.1)] },
  SseServerMemory: { rings: [memory(90)], silent: [memory(50)] },
  SseServerBodies: {
    rings: [filled('sse_server_inbound_bytes', 'instance="a"', 'sse_server_inbound_limit_bytes', [50, 40])],
    silent: [filled('sse_server_inbound_bytes', 'instance="a"', 'sse_server_inbound_limit_bytes', [30, 40])],
  },
  SseServerDescriptors: {
    rings: [
      filled('sse_server_sessions', 'instance="a"', 'sse_server_sessions_limit', [50, 40]),
      { [`sse_server_accept_errors_total{${ofWorker}}`]: growing(1) },
    ],
    silent: [{
      ...filled('sse_server_sessions', 'instance="a"', 'sse_server_sessions_limit', [40, 40]),
      [`sse_server_accept_errors_total{${ofWorker}}`]: always(7),
    }],
  },
  SseServerEventsDropped: { rings: [dropped(10)], silent: [dropped(0)] },
  SseServerStoreFailing: {
    rings: [storeOpen(0), { ...storeOpen(1), [`sse_server_store_faults_total{${ofService}}`]: growing(1) }],
    silent: [{ ...storeOpen(1), [`sse_server_store_faults_total{${ofService}}`]: always(2) }],
  },
  SseServerStoreSlow: {
    rings: [taking('store_commit', 1), { [`sse_server_qos_busy_total{${ofService}}`]: growing(1) }],
    silent: [{ ...taking('store_commit', 0.1), [`sse_server_qos_busy_total{${ofService}}`]: always(1) }],
  },
  SseServerStoreFull: {
    rings: [stored('messages', 85), stored('bytes', 85)],
    silent: [{ ...stored('messages', 50), ...stored('bytes', 50) }],
  },
  SseServerStoreGrows: {
    rings: [messages('40+1x30')],
    silent: [messages(always(70)), messages('2+0.5x30'), messages('70-1x30')],
  },
  SseServerMessagesLost: {
    rings: [
      { [`sse_server_qos_displaced_total{${ofService}}`]: stepping(0, 5) },
      { [`sse_server_qos_aside{${ofService}}`]: always(1) },
    ],
    silent: [{
      [`sse_server_qos_displaced_total{${ofService}}`]: always(5),
      [`sse_server_qos_aside{${ofService}}`]: always(0),
    }],
  },
  SseServerWebhookFailing: {
    rings: [outbound(20), questions(20), { [`sse_server_notifications_oldest_seconds{${ofService}}`]: always(120) }],
    silent: [{
      ...outbound(5), ...questions(5), [`sse_server_notifications_oldest_seconds{${ofService}}`]: always(20),
    }],
  },
  SseServerRefusals: {
    rings: [answers({ 401: 300, '2xx': 300 }), answers({ 429: 300, '2xx': 300 })],
    silent: [answers({ 401: 6, '2xx': 0 }), answers({ 403: 120, '2xx': 6000 })],
  },
  SseServerErrors: {
    rings: [answers({ '5xx': 5, '2xx': 100 }), answers({ 503: 5, '2xx': 100 })],
    silent: [answers({ '5xx': 1, '4xx': 50, '2xx': 100 })],
  },
  SseServerHandshakeFailures: {
    rings: [handshakes(60, 120)],
    silent: [handshakes(6, 6), handshakes(60, 6000)],
  },
  SseServerAuditLost: {
    rings: [{ [`sse_server_audit_lines_lost_total{instance="a"}`]: stepping(0, 1) }],
    silent: [{ [`sse_server_audit_lines_lost_total{instance="a"}`]: always(1) }],
  },
};

// All cases in one test of promtool, since each costs it a database: each has an instance of its own.
export function promtoolTests(rules) {
  const all = Object.entries(cases).flatMap(([name, { rings, silent }]) => [
    ...rings.map((series) => ({ name, series, rings: true })),
    ...silent.map((series) => ({ name, series, rings: false })),
  ]).map((each, at) => ({ ...each, instance: `case-${at}` }));
  return {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: [{
      interval: '1m',
      input_series: all.flatMap(({ series, instance }) => Object.entries(series).map(([each, values]) => (
        { series: each.replace('instance="a"', `instance="${instance}"`), values }))),
      promql_expr_test: all.map(({ name, rings, instance }) => ({
        expr: `count by (alertname) (ALERTS{alertstate="firing",alertname="${name}",instance="${instance}"})`,
        eval_time: '26m',
        exp_samples: rings ? [{ labels: `{alertname="${name}"}`, value: 1 }] : [],
      })),
    }],
  };
}
