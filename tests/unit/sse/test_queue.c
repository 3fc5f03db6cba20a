/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sse/event.h"
#include "sse/queue.h"
#include "support/test.h"

/* Pushes an event of these bytes, of which the queue holds the only reference. */
static void push(struct sse_queue *queue, const char *name, const char *text)
{
    struct sse_event *event = sse_event_new(name, bytes_new(text, strlen(text)));

    sse_queue_push(queue, event);
    sse_event_unref(event);
}

static void assert_taken(struct sse_queue *queue, const char *expected)
{
    char text[256];
    const size_t length = strlen(expected);

    assert_true(length <= queue->bytes && length <= sizeof(text));
    sse_queue_take(queue, text, length);
    assert_memory_equal(text, expected, length);
}

static size_t drop_named(struct sse_queue *queue, const char *name)
{
    struct sse_event *like = sse_event_new(name, bytes_new("", 0));
    const size_t dropped = sse_queue_drop(queue, name, like->name_hash);

    sse_event_unref(like);
    return dropped;
}

/* It is for so many connections, each of which hands it over. */
static void hand_over(struct sse_event *event, size_t connections)
{
    for (size_t i = 0; i < connections; i++) {
        struct sse_queue queue = {0};

        sse_queue_push(&queue, event);
        assert_taken(&queue, "on"); /* not yet all of it */
        assert_taken(&queue, "e");
    }
}

static void test_of_many_some_are_timed(void **state)
{
    struct sse_event *event = sse_event_new("a", bytes_new("one", 3));
    struct histogram delays = {.sum_us = 0};
    uint64_t count = 0;

    (void)state;
    hand_over(event, 3); /* it is of no send */
    event->delays = &delays;
    event->began_ns = clock_real_ns() - UINT64_C(60) * 1000000000;
    hand_over(event, 1);
    assert_int_equal(delays.counts[HISTOGRAM_BOUNDS], 1);
    hand_over(event, (size_t)2 * SSE_EVENT_SAMPLED);
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        count += delays.counts[i];
    assert_int_equal(count, 3);
    sse_event_unref(event);
}

static void test_what_is_dropped_was_not_handed_over(void **state)
{
    struct sse_event *event = sse_event_new("a", bytes_new("one", 3));
    struct histogram delays = {.sum_us = 0};
    struct sse_queue queue = {0};

    (void)state;
    event->delays = &delays;
    event->began_ns = clock_real_ns();
    sse_queue_push(&queue, event);
    (void)sse_queue_drop_oldest(&queue);
    sse_queue_push(&queue, event);
    sse_queue_release(&queue);
    assert_int_equal(event->handed_over, 0);
    sse_event_unref(event);
}

static void assert_empty(const struct sse_queue *queue)
{
    assert_int_equal(queue->count, 0);
    assert_int_equal(queue->bytes, 0);
    assert_null(queue->ring);
}

static void test_order_and_bytes(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    push(&queue, "a", "one");
    push(&queue, "a", "two");
    assert_null(queue.ring);
    push(&queue, "a", "three");
    push(&queue, "a", "four");
    push(&queue, "a", "five");
    assert_int_equal(queue.bytes, 19);
    assert_taken(&queue, "o");
    assert_taken(&queue, "netw");
    assert_int_equal(queue.count, 4);
    assert_taken(&queue, "othreefourfi");
    assert_taken(&queue, "ve");
    assert_empty(&queue);
}

/* The inline slots and the ring, over every position of their heads. */
static void test_wrap_around(void **state)
{
    struct sse_queue queue = {0};
    unsigned in = 0;
    unsigned out = 0;

    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        char text[16];

        for (unsigned i = 0; i < 1 + round % 7; i++) {
            snprintf(text, sizeof(text), "%04u", in++);
            push(&queue, "a", text);
        }
        for (unsigned i = 0; i < round % 6 && out < in; i++) {
            snprintf(text, sizeof(text), "%04u", out++);
            assert_taken(&queue, text);
        }
    }
    for (; out < in; out++) {
        char text[16];

        snprintf(text, sizeof(text), "%04u", out);
        assert_taken(&queue, text);
    }
    assert_empty(&queue);
}

