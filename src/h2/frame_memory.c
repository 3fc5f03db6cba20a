/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/frame_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"

/* A frame of the default SETTINGS_MAX_FRAME_SIZE and its header. */
#define FRAME_BUFFER_LEAST 16384u
#define SHARED_SIZE        (FRAME_BUFFER_LEAST + 1024u)

struct h2_frame_memory {
    nghttp2_mem functions;
    char *shared;
    size_t users;
    bool is_shared;
    bool is_making; /* within nghttp2_session_server_new3 */
};

static void *on_malloc(size_t size, void *context)
{
    (void)context;
    return fault_allocation(FAULT_H2) ? NULL : malloc(size);
}

static void *on_calloc(size_t count, size_t size, void *context)
{
    (void)context;
    return fault_allocation(FAULT_H2) ? NULL : calloc(count, size);
}

static void on_free(void *pointer, void *context)
{
    struct h2_frame_memory *memory = context;

    if (pointer == memory->shared)
        memory->users--;
    else
        free(pointer);
}

static void *on_realloc(void *pointer, size_t size, void *context)
{
    struct h2_frame_memory *memory = context;

    if (!pointer && memory->is_making && size >= FRAME_BUFFER_LEAST && size <= SHARED_SIZE) {
        memory->is_making = false; /* one buffer for a session; any other is its own */
        memory->users++;
        return memory->shared;
    }
    if (fault_allocation(FAULT_H2))
        return NULL;
    if (!pointer || pointer != memory->shared)
        return realloc(pointer, size);
    void *own = malloc(size);
    if (own) {
        memcpy(own, memory->shared, size < SHARED_SIZE ? size : SHARED_SIZE);
        memory->users--;
    }
    return own;
}

struct h2_frame_memory *h2_frame_memory_new(void)
{
    struct h2_frame_memory *memory = mem_zalloc(sizeof(*memory));

    memory->shared = mem_alloc(SHARED_SIZE);
    memory->functions = (nghttp2_mem){.mem_user_data = memory,
                                      .malloc = on_malloc,
                                      .free = on_free,
                                      .calloc = on_calloc,
                                      .realloc = on_realloc};
    return memory;
}

void h2_frame_memory_share(struct h2_frame_memory *memory)
{
    memory->is_shared = true;
}

bool h2_frame_memory_is_shared(const struct h2_frame_memory *memory)
{
    return memory->is_shared;
}

void h2_frame_memory_free(struct h2_frame_memory *memory)
{
    if (!memory)
        return;
    free(memory->shared);
    free(memory);
}

int h2_frame_memory_session(struct h2_frame_memory *memory, nghttp2_session **session,
                            const nghttp2_session_callbacks *callbacks, void *user_data,
                            const nghttp2_option *option)
{
    memory->is_making = memory->is_shared;
    int result =
        nghttp2_session_server_new3(session, callbacks, user_data, option, &memory->functions);
    memory->is_making = false;
    return result;
}

size_t h2_frame_memory_users(const struct h2_frame_memory *memory)
{
    return memory->users;
}
