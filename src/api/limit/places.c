/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/places.h"

#include <stdlib.h>
#include <string.h>

#include "api/client_address.h"
#include "api/exchange.h"
#include "api/facts.h"
#include "api/limit/limits.h"
#include "api/limit/owner_news.h"
#include "api/page/client_info.h"
#include "base/mem.h"
#include "sse/clients.h"
#include "sse/connection.h"
#include "sse/user.h"

static const enum limit limits_of[PLACES_KINDS][PLACES_OWNERS] = {
    [PLACES_OF_STREAM] = {LIMIT_USER_CONNECTIONS, LIMIT_ADDRESS_CONNECTIONS},
    [PLACES_OF_UPLOAD] = {LIMIT_USER_UPLOADS, LIMIT_ADDRESS_UPLOADS},
};

/* ---- whose places ---- */

struct holder {
    const char *tenant_id, *user_id, *address;
    const char *client_id, *domain; /* of a stream */
};

static bool is_limited(const struct api_service *service, enum places_kind kind,
                       enum places_owner owner)
{
    return service->settings->limits.most[limits_of[kind][owner]] > 0;
}

static void write_keys(struct places *places, const struct api_service *service,
                       const struct holder *holder)
{
    const struct sse_user user = {.id = holder->user_id, .tenant_id = holder->tenant_id};
    char customer[CLIENT_ADDRESS_SIZE];

    if (is_limited(service, places->kind, PLACES_USER)) {
        places->keys[PLACES_USER] = limits_user_key(holder->tenant_id, holder->user_id);
        if (places->kind == PLACES_OF_STREAM)
            places->client = sse_clients_key(holder->client_id, &user, holder->domain);
    }
    if (is_limited(service, places->kind, PLACES_ADDRESS)) {
        client_address_customer(holder->address, customer);
        places->keys[PLACES_ADDRESS] = mem_strdup(customer);
    }
}

static void forget_key(struct places *places, enum places_owner owner)
{
    free(places->keys[owner]);
    places->keys[owner] = NULL;
}

void places_release(struct places *places)
{
    for (enum places_owner owner = 0; owner < PLACES_OWNERS; owner++)
        forget_key(places, owner);
    free(places->client);
    places->client = NULL;
}

/* ---- giving back ---- */

struct leave {
    struct owner_news news;
    enum limit limit;
    char *key, *client;
};

static void take_leave(struct owner_news *news, struct api_service *service)
{
    const struct leave *leave = container_of(news, struct leave, news);

    tally_give(&service->limits.tallies[leave->limit], leave->key, leave->client);
}

static void release_leave(struct owner_news *news)
{
    struct leave *leave = container_of(news, struct leave, news);

    free(leave->key);
    free(leave->client);
    free(leave);
}

static void give_one(const struct places *places, const struct api_service *service,
                     enum places_owner owner)
{
    struct leave *leave;

    if (!places->keys[owner])
        return;
    leave = mem_zalloc(sizeof(*leave));
    leave->news.take = take_leave;
    leave->news.release = release_leave;
    leave->limit = limits_of[places->kind][owner];
    leave->key = mem_strdup(places->keys[owner]);
    leave->client = places->client ? mem_strdup(places->client) : NULL;
    owner_news_send(&leave->news, service, leave->key);
}

static void give_keys(const struct places *places, const struct api_service *service)
{
    for (enum places_owner owner = 0; owner < PLACES_OWNERS; owner++)
        give_one(places, service, owner);
}

static bool enter_service(const struct api_service *service)
{
    const uint32_t most = service->settings->limits.connections;
    atomic_uint_fast32_t *connections = &service->settings->shared->connections;

    if (most == 0)
        return true;
    if (atomic_fetch_add_explicit(connections, 1, memory_order_relaxed) < most)
        return true;
    atomic_fetch_sub_explicit(connections, 1, memory_order_relaxed);
    return false;
}