static void test_drop_oldest_spares_what_has_begun(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    assert_int_equal(sse_queue_drop_oldest(&queue), 0);
    push(&queue, "a", "one");
    push(&queue, "a", "second");
    push(&queue, "a", "third");
    assert_taken(&queue, "o");
    assert_int_equal(sse_queue_drop_oldest(&queue), 6);
    assert_int_equal(sse_queue_drop_oldest(&queue), 5);
    assert_int_equal(sse_queue_drop_oldest(&queue), 0);
    assert_taken(&queue, "ne");
    assert_empty(&queue);
}

static void push_at(struct sse_queue *queue, uint64_t position)
{
    struct sse_event *event = sse_event_new("a", bytes_new("x", 1));

    event->position = position;
    sse_queue_push(queue, event);
    sse_event_unref(event);
}

static void test_what_would_be_dropped_has_a_position(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    assert_int_equal(sse_queue_oldest_position(&queue), 0);
    push(&queue, "a", "begun");
    push_at(&queue, 7);
    push_at(&queue, 9);
    assert_taken(&queue, "b");
    assert_int_equal(sse_queue_oldest_position(&queue), 7);
    assert_int_equal(sse_queue_drop_oldest(&queue), 1);
    assert_int_equal(sse_queue_oldest_position(&queue), 9);
    sse_queue_release(&queue);
}

static void test_drop_oldest_empties(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        push(&queue, "a", "x");
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(sse_queue_drop_oldest(&queue), 1);
    assert_empty(&queue);
}

static struct sse_event *insert(struct sse_queue *queue, const char *text,
                                const struct sse_event *instead)
{
    struct sse_event *event = sse_event_new("n", bytes_new(text, strlen(text)));

    event->is_kept = true;
    sse_queue_insert(queue, event, instead);
    sse_event_unref(event);
    return event;
}

static void test_insert(void **state)
{
    struct sse_queue queue = {0};
    struct sse_event *first, *second;

    (void)state;
    push(&queue, "a", "one");
    push(&queue, "a", "two");
    assert_taken(&queue, "o");
    first = insert(&queue, "(1)", NULL);
    assert_true(sse_queue_is_inserted(&queue, first));
    second = insert(&queue, "(22)", first);
    assert_int_equal(queue.count, 3);
    assert_int_equal(queue.bytes, 2 + 4 + 3);
    assert_taken(&queue, "ne");
    assert_true(sse_queue_is_inserted(&queue, second));
    assert_taken(&queue, "(");
    assert_false(sse_queue_is_inserted(&queue, second));
    second = insert(&queue, "[3]", second);
    assert_taken(&queue, "22)[3]");
    assert_false(sse_queue_is_inserted(&queue, second));
    assert_taken(&queue, "two");
    assert_empty(&queue);
    (void)insert(&queue, "x", NULL);
    assert_taken(&queue, "x");
    assert_empty(&queue);
}

static void test_drop_named(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    push(&queue, "price", "p1");
    push(&queue, "bell", "b1");
    push(&queue, "price", "p2");
    push(&queue, "bell", "b2");
    push(&queue, "price", "p3");
    assert_taken(&queue, "p");
    assert_int_equal(drop_named(&queue, "price"), 2);
    assert_int_equal(drop_named(&queue, "price"), 0);
    assert_int_equal(drop_named(&queue, "none"), 0);
    assert_int_equal(queue.bytes, 5);
    assert_taken(&queue, "1b1b2");
    assert_empty(&queue);
}

static void test_drop_named_compares_names(void **state)
{
    struct sse_queue queue = {0};
    struct sse_event *event = sse_event_new("a", bytes_new("x", 1));

    (void)state;
    sse_queue_push(&queue, event);
    assert_int_equal(sse_queue_drop(&queue, "b", event->name_hash), 0);
    sse_event_unref(event);
    sse_queue_release(&queue);
}

static void push_kept(struct sse_queue *queue, const char *name, const char *text)
{
    struct sse_event *event = sse_event_new(name, bytes_new(text, strlen(text)));

    event->is_kept = true;
    sse_queue_push(queue, event);
    sse_event_unref(event);
}

