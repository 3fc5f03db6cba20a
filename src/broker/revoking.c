/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/revoking.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/batch.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/target.h"
#include "sse/user.h"

/* First what is revoked is known: it is named itself, or the shards of those connections say what
 * they were opened with. Then all workers revoke it. */

static void add(struct revoking *revoking, bool is_token, const char *text)
{
    if (revoking->count == revoking->capacity) {
        revoking->capacity = 2 * revoking->capacity + 4;
        revoking->credentials = mem_realloc(revoking->credentials,
                                            revoking->capacity * sizeof(revoking->credentials[0]));
    }
    revoking->credentials[revoking->count++] = (struct sse_credential){is_token, mem_strdup(text)};
}

static void on_kept(struct broker_request *request, const struct broker_message *answer)
{
    struct revoking *revoking = container_of(request, struct revoking, request);

    qos_revocations_release(&revoking->kept);
    revoking->stored(revoking, answer->done.status);
}

void revoking_keep(struct revoking *revoking)
{
    struct broker_message *message;

    if (revoking->kept.count == 0) {
        qos_revocations_release(&revoking->kept);
        revoking->stored(revoking, 0);
        return;
    }
    message = broker_message_new(BROKER_KEEP, revoking->service->index, 0);
    message->revocations.list = broker_revocations_pack(&revoking->kept);
    revoking->request.on_answer = on_kept;
    broker_ask_owner(revoking->service, message, &revoking->request);
}

/* ---- all revoke it ---- */

static void on_revoked(struct broker_publishing *publishing, const struct broker_results *published)
{
    struct revoking *revoking = container_of(publishing, struct revoking, publishing);

    if (published->status < 0)
        qos_revocations_release(&revoking->kept);
    revoking->done(revoking, published->status);
}

/* Hands the credentials over. */
static struct broker_batch *batch_of(struct revoking *revoking)
{
    struct sse_command *command = sse_command_new(SSE_RECORD_REVOCATION);
    struct broker_batch *batch = broker_batch_new(1);

    command->revoked = revoking->credentials;
    command->revoked_count = revoking->count;
    batch->items[0].command = command;
    revoking->credentials = NULL;
    return batch;
}

/* In the service's order, as what it sends is. */
static void revoke_all(struct revoking *revoking)
{
    struct broker_service *service = revoking->service;
    struct broker_batch *batch;

    for (size_t i = 0; i < revoking->count; i++)
        service->revoker.revoke(service->revoker.context, &revoking->credentials[i],
                                &revoking->kept);
    if (revoking->count == 0) {
        revoking->done(revoking, 0);
        return;
    }
    batch = batch_of(revoking);
    revoking->publishing.done = on_revoked;
    broker_publish(service, &revoking->publishing, batch, 0, false);
    broker_batch_unref(batch);
}

/* ---- what connections were opened with ---- */

static void find_next(struct revoking *revoking);

static void on_found(struct broker_request *request, const struct broker_message *answer)
{
    struct revoking *revoking = container_of(request, struct revoking, request);

    for (size_t i = 0; i < answer->credentials.count; i++)
        add(revoking, answer->credentials.items[i].is_token, answer->credentials.items[i].text);
    find_next(revoking);
}

/* Of the named connections those that live on this shard. NULL: there is none. */
static struct broker_message *make_question(const struct revoking *revoking, size_t shard)
{
    const struct broker_service *service = revoking->service;
    const struct sse_target *target = revoking->target;
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
static void find_next(struct revoking *revoking)
{
    struct broker *broker = revoking->service->broker;
    struct broker_message *message = NULL;

    while (!message && revoking->shard < broker_workers(broker))
        message = make_question(revoking, revoking->shard++);
    if (message) {
        revoking->request.on_answer = on_found;
        broker_ask(broker, revoking->shard - 1, message, &revoking->request);
    } else {
        revoke_all(revoking);
    }
}

void revoking_start(struct revoking *revoking, struct broker_service *service,
                    const struct sse_target *target)
{
    revoking->service = service;
    revoking->target = target;
    if (target->dimension == SSE_BY_CONNECTION) {
        find_next(revoking);
        return;
    }
    for (size_t i = 0; i < target->count; i++)
        add(revoking, target->dimension == SSE_BY_TOKEN, target->values[i]);
    revoke_all(revoking);
}

/* ---- a shard's part ---- */

static struct sse_credential credential_of(const struct sse_user *user)
{
    const bool is_token = user->access_token[0] != '\0';

    return (struct sse_credential){is_token, is_token ? user->access_token : user->key};
}

void broker_find_credentials(const struct broker_service *service,
                             const struct broker_message *message)
{
    const struct broker_names *handles = &message->handles;
    const struct broker_asker asker = broker_asker(message);
    struct sse_credential *found = mem_alloc(handles->count * sizeof(found[0]));
    size_t room = broker_block_size(handles->count * sizeof(found[0]));
    struct sse_credential *copies;
    struct broker_message *answer;
    size_t count = 0;

    for (size_t i = 0; i < handles->count; i++) {
        const struct sse_connection *connection =
            sse_registry_find(service->core->registry, handles->texts[i]);

        if (!connection)
            continue;
        found[count] = credential_of(connection->user);
        room += broker_text_size(found[count++].text);
    }
    answer = broker_message_new(BROKER_CREDENTIALS, service->index, room);
    copies = broker_message_block(answer, count * sizeof(copies[0]));
    for (size_t i = 0; i < count; i++)
        copies[i] =
            (struct sse_credential){found[i].is_token, broker_message_text(answer, found[i].text)};
    answer->credentials = (struct broker_credentials){count, copies};
    broker_answer(service->broker, &asker, answer);
    free(found);
}

/* ---- revocations in messages ---- */

/* Each: two times, then the name with its NUL. */
struct bytes *broker_revocations_pack(const struct qos_revocations *list)
{
    struct buf packed = BUF_INIT;

    for (size_t i = 0; i < list->count; i++) {
        const struct qos_revocation *item = &list->items[i];

        buf_append(&packed, &item->issued_until, sizeof(item->issued_until));
        buf_append(&packed, &item->until, sizeof(item->until));
        buf_append(&packed, item->name, strlen(item->name) + 1);
    }
    return buf_freeze(&packed);
}

bool broker_revocations_next(const struct bytes *packed, size_t *at,
                             struct qos_revocation *revocation)
{
    const char *from = packed->data + *at;

    if (*at == packed->length)
        return false;
    memcpy(&revocation->issued_until, from, sizeof(revocation->issued_until));
    from += sizeof(revocation->issued_until);
    memcpy(&revocation->until, from, sizeof(revocation->until));
    revocation->name = from + sizeof(revocation->until);
    *at = (size_t)(revocation->name + strlen(revocation->name) + 1 - packed->data);
    return true;
}
