/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/mem.h"
#include "base/slice.h"
#include "h2/state.h"

#define REAPED_PER_CHECK 8u

static nghttp2_option *make_options(const struct h2_limits *limits)
{
    nghttp2_option *options;

    if (nghttp2_option_new(&options) != 0)
        return NULL;
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_max_continuations(options, limits->continuations);
    nghttp2_option_set_max_outbound_ack(options, limits->outbound_acks);
    nghttp2_option_set_max_settings(options, limits->settings_entries);
    /* Our answers are few and short: a table for their fields would cost each idle session more
     * than a kilobyte to save some octets on the wire. */
    nghttp2_option_set_max_deflate_dynamic_table_size(options, 0);
    return options;
}

/* In slices: thousands may go at once. A session that is freed closes its streams, whose handlers
 * may close other sessions. */
static bool run_reap(struct loop_hook *hook)
{
    struct h2_endpoint *endpoint = container_of(hook, struct h2_endpoint, reap_hook);
    struct slice slice;

    if (list_is_empty(&endpoint->closing))
        return false;
    slice = slice_new(SLICE_NS, H2_REAPED_PER_TURN, REAPED_PER_CHECK);
    while (!list_is_empty(&endpoint->closing)) {
        if (h2_session_reap(container_of(endpoint->closing.next, struct h2_session, node), &slice))
            (void)slice_spend(&slice);
        if (slice_is_over(&slice))
            break;
    }
    return !list_is_empty(&endpoint->closing);
}

struct h2_endpoint *h2_endpoint_new(struct loop *loop, const struct h2_endpoint_options *options)
{
    struct h2_endpoint *endpoint = mem_zalloc(sizeof(*endpoint));

    endpoint->loop = loop;
    endpoint->limits = *options->limits;
    endpoint->handler = *options->handler;
    endpoint->http1 = options->http1;
    endpoint->slots = options->slots;
    endpoint->callbacks = h2_callbacks_new();
    endpoint->options = make_options(options->limits);
    endpoint->poller = poller_new(loop);
    if (!endpoint->callbacks || !endpoint->options || !endpoint->poller) {
        poller_free(endpoint->poller);
        nghttp2_session_callbacks_del(endpoint->callbacks);
        nghttp2_option_del(endpoint->options);
        free(endpoint);
        return NULL;
    }
    endpoint->frame_memory = h2_frame_memory_new();
    endpoint->frame_memory->is_shared = options->shares_frames;
    h2_wire_scratch_init(&endpoint->scratch);
    h2_admission_init(&endpoint->admission);
    h2_eviction_init(&endpoint->eviction);
    h2_holding_init(&endpoint->holding, options->budget, options->limits->inbound_bytes);
    list_init(&endpoint->sessions);
    list_init(&endpoint->readable);
    list_init(&endpoint->handshaking);
    list_init(&endpoint->urgent);
    list_init(&endpoint->ready);
    list_init(&endpoint->round);
    list_init(&endpoint->patient);
    list_init(&endpoint->closing);
    endpoint->flush_hook.run = h2_flush_run;
    endpoint->reap_hook.run = run_reap;
    loop_hook_add(loop, LOOP_FLUSH, &endpoint->flush_hook);
    loop_hook_add(loop, LOOP_REAP, &endpoint->reap_hook);
    return endpoint;
}

bool h2_endpoint_change_limits(struct h2_endpoint *endpoint, const struct h2_limits *limits)
{
    nghttp2_option *options = make_options(limits);

    if (!options)
        return false;
    nghttp2_option_del(endpoint->options); /* sessions have copied what it says */
    endpoint->options = options;
    endpoint->limits = *limits;
    return true;
}

bool h2_endpoint_shares_frames(const struct h2_endpoint *endpoint)
{
    return endpoint->frame_memory->is_shared;
}

void h2_endpoint_close(struct h2_endpoint *endpoint)
{
    while (!list_is_empty(&endpoint->sessions))
        h2_session_close(container_of(endpoint->sessions.next, struct h2_session, node));
    while (run_reap(&endpoint->reap_hook))
        continue;
}

void h2_endpoint_free(struct h2_endpoint *endpoint)
{
    if (!endpoint)
        return;
    h2_endpoint_close(endpoint);
    loop_timer_stop(&endpoint->admission.timer);
    poller_free(endpoint->poller);
    loop_hook_remove(&endpoint->flush_hook);
    loop_hook_remove(&endpoint->reap_hook);
    h2_wire_scratch_release(&endpoint->scratch);
    h2_body_spare_release(&endpoint->spare_body);
    buf_release(&endpoint->output);
    h2_frame_memory_free(endpoint->frame_memory);
    nghttp2_session_callbacks_del(endpoint->callbacks);
    nghttp2_option_del(endpoint->options);
    free(endpoint);
}

const struct h2_counters *h2_endpoint_counters(const struct h2_endpoint *endpoint)
{
    return &endpoint->counters;
}

const char *h2_endpoint_date(struct h2_endpoint *endpoint)
{
    int64_t second = loop_wall_ms(endpoint->loop) / 1000;

    if (second != endpoint->date_second) {
        time_t now = (time_t)second;
        struct tm parts;
        endpoint->date_second = second;
        if (!gmtime_r(&now, &parts) || strftime(endpoint->date, sizeof(endpoint->date),
                                                "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
            endpoint->date[0] = '\0';
    }
    return endpoint->date;
}
