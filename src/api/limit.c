/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "api/exchange.h"
#include "api/input.h"
#include "api/reply.h"
#include "broker/attach.h"
#include "sse/names.h"
#include "sse/target.h"
#include "sse/user.h"

static_assert(LIMIT_CONNECTIONS == BROKER_WHATS * BROKER_SLOTS, "a limit for each kind of slot");

/* As the settings call each, and what is said before and behind its value. */
static const struct {
    const char *word, *before, *unit, *advice;
} texts[LIMITS] = {
    [LIMIT_USER_CONNECTIONS] = {"userConnections", "this user has", "event streams",
                                "close one first"},
    [LIMIT_ADDRESS_CONNECTIONS] = {"addressConnections", "this client's address has",
                                   "event streams", "close one first"},
    [LIMIT_USER_UPLOADS] = {"userUploads", "this user has", "uploads under way",
                            "let one end first"},
    [LIMIT_ADDRESS_UPLOADS] = {"addressUploads", "this client's address has", "uploads under way",
                               "let one end first"},
    [LIMIT_CONNECTIONS] = {"connections", "this service has", "event streams", "come again later"},
    [LIMIT_USER_REQUESTS] = {"userRequests", "this user asks more than", "times a second",
                             "ask less often"},
    [LIMIT_ADDRESS_REQUESTS] = {"addressRequests", "this client's address asks more than",
                                "times a second", "ask less often"},
    [LIMIT_SENDS] = {"sends", "this service is sent more than", "messages a second",
                     "send less often"},
    [LIMIT_UPLOADS +
        UPLOAD_USER_BYTES] = {"userUploadBytes",
                              "with this one this user's uploads, under way and kept, would "
                              "have more than",
                              "bytes", "send less, or come again when some are gone"},
    [LIMIT_UPLOADS +
        UPLOAD_USER_FILES] = {"userUploadFiles",
                              "with this one this user's uploads, under way and kept, would "
                              "have more than",
                              "files", "come again when some are gone"},
    [LIMIT_UPLOADS + UPLOAD_USER_OPEN_FILES] = {"userOpenFiles",
                                                "this user's uploads under way have", "files",
                                                "let one end first"},
    [LIMIT_UPLOADS + UPLOAD_BYTES] = {"uploadBytes",
                                      "with this one the service's uploads would have more than",
                                      "bytes", "come again later"},
    [LIMIT_UPLOADS + UPLOAD_FILES] = {"uploadFiles",
                                      "with this one the service's uploads would have more than",
                                      "files", "come again later"},
};

const char *limit_word(enum limit limit)
{
    return texts[limit].word;
}

static uint64_t value_of(const struct api_service_settings *service, enum limit limit)
{
    const struct limits_settings *limits = &service->broker.limits;
    const struct upload_limits *uploads = &service->upload_limits;
    const uint64_t values[LIMITS] = {
        [LIMIT_USER_CONNECTIONS] = limits->slots[BROKER_STREAM][BROKER_SLOT_OF_USER],
        [LIMIT_ADDRESS_CONNECTIONS] = limits->slots[BROKER_STREAM][BROKER_SLOT_OF_ADDRESS],
        [LIMIT_USER_UPLOADS] = limits->slots[BROKER_UPLOAD][BROKER_SLOT_OF_USER],
        [LIMIT_ADDRESS_UPLOADS] = limits->slots[BROKER_UPLOAD][BROKER_SLOT_OF_ADDRESS],
        [LIMIT_CONNECTIONS] = limits->connections,
        [LIMIT_USER_REQUESTS] = limits->user_requests.per_second,
        [LIMIT_ADDRESS_REQUESTS] = limits->address_requests.per_second,
        [LIMIT_SENDS] = limits->sends.per_second,
        [LIMIT_UPLOADS + UPLOAD_USER_BYTES] = uploads->user_bytes,
        [LIMIT_UPLOADS + UPLOAD_USER_FILES] = uploads->user_files,
        [LIMIT_UPLOADS + UPLOAD_USER_OPEN_FILES] = uploads->user_open_files,
        [LIMIT_UPLOADS + UPLOAD_BYTES] = uploads->bytes,
        [LIMIT_UPLOADS + UPLOAD_FILES] = uploads->files,
    };

    return values[limit];
}

/* What the one who asks can do nothing about. */
static bool is_of_service(enum limit limit)
{
    return limit == LIMIT_CONNECTIONS || limit == LIMIT_UPLOADS + UPLOAD_BYTES ||
           limit == LIMIT_UPLOADS + UPLOAD_FILES;
}

void limit_refuse(struct api_exchange *exchange, enum limit limit)
{
    struct api_service *service = exchange->service;

    service->limited[limit]++;
    exchange->rule = texts[limit].word;
    api_reply_error(exchange, is_of_service(limit) ? 503 : 429,
                    "%s %" PRIu64 " %s, which is services[].limits.%s; %s", texts[limit].before,
                    value_of(service->settings, limit), texts[limit].unit, texts[limit].word,
                    texts[limit].advice);
}

