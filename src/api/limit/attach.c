/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/attach.h"

#include <stdlib.h>

#include "api/client_address.h"
#include "api/exchange.h"
#include "api/facts.h"
#include "api/limit/limits.h"
#include "api/page/client_info.h"
#include "api/page/name_list.h"
#include "base/mem.h"
#include "sse/clients.h"
#include "sse/connection.h"
#include "sse/subject.h"
#include "sse/user.h"

static const enum limit limits_of[BROKER_WHATS][BROKER_SLOTS] = {
    [BROKER_STREAM] = {LIMIT_USER_CONNECTIONS, LIMIT_ADDRESS_CONNECTIONS},
    [BROKER_UPLOAD] = {LIMIT_USER_UPLOADS, LIMIT_ADDRESS_UPLOADS},
};

struct broker_settings attach_settings(const struct api_service *service)
{
    struct broker_settings settings = {
        .client_connections = service->settings->core->client_connections,
        .idempotency = {service->settings->idempotency_keys,
                        service->settings->idempotency_user_keys,
                        service->settings->idempotency_bytes,
                        service->settings->idempotency_user_bytes},
        .channels = service->settings->channels,
        .server_id = service->api->server_id,
    };

    for (size_t what = 0; what < BROKER_WHATS; what++) {
        for (size_t slot = 0; slot < BROKER_SLOTS; slot++)
            settings.slots[what][slot] = service->settings->limits.most[limits_of[what][slot]];
    }
    return settings;
}

/* ---- whose slots ---- */

struct holder {
    const char *tenant_id, *user_id, *address;
    const char *client_id, *domain; /* of a stream */
};

static bool is_limited(const struct api_service *service, enum broker_what what,
                       enum broker_slot slot)
{
    return service->settings->limits.most[limits_of[what][slot]] > 0;
}

/* The text that stands for who opened a stream; NULL: its connections are not limited, for it named
 * no clientId. */
static char *client_key(const struct api_service *service, const struct holder *holder)
{
    const struct sse_user user = {.id = holder->user_id, .tenant_id = holder->tenant_id};
    const bool is_named = holder->client_id && holder->client_id[0] != '\0';

    if (service->settings->core->client_connections == 0 ||
        (!is_named && !service->settings->core->counts_clientless))
        return NULL;
    return sse_clients_key(is_named ? holder->client_id : "", &user, holder->domain);
}

static struct broker_keys keys_of(const struct api_service *service, enum broker_what what,
                                  const struct holder *holder)
{
    char customer[CLIENT_ADDRESS_SIZE];
    struct broker_keys keys = {.client = NULL};

    if (what == BROKER_STREAM)
        keys.client = client_key(service, holder);
    if (is_limited(service, what, BROKER_SLOT_OF_USER))
        keys.slots[BROKER_SLOT_OF_USER] = limits_user_key(holder->tenant_id, holder->user_id);
    if (is_limited(service, what, BROKER_SLOT_OF_ADDRESS)) {
        client_address_customer(holder->address, customer);
        keys.slots[BROKER_SLOT_OF_ADDRESS] = mem_strdup(customer);
    }
    return keys;
}

/* ---- the slots of the whole service ---- */

static bool enter_service(const struct api_service *service)
{
    const uint32_t most = service->settings->limits.connections;
    atomic_uint_fast32_t *connections = &service->settings->shared->connections;

    /* Counted without a limit too: there may be one when it leaves. */
    if (atomic_fetch_add_explicit(connections, 1, memory_order_relaxed) < most || most == 0)
        return true;
    atomic_fetch_sub_explicit(connections, 1, memory_order_relaxed);
    return false;
}

static void leave_service(const struct api_service *service)
{
    atomic_fetch_sub_explicit(&service->settings->shared->connections, 1, memory_order_relaxed);
}

/* ---- asking ---- */

static void refuse(struct attach *attach, enum limit limit)
{
    limits_refuse(attach->exchange, limit);
    attach->done(attach, false);
}

