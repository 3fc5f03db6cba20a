/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/http_url.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/networks.h"
#include "base/traceparent.h"
#include "broker/presence_event.h"
#include "broker/service.h"
#include "broker/stored/state.h"
#include "broker/stored/stored.h"
#include "outbound/posts.h"
#include "sse/message.h"
#include "sse/service.h"
#include "sse/target.h"

/* Senders name the addresses: one that does not answer takes no more places than these, of those
 * that the requests to other back ends need, too. */
#define IN_FLIGHT     8u
#define TRIES         3u
#define TIME_LIMIT_MS 10000u

static struct posts_settings posts_of(const struct stored_messages *stored)
{
    return (struct posts_settings){
        .webhook = {.secret = stored->settings->receipt_secret,
                    .time_limit_ms = TIME_LIMIT_MS,
                    .only_public = *stored->settings->receipt_hosts == '\0'},
        .queue = {.most = stored->settings->receipts,
                  .most_bytes = SIZE_MAX,
                  .in_flight = IN_FLIGHT,
                  .tries = TRIES},
        .purpose = OUTBOUND_RECEIPT,
        .service = stored->name,
    };
}

void receipts_open(struct stored_messages *stored, struct outbound_http *outbound)
{
    const struct posts_settings posts = posts_of(stored);

    stored->receipts = posts_new(stored->service->core->loop, outbound, &posts);
}

void receipts_change(struct stored_messages *stored)
{
    const struct posts_settings posts = posts_of(stored);

    posts_change(stored->receipts, &posts);
}

void receipts_close(struct stored_messages *stored)
{
    const size_t left = post_queue_count(posts_queue(stored->receipts));

    if (left > 0)
        log_warn("receipts are lost: the server stops", LOG_STR("service", stored->name),
                 LOG_INT("count", left));
    posts_free(stored->receipts);
    stored_text_release(&stored->told);
}

/* ---- where they may go ---- */

/* RFC 6761, section 6.3. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    const size_t length = strlen(host);

    return length >= sizeof(name) - 1 && strcmp(host + length - (sizeof(name) - 1), name) == 0 &&
           (length == sizeof(name) - 1 || host[length - sizeof(name)] == '.');
}

/* Without a list: what cannot be public, whatever it leads to. */
static bool is_known_not_public(const struct http_url *url)
{
    return url->is_address ? !public_address_is_text(url->host) : is_localhost(url->host);
}

bool receipt_url_is_allowed(const struct stored_settings *settings, const char *url, char *fault,
                            size_t fault_size)
{
    struct http_url read;
    const char *reason = http_url_read(&read, url);

    if (reason) {
        snprintf(fault, fault_size, "\"receipt\" is no URL that is posted to: it %s", reason);
        return false;
    }
    if (*settings->receipt_hosts != '\0') {
        if (http_url_is_listed(&read, settings->receipt_hosts))
            return true;
        snprintf(fault, fault_size,
                 "the host of \"receipt\" is not one of services[].qos.receiptHosts; name one of "
                 "these, or add it there");
        return false;
    }
    if (settings->has_proxy) {
        snprintf(fault, fault_size,
                 "\"receipt\" may be a URL only of hosts in services[].qos.receiptHosts, which is "
                 "empty: requests go by outbound.proxy, which alone sees their addresses");
        return false;
    }
    if (!is_known_not_public(&read))
        return true;
    snprintf(
        fault, fault_size,
        "the host of \"receipt\" is not public, and not one of services[].qos.receiptHosts; add "
        "it there if it is to get receipts");
    return false;
}

/* ---- what they say ---- */

static void append(struct stored_messages *stored, struct buf *text, const struct qos_copy *copy,
                   bool is_token_whole)
{
    buf_printf(text, "{\"type\":\"%s\",\"service\":\"%s\",\"time\":%" PRId64 ",\"id\":",
               presence_kind_words[PRESENCE_RECEIPT], stored->name,
               loop_wall_ms(stored->service->core->loop));
    json_text_string(text, copy->message->id);
    buf_append_str(text, ",\"event\":");
    stored_text_member(&stored->told, text, copy->message, "event");
    buf_append_str(text, ",\"recipient\":{");
    stored_text_recipient(text, &copy->recipient, is_token_whole);
    buf_printf(text, "},\"state\":\"%s\"", qos_state_words[copy->state]);
    stored_text_cause(text, copy);
    stored_text_end(text, copy);
    buf_printf(text, ",\"written\":%" PRIu32 "}", copy->written);
}

static struct bytes *receipt_of(struct stored_messages *stored, const struct qos_copy *copy,
                                const char *traceparent)
{
    const bool is_told_apart =
        stored->settings->tells_tokens && copy->recipient.dimension == SSE_BY_TOKEN;
    struct buf text = BUF_INIT;
    struct buf told = BUF_INIT;

    append(stored, &text, copy, stored->service->core->settings->show_secrets);
    if (is_told_apart)
        append(stored, &told, copy, true);
    return presence_text_new(&text, &told, is_told_apart ? PRESENCE_TOLD_TOKEN : PRESENCE_TOLD,
                             traceparent);
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
static void post(struct stored_messages *stored, const struct post_target *target,
                 const struct bytes *json)
{
    struct bytes *shown = shown_of(json);
    char id[SSE_MESSAGE_ID_SIZE];
    char fault[320];

    sse_message_make_id(id, SSE_OWN_ID_MESSAGE);
    if (receipt_url_is_allowed(stored->settings, target->url, fault, sizeof(fault)))
        posts_add_to(stored->receipts, target, id, shown);
    else
        posts_refuse(stored->receipts, fault);
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

static void tell(struct stored_messages *stored, const struct qos_copy *copy, bool is_watched)
{
    const char *asked = copy->message->receipt;
    const char *blank = strchrnul(asked, ' ');
    char *url = mem_strndup(asked, (size_t)(blank - asked));
    const struct post_target target = {
        .url = url,
        .traceparent = *blank == ' ' && traceparent_is_valid(blank + 1) ? blank + 1 : "",
    };
    struct bytes *json = receipt_of(stored, copy, target.traceparent);

    if (*url != '\0' && strcmp(url, "true") != 0)
        post(stored, &target, json);
    if (is_watched)
        tell_watchers(&stored->service->presence_log, copy, bytes_ref(json));
    bytes_unref(json);
    free(url);
}

void receipts_tell(struct stored_messages *stored, const struct qos_copy *copy)
{
    const bool is_asked = *copy->message->receipt != '\0';
    const bool is_watched =
        stored->service->presence_log.is_recording && (is_asked || is_loss(copy->state));

    if (is_asked || is_watched)
        tell(stored, copy, is_watched);
}