static void test_kept_ones_are_dropped_at_the_end_only(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    push(&queue, "a", "begun");
    push_kept(&queue, "a", "K1");
    push_kept(&queue, "a", "K2");
    push(&queue, "a", "x");
    push_kept(&queue, "a", "K3");
    push(&queue, "a", "yy");
    push(&queue, "a", "zzz");
    assert_taken(&queue, "be");
    assert_int_equal(sse_queue_drop_oldest(&queue), 1);
    assert_int_equal(sse_queue_drop_oldest(&queue), 2);
    assert_int_equal(drop_named(&queue, "a"), 1);
    assert_int_equal(sse_queue_drop_oldest(&queue), 0);
    assert_int_equal(queue.bytes, 9);
    assert_taken(&queue, "gunK1K");
    assert_int_equal(sse_queue_drop(&queue, NULL, 0), 1);
    assert_taken(&queue, "2");
    assert_empty(&queue);
}

static void test_drop_unsent(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    for (unsigned i = 0; i < 9; i++)
        push(&queue, "a", "ab");
    assert_taken(&queue, "aba");
    assert_int_equal(sse_queue_drop(&queue, NULL, 0), 7);
    assert_taken(&queue, "b");
    assert_empty(&queue);
    push(&queue, "a", "ab");
    assert_int_equal(sse_queue_drop(&queue, NULL, 0), 1);
    assert_empty(&queue);
}

static void test_pinned_front_is_never_dropped(void **state)
{
    struct sse_queue queue = {0};
    struct sse_event *event = sse_event_new("first", bytes_new("first", 5));

    (void)state;
    sse_queue_push_pinned(&queue, event);
    push(&queue, "first", "x");
    push(&queue, "b", "y");
    assert_int_equal(drop_named(&queue, "first"), 1);
    assert_int_equal(sse_queue_drop_oldest(&queue), 1);
    assert_int_equal(sse_queue_drop_oldest(&queue), 0);
    push(&queue, "b", "z");
    assert_int_equal(sse_queue_drop(&queue, NULL, 0), 1);
    push(&queue, "b", "z");
    assert_taken(&queue, "first");
    assert_int_equal(sse_queue_drop_oldest(&queue), 1);
    assert_empty(&queue);
    sse_event_unref(event);
}

static void test_shared_event(void **state)
{
    struct sse_queue one = {0};
    struct sse_queue other = {0};
    struct sse_event *event = sse_event_new("a", bytes_new("xyz", 3));

    (void)state;
    sse_queue_push(&one, event);
    sse_queue_push(&other, event);
    assert_int_equal(event->refs, 3);
    assert_taken(&one, "xyz");
    assert_int_equal(event->refs, 2);
    sse_queue_release(&other);
    assert_int_equal(event->refs, 1);
    assert_empty(&other);
    sse_event_unref(event);
}

static void test_release_in_the_middle(void **state)
{
    struct sse_queue queue = {0};

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        push(&queue, "a", "abcd");
    assert_taken(&queue, "ab");
    sse_queue_release(&queue);
    assert_empty(&queue);
    assert_int_equal(queue.offset, 0);
    push(&queue, "a", "again");
    assert_taken(&queue, "again");
    sse_queue_release(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_bytes),
        cmocka_unit_test(test_of_many_some_are_timed),
        cmocka_unit_test(test_what_is_dropped_was_not_handed_over),
        cmocka_unit_test(test_wrap_around),
        cmocka_unit_test(test_drop_oldest_spares_what_has_begun),
        cmocka_unit_test(test_drop_oldest_empties),
        cmocka_unit_test(test_what_would_be_dropped_has_a_position),
        cmocka_unit_test(test_insert),
        cmocka_unit_test(test_drop_named),
        cmocka_unit_test(test_drop_named_compares_names),
        cmocka_unit_test(test_kept_ones_are_dropped_at_the_end_only),
        cmocka_unit_test(test_drop_unsent),
        cmocka_unit_test(test_pinned_front_is_never_dropped),
        cmocka_unit_test(test_shared_event),
        cmocka_unit_test(test_release_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
