/* SPDX-License-Identifier: Apache-2.0 */
/* What records of the trace say of a user and a message. */
#include <string.h>

#include "broker/trace.h"
#include "broker/why/history.h"
#include "support/fake_loop.h"
#include "support/test.h"

struct fixture {
    struct loop *loop;
    struct trace trace;
    struct why_evidence *evidence;
    struct why_history history;
    struct why_facts facts;
};

static int open_fixture(void **state)
{
    const struct trace_bounds bounds = trace_bounds_of(1024 * 1024, 1, true);
    struct fixture *f = mem_zalloc(sizeof(*f));

    f->loop = loop_new();
    trace_init(&f->trace, f->loop, 0, &bounds);
    f->evidence = mem_zalloc(sizeof(*f->evidence));
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    why_history_release(&f->history);
    why_evidence_free(f->evidence);
    trace_release(&f->trace);
    loop_free(f->loop);
    free(f);
    return 0;
}

/* ---- what is recorded ---- */

struct said {
    enum trace_field field;
    const char *text;
    uint64_t number; /* where there is no text */
};

#define SAY(f, kind, position, ...)                                                                \
    record(f, kind, position, (const struct said[]){__VA_ARGS__},                                  \
           COUNT(((const struct said[]){__VA_ARGS__})))

/* A millisecond later each, though the order is not that of the clock. */
static void record(struct fixture *f, enum trace_kind kind, uint64_t position,
                   const struct said *said, size_t count)
{
    fake_loop_advance(f->loop, 1);
    assert_true(trace_begin(&f->trace, kind, position));
    for (size_t i = 0; i < count; i++) {
        if (said[i].text)
            trace_text(&f->trace, said[i].field, said[i].text);
        else
            trace_number(&f->trace, said[i].field, said[i].number);
    }
    trace_end(&f->trace);
}

static void opens(struct fixture *f, const char *handle, const char *listener)
{
    SAY(f, TRACE_OPENED, 0, {TRACE_CONNECTION, handle, 0}, {TRACE_USER, "7", 0},
        {TRACE_LISTENER, listener, 0}, {TRACE_CHANNEL, "orders", 0});
}

static void closes(struct fixture *f, const char *handle, const char *cause, const char *reason,
                   uint64_t written)
{
    SAY(f, TRACE_CLOSED, 0, {TRACE_CONNECTION, handle, 0}, {TRACE_USER, "7", 0},
        {TRACE_CAUSE, cause, 0}, {TRACE_REASON, reason ? reason : "", 0},
        {TRACE_WRITTEN, NULL, written});
}

static void refuses(struct fixture *f, const char *path, const char *rule)
{
    SAY(f, TRACE_REFUSED, 0, {TRACE_CLAIMED_USER, "7", 0}, {TRACE_PATH, path, 0},
        {TRACE_RULE, rule, 0}, {TRACE_STATUS, NULL, 401});
}

static void sends(struct fixture *f, const char *id, uint64_t position)
{
    SAY(f, TRACE_SENT, position, {TRACE_ID, id, 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_USER, "7", 0});
}

/* how: TRACE_GOT, TRACE_DEAF or TRACE_LEFT_OUT. */
static void dispatches(struct fixture *f, const char *id, uint64_t position, enum trace_field how,
                       const char *handle)
{
    SAY(f, TRACE_DISPATCHED, position, {TRACE_ID, id, 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_USER, "7", 0}, {TRACE_QUEUED, NULL, how == TRACE_GOT}, {how, handle, 0});
}

static void drops(struct fixture *f, const char *handle, const char *policy, uint64_t position)
{
    SAY(f, TRACE_DROPPED, position, {TRACE_CONNECTION, handle, 0}, {TRACE_USER, "7", 0},
        {TRACE_POLICY, policy, 0}, {TRACE_EVENT, "bell", 0});
}

/* ---- what is told of it ---- */

static void gather(struct fixture *f)
{
    why_history_release(&f->history);
    buf_clear(&f->evidence->records);
    for (size_t class = 0; class < TRACE_CLASSES; class ++) {
        const struct trace_record *record, *end;
        struct trace_place place = {0};
        uint64_t lost = 0;

        while (trace_read(&f->trace, (enum trace_class) class, &place, &record, &end, &lost))
            buf_append(&f->evidence->records, record,
                       (size_t)((const char *)end - (const char *)record));
    }
    why_history_read(&f->history, f->evidence);
}

