/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct sse_command *sse_command_new(enum sse_record_kind kind)
{
    struct sse_command *command = mem_zalloc(sizeof(*command));

    atomic_init(&command->refs, 1);
    command->kind = kind;
    command->target.dimension = SSE_DIMENSIONS;
    command->duration = command->session_duration = -1;
    return command;
}

struct sse_command *sse_command_ref(struct sse_command *command)
{
    atomic_fetch_add_explicit(&command->refs, 1, memory_order_relaxed);
    return command;
}

struct sse_command *sse_command_unref(struct sse_command *command)
{
    if (!command || atomic_fetch_sub_explicit(&command->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    sse_target_release(&command->target);
    free(command->text);
    free(command->traceparent);
    for (size_t i = 0; i < command->revoked_count; i++)
        free((char *)command->revoked[i].text);
    free(command->revoked);
    free(command);
    return NULL;
}

size_t sse_command_bytes(const struct sse_command *command)
{
    size_t bytes = sizeof(*command) + sse_target_bytes(&command->target);

    for (size_t i = 0; i < command->revoked_count; i++)
        bytes += sizeof(command->revoked[i]) + strlen(command->revoked[i].text) + 1;
    return bytes;
}
