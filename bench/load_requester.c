/* SPDX-License-Identifier: Apache-2.0 */
#include "load_requester.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_clock.h"
#include "load_crew.h"
#include "load_exchange.h"
#include "load_options.h"
#include "load_template.h"

#define MAX_OPEN 2000u

struct inquiry {
    struct list node; /* while it is free */
    struct load_call call;
    struct load_requester *requester;
};

struct load_requester {
    struct load_crew *crew;
    struct inquiry *inquiries;
    struct list free;
    struct load_requester_report report;
    uint64_t due;
    uint64_t interval;
    uint32_t open;
    uint32_t turn;
};

static void on_inquiry_close(struct load_call *call)
{
    struct inquiry *inquiry = container_of(call, struct inquiry, call);
    struct load_requester *requester = inquiry->requester;
    uint64_t arrived = call->connection->socket.arrived;

    if (call->status / 100 == 2)
        load_histogram_add(&requester->report.latency,
                           arrived > call->started ? arrived - call->started : 0);
    else
        requester->report.failed++;
    requester->open--;
    list_append(&requester->free, &inquiry->node);
}

struct load_requester *load_requester_new(struct load_crew *crew)
{
    struct load_requester *requester = mem_zalloc(sizeof(*requester));

    requester->crew = crew;
    requester->interval = (uint64_t)((double)LOAD_SECOND / crew->options->request_rate);
    requester->inquiries = mem_zalloc(MAX_OPEN * sizeof(*requester->inquiries));
    list_init(&requester->free);
    for (uint32_t i = 0; i < MAX_OPEN; i++) {
        requester->inquiries[i].requester = requester;
        requester->inquiries[i].call.on_close = on_inquiry_close;
        list_append(&requester->free, &requester->inquiries[i].node);
    }
    return requester;
}

void load_requester_free(struct load_requester *requester)
{
    if (requester == NULL)
        return;
    for (uint32_t i = 0; i < MAX_OPEN; i++)
        load_call_release(&requester->inquiries[i].call);
    free(requester->inquiries);
    free(requester);
}

void load_requester_start(struct load_requester *requester)
{
    memset(&requester->report, 0, sizeof(requester->report));
    requester->due = load_now();
}

static void ask(struct load_requester *requester)
{
    const struct load_options *options = requester->crew->options;
    struct load_worker *worker = &requester->crew->workers[0];
    struct load_session *session = &worker->sessions[requester->turn++ % worker->count];
    struct list *node = list_take_first(&requester->free);
    struct load_values values = {.connection = session->index,
                                 .number = session->subscribers[0].number};
    struct inquiry *inquiry;

    requester->report.sent++;
    if (node == NULL) {
        requester->report.failed++;
        return;
    }
    inquiry = container_of(node, struct inquiry, node);
    buf_clear(&inquiry->call.body);
    load_template_expand(options->request.body, &values, &inquiry->call.body);
    requester->open++;
    inquiry->call.connection = &session->connection;
    if (load_exchange_submit(&options->request, &values, &session->connection, &inquiry->call) <
        0) {
        inquiry->call.status = 0;
        on_inquiry_close(&inquiry->call);
    }
}

void load_requester_turn(struct load_requester *requester, uint64_t now, uint64_t *wake)
{
    uint64_t limit = requester->crew->options->requests;

    while (requester->report.sent < limit && requester->due <= now) {
        ask(requester);
        requester->due += requester->interval;
    }
    if (requester->report.sent < limit && requester->due < *wake)
        *wake = requester->due;
}

bool load_requester_is_done(const struct load_requester *requester)
{
    return requester->report.sent >= requester->crew->options->requests && requester->open == 0;
}

const struct load_requester_report *load_requester_report(const struct load_requester *requester)
{
    return &requester->report;
}