/* connections: that are there now, and listen. */
static enum why_cause tell(struct fixture *f, uint32_t connections)
{
    const struct why_question question = {.user_id = "7", .user_key = "7", .event = "bell"};

    gather(f);
    f->facts = (struct why_facts){.who = "the user 7", .event = "bell"};
    f->facts.now = loop_wall_ms(f->loop);
    f->facts.presence = (struct why_presence){
        .connections = connections, .saying = connections, .listening = connections};
    why_history_tell(&f->history, &question, &f->facts);
    return why_decide(&f->facts);
}

static void nothing_is_known(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tell(f, 0), WHY_OFFLINE);
    assert_int_equal(tell(f, 1), WHY_NOT_SENT);
    assert_false(f->facts.message.is_known);
}

static void it_is_told_as_it_was(void **state)
{
    struct fixture *f = *state;

    sends(f, "m-1", 1);
    opens(f, "a", "bell");
    assert_int_equal(tell(f, 1), WHY_OFFLINE); /* it came later */
    sends(f, "m-2", 2);
    dispatches(f, "m-2", 2, TRACE_GOT, "a");
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    assert_string_equal(f->facts.message.id, "m-2");
    closes(f, "a", "client", "visibilitychange", 2);
    assert_int_equal(tell(f, 0), WHY_DELIVERED); /* it went later */
    sends(f, "m-3", 3);
    assert_int_equal(tell(f, 0), WHY_HIDDEN);
    opens(f, "b", "Bell");
    sends(f, "m-4", 4);
    dispatches(f, "m-4", 4, TRACE_DEAF, "b");
    assert_int_equal(tell(f, 1), WHY_LISTENING_OTHER_CASE);
    assert_string_equal(f->facts.presence.nearest, "Bell");
}

static void names_come_and_go(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "bell");
    SAY(f, TRACE_UNLISTENING, 0, {TRACE_CONNECTION, "a", 0}, {TRACE_USER, "7", 0},
        {TRACE_LISTENER, "bell", 0});
    SAY(f, TRACE_SENT, 1, {TRACE_ID, "m-1", 0}, {TRACE_EVENT, "bell", 0}, {TRACE_TO_USER, "7", 0},
        {TRACE_LISTENERS_ONLY, NULL, 1});
    dispatches(f, "m-1", 1, TRACE_DEAF, "a");
    SAY(f, TRACE_LISTENING, 0, {TRACE_CONNECTION, "a", 0}, {TRACE_USER, "7", 0},
        {TRACE_LISTENER, "bell", 0});
    assert_int_equal(tell(f, 1), WHY_NOT_LISTENING);
    assert_int_equal(f->facts.presence.listening, 0);
    SAY(f, TRACE_SENT, 2, {TRACE_ID, "m-2", 0}, {TRACE_EVENT, "bell", 0}, {TRACE_ALL, NULL, 1},
        {TRACE_LISTENERS_ONLY, NULL, 1});
    SAY(f, TRACE_DISPATCHED, 2, {TRACE_ID, "m-2", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_ALL, NULL, 1}, {TRACE_LISTENERS_ONLY, NULL, 1}, {TRACE_QUEUED, NULL, 1});
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
}

/* Its opening is not known any more, and what it has now is. */
static void is_there_now(struct fixture *f, const char *handle, const char *listener)
{
    fake_loop_advance(f->loop, 1);
    assert_true(trace_begin(&f->trace, TRACE_OPENED, 0));
    f->trace.open->is_of_now = true;
    f->trace.open->ns = 1;
    trace_text(&f->trace, TRACE_CONNECTION, handle);
    trace_text(&f->trace, TRACE_USER, "7");
    trace_text(&f->trace, TRACE_LISTENER, listener);
    trace_end(&f->trace);
}

static void it_was_there_before_the_trace(void **state)
{
    struct fixture *f = *state;

    sends(f, "m-1", 1);
    dispatches(f, "m-1", 1, TRACE_GOT, "a");
    is_there_now(f, "a", "bell");
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    assert_int_equal(f->facts.presence.connections, 1);
    assert_int_equal(f->facts.presence.listening, 1);
    assert_int_equal(f->history.count, 2); /* it is not shown as a record */
    SAY(f, TRACE_LISTENING, 0, {TRACE_CONNECTION, "a", 0}, {TRACE_USER, "7", 0},
        {TRACE_LISTENER, "bell", 0});
    assert_int_equal(tell(f, 1), WHY_NOT_LISTENING); /* that came later */
    assert_int_equal(f->facts.presence.listening, 0);
}

