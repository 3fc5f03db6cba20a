/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls are sent and which wait, how they end, and the handles that they use in turn. */
#include "outbound/http.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "outbound/authorities.h"
#include "outbound/call.h"
#include "outbound/libcurl.h"
#include "outbound/loading.h"
#include "outbound/sockets.h"

struct outbound_http {
    struct loop *loop;
    struct outbound_http_settings settings;
    struct outbound_sockets sockets;
    struct outbound_http_counters counters;
    struct list waiting; /* in the order of their start */
    struct list others;  /* under way, or ended and not reported yet */
    CURL **idle;         /* room for settings.in_flight of them */
    size_t idle_count;
    unsigned changes;                 /* of the settings */
    struct outbound_loading *loading; /* calls wait for it; NULL: nobody loads */
    bool is_abandoned;
    bool is_closing;
};

static const struct outbound_fault server_stops = {-ECANCELED, "the server stops"};
static const struct outbound_fault not_loaded = {-EIO, "libcurl cannot be loaded"};

static CURL *take_handle(struct outbound_http *http)
{
    return http->idle_count > 0 ? http->idle[--http->idle_count] : curl_easy_init();
}

/* A reset handle still knows that its sending was paused: that of a streamed body is not used
 * again. And it has sessions of TLS, whose back ends were checked by the authorities of its time.
 */
static void give_handle(struct outbound_http *http, struct outbound_call *call)
{
    CURL *easy = call->easy;

    if (!easy)
        return;
    if (call->request.is_streamed || call->change != http->changes ||
        http->idle_count >= http->settings.in_flight) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    http->idle[http->idle_count++] = easy;
}

static uint64_t *counter_of(struct outbound_http_counters *counters, int error)
{
    switch (error) {
    case 0:
        return &counters->answered;
    case -ETIMEDOUT:
        return &counters->timeouts;
    case -ECONNREFUSED:
    case -EHOSTUNREACH:
        return &counters->unreachable;
    case -EMSGSIZE:
        return &counters->too_large;
    case -EBUSY:
        return &counters->refused;
    case -EINVAL:
    case -EACCES:
        return &counters->invalid;
    case -ECANCELED:
        return &counters->canceled;
    default:
        return &counters->broken;
    }
}

/* Takes it out of the queue, or from libcurl. Not from within libcurl's callbacks. */
static void stop(struct outbound_http *http, struct outbound_call *call)
{
    long opened = 0;

    loop_timer_stop(&call->limit);
    loop_timer_stop(&call->look);
    if (call->state == OUTBOUND_CALL_WAITING && list_is_linked(&call->node)) {
        http->counters.waiting--;
    } else if (call->state == OUTBOUND_CALL_UNDER_WAY) {
        http->counters.in_flight--;
        (void)curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &opened);
        http->counters.connections += (uint64_t)opened;
        (void)curl_multi_remove_handle(http->sockets.multi, call->easy);
    }
    list_remove(&call->node);
    call->state = OUTBOUND_CALL_ENDED;
}

static void end(struct outbound_call *call, struct outbound_fault fault)
{
    struct outbound_http *http = call->http;

    stop(http, call);
    call->fault = fault;
    ++*counter_of(&http->counters, fault.error);
    if (fault.error == 0 || fault.error == -ETIMEDOUT)
        histogram_add_since(&http->counters.durations[call->request.purpose], call->began_ns);
    list_append(&http->others, &call->node);
    loop_defer(http->loop, &call->report);
}

static void discard(struct outbound_call *call)
{
    give_handle(call->http, call);
    outbound_call_free(call);
}

static void report_end(struct outbound_call *call)
{
    struct outbound_answer answer = {
        .error = call->fault.error,
        .reason = call->fault.reason,
        .body = "",
    };

    if (answer.error == 0)
        outbound_call_read_answer(call, &answer);
    call->request.done(call->request.context, &answer);
    discard(call);
}

static void on_report(struct loop_task *task)
{
    struct outbound_call *call = container_of(task, struct outbound_call, report);
    size_t taken = call->feed.taken;

    if (call->state == OUTBOUND_CALL_ENDED) {
        report_end(call);
        return;
    }
    call->feed.taken = 0;
    if (call->request.on_taken)
        call->request.on_taken(call->request.context, taken);
}

static void drop_idle(struct outbound_http *http)
{
    while (http->idle_count > 0)
        curl_easy_cleanup(http->idle[--http->idle_count]);
}

