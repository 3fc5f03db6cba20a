/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE messages: stored messages that nobody is to get any more. */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/qos/qos_errand.h"
#include "api/qos/qos_hub.h"
#include "api/query/message_filter.h"
#include "api/reply.h"
#include "base/mem.h"
#include "qos/end.h"

/* Messages that the store looks at in one go: what is sent meanwhile waits no longer than that. */
#define SLICE_MESSAGES 256u

struct deletion {
    struct qos_errand errand;
    struct message_filter filter;
    struct qos_delete delete;
    size_t count;
    bool is_cut_short; /* the server stops */
};

static void deletion_free(struct deletion *deletion)
{
    qos_delete_release(&deletion->delete);
    message_filter_release(&deletion->filter);
    api_exchange_unref(deletion->errand.exchange);
    free(deletion);
}

static void answer(struct qos_errand *errand)
{
    struct deletion *deletion = container_of(errand, struct deletion, errand);
    const int status = deletion->delete.job.status;

    if (deletion->is_cut_short || (status < 0 && deletion->count > 0))
        api_reply_error(errand->exchange, 503,
                        "%zu copies were deleted, and more are left; ask again later",
                        deletion->count);
    else if (status < 0)
        qos_errand_refuse(errand, status);
    else
        api_reply_json(errand->exchange, json_pack("{s:I}", "count", (json_int_t)deletion->count));
    deletion_free(deletion);
}

static void on_deleted(struct qos_job *job)
{
    struct deletion *deletion = container_of(job, struct deletion, delete.job);
    struct qos_delete *delete = &deletion->delete;
    struct qos_hub *hub = deletion->errand.hub;

    if (job->status == 0) {
        deletion->count += delete->ended.count;
        if (!hub->is_stopped) {
            qos_hub_ended(hub, job, &delete->ended);
            qos_hub_publish(hub);
        }
        qos_copies_release(&delete->ended);
        deletion->is_cut_short = !delete->is_all && qos_errand_is_late(&deletion->errand);
    }
    if (job->status == 0 && !delete->is_all && !deletion->is_cut_short)
        qos_store_submit(hub->store, job);
    else
        qos_errand_end(&deletion->errand);
}

static void begin(struct qos_errand *errand)
{
    struct deletion *deletion = container_of(errand, struct deletion, errand);

    deletion->delete.now = loop_wall_ms(errand->hub->service->api->loop);
    qos_store_submit(errand->hub->store, &deletion->delete.job);
}

/* NULL: it has answered. */
static struct deletion *deletion_new(struct api_exchange *exchange)
{
    struct message_filter filter;
    struct deletion *deletion;

    api_audit_note_query(exchange);
    if (!message_filter_init(&filter, exchange))
        return NULL;
    deletion = mem_zalloc(sizeof(*deletion));
    deletion->filter = filter;
    /* What everybody is to get does not end because one of them is not to get it. */
    deletion->filter.filter.is_strict = true;
    deletion->delete.filter = &deletion->filter.filter;
    deletion->delete.limit = SLICE_MESSAGES;
    qos_delete_init(&deletion->delete);
    deletion->delete.job.done = on_deleted;
    deletion->delete.job.is_asked = true;
    deletion->errand.begin = begin;
    deletion->errand.answer = answer;
    return deletion;
}

void api_handle_delete_message(struct api_exchange *exchange)
{
    struct deletion *deletion = deletion_new(exchange);

    if (!deletion)
        return;
    deletion->delete.id = exchange->variable;
    qos_errand_start(&deletion->errand, exchange);
}

/* By mistake nothing is deleted: exactly one of id, a filter and all=true. */
static bool is_clear(const struct deletion *deletion, const struct api_exchange *exchange)
{
    const char *all = h2_form_get(&exchange->query, "all");
    const bool is_all = all && strcmp(all, "true") == 0;
    const int said = (deletion->delete.id ? 1 : 0) +
                     (message_filter_is_empty(&deletion->filter) ? 0 : 1) + (is_all ? 1 : 0);

    return said == 1 && (!all || is_all);
}

void api_handle_delete_messages(struct api_exchange *exchange)
{
    struct deletion *deletion = deletion_new(exchange);

    if (!deletion)
        return;
    deletion->delete.id = h2_form_get(&exchange->query, "id");
    if (is_clear(deletion, exchange)) {
        qos_errand_start(&deletion->errand, exchange);
        return;
    }
    api_reply_error(exchange, 422,
                    "say which messages are to be deleted: by id; or by userId, accessToken, "
                    "tenantId, channel, listeners; or every one by all=true; or those that "
                    "are set aside by unreadable=true");
    deletion->errand.exchange = api_exchange_ref(exchange);
    deletion_free(deletion);
}
