/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/frame_memory.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/mem.h"

#define PAIRS  2u
#define ROUNDS 6u
/* More than the buffer: such fields leave in HEADERS and CONTINUATION. */
#define LONG_FIELD 30000u
#define BODY       16384u /* fills the buffer */
#define MOST_SENT  100000u

#define SIZES "it asks for other sizes of memory than expected"
#define KEPT  "it keeps a frame buffer, or gives it back, at other times than expected"
#define BYTES "the frames of two sessions got mixed up"
#define TABLE "it remembers header fields where it was told not to"
#define FAILS "a session failed"

/* A frame of the default SETTINGS_MAX_FRAME_SIZE and its header. */
#define FRAME_BUFFER_LEAST 16384u
#define SHARED_SIZE        (FRAME_BUFFER_LEAST + 1024u)

#define TABLE_FIELDS 128u
#define TABLE_SIZE   (TABLE_FIELDS * sizeof(void *))

static void *on_malloc(size_t size, void *context)
{
    struct h2_frame_memory *memory = context;

    if (memory->makes_table && size == TABLE_SIZE) { /* the other one is of what it receives */
        memory->makes_table = false;
        memory->tables++;
        return memory->table;
    }
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
    else if (pointer == memory->table)
        memory->tables--;
    else
        free(pointer);
}

static void *on_realloc(void *pointer, size_t size, void *context)
{
    struct h2_frame_memory *memory = context;

    if (!pointer && memory->makes_frame && size >= FRAME_BUFFER_LEAST && size <= SHARED_SIZE) {
        memory->makes_frame = false; /* one buffer for a session; any other is its own */
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
    memory->table = mem_zalloc(TABLE_SIZE);
    memory->functions = (nghttp2_mem){.mem_user_data = memory,
                                      .malloc = on_malloc,
                                      .free = on_free,
                                      .calloc = on_calloc,
                                      .realloc = on_realloc};
    return memory;
}

void h2_frame_memory_free(struct h2_frame_memory *memory)
{
    if (!memory)
        return;
    free(memory->shared);
    free((void *)memory->table);
    free(memory);
}

int h2_frame_memory_session(struct h2_frame_memory *memory, nghttp2_session **session,
                            const nghttp2_session_callbacks *callbacks, void *user_data,
                            const nghttp2_option *option)
{
    memory->makes_frame = memory->makes_table = memory->is_shared;
    int result =
        nghttp2_session_server_new3(session, callbacks, user_data, option, &memory->functions);
    memory->makes_frame = memory->makes_table = false;
    return result;
}

/* A session, and all that it has to say in a round. */
struct side {
    nghttp2_session *session;
    struct buf sent;
    uint8_t mark; /* what its frames are full of */
    bool is_copied;
    size_t body_left;
};

struct check {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    struct h2_frame_memory *shared, *own;
    struct side sharing[PAIRS], alone[PAIRS];
    size_t first, end; /* of them, who takes turns */
    uint8_t field[LONG_FIELD];
};

/* NOLINTNEXTLINE(readability-function-size): nghttp2 chose the parameters. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct side *side = context;

    (void)session;
    (void)id;
    (void)source;
    if (length > side->body_left)
        length = side->body_left;
    side->body_left -= length;
    if (side->body_left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (side->is_copied)
        memset(to, side->mark, length);
    else
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return (ssize_t)length;
}

/* As streams of the server do it (h2_output_take). */
static int send_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                     size_t length, nghttp2_data_source *source, void *context)
{
    struct side *side = context;

    (void)session;
    (void)frame;
    (void)source;
    buf_append(&side->sent, header, 9);
    buf_reserve(&side->sent, length);
    memset(side->sent.data + side->sent.length, side->mark, length);
    side->sent.length += length;
    return 0;
}

