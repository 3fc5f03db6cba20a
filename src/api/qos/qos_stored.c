/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_stored.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/repository.h"
#include "sse/message.h"

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

struct sse_message *qos_stored_message(const struct qos_copy *copy)
{
    json_t *object = json_loadb(copy->message->json, copy->message->length, 0, NULL);
    struct sse_message *message = NULL;
    struct sse_message *narrow = NULL;

    if (sse_message_from_store(&message, object) == 0)
        narrow = for_one(message, copy->recipient.value);
    sse_message_unref(message);
    json_decref(object);
    return narrow;
}