static void an_opening_that_is_known_counts(void **state)
{
    struct fixture *f = *state;

    sends(f, "m-1", 1);
    opens(f, "a", "bell");
    is_there_now(f, "a", "bell");
    assert_int_equal(tell(f, 1), WHY_OFFLINE);
    assert_int_equal(f->facts.presence.connections, 0);
}

/* after: 0: it misses nothing. */
static void comes_back(struct fixture *f, const char *handle, uint64_t position, uint64_t after)
{
    SAY(f, TRACE_OPENED, position, {TRACE_CONNECTION, handle, 0}, {TRACE_USER, "7", 0},
        {TRACE_LISTENER, "bell", 0}, {TRACE_RESUME, after > 0 ? "gap" : "resumed", 0},
        {TRACE_AFTER, NULL, after});
}

static void is_told_of_a_gap(struct fixture *f, const char *handle, uint64_t after, uint64_t to)
{
    SAY(f, TRACE_GAP, to, {TRACE_CONNECTION, handle, 0}, {TRACE_USER, "7", 0},
        {TRACE_AFTER, NULL, after});
}

static void a_page_comes_back_for_it(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "bell");
    closes(f, "a", "client", "visibilitychange", 4);
    sends(f, "m-1", 5);
    comes_back(f, "b", 4, 0); /* the owner has not had it yet */
    assert_int_equal(tell(f, 1), WHY_HIDDEN);
    assert_int_equal(f->facts.gaps.count, 0);
    comes_back(f, "c", 5, 5);
    assert_int_equal(tell(f, 2), WHY_HIDDEN);
    assert_int_not_equal(f->facts.message.gap_at, 0);
    assert_int_equal(f->facts.gaps.count, 1);
    assert_int_not_equal(f->facts.gaps.last_at, 0);
    comes_back(f, "d", 6, 0);
    assert_int_equal(tell(f, 3), WHY_DELIVERED);
    assert_int_not_equal(f->facts.message.resumed_at, 0);
    closes(f, "d", "gone", NULL, 4); /* and left before it had it */
    assert_int_equal(tell(f, 2), WHY_HIDDEN);
}

static void a_page_comes_back_behind_a_gap(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "bell");
    closes(f, "a", "gone", NULL, 3);
    sends(f, "m-1", 5);
    comes_back(f, "b", 7, 4); /* what it lacks is older */
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    assert_int_equal(f->facts.message.gap_at, 0);
    is_told_of_a_gap(f, "b", 5, 6); /* it is younger */
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    is_told_of_a_gap(f, "b", 4, 5);
    assert_int_equal(tell(f, 1), WHY_OFFLINE);
    assert_int_not_equal(f->facts.message.gap_at, 0);
    assert_int_equal(f->facts.gaps.count, 3);
}

/* It is behind with what it had missed: what comes meanwhile it is written later, from the log. */
static void a_page_lags(void **state)
{
    struct fixture *f = *state;

    comes_back(f, "a", 3, 0);
    sends(f, "m-1", 5);
    dispatches(f, "m-1", 5, TRACE_GOT, "a");
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    is_told_of_a_gap(f, "a", 2, 4);
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    is_told_of_a_gap(f, "a", 4, 8);
    assert_int_equal(tell(f, 1), WHY_GAP);
    assert_int_equal(f->facts.message.missed, 1);
    assert_int_equal(f->facts.message.written, 0);
    opens(f, "b", "bell");
    dispatches(f, "m-1", 5, TRACE_GOT, "b");
    assert_int_equal(tell(f, 2), WHY_DELIVERED); /* another one had it */
    drops(f, "b", "drop-oldest", 6);
    drops(f, "b", "latest", 0);
    drops(f, "b", "disconnect", 7);
    drops(f, "a", "too-large", 0);
    (void)tell(f, 2);
    assert_int_equal(f->facts.gaps.count, 4); /* of the others no page is told as such */
}

static void queues_overflow(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "bell");
    sends(f, "m-1", 5);
    dispatches(f, "m-1", 5, TRACE_GOT, "a");
    drops(f, "a", "drop-oldest", 3);
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    drops(f, "a", "drop-oldest", 8); /* and those between, which were not recorded */
    assert_int_equal(tell(f, 1), WHY_DROPPED);
    sends(f, "m-2", 9);
    dispatches(f, "m-2", 9, TRACE_GOT, "a");
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    drops(f, "a", "latest", 0);
    assert_int_equal(tell(f, 1), WHY_DROPPED);
    sends(f, "m-3", 10);
    dispatches(f, "m-3", 10, TRACE_LEFT_OUT, "a");
    assert_int_equal(tell(f, 1), WHY_DROPPED);
}

