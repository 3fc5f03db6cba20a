/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/input.h"
#include "api/query/filters.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "broker/trace_query.h"
#include "inspect/routes.h"

/* ---- what is asked for ---- */

static bool read_time(struct api_exchange *exchange, const char *name, int64_t *time)
{
    const char *text = query_said(exchange, name);
    uint64_t number;

    if (!text)
        return true;
    if (api_whole_number(text, INT64_MAX, &number) == 0) {
        *time = (int64_t)number;
        return true;
    }
    api_reply_error(exchange, 400, "%s must be a time in milliseconds since 1970", name);
    return false;
}

static bool read_kinds(struct api_exchange *exchange, unsigned *kinds)
{
    const char *list = query_said(exchange, "kind");
    struct buf known = BUF_INIT;
    struct word unknown;

    if (trace_kinds_parse(list ? list : "", kinds, &unknown))
        return true;
    for (unsigned i = 0; i < TRACE_KINDS; i++)
        buf_printf(&known, "%s%s", i > 0 ? ", " : "", trace_kind_words[i]);
    api_reply_error(exchange, 422, "kind: \"%.*s\" is none; there are %s",
                    unknown.length < 64 ? (int)unknown.length : 64, unknown.text, buf_str(&known));
    buf_release(&known);
    return false;
}

bool trace_asked_read(struct trace_asked *asked, struct api_exchange *exchange)
{
    const char *connection = query_said(exchange, "connection");
    const char **by = asked->filter.by;
    struct user_query user;

    *asked = (struct trace_asked){.filter.tenants = exchange->tenants};
    if (!user_query_read(&user, exchange) || !read_time(exchange, "since", &asked->filter.since) ||
        !read_time(exchange, "until", &asked->filter.until) ||
        !read_kinds(exchange, &asked->filter.kinds))
        return false;
    by[TRACE_BY_USER_ID] = user.user_id;
    by[TRACE_BY_TENANT_ID] = user.user_id ? user.tenant_id : query_said(exchange, "tenantId");
    by[TRACE_BY_ID] = query_said(exchange, "id");
    by[TRACE_BY_EVENT] = query_said(exchange, "event");
    by[TRACE_BY_CHANNEL] = query_said(exchange, "channel");
    by[TRACE_BY_ADDRESS] = query_said(exchange, "address");
    by[TRACE_BY_CLIENT] = query_said(exchange, "clientId");
    if (connection) {
        snprintf(asked->connection, sizeof(asked->connection), "%s", connection);
        sse_connection_id_shorten(asked->connection);
        by[TRACE_BY_CONNECTION] = asked->connection;
    }
    return true;
}

/* ---- the past ---- */

struct past {
    struct trace_asking asking;
    struct trace_asked asked;
    struct paging paging;
    struct api_exchange *exchange; /* a reference */
};

/* The first page has the latest. */
static void reply(struct trace_asking *asking)
{
    struct past *past = asking->context;
    const size_t start = paging_start(&past->paging), end = paging_end(&past->paging);
    const size_t from = asking->count > end ? asking->count - end : 0;
    const size_t to = asking->count > start ? asking->count - start : 0;
    struct buf text = BUF_INIT;

    paging_open(&text, &past->paging, (size_t)asking->passed);
    for (size_t i = from; i < to; i++) {
        json_text_next(&text);
        trace_append_json(&text, asking->records[i]);
    }
    paging_close(&text, false);
    api_reply_data(past->exchange, &text);
    api_exchange_unref(past->exchange);
    free(past);
}

static bool is_too_far(struct api_exchange *exchange, const struct paging *paging)
{
    if (paging->number <= TRACE_ASKED_MOST && paging_end(paging) <= TRACE_ASKED_MOST)
        return false;
    api_reply_error(exchange, 422,
                    "pages reach back to the latest %u records; for older ones say until: the time "
                    "of the oldest that you have",
                    TRACE_ASKED_MOST);
    return true;
}

static void show_past(struct api_exchange *exchange, const struct trace_asked *asked)
{
    struct paging paging;
    struct past *past;

    if (!paging_read(exchange, &paging, false) || is_too_far(exchange, &paging))
        return;
    past = mem_zalloc(sizeof(*past));
    past->asked = *asked;
    past->paging = paging;
    past->exchange = api_exchange_ref(exchange);
    past->asking.kind = TRACE_ASK_PAST;
    past->asking.filter = asked->filter;
    if (asked->filter.by[TRACE_BY_CONNECTION])
        past->asking.filter.by[TRACE_BY_CONNECTION] = past->asked.connection;
    past->asking.most = paging_end(&paging);
    past->asking.done = reply;
    past->asking.context = past;
    trace_asking_start(&past->asking, &exchange->service->broker);
}

static bool wants_stream(const struct api_exchange *exchange)
{
    const char *accept = h2_request_header(exchange->request, "accept");

    return accept && strstr(accept, "text/event-stream");
}

void inspect_handle_trace(struct api_exchange *exchange)
{
    struct trace_asked asked;

    if (!trace_is_on(&exchange->service->broker.tracing.trace)) {
        api_reply_error(exchange, 404,
                        "nothing is recorded: services[].trace.bytes is 0; give it a size");
        return;
    }
    if (!trace_asked_read(&asked, exchange))
        return;
    if (wants_stream(exchange) && strcmp(exchange->request->method, "HEAD") == 0)
        api_reply_events(exchange, NULL, NULL);
    else if (wants_stream(exchange))
        trace_watch_start(exchange, &asked);
    else
        show_past(exchange, &asked);
}
