/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
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

struct sse_message *qos_decode(const struct qos_copy *copy, int *error)
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
