/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/revocation.h"

#include <stdlib.h>

#include "api/backend/delivery.h"
#include "api/backend/individuals.h"
#include "api/exchange.h"
#include "api/qos/qos_revocations.h"
#include "auth/auth.h"
#include "base/mem.h"
#include "broker/credentials.h"

/* First what is revoked is known: it is named itself, or the shards of those connections say what
 * they were opened with. Then all workers revoke it, then the connections are closed. Behind that,
 * what the origin has revoked is kept: nobody stays because a disk is slow. */
struct revocation {
    struct broker_request request;
    struct delivery *delivery;
    size_t shard; /* that is asked next */
    size_t count, capacity;
    struct broker_credential *credentials; /* with texts of their own */
    struct qos_keeping keeping;
    revocation_done done;
    size_t closed;
    char *shown;
};

static const struct sse_target *target_of(const struct revocation *revocation)
{
    return &revocation->delivery->batch->items[0].target;
}

static void add(struct revocation *revocation, bool is_token, const char *text)
{
    if (revocation->count == revocation->capacity) {
        revocation->capacity = 2 * revocation->capacity + 4;
        revocation->credentials = mem_realloc(
            revocation->credentials, revocation->capacity * sizeof(revocation->credentials[0]));
    }
    revocation->credentials[revocation->count++] =
        (struct broker_credential){is_token, mem_strdup(text)};
}

static void credentials_free(struct revocation *revocation)
{
    for (size_t i = 0; i < revocation->count; i++)
        free((char *)revocation->credentials[i].text);
    free(revocation->credentials);
}

/* ---- the end: it is kept ---- */

static void on_kept(struct qos_keeping *keeping, int status)
{
    struct revocation *revocation = container_of(keeping, struct revocation, keeping);

    revocation->done(keeping->exchange, revocation->closed, revocation->shown, status);
    free(revocation->shown);
    qos_keeping_release(&revocation->keeping);
    free(revocation);
}

static void on_closed(struct delivery *delivery, const struct broker_results *published)
{
    struct revocation *revocation = delivery->context;

    revocation->closed = published->items[0].count;
    revocation->shown = mem_strdup(individuals_shown(delivery, published));
    revocation->keeping.done = on_kept;
    qos_keeping_start(&revocation->keeping, delivery->exchange);
}

/* ---- all revoke it ---- */

static void revoke(struct auth *auth, const struct broker_credential *credential,
                   struct qos_keeping *keeping)
{
    const struct auth_revocation revocation = {
        .user_key = credential->is_token ? NULL : credential->text,
        .access_token = credential->is_token ? credential->text : NULL,
        .note = keeping ? qos_keeping_note : NULL,
        .context = keeping,
    };

    auth_revoke(auth, &revocation);
}

/* The origin has done it by itself. */
void revocation_receive(const struct api_service *service, const struct broker_message *message)
{
    const struct broker_credentials *credentials = &message->credentials;
    const struct broker_asker asker = broker_asker(message);

    for (size_t i = 0; message->from != service->api->worker && i < credentials->count; i++)
        revoke(service->auth, &credentials->items[i], NULL);
    broker_answer(service->broker.broker, &asker, broker_message_new(BROKER_REVOKED, 0, 0));
}

static void close_connections(struct revocation *revocation)
{
    credentials_free(revocation);
    delivery_start(revocation->delivery);
}

static void on_revoked(struct broker_request *request, const struct broker_message *answer)
{
    (void)answer;
    if (request->open == 0)
        close_connections(container_of(request, struct revocation, request));
}

static struct broker_message *make_revoke(void *context, size_t worker)
{
    const struct revocation *revocation = context;

    (void)worker;
    return broker_message_of_credentials(BROKER_REVOKE, revocation->delivery->service->index,
                                         revocation->credentials, revocation->count);
}

static void revoke_all(struct revocation *revocation)
{
    const struct api_service *service = revocation->delivery->service;

    for (size_t i = 0; i < revocation->count; i++)
        revoke(service->auth, &revocation->credentials[i], &revocation->keeping);
    if (revocation->count == 0) {
        close_connections(revocation);
        return;
    }
    revocation->request.on_answer = on_revoked;
    broker_ask_all(service->broker.broker, make_revoke, revocation, &revocation->request);
}

/* ---- what connections were opened with ---- */

static void find_next(struct revocation *revocation);

static void on_found(struct broker_request *request, const struct broker_message *answer)
{
    struct revocation *revocation = container_of(request, struct revocation, request);

    for (size_t i = 0; i < answer->credentials.count; i++)
        add(revocation, answer->credentials.items[i].is_token, answer->credentials.items[i].text);
    find_next(revocation);
}

/* Of the named connections those that live on this shard. NULL: there is none. */
static struct broker_message *make_question(const struct revocation *revocation, size_t shard)
{
    const struct broker_service *service = &revocation->delivery->service->broker;
    const struct sse_target *target = target_of(revocation);
    const char **handles = mem_alloc(target->count * sizeof(handles[0]));
    struct broker_message *message = NULL;
    size_t count = 0;

    for (size_t i = 0; i < target->count; i++) {
        if (broker_shard_of(service->broker, target->values[i]) == shard)
            handles[count++] = target->values[i];
    }
    if (count > 0) {
        message = broker_message_new(BROKER_FIND_CREDENTIALS, service->index,
                                     broker_list_size(handles, count));
        message->handles =
            (struct broker_names){broker_message_list(message, handles, count), count};
    }
    free(handles);
    return message;
}

/* One shard after the other: they are few. */
static void find_next(struct revocation *revocation)
{
    struct broker *broker = revocation->delivery->service->broker.broker;
    struct broker_message *message = NULL;

    while (!message && revocation->shard < broker_workers(broker))
        message = make_question(revocation, revocation->shard++);
    if (message) {
        revocation->request.on_answer = on_found;
        broker_ask(broker, revocation->shard - 1, message, &revocation->request);
    } else {
        revoke_all(revocation);
    }
}

void revocation_start(struct delivery *delivery, revocation_done done)
{
    struct revocation *revocation = mem_zalloc(sizeof(*revocation));
    const struct sse_target *target = &delivery->batch->items[0].target;

    revocation->delivery = delivery;
    revocation->done = done;
    delivery->context = revocation;
    delivery->done = on_closed;
    if (target->dimension == SSE_BY_CONNECTION) {
        find_next(revocation);
        return;
    }
    for (size_t i = 0; i < target->count; i++)
        add(revocation, target->dimension == SSE_BY_TOKEN, target->values[i]);
    revoke_all(revocation);
}