static void held(struct fixture *f, const char *id)
{
    SAY(f, TRACE_HELD, 0, {TRACE_ID, id, 0}, {TRACE_EVENT, "bell", 0}, {TRACE_TO_USER, "7", 0},
        {TRACE_QOS, NULL, 1});
}

static void refuses_to_send(struct fixture *f, const char *id, const char *user, const char *why)
{
    SAY(f, TRACE_SEND_REFUSED, 0, {TRACE_ID, id, 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_USER, user, 0}, {TRACE_REASON, why, 0}, {TRACE_QOS, NULL, 1});
}

static void a_send_is_refused(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "bell");
    sends(f, "m-1", 1);
    dispatches(f, "m-1", 1, TRACE_GOT, "a");
    refuses_to_send(f, "m-1", "8", "id-in-use"); /* to somebody else */
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    SAY(f, TRACE_SEND_REFUSED, 0, {TRACE_ID, "m-1", 0}, {TRACE_EVENT, "other", 0},
        {TRACE_TO_USER, "7", 0}, {TRACE_REASON, "id-in-use", 0});
    gather(f);
    f->facts = (struct why_facts){.who = "the user 7"};
    why_history_tell(
        &f->history,
        &(struct why_question){.user_id = "7", .user_key = "7", .event = "bell", .id = "m-1"},
        &f->facts);
    assert_int_equal(why_decide(&f->facts), WHY_DELIVERED);
    held(f, "m-2");
    refuses_to_send(f, "m-2", "7", "store-failed");
    assert_int_equal(tell(f, 1), WHY_SEND_REFUSED);
    assert_string_equal(f->facts.message.id, "m-2");
    assert_string_equal(f->facts.message.refused_for, "store-failed");
    assert_false(f->facts.message.is_stored);
    held(f, "m-2"); /* its sender has repeated it */
    sends(f, "m-2", 2);
    dispatches(f, "m-2", 2, TRACE_GOT, "a");
    assert_int_equal(tell(f, 1), WHY_NOT_ACKNOWLEDGED);
}

static void asks_for(struct fixture *f, enum trace_kind kind, enum trace_field field,
                     const char *name)
{
    SAY(f, kind, 0, {TRACE_CONNECTION, "a", 0}, {TRACE_USER, "7", 0}, {field, name, 0},
        {kind == TRACE_CHANNELS_REFUSED ? TRACE_REFUSED_WHY : TRACE_NAMES,
         kind == TRACE_CHANNELS_REFUSED ? "limit" : NULL, 1});
}

/* What was last is what counts. */
static void a_channel_is_had_and_left(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "bell"); /* with orders */
    asks_for(f, TRACE_UNSUBSCRIBED, TRACE_CHANNEL, "orders");
    SAY(f, TRACE_SENT, 1, {TRACE_ID, "m-1", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_CHANNEL, "orders", 0});
    assert_int_equal(tell(f, 1), WHY_NOT_IN_CHANNEL);
    assert_int_not_equal(f->facts.channel.left_at, 0);
    asks_for(f, TRACE_CHANNELS_REFUSED, TRACE_REFUSED_CHANNEL, "orders");
    SAY(f, TRACE_SENT, 2, {TRACE_ID, "m-2", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_CHANNEL, "orders", 0});
    assert_int_equal(tell(f, 1), WHY_CHANNEL_REFUSED);
    assert_string_equal(f->facts.channel.refused_for, "limit");
    assert_int_equal(f->facts.channel.left_at, 0);
    asks_for(f, TRACE_SUBSCRIBED, TRACE_CHANNEL, "orders");
    asks_for(f, TRACE_UNSUBSCRIBED, TRACE_CHANNEL, "orders");
    SAY(f, TRACE_SENT, 3, {TRACE_ID, "m-3", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_CHANNEL, "orders", 0});
    assert_int_equal(tell(f, 1), WHY_NOT_IN_CHANNEL);
    assert_false(f->facts.channel.is_refused);
    SAY(f, TRACE_SENT, 4, {TRACE_ID, "m-4", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_CHANNEL, "order", 0});
    assert_int_equal(tell(f, 1), WHY_CHANNEL_UNKNOWN);
    /* Somebody was in it then. */
    SAY(f, TRACE_DISPATCHED, 4, {TRACE_ID, "m-4", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_CHANNEL, "order", 0}, {TRACE_IN_GROUP, NULL, 1});
    assert_int_equal(tell(f, 1), WHY_NOT_IN_CHANNEL);
}