static bool open_side(struct check *check, struct side *side, struct h2_frame_memory *memory,
                      uint8_t mark)
{
    static const uint8_t settings[9] = {0, 0, 0, NGHTTP2_SETTINGS};

    side->mark = mark;
    return h2_frame_memory_session(memory, &side->session, check->callbacks, side, check->option) ==
               0 &&
           nghttp2_submit_settings(side->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0 &&
           nghttp2_session_mem_recv(side->session, (const uint8_t *)NGHTTP2_CLIENT_MAGIC,
                                    NGHTTP2_CLIENT_MAGIC_LEN) == NGHTTP2_CLIENT_MAGIC_LEN &&
           nghttp2_session_mem_recv(side->session, settings, sizeof(settings)) == sizeof(settings);
}

/* A request comes, one of whose fields is to be remembered, and its answer waits with the answer to
 * a PING. */
static bool hear(struct check *check, struct side *side, unsigned round)
{
    const uint8_t m = side->mark, r = (uint8_t)round;
    const uint8_t get[] = {
        0,    0,    6,  NGHTTP2_HEADERS, 5, 0, 0, 0, (uint8_t)(2 * round + 1), 0x82, 0x87, 0x84,
        0x41, 0x01, 'a'};
    const uint8_t ping[] = {0, 0, 8, NGHTTP2_PING, 0, 0, 0, 0, 0, m, m, m, m, m, m, m, r};
    /* The client's windows are open again for the next. */
    const uint8_t window[] = {0, 0, 4, NGHTTP2_WINDOW_UPDATE, 0, 0, 0, 0, 0, 0, 0, BODY >> 8, 0};
    const nghttp2_nv fields[] = {
        {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "200", 7, 3, 0},
        {(uint8_t *)(uintptr_t) "x", check->field, 1, round % 3 == 2 ? LONG_FIELD : 100, 0},
    };
    const nghttp2_data_provider provider = {.read_callback = read_body};

    memset(check->field, side->mark, sizeof(check->field));
    side->is_copied = round % 2 == 0;
    side->body_left = BODY;
    return nghttp2_session_mem_recv(side->session, get, sizeof(get)) == sizeof(get) &&
           nghttp2_session_mem_recv(side->session, ping, sizeof(ping)) == sizeof(ping) &&
           nghttp2_session_mem_recv(side->session, window, sizeof(window)) == sizeof(window) &&
           nghttp2_submit_response(side->session, (int32_t)(2 * round + 1), fields, 2, &provider) ==
               0;
}

static bool speak(struct side *side)
{
    const uint8_t *data;
    ssize_t length;

    buf_clear(&side->sent);
    while ((length = nghttp2_session_mem_send(side->session, &data)) > 0) {
        if (side->sent.length + (size_t)length > MOST_SENT)
            return false;
        buf_append(&side->sent, data, (size_t)length);
    }
    return length == 0;
}

static bool is_table_empty(const struct h2_frame_memory *memory)
{
    for (size_t i = 0; i < TABLE_FIELDS; i++) {
        if (memory->table[i])
            return false;
    }
    return true;
}

/* All hear before one speaks, and each speaks to the end before the next: so does a turn. */
static const char *take_turns(struct check *check, unsigned round)
{
    for (size_t i = check->first; i < check->end; i++) {
        if (!hear(check, &check->sharing[i], round) || !hear(check, &check->alone[i], round))
            return FAILS;
    }
    for (size_t i = check->first; i < check->end; i++) {
        if (!speak(&check->alone[i]))
            return FAILS;
    }
    for (size_t i = check->first; i < check->end; i++) {
        const struct buf *one = &check->sharing[i].sent, *other = &check->alone[i].sent;
        if (!speak(&check->sharing[i]) || one->length != other->length ||
            memcmp(buf_str(one), buf_str(other), one->length) != 0)
            return BYTES;
    }
    if (!is_table_empty(check->shared))
        return TABLE;
    return check->shared->users == PAIRS - check->first ? NULL : KEPT;
}

static const char *run(struct check *check)
{
    for (size_t i = 0; i < PAIRS; i++) {
        const uint8_t mark = (uint8_t)('A' + i);
        if (!open_side(check, &check->sharing[i], check->shared, mark) ||
            !open_side(check, &check->alone[i], check->own, mark))
            return FAILS;
        if (check->shared->users != i + 1 || check->shared->tables != i + 1)
            return SIZES;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* First one of them alone: two that put fields into a table could not be freed. */
        check->end = round == 0 ? 1 : PAIRS;
        const char *otherwise = take_turns(check, round);
        if (otherwise)
            return otherwise;
    }
    /* The end of one leaves the other its buffer. */
    nghttp2_session_del(check->sharing[0].session);
    check->sharing[0].session = NULL;
    check->first = 1;
    const char *otherwise = take_turns(check, ROUNDS);
    if (otherwise)
        return otherwise;
    nghttp2_session_del(check->sharing[1].session);
    check->sharing[1].session = NULL;
    return check->shared->users == 0 && check->shared->tables == 0 ? NULL : KEPT;
}

static void release(struct check *check)
{
    for (size_t i = 0; i < PAIRS; i++) {
        nghttp2_session_del(check->sharing[i].session);
        nghttp2_session_del(check->alone[i].session);
        buf_release(&check->sharing[i].sent);
        buf_release(&check->alone[i].sent);
    }
    h2_frame_memory_free(check->shared);
    h2_frame_memory_free(check->own);
    nghttp2_session_callbacks_del(check->callbacks);
    nghttp2_option_del(check->option);
}

const char *h2_frame_check(void)
{
    struct check check = {.shared = h2_frame_memory_new(), .own = h2_frame_memory_new()};
    const char *otherwise = FAILS;

    check.shared->is_shared = true;
    if (nghttp2_session_callbacks_new(&check.callbacks) == 0 &&
        nghttp2_option_new(&check.option) == 0) {
        nghttp2_option_set_max_deflate_dynamic_table_size(check.option, 0);
        nghttp2_session_callbacks_set_send_data_callback(check.callbacks, send_body);
        otherwise = run(&check);
    }
    release(&check);
    return otherwise;
}
