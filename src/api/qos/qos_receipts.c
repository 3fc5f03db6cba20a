/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_receipts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_text.h"
#include "api/presence/presence_event.h"
#include "api/qos/qos_text.h"
#include "api/qos/receipt_url.h"
#include "api/worker.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/presence_subject.h"
#include "broker/presence_text.h"
#include "sse/service.h"
#include "sse/target.h"

struct qos_receipts {
    struct api_service *service;
    struct qos_posts *posts;
    struct qos_text message; /* that was told of last */
};

static struct qos_posts_settings posts_of(const struct api_service *service)
{
    return (struct qos_posts_settings){
        .loop = service->api->loop,
        .http = service->api->outbound,
        .secret = service->settings->webhook_secret,
        .most = service->settings->qos.receipts,
        .service = service->settings->core->name,
        .only_public = *service->settings->qos.receipt_hosts == '\0',
    };
}

struct qos_receipts *qos_receipts_new(struct api_service *service)
{
    const struct qos_posts_settings posts = posts_of(service);
    struct qos_receipts *receipts = mem_zalloc(sizeof(*receipts));

    receipts->service = service;
    receipts->posts = qos_posts_new(&posts);
    return receipts;
}

void qos_receipts_change(struct qos_receipts *receipts)
{
    const struct qos_posts_settings posts = posts_of(receipts->service);

    qos_posts_change(receipts->posts, &posts);
}

void qos_receipts_free(struct qos_receipts *receipts)
{
    const size_t left = qos_posts_count(receipts->posts);

    if (left > 0)
        log_warn("receipts are lost: the server stops",
                 LOG_STR("service", receipts->service->settings->core->name),
                 LOG_INT("count", left));
    qos_posts_free(receipts->posts);
    qos_text_release(&receipts->message);
    free(receipts);
}

static void append_members(struct qos_receipts *receipts, const struct qos_copy *copy,
                           bool is_token_whole, struct buf *members)
{
    buf_append_str(members, "\"id\":");
    json_text_string(members, copy->message->id);
    buf_append_str(members, ",\"event\":");
    qos_text_member(&receipts->message, members, copy->message, "event");
    buf_append_str(members, ",\"recipient\":{");
    qos_text_recipient(members, &copy->recipient, is_token_whole);
    buf_printf(members, "},\"state\":\"%s\"", qos_state_words[copy->state]);
    qos_text_cause(members, copy);
    qos_text_end(members, copy);
    buf_printf(members, ",\"written\":%" PRIu32, copy->written);
}

static struct bytes *receipt_of(struct qos_receipts *receipts, const struct qos_copy *copy)
{
    const struct api_service *service = receipts->service;
    struct buf members = BUF_INIT;
    struct buf told = BUF_INIT;
    struct bytes *json;

    append_members(receipts, copy, service->settings->core->show_secrets, &members);
    if (service->settings->notifications.has_token && copy->recipient.dimension == SSE_BY_TOKEN)
        append_members(receipts, copy, true, &told);
    json = presence_event_receipt(service, buf_str(&members), buf_str(&told));
    buf_release(&members);
    buf_release(&told);
    return json;
}

/* As the sender's URL is told it, which is not the service's own. One reference. */
static struct bytes *shown_of(const struct bytes *json)
{
    struct buf shown = BUF_INIT;

    presence_text_append_shown(&shown, json);
    return buf_freeze(&shown);
}

/* Nobody meant it to end so. */
static bool is_loss(enum qos_state state)
{
    return state == QOS_EXPIRED || state == QOS_DISPLACED || state == QOS_UNREADABLE;
}

/* It may have been stored under other settings, or by a version that took any. */
static void post(struct qos_receipts *receipts, const char *url, struct bytes *json)
{
    struct bytes *shown = shown_of(json);
    char fault[320];

    if (receipt_url_is_allowed(&receipts->service->settings->qos, url, fault, sizeof(fault)))
        qos_posts_add(receipts->posts, url, shown);
    else
        qos_posts_refuse(receipts->posts, fault);
    bytes_unref(shown);
}

static void tell_watchers(struct presence_log *log, const struct qos_copy *copy, struct bytes *json)
{
    const char *value = copy->recipient.value;
    char *tenant =
        copy->state == QOS_UNREADABLE ? NULL : sse_target_tenant(copy->recipient.dimension, value);

    presence_log_add(log, PRESENCE_RECEIPT, &(struct presence_subject){value, tenant ? tenant : ""},
                     json);
    free(tenant);
}

void qos_receipts_tell(struct qos_receipts *receipts, const struct qos_copy *copy)
{
    struct presence_log *log = &receipts->service->broker.presence_log;
    const char *asked = copy->message->receipt;
    const bool is_posted = *asked != '\0' && strcmp(asked, "true") != 0;
    const bool is_watched = log->is_recording && (*asked != '\0' || is_loss(copy->state));
    struct bytes *json;

    if (!is_posted && !is_watched)
        return;
    json = receipt_of(receipts, copy);
    if (is_posted)
        post(receipts, asked, json);
    if (is_watched)
        tell_watchers(log, copy, bytes_ref(json));
    bytes_unref(json);
}

void qos_receipts_hurry(struct qos_receipts *receipts)
{
    qos_posts_hurry(receipts->posts);
}

const struct qos_posts *qos_receipts_posts(const struct qos_receipts *receipts)
{
    return receipts->posts;
}