/* Of the sockets, as soon as they are open. */
static void set_bounds(struct outbound_http *http)
{
    const struct outbound_http_settings *settings = &http->settings;
    CURLM *multi = http->sockets.multi;

    if (!multi)
        return;
    drop_idle(http);
    http->idle = mem_realloc(http->idle, settings->in_flight * sizeof(CURL *));
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)settings->host_connections);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)settings->in_flight);
}

static bool open_sockets(struct outbound_http *http)
{
    if (http->sockets.multi)
        return true;
    if (!libcurl_is_loaded() || outbound_sockets_open(&http->sockets) != 0)
        return false;
    set_bounds(http);
    return true;
}

static bool send_now(struct outbound_http *http, struct outbound_call *call)
{
    call->easy = take_handle(http);
    call->change = http->changes;
    if (!call->easy || outbound_call_set_options(call) != CURLE_OK ||
        curl_multi_add_handle(http->sockets.multi, call->easy) != CURLM_OK)
        return false;
    call->state = OUTBOUND_CALL_UNDER_WAY;
    http->counters.in_flight++;
    list_append(&http->others, &call->node);
    return true;
}

static void send_waiting(struct outbound_http *http);

static void end_waiting(struct outbound_http *http, struct outbound_fault fault)
{
    while (!list_is_empty(&http->waiting))
        end(container_of(http->waiting.next, struct outbound_call, node), fault);
}

static void on_loaded(void *context)
{
    struct outbound_http *http = context;

    http->loading = NULL;
    if (libcurl_is_loaded())
        send_waiting(http);
    else
        end_waiting(http, not_loaded);
}

/* True: a thread loads what it needs, and the call has to wait. */
static bool awaits_library(struct outbound_http *http, const struct outbound_call *call)
{
    const struct outbound_http_settings *settings = &http->settings;
    struct outbound_authorities *authorities = NULL; /* to be read; not before libcurl is there */

    if (libcurl_is_loaded() && outbound_call_needs_tls(call))
        authorities = settings->authorities;
    if (libcurl_is_loaded() && (!authorities || outbound_authorities_are_read(authorities)))
        return false;
    if (!http->loading)
        http->loading = outbound_loading_start(authorities, &settings->files, on_loaded, http);
    if (!http->loading)
        outbound_load(outbound_call_needs_tls(call) ? settings->authorities : NULL);
    return http->loading != NULL;
}

static void send_waiting(struct outbound_http *http)
{
    list_for_each_safe(node, after, &http->waiting) {
        struct outbound_call *call = container_of(node, struct outbound_call, node);

        if (http->counters.in_flight >= http->settings.in_flight || http->is_closing)
            return;
        if (awaits_library(http, call))
            continue;
        list_remove(node);
        http->counters.waiting--;
        if (!open_sockets(http))
            end(call, not_loaded);
        else if (!send_now(http, call))
            end(call, (struct outbound_fault){-EIO, "libcurl does not take it"});
    }
}

static bool send_again(struct outbound_http *http, struct outbound_call *call)
{
    if (call->was_sent_again)
        return false;
    call->was_sent_again = true;
    (void)curl_multi_remove_handle(http->sockets.multi, call->easy);
    return curl_multi_add_handle(http->sockets.multi, call->easy) == CURLM_OK;
}

static void on_ended(struct outbound_sockets *sockets, CURL *easy, CURLcode code)
{
    struct outbound_http *http = container_of(sockets, struct outbound_http, sockets);
    struct outbound_call *call = NULL;
    enum outbound_early early;
    struct outbound_fault fault;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    early = outbound_early_answer_of(call, code);
    if (early == OUTBOUND_EARLY_LOST && send_again(http, call))
        return;
    fault = outbound_fault_of(easy, early == OUTBOUND_EARLY_READ ? CURLE_OK : code);
    /* What one of our callbacks refused, it has explained. */
    end(call, fault.error != 0 && call->fault.error != 0 ? call->fault : fault);
}

static void on_round(struct outbound_sockets *sockets)
{
    send_waiting(container_of(sockets, struct outbound_http, sockets));
}

static void on_limit(struct loop_timer *timer)
{
    struct outbound_call *call = container_of(timer, struct outbound_call, limit);
    struct outbound_http *http = call->http;
    uint64_t now = loop_served_ms(call->loop);

    if (now < call->limit_at) { /* we were late: what came meanwhile has not been read */
        loop_timer_start(call->loop, timer, call->limit_at - now);
        return;
    }
    end(call, (struct outbound_fault){-ETIMEDOUT, "it did not answer in time"});
    send_waiting(http);
}

