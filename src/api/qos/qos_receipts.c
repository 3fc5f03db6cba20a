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
#include "sse/service.h"

struct qos_receipts {
    struct api_service *service;
    struct qos_posts *posts;
    struct qos_text message; /* that was told of last */
};

struct qos_receipts *qos_receipts_new(struct api_service *service)
{
    const struct qos_posts_settings posts = {
        .loop = service->api->loop,
        .http = service->api->outbound,
        .secret = service->settings->webhook_secret,
        .most = service->settings->qos.receipts,
        .service = service->settings->core->name,
        .only_public = *service->settings->qos.receipt_hosts == '\0',
    };
    struct qos_receipts *receipts = mem_zalloc(sizeof(*receipts));

    receipts->service = service;
    receipts->posts = qos_posts_new(&posts);
    return receipts;
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

static struct bytes *receipt_of(struct qos_receipts *receipts, const struct qos_copy *copy)
{
    const struct api_service *service = receipts->service;
    struct buf members = BUF_INIT;
    struct bytes *json;

    buf_append_str(&members, "\"id\":");
    json_text_string(&members, copy->message->id);
    buf_append_str(&members, ",\"event\":");
    qos_text_member(&receipts->message, &members, copy->message, "event");
    buf_append_str(&members, ",\"recipient\":{");
    qos_text_recipient(&members, &copy->recipient, service->settings->core->show_secrets);
    buf_printf(&members, "},\"state\":\"%s\"", qos_state_words[copy->state]);
    qos_text_cause(&members, copy);
    qos_text_end(&members, copy);
    buf_printf(&members, ",\"written\":%" PRIu32, copy->written);
    json = presence_event_receipt(service, buf_str(&members));
    buf_release(&members);
    return json;
}

/* Nobody meant it to end so. */
static bool is_loss(enum qos_state state)
{
    return state == QOS_EXPIRED || state == QOS_DISPLACED || state == QOS_UNREADABLE;
}

/* It may have been stored under other settings, or by a version that took any. */
static void post(struct qos_receipts *receipts, const char *url, struct bytes *json)
{
    char fault[320];

    if (receipt_url_is_allowed(&receipts->service->settings->qos, url, fault, sizeof(fault)))
        qos_posts_add(receipts->posts, url, json);
    else
        qos_posts_refuse(receipts->posts, fault);
}

void qos_receipts_tell(struct qos_receipts *receipts, const struct qos_copy *copy)
{
    struct presence_feed *feed = &receipts->service->feed;
    const char *asked = copy->message->receipt;
    const bool is_posted = *asked != '\0' && strcmp(asked, "true") != 0;
    const bool is_watched = feed->is_recording && (*asked != '\0' || is_loss(copy->state));
    struct bytes *json;

    if (!is_posted && !is_watched)
        return;
    json = receipt_of(receipts, copy);
    if (is_posted)
        post(receipts, asked, json);
    if (is_watched)
        presence_feed_add(feed, PRESENCE_RECEIPT, copy->recipient.value, bytes_ref(json));
    bytes_unref(json);
}

const struct qos_posts *qos_receipts_posts(const struct qos_receipts *receipts)
{
    return receipts->posts;
}