static void on_attached(struct broker_attaching *base, bool is_granted)
{
    struct attach *attach = container_of(base, struct attach, base);
    struct api_exchange *exchange = attach->exchange;

    if (!is_granted) {
        refuse(attach, limits_of[base->what][base->refused]);
    } else if (base->what == BROKER_UPLOAD || enter_service(exchange->service)) {
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

    return channel_rights_allow(&exchange->service->settings->channels, exchange->user, channel);
}

/* What is no channel, or not for it, is left out of the stream later, with a sentence. */
static void read_channels(struct name_list *channels, struct api_exchange *exchange)
{
    (void)name_list_add_form(channels, NAME_OF_CHANNEL, &exchange->query, "channel");
    (void)name_list_add_form(channels, NAME_OF_CHANNEL, &exchange->form, "channel");
    name_list_keep(channels, may_have, exchange);
}

/* A new EventSource cannot be given the header: sse.js says it in the query. */
static const char *last_id_of(const struct api_exchange *exchange)
{
    const char *id = h2_request_header(exchange->request, "last-event-id");

    if (!id || *id == '\0')
        id = api_exchange_parameter(exchange, "lastEventId");
    return id && *id != '\0' ? id : NULL;
}

static void begin(struct attach *attach, struct api_exchange *exchange, enum broker_what what,
                  const struct holder *holder)
{
    attach->exchange = api_exchange_ref(exchange);
    attach->base.what = what;
    attach->base.keys = keys_of(exchange->service, what, holder);
    attach->base.done = on_attached;
}

void attach_ask_stream(struct attach *attach, struct api_exchange *exchange, bool is_resumed)
{
    struct buf domain = BUF_INIT;
    struct name_list channels = {.count = 0};
    struct sse_subject subject = {.user = exchange->user};

    client_info_domain(exchange, &domain);
    begin(attach, exchange, BROKER_STREAM,
          &(struct holder){.tenant_id = exchange->user->tenant_id,
                           .user_id = exchange->user->id,
                           .address = api_facts_view(exchange->facts)->peer,
                           .client_id = api_exchange_parameter(exchange, "clientId"),
                           .domain = buf_str(&domain)});
    buf_release(&domain);
    attach->last_id = is_resumed ? last_id_of(exchange) : NULL;
    if (attach->last_id)
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
          &(struct holder){.tenant_id = tenant_id,
                           .user_id = user_id,
                           .address = api_facts_view(exchange->facts)->peer});
    broker_attach_ask(&attach->base, &exchange->service->broker, NULL, NULL);
}

void attach_give(struct attach *attach)
{
    if (attach->base.is_held && attach->base.what == BROKER_STREAM)
        leave_service(attach->exchange->service);
    broker_attach_give(&attach->base);
}

void attach_release(struct attach *attach)
{
    broker_attaching_release(&attach->base);
}

/* ---- connections that open and end ---- */

/* The origin in a client's key is the one that the request was sent to: EventSource names no
 * other. */
static struct broker_keys keys_of_connection(const struct api_service *service,
                                             const struct sse_connection *connection)
{
    const struct sse_client_info info = sse_connection_info(connection);

    return keys_of(service, BROKER_STREAM,
                   &(struct holder){.tenant_id = connection->user->tenant_id,
                                    .user_id = connection->user->id,
                                    .address = info.request_ip,
                                    .client_id = info.client_id,
                                    .domain = info.request_domain});
}

/* What was opened before it was counted holds no slot. */
static void forget_uncounted(struct broker_keys *keys, const struct limits *limits,
                             int64_t create_time)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++) {
        if (create_time >= limits->since[limits_of[BROKER_STREAM][slot]])
            continue;
        free(keys->slots[slot]);
        keys->slots[slot] = NULL;
    }
}

struct broker_message *attach_opened_new(struct api_service *service,
                                         const struct sse_connection *connection)
{
    struct broker_keys keys = keys_of_connection(service, connection);
    struct broker_message *opened = broker_opened_new(&service->broker, &keys, connection);

    broker_keys_release(&keys);
    return opened;
}

struct broker_message *attach_ended_new(struct api_service *service,
                                        const struct sse_connection *connection)
{
    struct broker_keys keys = keys_of_connection(service, connection);
    struct broker_message *ended;

    forget_uncounted(&keys, &service->limits, connection->create_time);
    ended = broker_ended_new(&service->broker, &keys, connection);
    broker_keys_release(&keys);
    leave_service(service);
    return ended;
}