static void leave_service(const struct api_service *service)
{
    if (service->settings->limits.connections > 0)
        atomic_fetch_sub_explicit(&service->settings->shared->connections, 1, memory_order_relaxed);
}

void places_give(struct places *places, const struct api_service *service)
{
    if (!places->is_held)
        return;
    places->is_held = false;
    give_keys(places, service);
    if (places->kind == PLACES_OF_STREAM)
        leave_service(service);
}

void places_leave(const struct api_service *service, const struct sse_connection *connection)
{
    const struct sse_client_info info = sse_connection_info(connection);
    struct places places = {.kind = PLACES_OF_STREAM, .is_held = true};

    write_keys(&places, service,
               &(struct holder){.tenant_id = connection->user->tenant_id,
                                .user_id = connection->user->id,
                                .address = info.request_ip,
                                .client_id = info.client_id,
                                .domain = info.request_domain});
    places_give(&places, service);
    places_release(&places);
}

/* ---- asking ---- */

static void finish(struct places *places, bool granted)
{
    struct api_exchange *exchange = places->exchange;

    places->is_held = granted;
    places->done(places, granted);
    api_exchange_unref(exchange);
}

static void refuse(struct places *places, enum limit limit)
{
    /* Those that were not granted have nothing to get back. */
    for (enum places_owner owner = places->asked; owner < PLACES_OWNERS; owner++)
        forget_key(places, owner);
    give_keys(places, places->exchange->service);
    limits_refuse(places->exchange, limit);
    finish(places, false);
}

/* In the owner's thread. */
static void take(struct places *places, struct api_service *service)
{
    struct tally *tally = &service->limits.tallies[limits_of[places->kind][places->asked]];

    places->is_taken = tally_take(tally, places->keys[places->asked], places->client);
}

static void run(struct peers_call *call, size_t worker, void *context)
{
    struct places *places = container_of(call, struct places, call);
    struct api *api = context;

    (void)worker;
    take(places, &api->services[places->exchange->service->index]);
    peers_call_done(call);
}

static void go_on(struct places *places);

static void on_answer(struct peers_call *call, void *context)
{
    struct places *places = container_of(call, struct places, call);

    (void)context;
    if (!places->is_taken) {
        refuse(places, limits_of[places->kind][places->asked]);
        return;
    }
    places->asked++;
    go_on(places);
}

/* True when the answer is there at once. */
static bool ask(struct places *places)
{
    struct api_service *service = places->exchange->service;
    const struct api *api = service->api;
    const char *key = places->keys[places->asked];
    size_t owner;

    places->is_taken = true;
    if (!key)
        return true;
    owner = peers_owner(api->peers, key);
    if (owner == api->worker) {
        take(places, service);
        return true;
    }
    places->call = (struct peers_call){.run = run, .finish = on_answer};
    peers_call_one(api->peers, api->worker, owner, &places->call);
    return false;
}

static void go_on(struct places *places)
{
    for (; places->asked < PLACES_OWNERS; places->asked++) {
        if (!ask(places))
            return;
        if (!places->is_taken) {
            refuse(places, limits_of[places->kind][places->asked]);
            return;
        }
    }
    if (places->kind == PLACES_OF_STREAM && !enter_service(places->exchange->service))
        refuse(places, LIMIT_CONNECTIONS);
    else
        finish(places, true);
}

void places_ask(struct places *places, enum places_kind kind, struct api_exchange *exchange,
                const char *tenant_id, const char *user_id)
{
    struct buf domain = BUF_INIT;

    client_info_domain(exchange, &domain);
    places->kind = kind;
    places->asked = 0;
    places->exchange = api_exchange_ref(exchange);
    write_keys(places, exchange->service,
               &(struct holder){.tenant_id = tenant_id,
                                .user_id = user_id,
                                .address = api_facts_view(exchange->facts)->peer,
                                .client_id = api_exchange_parameter(exchange, "clientId"),
                                .domain = buf_str(&domain)});
    buf_release(&domain);
    go_on(places);
}