struct outbound_call *outbound_http_start(struct outbound_http *http,
                                          const struct outbound_request *request)
{
    struct outbound_http_counters *counters = &http->counters;
    struct outbound_call *call;

    if (http->is_closing)
        return NULL;
    counters->requests++;
    call = outbound_call_new(request);
    call->http = http;
    call->loop = http->loop;
    call->began_ns = clock_real_ns();
    call->settings = &http->settings;
    call->feed_bytes = http->settings.feed_bytes;
    call->limit.on_fire = on_limit;
    call->look.on_fire = outbound_early_answer_look;
    call->report.run = on_report;
    if (http->is_abandoned) {
        end(call, server_stops);
    } else if (!outbound_request_is_valid(request)) {
        end(call, (struct outbound_fault){
                      -EINVAL, "not a URL of http or https, or a field with a line break"});
    } else if (request->only_public && http->settings.proxy && *http->settings.proxy != '\0') {
        end(call, (struct outbound_fault){-EACCES, "by a proxy its address cannot be seen"});
    } else if (counters->in_flight >= http->settings.in_flight &&
               counters->waiting >= http->settings.waiting) {
        end(call, (struct outbound_fault){-EBUSY, "too many requests are waiting"});
    } else {
        outbound_call_allow_time(call);
        list_append(&http->waiting, &call->node);
        counters->waiting++;
        send_waiting(http);
    }
    return call;
}

void outbound_call_cancel(struct outbound_call *call)
{
    struct outbound_http *http;

    if (!call)
        return;
    http = call->http;
    /* One that has ended is counted as what it was. */
    if (call->state != OUTBOUND_CALL_ENDED)
        http->counters.canceled++;
    stop(http, call);
    discard(call);
    send_waiting(http);
}

const struct outbound_http_counters *outbound_http_counters(const struct outbound_http *http)
{
    return &http->counters;
}

void outbound_http_count(const struct outbound_http *http, struct outbound_http_counters *sum)
{
    const struct outbound_http_counters *counters = &http->counters;

    sum->requests += counters->requests;
    sum->answered += counters->answered;
    sum->timeouts += counters->timeouts;
    sum->unreachable += counters->unreachable;
    sum->broken += counters->broken;
    sum->too_large += counters->too_large;
    sum->refused += counters->refused;
    sum->invalid += counters->invalid;
    sum->canceled += counters->canceled;
    sum->connections += counters->connections;
    for (size_t i = 0; i < OUTBOUND_PURPOSES; i++)
        histogram_merge(&sum->durations[i], &counters->durations[i]);
    sum->in_flight += counters->in_flight;
    sum->waiting += counters->waiting;
}

struct outbound_http *outbound_http_new(struct loop *loop,
                                        const struct outbound_http_settings *settings)
{
    struct outbound_http *http = mem_zalloc(sizeof(*http));

    assert(settings->in_flight > 0);
    http->loop = loop;
    http->settings = *settings;
    http->sockets.on_ended = on_ended;
    http->sockets.on_round = on_round;
    list_init(&http->waiting);
    list_init(&http->others);
    outbound_sockets_init(&http->sockets, loop);
    return http;
}

void outbound_http_change(struct outbound_http *http, const struct outbound_http_settings *settings)
{
    assert(settings->in_flight > 0);
    outbound_loading_cancel(http->loading); /* of other authorities */
    http->loading = NULL;
    http->settings = *settings;
    http->changes++;
    set_bounds(http);
    send_waiting(http);
}

void outbound_http_abandon(struct outbound_http *http)
{
    http->is_abandoned = true;
    end_waiting(http, server_stops);
    list_for_each_safe(node, after, &http->others) {
        struct outbound_call *call = container_of(node, struct outbound_call, node);

        if (call->state != OUTBOUND_CALL_ENDED)
            end(call, server_stops);
    }
}

static void close_all(struct list *calls)
{
    while (!list_is_empty(calls)) {
        struct outbound_call *call = container_of(calls->next, struct outbound_call, node);

        if (call->state != OUTBOUND_CALL_ENDED)
            end(call, server_stops);
        report_end(call);
    }
}

void outbound_http_free(struct outbound_http *http)
{
    if (!http)
        return;
    http->is_closing = true;
    outbound_loading_cancel(http->loading);
    close_all(&http->waiting);
    close_all(&http->others);
    drop_idle(http);
    free(http->idle);
    outbound_sockets_release(&http->sockets);
    free(http);
}
