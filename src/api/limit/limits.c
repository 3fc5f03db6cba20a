/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/client_address.h"
#include "api/exchange.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/loop.h"
#include "sse/user.h"

const char *const limit_words[LIMITS] = {
    [LIMIT_USER_CONNECTIONS] = "userConnections",
    [LIMIT_ADDRESS_CONNECTIONS] = "addressConnections",
    [LIMIT_USER_UPLOADS] = "userUploads",
    [LIMIT_ADDRESS_UPLOADS] = "addressUploads",
    [LIMIT_CONNECTIONS] = "connections",
    [LIMIT_USER_REQUESTS] = "userRequests",
    [LIMIT_ADDRESS_REQUESTS] = "addressRequests",
    [LIMIT_SENDS] = "sends",
    [LIMIT_USER_UPLOAD_BYTES] = "userUploadBytes",
    [LIMIT_USER_UPLOAD_FILES] = "userUploadFiles",
    [LIMIT_USER_OPEN_FILES] = "userOpenFiles",
    [LIMIT_UPLOAD_BYTES] = "uploadBytes",
    [LIMIT_UPLOAD_FILES] = "uploadFiles",
};

void limits_init(struct limits *limits, struct api_service *service)
{
    const struct limits_settings *settings = &service->settings->limits;

    *limits = (struct limits){.service = service};
    memcpy(limits->most, settings->most, sizeof(limits->most));
    buckets_init(&limits->users, service->api->loop, &settings->user_requests,
                 settings->remembered);
    buckets_init(&limits->addresses, service->api->loop, &settings->address_requests,
                 settings->remembered);
}

void limits_change(struct limits *limits)
{
    const struct api_service *service = limits->service;
    const struct limits_settings *settings = &service->settings->limits;

    for (size_t i = 0; i < LIMIT_SLOTS; i++) {
        if (limits->most[i] == 0 && settings->most[i] > 0)
            limits->since[i] = loop_wall_ms(service->api->loop);
    }
    memcpy(limits->most, settings->most, sizeof(limits->most));
    buckets_change(&limits->users, &settings->user_requests, settings->remembered);
    buckets_change(&limits->addresses, &settings->address_requests, settings->remembered);
}

void limits_release(struct limits *limits)
{
    buckets_release(&limits->users);
    buckets_release(&limits->addresses);
}

char *limits_user_key(const char *tenant_id, const char *user_id)
{
    struct buf text = BUF_INIT;

    buf_printf(&text, "%zu:%s%s", strlen(tenant_id), tenant_id, user_id);
    return buf_detach(&text);
}

static uint64_t now_ms(const struct limits *limits)
{
    return loop_now_ms(limits->service->api->loop);
}

bool limits_take_user_request(struct limits *limits, const struct sse_user *user)
{
    char *key;
    bool is_taken;

    if (limits->users.rule.burst == 0)
        return true;
    key = limits_user_key(user->tenant_id, user->id);
    is_taken = buckets_take(&limits->users, key, now_ms(limits));
    free(key);
    return is_taken;
}

bool limits_take_address_request(struct limits *limits, const char *address)
{
    char customer[CLIENT_ADDRESS_SIZE];

    if (limits->addresses.rule.burst == 0)
        return true;
    client_address_customer(address, customer);
    return buckets_take(&limits->addresses, customer, now_ms(limits));
}

static uint64_t value_of(const struct limits_settings *settings, enum limit limit)
{
    switch (limit) {
    case LIMIT_CONNECTIONS:
        return settings->connections;
    case LIMIT_USER_REQUESTS:
        return settings->user_requests.per_second;
    case LIMIT_ADDRESS_REQUESTS:
        return settings->address_requests.per_second;
    case LIMIT_SENDS:
        return settings->sends.per_second;
    case LIMIT_USER_UPLOAD_BYTES:
        return settings->user_upload_bytes;
    case LIMIT_USER_UPLOAD_FILES:
        return settings->user_upload_files;
    case LIMIT_USER_OPEN_FILES:
        return settings->user_open_files;
    case LIMIT_UPLOAD_BYTES:
        return settings->upload_bytes;
    case LIMIT_UPLOAD_FILES:
        return settings->upload_files;
    default:
        return settings->most[limit];
    }
}

/* What the one who asks can do nothing about. */
static bool is_of_service(enum limit limit)
{
    return limit == LIMIT_CONNECTIONS || limit == LIMIT_UPLOAD_BYTES || limit == LIMIT_UPLOAD_FILES;
}

void limits_refuse(struct api_exchange *exchange, enum limit limit)
{
    /* What is said before and behind the setting's value. */
    static const struct {
        const char *before, *unit, *advice;
    } texts[LIMITS] = {
        [LIMIT_USER_CONNECTIONS] = {"this user has", "event streams", "close one first"},
        [LIMIT_ADDRESS_CONNECTIONS] = {"this client's address has", "event streams",
                                       "close one first"},
        [LIMIT_USER_UPLOADS] = {"this user has", "uploads under way", "let one end first"},
        [LIMIT_ADDRESS_UPLOADS] = {"this client's address has", "uploads under way",
                                   "let one end first"},
        [LIMIT_CONNECTIONS] = {"this service has", "event streams", "come again later"},
        [LIMIT_USER_REQUESTS] = {"this user asks more than", "times a second", "ask less often"},
        [LIMIT_ADDRESS_REQUESTS] = {"this client's address asks more than", "times a second",
                                    "ask less often"},
        [LIMIT_SENDS] = {"this service is sent more than", "messages a second", "send less often"},
        [LIMIT_USER_UPLOAD_BYTES] = {"with this one this user's uploads, under way and kept, would "
                                     "have more than",
                                     "bytes", "send less, or come again when some are gone"},
        [LIMIT_USER_UPLOAD_FILES] = {"with this one this user's uploads, under way and kept, would "
                                     "have more than",
                                     "files", "come again when some are gone"},
        [LIMIT_USER_OPEN_FILES] = {"this user's uploads under way have", "files",
                                   "let one end first"},
        [LIMIT_UPLOAD_BYTES] = {"with this one the service's uploads would have more than", "bytes",
                                "come again later"},
        [LIMIT_UPLOAD_FILES] = {"with this one the service's uploads would have more than", "files",
                                "come again later"},
    };
    struct api_service *service = exchange->service;

    service->limits.refused[limit]++;
    api_reply_error(exchange, is_of_service(limit) ? 503 : 429,
                    "%s %" PRIu64 " %s, which is services[].limits.%s; %s", texts[limit].before,
                    value_of(&service->settings->limits, limit), texts[limit].unit,
                    limit_words[limit], texts[limit].advice);
}

bool limits_refuse_sends(struct api_exchange *exchange, size_t count)
{
    const struct api_service_settings *settings = exchange->service->settings;

    if (pace_take(&settings->shared->sends, &settings->limits.sends, count,
                  loop_now_ms(exchange->api->loop)))
        return false;
    limits_refuse(exchange, LIMIT_SENDS);
    return true;
}
