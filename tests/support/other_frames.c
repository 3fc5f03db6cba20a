/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An nghttp2 that handles its frame buffers otherwise than the one we know. Preloaded into a
 * server, or part of a unit test. OTHER_FRAMES says how:
 *   larger   they are larger
 *   malloc   they come from malloc
 *   grows    they are smaller at first
 *   keeps    a session does not give back a buffer that others have as well
 *   state    a buffer as large comes first, and holds what a session has to remember
 *   late     a PING waits in the buffer from the end of a flush until the next
 *   indexes  it remembers header fields whatever it is told
 *   fails    there is no session
 */
#include <dlfcn.h>
#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_BUFFER_LEAST 16384u
#define STATE_SIZE         17000u
#define PING_SIZE          17u

struct other {
    struct other *next;
    nghttp2_session *session;
    nghttp2_mem given, made;
    char *buffer; /* the frame buffer, or what it remembers */
    bool is_shared;
    uint8_t ping[PING_SIZE]; /* the latest that was sent */
    bool has_late_ping;
    char number;
};

static struct {
    pthread_mutex_t lock;
    struct other *first;
    char made;
} others = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_way(const char *way)
{
    const char *chosen = getenv("OTHER_FRAMES");

    return chosen && strcmp(chosen, way) == 0;
}

static void *symbol(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static struct other *find(const nghttp2_session *session, bool is_end)
{
    struct other *found;

    pthread_mutex_lock(&others.lock);
    struct other **place = &others.first;
    while (*place && (*place)->session != session)
        place = &(*place)->next;
    found = *place;
    if (found && is_end)
        *place = found->next;
    pthread_mutex_unlock(&others.lock);
    return found;
}

static void add(struct other *other)
{
    pthread_mutex_lock(&others.lock);
    for (struct other *one = others.first; one; one = one->next) {
        if (one->buffer == other->buffer)
            one->is_shared = other->is_shared = true;
    }
    other->next = others.first;
    others.first = other;
    pthread_mutex_unlock(&others.lock);
}

static void *on_malloc(size_t size, void *context)
{
    struct other *other = context;

    return other->given.malloc(size, other->given.mem_user_data);
}

static void *on_calloc(size_t count, size_t size, void *context)
{
    struct other *other = context;

    return other->given.calloc(count, size, other->given.mem_user_data);
}

static void on_free(void *pointer, void *context)
{
    struct other *other = context;

    if (pointer != other->buffer || !other->is_shared || !is_way("keeps"))
        other->given.free(pointer, other->given.mem_user_data);
}

static void *on_realloc(void *pointer, size_t size, void *context)
{
    struct other *other = context;
    const bool is_buffer = !pointer && !other->buffer && size >= FRAME_BUFFER_LEAST;

    if (is_buffer && is_way("malloc"))
        return on_malloc(size, context);
    if (is_buffer && is_way("grows"))
        pointer = other->given.realloc(NULL, size, other->given.mem_user_data);
    if (is_buffer && (is_way("grows") || is_way("larger")))
        size *= 2;
    void *made = other->given.realloc(pointer, size, other->given.mem_user_data);
    if (is_buffer)
        other->buffer = made;
    return made;
}

int nghttp2_session_server_new3(nghttp2_session **session,
                                const nghttp2_session_callbacks *callbacks, void *user_data,
                                const nghttp2_option *option, nghttp2_mem *mem)
{
    int (*next)(nghttp2_session **, const nghttp2_session_callbacks *, void *,
                const nghttp2_option *, nghttp2_mem *);

    *(void **)&next = symbol("nghttp2_session_server_new3");
    if (!getenv("OTHER_FRAMES"))
        return next(session, callbacks, user_data, option, mem);
    struct other *other = is_way("fails") ? NULL : calloc(1, sizeof(*other));
    if (!other)
        return NGHTTP2_ERR_NOMEM;
    other->given = *mem;
    other->made = (nghttp2_mem){other, on_malloc, on_free, on_calloc, on_realloc};
    if (is_way("state")) {
        other->buffer = mem->realloc(NULL, STATE_SIZE, mem->mem_user_data);
        other->number = others.made++;
        memset(other->buffer, other->number, STATE_SIZE);
    }
    int result =
        next(session, callbacks, user_data, is_way("indexes") ? NULL : option, &other->made);
    if (result != 0) {
        free(other);
        return result;
    }
    other->session = *session;
    add(other);
    return 0;
}

ssize_t nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **data)
{
    ssize_t (*next)(nghttp2_session *, const uint8_t **);
    struct other *other = getenv("OTHER_FRAMES") ? find(session, false) : NULL;

    *(void **)&next = symbol("nghttp2_session_mem_send");
    if (other && other->has_late_ping) {
        other->has_late_ping = false;
        *data = (const uint8_t *)other->buffer;
        return PING_SIZE;
    }
    ssize_t length = next(session, data);
    if (length == PING_SIZE && (*data)[3] == NGHTTP2_PING && other)
        memcpy(other->ping, *data, PING_SIZE);
    if (length == 0 && other && is_way("late")) {
        memcpy(other->buffer, other->ping, PING_SIZE);
        other->has_late_ping = true;
    }
    if (other && is_way("state") && length > 0 && other->buffer[0] != other->number)
        ((uint8_t *)(uintptr_t)*data)[0] ^= 1;
    return length;
}

void nghttp2_session_del(nghttp2_session *session)
{
    struct other *other = session && getenv("OTHER_FRAMES") ? find(session, true) : NULL;
    void (*next)(nghttp2_session *);

    *(void **)&next = symbol("nghttp2_session_del");
    next(session);
    if (other && is_way("state"))
        other->given.free(other->buffer, other->given.mem_user_data);
    free(other);
}
