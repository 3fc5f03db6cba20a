/* SPDX-License-Identifier: Apache-2.0 */
/* What the sharing of frame buffers leans on: nghttp2's inside, which may change. */
#include <string.h>

#include "h2/frame_memory.h"
#include "support/test.h"

static nghttp2_session_callbacks *callbacks;
static nghttp2_option *option; /* no fields are remembered */

static struct h2_frame_memory *make_memory(void)
{
    struct h2_frame_memory *memory = h2_frame_memory_new();

    memory->is_shared = true;
    return memory;
}

static nghttp2_session *make(struct h2_frame_memory *memory)
{
    nghttp2_session *session;

    assert_int_equal(h2_frame_memory_session(memory, &session, callbacks, NULL, option), 0);
    return session;
}

static void feed_preface(nghttp2_session *session)
{
    static const uint8_t settings[9] = {0, 0, 0, NGHTTP2_SETTINGS};

    assert_int_equal(nghttp2_session_mem_recv(session, (const uint8_t *)NGHTTP2_CLIENT_MAGIC,
                                              NGHTTP2_CLIENT_MAGIC_LEN),
                     NGHTTP2_CLIENT_MAGIC_LEN);
    assert_int_equal(nghttp2_session_mem_recv(session, settings, sizeof(settings)),
                     sizeof(settings));
}

/* Sends everything; what came first is its first octets. */
static size_t drain(nghttp2_session *session, uint8_t *first, size_t size)
{
    const uint8_t *data;
    size_t total = 0;
    ssize_t length;

    while ((length = nghttp2_session_mem_send(session, &data)) > 0) {
        for (size_t i = 0; i < (size_t)length && total + i < size; i++)
            first[total + i] = data[i];
        total += (size_t)length;
    }
    assert_int_equal(length, 0);
    return total;
}

static void test_sessions_share(void **state)
{
    struct h2_frame_memory *memory = make_memory();
    nghttp2_session *sessions[10];

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        sessions[i] = make(memory);
        assert_int_equal(memory->users, i + 1);
        assert_int_equal(memory->tables, i + 1);
    }
    for (size_t i = 0; i < 10; i++) {
        nghttp2_session_del(sessions[i]);
        assert_int_equal(memory->users, 9 - i);
        assert_int_equal(memory->tables, 9 - i);
    }
    h2_frame_memory_free(memory);
}

static void test_own_buffers(void **state)
{
    struct h2_frame_memory *memory = h2_frame_memory_new();
    nghttp2_session *session = make(memory);

    (void)state;
    assert_int_equal(memory->users, 0);
    nghttp2_session_del(session);
    h2_frame_memory_free(memory);
}

/* Nothing of one session's frames is in the next one's. */
static void test_turns(void **state)
{
    struct h2_frame_memory *memory = make_memory();
    nghttp2_session *one = make(memory);
    nghttp2_session *other = make(memory);
    uint8_t sent[64];

    (void)state;
    feed_preface(one);
    feed_preface(other);
    nghttp2_submit_settings(one, NGHTTP2_FLAG_NONE, NULL, 0);
    nghttp2_submit_settings(other, NGHTTP2_FLAG_NONE, NULL, 0);
    drain(one, sent, sizeof(sent));
    drain(other, sent, sizeof(sent));
    for (uint8_t i = 0; i < 20; i++) {
        const uint8_t mine[8] = {i, 1, 1, 1, 1, 1, 1, 1};
        const uint8_t others[8] = {i, 2, 2, 2, 2, 2, 2, 2};
        nghttp2_submit_ping(one, NGHTTP2_FLAG_NONE, mine);
        nghttp2_submit_ping(other, NGHTTP2_FLAG_NONE, others);
        assert_int_equal(drain(one, sent, sizeof(sent)), 17);
        assert_memory_equal(sent + 9, mine, 8);
        assert_int_equal(drain(other, sent, sizeof(sent)), 17);
        assert_memory_equal(sent + 9, others, 8);
    }
    nghttp2_session_del(one);
    nghttp2_session_del(other);
    assert_int_equal(memory->users, 0);
    h2_frame_memory_free(memory);
}

/* A header block that needs more than one buffer gets the others for itself. */
static void test_frames_larger_than_the_buffer(void **state)
{
    struct h2_frame_memory *memory = make_memory();
    static uint8_t value[30000];
    static uint8_t sent[64 * 1024];
    const nghttp2_nv fields[] = {
        {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "200", 7, 3, 0},
        {(uint8_t *)(uintptr_t) "x", value, 1, sizeof(value), 0},
    };
    static const uint8_t get[] = {0,    0,    6,  NGHTTP2_HEADERS, 5, 0, 0, 0, 1, 0x82, 0x87, 0x84,
                                  0x01, 0x01, 'a'};

    (void)state;
    memset(value, '!', sizeof(value));
    for (int i = 0; i < 2; i++) {
        nghttp2_session *session = make(memory);
        feed_preface(session);
        assert_int_equal(nghttp2_session_mem_recv(session, get, sizeof(get)), sizeof(get));
        assert_int_equal(nghttp2_submit_response(session, 1, fields, 2, NULL), 0);
        assert_true(drain(session, sent, sizeof(sent)) > 16384);
        nghttp2_session_del(session);
        assert_int_equal(memory->users, 0);
    }
    h2_frame_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_share),
        cmocka_unit_test(test_own_buffers),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_frames_larger_than_the_buffer),
    };

    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        return 1;
    nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return failed;
}
