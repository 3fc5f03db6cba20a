/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/aside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "sse/message.h"
#include "sse/user.h"

/* In a row, each a pause of the reader after the other, for want of memory to pass. */
#define TRIES 5u
/* Messages of which all copies are looked at in one go. */
#define SLICE 64u

static struct sse_message *for_one(const struct sse_message *message, const char *value)
{
    const struct sse_target *target = &message->target;
    bool *is_kept = mem_zalloc((target->count + 1) * sizeof(bool));
    struct sse_message *narrow;

    for (size_t i = 0; i < target->count; i++)
        is_kept[i] = strcmp(target->values[i], value) == 0;
    narrow = sse_message_narrow(message, is_kept);
    free(is_kept);
    return narrow;
}

/* The message of a copy, as it was sent, for that recipient alone. One reference; NULL with -EINVAL
 * in *error when what the repository has is no message, -ENOMEM when it is not known whether it is.
 */
static struct sse_message *read_message(const struct qos_copy *copy, int *error)
{
    const struct qos_message *stored = copy->message;
    struct sse_message *message = NULL;
    struct sse_message *narrow = NULL;
    struct json_fault fault = {.is_out_of_memory = false};
    json_t *object = NULL;

    *error = -EINVAL;
    if (stored->json)
        object = json_parse_by(&sse_message_json, stored->json, stored->length, &fault);
    if (fault.is_out_of_memory)
        *error = -ENOMEM;
    if (object)
        *error = sse_message_from_store(&message, object);
    if (message)
        narrow = for_one(message, copy->recipient.value);
    sse_message_unref(message);
    json_decref(object);
    return narrow;
}

/* Tokens and connection ids are nothing for the log. */
static const char *shown_value(const struct qos_recipient *recipient)
{
    const bool is_secret =
        recipient->dimension == SSE_BY_TOKEN || recipient->dimension == SSE_BY_CONNECTION;

    return is_secret ? "…" : sse_user_key_id(recipient->value);
}

static void tell(const struct qos_repository *repository, const struct qos_copy *copy)
{
    char *tenant = sse_user_key_tenant(copy->recipient.value); /* of a user in one */

    log_error("a stored message cannot be read: it is set aside, and kept until it is deleted",
              LOG_STR("service", repository->service ? repository->service : ""),
              LOG_STR("id", copy->message->id), LOG_INT("number", (int64_t)copy->message->number),
              LOG_STR("queue", sse_dimension_keys[copy->recipient.dimension]),
              LOG_STR("value", shown_value(&copy->recipient)),
              LOG_STR("cause", qos_cause_words[copy->cause]),
              LOG_STR("tenant", tenant ? tenant : ""));
    free(tenant);
}

int qos_aside_set(struct qos_repository *repository, struct qos_copy *copy, enum qos_cause cause)
{
    const int status =
        repository->ops->set_aside(repository, copy->message->number, copy->recipient.value, cause);

    copy->state = QOS_UNREADABLE;
    copy->cause = cause;
    if (status == 0)
        tell(repository, copy);
    return status;
}

/* Whether it is given up to find memory for it. */
static bool is_tried_enough(struct qos_repository *repository, uint64_t number)
{
    if (repository->want.number != number)
        repository->want.times = 0;
    repository->want.number = number;
    return ++repository->want.times >= TRIES;
}

/* QOS_READABLE with the message in *decoded; with NULL: later, perhaps. */
static enum qos_cause decode(struct qos_repository *repository, struct qos_copy *copy)
{
    int error;

    if (copy->state == QOS_UNREADABLE)
        return copy->cause;
    copy->decoded = read_message(copy, &error);
    if (copy->decoded && repository->want.number == copy->message->number)
        repository->want.times = 0;
    if (copy->decoded)
        return QOS_READABLE;
    if (error != -ENOMEM)
        return QOS_BAD_MESSAGE;
    return is_tried_enough(repository, copy->message->number) ? QOS_NO_MEMORY : QOS_READABLE;
}

int qos_aside_decode(struct qos_repository *repository, struct qos_copies *copies,
                     struct qos_copies *aside)
{
    size_t kept = 0, i = 0;
    int status = 0;

    for (; i < copies->count && status == 0; i++) {
        struct qos_copy *copy = &copies->items[i];
        const enum qos_cause cause = decode(repository, copy);

        if (cause == QOS_READABLE && !copy->decoded)
            break;
        if (cause == QOS_READABLE) {
            copies->items[kept++] = *copy;
            continue;
        }
        status = qos_aside_set(repository, copy, cause);
        qos_copies_take(aside, copy);
    }
    if (status == 0 && kept == 0 && aside->count == 0 && i < copies->count)
        status = -ENOMEM;
    qos_copies_cut(copies, kept, i);
    return status;
}

static int take_back(struct qos_repository *repository, const struct qos_copy *copy)
{
    int error;
    struct sse_message *message = read_message(copy, &error);

    if (!message)
        return 0;
    sse_message_unref(message);
    error = repository->ops->take_back(repository, copy->message->number, copy->recipient.value);
    if (error == -ENOENT) /* the rows do not agree: nothing else waits for that */
        return 0;
    if (error == 0)
        log_info("a stored message that was set aside can be read, and is in its queue again",
                 LOG_STR("service", repository->service ? repository->service : ""),
                 LOG_STR("id", copy->message->id));
    return error;
}

static int take_all_back(struct qos_repository *repository)
{
    uint64_t after = 0;
    size_t count = 1;
    int status = 0;

    while (status == 0 && count > 0) {
        struct qos_copies copies = {0};

        status = repository->ops->aside(repository, after, SLICE, qos_copies_visit, &copies);
        count = copies.count;
        if (count > 0)
            after = copies.items[count - 1].message->number;
        for (size_t i = 0; status == 0 && i < count; i++)
            status = take_back(repository, &copies.items[i]);
        qos_copies_release(&copies);
    }
    return status;
}

int qos_aside_take_back(struct qos_repository *repository)
{
    int status = repository->ops->begin(repository);

    if (status == 0)
        status = take_all_back(repository);
    if (status == 0)
        status = repository->fault;
    if (status == 0)
        status = repository->ops->commit(repository);
    if (status != 0)
        repository->ops->rollback(repository);
    return status;
}
