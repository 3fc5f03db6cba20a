/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/frame_check.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "h2/frame_memory.h"

#define PAIRS  2u
#define ROUNDS 6u
/* More than the buffer: such fields leave in HEADERS and CONTINUATION. */
#define LONG_FIELD 30000u
#define BODY       16384u /* fills the buffer */
#define MOST_SENT  100000u

#define SIZES "it asks for other sizes of memory than expected"
#define KEPT  "it keeps a frame buffer, or gives it back, at other times than expected"
#define BYTES "the frames of two sessions got mixed up"
#define FAILS "a session failed"

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
    struct h2_frame_memory *shared, *own;
    struct side sharing[PAIRS], alone[PAIRS];
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

/* As streams of the server do it (h2/output.h). */
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
    return h2_frame_memory_session(memory, &side->session, check->callbacks, side, NULL) == 0 &&
           nghttp2_submit_settings(side->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0 &&
           nghttp2_session_mem_recv(side->session, (const uint8_t *)NGHTTP2_CLIENT_MAGIC,
                                    NGHTTP2_CLIENT_MAGIC_LEN) == NGHTTP2_CLIENT_MAGIC_LEN &&
           nghttp2_session_mem_recv(side->session, settings, sizeof(settings)) == sizeof(settings);
}

/* A request comes, and its answer waits with the answer to a PING. */
static bool hear(struct check *check, struct side *side, unsigned round)
{
    const uint8_t m = side->mark, r = (uint8_t)round;
    const uint8_t get[] = {
        0,    0,    6,  NGHTTP2_HEADERS, 5, 0, 0, 0, (uint8_t)(2 * round + 1), 0x82, 0x87, 0x84,
        0x01, 0x01, 'a'};
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

static bool say_the_same(const struct side *one, const struct side *other)
{
    return one->sent.length == other->sent.length &&
           memcmp(buf_str(&one->sent), buf_str(&other->sent), one->sent.length) == 0;
}

/* All hear before one speaks, and each speaks to the end before the next: so does a turn. */
static const char *take_turns(struct check *check, unsigned round, size_t first)
{
    for (size_t i = first; i < PAIRS; i++) {
        if (!hear(check, &check->sharing[i], round) || !hear(check, &check->alone[i], round))
            return FAILS;
    }
    for (size_t i = first; i < PAIRS; i++) {
        if (!speak(&check->alone[i]))
            return FAILS;
    }
    for (size_t i = first; i < PAIRS; i++) {
        if (!speak(&check->sharing[i]) || !say_the_same(&check->sharing[i], &check->alone[i]))
            return BYTES;
    }
    return h2_frame_memory_users(check->shared) == PAIRS - first ? NULL : KEPT;
}

static const char *run(struct check *check)
{
    for (size_t i = 0; i < PAIRS; i++) {
        const uint8_t mark = (uint8_t)('A' + i);
        if (!open_side(check, &check->sharing[i], check->shared, mark) ||
            !open_side(check, &check->alone[i], check->own, mark))
            return FAILS;
        if (h2_frame_memory_users(check->shared) != i + 1)
            return SIZES;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *otherwise = take_turns(check, round, 0);
        if (otherwise)
            return otherwise;
    }
    /* The end of one leaves the other its buffer. */
    nghttp2_session_del(check->sharing[0].session);
    check->sharing[0].session = NULL;
    const char *otherwise = take_turns(check, ROUNDS, 1);
    if (otherwise)
        return otherwise;
    nghttp2_session_del(check->sharing[1].session);
    check->sharing[1].session = NULL;
    return h2_frame_memory_users(check->shared) == 0 ? NULL : KEPT;
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
}

const char *h2_frame_check(void)
{
    struct check check = {.shared = h2_frame_memory_new(), .own = h2_frame_memory_new()};
    const char *otherwise = FAILS;

    h2_frame_memory_share(check.shared);
    if (nghttp2_session_callbacks_new(&check.callbacks) == 0) {
        nghttp2_session_callbacks_set_send_data_callback(check.callbacks, send_body);
        otherwise = run(&check);
    }
    release(&check);
    return otherwise;
}