static void a_listener_is_refused(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "other");
    asks_for(f, TRACE_CHANNELS_REFUSED, TRACE_REFUSED_LISTENER, "bell");
    sends(f, "m-1", 1);
    dispatches(f, "m-1", 1, TRACE_DEAF, "a");
    assert_int_equal(tell(f, 1), WHY_NOT_LISTENING);
    assert_string_equal(f->facts.presence.refused_for, "limit");
    asks_for(f, TRACE_LISTENING, TRACE_LISTENER, "bell");
    asks_for(f, TRACE_UNLISTENING, TRACE_LISTENER, "bell");
    sends(f, "m-2", 2);
    dispatches(f, "m-2", 2, TRACE_DEAF, "a");
    assert_int_equal(tell(f, 1), WHY_NOT_LISTENING);
    assert_int_equal(f->facts.presence.refused_at, 0);
}

static void a_connection_ends_with_it(void **state)
{
    struct fixture *f = *state;

    opens(f, "a", "bell");
    sends(f, "m-1", 5);
    closes(f, "a", "slow", NULL, 4); /* while it was brought to it */
    assert_int_equal(tell(f, 0), WHY_SLOW);
    opens(f, "b", "bell");
    sends(f, "m-2", 6);
    dispatches(f, "m-2", 6, TRACE_GOT, "b");
    assert_int_equal(tell(f, 1), WHY_DELIVERED);
    closes(f, "b", "kicked", NULL, 5); /* it was still in its queue */
    assert_int_equal(tell(f, 0), WHY_KICKED);
}

static void refusals_count_until_one_comes_in(void **state)
{
    static const struct {
        const char *rule;
        enum why_cause cause;
    } rules[] = {
        {"expired", WHY_TOKEN_EXPIRED},
        {"revoked", WHY_REVOKED},
        {"webhook", WHY_WEBHOOK_REFUSED},
        {"origin", WHY_ORIGIN_REFUSED},
        {"credential", WHY_CREDENTIAL_REFUSED},
        {"connections", WHY_LIMIT},
        {"no-credential", WHY_CREDENTIAL_REFUSED},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(rules); i++) {
        refuses(f, "/sse/demo/connect?listeners=bell", rules[i].rule);
        assert_int_equal(tell(f, 0), rules[i].cause);
        assert_true(f->facts.refusal.is_claimed);
    }
    opens(f, "a", "bell");
    closes(f, "a", "gone", NULL, 0);
    assert_int_equal(tell(f, 0), WHY_OFFLINE);
    refuses(f, "/sse/demo/connect/ack.do", "expired"); /* no connect */
    assert_int_equal(tell(f, 0), WHY_OFFLINE);
}

static void what_is_about_others_is_left_out(void **state)
{
    struct fixture *f = *state;

    sends(f, "m-1", 1);
    SAY(f, TRACE_SENT, 2, {TRACE_ID, "m-2", 0}, {TRACE_EVENT, "bell", 0}, {TRACE_TO_USER, "8", 0});
    SAY(f, TRACE_SENT, 3, {TRACE_ID, "m-3", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_CHANNEL, "prices", 0});
    assert_int_equal(tell(f, 0), WHY_OFFLINE);
    assert_string_equal(f->facts.message.id, "m-1");
    assert_int_equal(f->history.count, 1);
    assert_int_equal(f->facts.message.at, f->history.records[0]->time);
    opens(f, "a", "bell"); /* it has the channel orders */
    SAY(f, TRACE_SENT, 4, {TRACE_ID, "m-4", 0}, {TRACE_EVENT, "bell", 0},
        {TRACE_TO_CHANNEL, "order", 0});
    assert_int_equal(tell(f, 1), WHY_CHANNEL_UNKNOWN);
    assert_string_equal(f->facts.message.id, "m-4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_known, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(it_is_told_as_it_was, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(names_come_and_go, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(it_was_there_before_the_trace, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(an_opening_that_is_known_counts, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_page_comes_back_for_it, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_page_comes_back_behind_a_gap, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_page_lags, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(queues_overflow, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_send_is_refused, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_channel_is_had_and_left, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_listener_is_refused, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_connection_ends_with_it, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(refusals_count_until_one_comes_in, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(what_is_about_others_is_left_out, open_fixture,
                                        close_fixture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
