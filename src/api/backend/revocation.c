/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/revocation.h"

#include <stdlib.h>
#include <string.h>

#include "api/backend/delivery.h"
#include "api/exchange.h"
#include "api/qos/qos_revocations.h"
#include "auth/auth.h"
#include "base/mem.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* A credential that a connection was opened with. */
struct shown {
    struct shown *next;
    bool is_token; /* else the key of a user who showed none */
    char text[];
};

/* Goes to every worker before the delivery: asks what its connections among those named were opened
 * with, or has it revoke what is named itself. Behind the delivery, what the origin has revoked is
 * kept: nobody stays because a disk is slow. */
struct inquiry {
    struct peers_call call;
    struct delivery *delivery;
    struct qos_keeping keeping;
    revocation_done done;
    struct delivery_item item; /* its results */
    size_t workers;
    struct shown *found[]; /* by each worker */
};

static void revoke(struct inquiry *inquiry, const struct api_service *service, bool is_token,
                   const char *text)
{
    const bool is_origin = service->api->worker == inquiry->call.origin;
    const struct auth_revocation revocation = {
        .user_key = is_token ? NULL : text,
        .access_token = is_token ? text : NULL,
        .note = is_origin ? qos_keeping_note : NULL,
        .context = is_origin ? &inquiry->keeping : NULL,
    };

    auth_revoke(service->auth, &revocation);
}

static void revoke_named(struct peers_call *call, size_t worker, void *context)
{
    struct inquiry *inquiry = container_of(call, struct inquiry, call);
    const struct delivery *delivery = inquiry->delivery;
    const struct api *api = context;
    const struct api_service *service = &api->services[delivery->exchange->service->index];
    const struct sse_target *target = &delivery->items[0].target;

    (void)worker;
    for (size_t i = 0; i < target->count; i++)
        revoke(inquiry, service, target->dimension == SSE_BY_TOKEN, target->values[i]);
    peers_call_done(call);
}

static void revoke_found(struct delivery *delivery, const struct api_service *service)
{
    struct inquiry *inquiry = delivery->context;

    for (size_t worker = 0; worker < inquiry->workers; worker++) {
        for (const struct shown *shown = inquiry->found[worker]; shown; shown = shown->next)
            revoke(inquiry, service, shown->is_token, shown->text);
    }
}

static void note(struct shown **found, const struct sse_user *user)
{
    const bool is_token = user->access_token[0] != '\0';
    const char *text = is_token ? user->access_token : user->key;
    const size_t size = strlen(text) + 1;
    struct shown *shown = mem_alloc(sizeof(*shown) + size);

    shown->next = *found;
    shown->is_token = is_token;
    memcpy(shown->text, text, size);
    *found = shown;
}

static void look(struct peers_call *call, size_t worker, void *context)
{
    struct inquiry *inquiry = container_of(call, struct inquiry, call);
    const struct api *api = context;
    const struct delivery *delivery = inquiry->delivery;
    const struct sse_target *target = &delivery->items[0].target;
    const struct api_service *service = &api->services[delivery->exchange->service->index];

    for (size_t i = 0; i < target->count; i++) {
        const struct sse_connection *connection =
            sse_registry_find(service->core->registry, target->values[i]);

        if (connection)
            note(&inquiry->found[worker], connection->user);
    }
    peers_call_done(call);
}

static void inquiry_free(struct inquiry *inquiry)
{
    for (size_t worker = 0; worker < inquiry->workers; worker++) {
        while (inquiry->found[worker]) {
            struct shown *shown = inquiry->found[worker];

            inquiry->found[worker] = shown->next;
            free(shown);
        }
    }
    buf_release(&inquiry->item.shown);
    qos_keeping_release(&inquiry->keeping);
    free(inquiry);
}

static void on_kept(struct qos_keeping *keeping, int status)
{
    struct inquiry *inquiry = container_of(keeping, struct inquiry, keeping);

    inquiry->done(keeping->exchange, &inquiry->item, status);
    inquiry_free(inquiry);
}

static void on_delivered(struct delivery *delivery)
{
    struct inquiry *inquiry = delivery->context;

    inquiry->item = (struct delivery_item){.count = delivery->items[0].count,
                                           .wants_shown = delivery->items[0].wants_shown,
                                           .shown = delivery->items[0].shown};
    delivery->items[0].shown = (struct buf)BUF_INIT;
    inquiry->keeping.done = on_kept;
    qos_keeping_start(&inquiry->keeping, delivery->exchange);
}

static void finish(struct peers_call *call, void *context)
{
    struct inquiry *inquiry = container_of(call, struct inquiry, call);

    (void)context;
    delivery_start(inquiry->delivery);
}

void revocation_start(struct delivery *delivery, revocation_done done)
{
    const bool is_by_connection = delivery->items[0].target.dimension == SSE_BY_CONNECTION;
    const struct api *api = delivery->exchange->api;
    const size_t workers = peers_count(api->peers);
    struct inquiry *inquiry = mem_zalloc(sizeof(*inquiry) + workers * sizeof(struct shown *));

    inquiry->delivery = delivery;
    inquiry->workers = workers;
    inquiry->done = done;
    inquiry->call.run = is_by_connection ? look : revoke_named;
    inquiry->call.finish = finish;
    if (is_by_connection)
        delivery->prepare = revoke_found;
    delivery->context = inquiry;
    delivery->done = on_delivered;
    peers_call_start(api->peers, api->worker, &inquiry->call);
}