const char *store_fault_text(int status)
{
    switch (status) {
    case -EDQUOT:
        return "the store is full (services[].qos.messages, services[].qos.bytes)";
    case -ENOSPC:
        return "the disk of the store is full";
    case -EBUSY:
        return "more waits for the disk than services[].qos.waitingBytes";
    case -ETIMEDOUT:
        return "its disk has not come to them within services[].qos.waitingTime";
    default:
        return "the store does not work";
    }
}

void store_refuse(struct api_exchange *exchange, int status)
{
    if (status == -ENOENT)
        api_reply_error(exchange, 404,
                        "there is no stored message with this id; or it has ended so long ago that "
                        "it is not known any more");
    else
        api_reply_error(exchange, 503, "%s; ask again later", store_fault_text(status));
}

void engine_refuse(struct api_exchange *exchange)
{
    api_reply_error(exchange, 503,
                    "what this service counts cannot be asked for now; come again later");
}

void order_refuse(struct api_exchange *exchange, const char *nothing)
{
    api_reply_error(exchange, 503,
                    "the order in which this service sends cannot be kept now; %s; ask again later",
                    nothing);
}

/* ---- slots ---- */

static void refuse(struct attach *attach, enum limit limit)
{
    limit_refuse(attach->exchange, limit);
    attach->done(attach, false);
}

static void on_attached(struct broker_attaching *base, bool is_granted)
{
    struct attach *attach = container_of(base, struct attach, base);
    struct api_exchange *exchange = attach->exchange;

    if (!is_granted && base->status < 0) {
        engine_refuse(exchange);
        attach->done(attach, false);
    } else if (!is_granted) {
        refuse(attach, (enum limit)(base->what * BROKER_SLOTS + base->refused));
    } else if (base->what == BROKER_UPLOAD || limits_enter(&exchange->service->broker.limits)) {
        attach->done(attach, true);
    } else {
        broker_attach_give(base);
        refuse(attach, LIMIT_CONNECTIONS);
    }
    api_exchange_unref(exchange);
}

static bool may_have(void *context, const char *channel)
{
    const struct api_exchange *exchange = context;

    return channel_rights_allow(&exchange->service->settings->broker.channels, exchange->user,
                                channel);
}

/* What is no channel, or not for it, is left out of the stream later, with a sentence. */
static void read_channels(struct name_list *channels, struct api_exchange *exchange)
{
    (void)name_list_add_form(channels, NAME_OF_CHANNEL, &exchange->query, "channel");
    (void)name_list_add_form(channels, NAME_OF_CHANNEL, &exchange->form, "channel");
    name_list_keep(channels, may_have, exchange);
}

static void begin(struct attach *attach, struct api_exchange *exchange, enum broker_what what,
                  const struct broker_slot_user *by)
{
    attach->exchange = api_exchange_ref(exchange);
    attach->base.what = what;
    attach->base.keys = slot_keys(&exchange->service->broker, what, by);
    attach->base.done = on_attached;
}

void attach_ask_stream(struct attach *attach, struct api_exchange *exchange, bool is_resumed)
{
    struct buf domain = BUF_INIT;
    struct name_list channels = {.count = 0};
    struct sse_subject subject = {.user = exchange->user};

    buf_printf(&domain, "%s://%s", exchange->request->scheme, exchange->request->authority);
    begin(attach, exchange, BROKER_STREAM,
          &(struct broker_slot_user){.tenant_id = exchange->user->tenant_id,
                                     .user_id = exchange->user->id,
                                     .address = exchange->facts->peer,
                                     .client_id = api_exchange_parameter(exchange, "clientId"),
                                     .domain = buf_str(&domain)});
    buf_release(&domain);
    attach->last_id = is_resumed ? api_exchange_last_id(exchange) : NULL;
    read_channels(&channels, exchange);
    subject.channels = channels.names;
    subject.channel_count = channels.count;
    broker_attach_ask(&attach->base, &exchange->service->broker, attach->last_id, &subject);
    name_list_release(&channels);
}

void attach_ask_upload(struct attach *attach, struct api_exchange *exchange, const char *tenant_id,
                       const char *user_id)
{
    begin(attach, exchange, BROKER_UPLOAD,
          &(struct broker_slot_user){
              .tenant_id = tenant_id, .user_id = user_id, .address = exchange->facts->peer});
    broker_attach_ask(&attach->base, &exchange->service->broker, NULL, NULL);
}

void attach_give(struct attach *attach)
{
    if (attach->base.is_held && attach->base.what == BROKER_STREAM)
        limits_leave(&attach->exchange->service->broker.limits);
    broker_attach_give(&attach->base);
}
