/* SPDX-License-Identifier: Apache-2.0 */
/* Every cause, from the facts that it rests on; and which one counts where several could. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/why/cause.h"
#include "broker/why/text.h"
#include "support/test.h"

#define SENT_AT 1000000
#define BEFORE  900000
#define LATER   1100000

/* ---- worlds ---- */

static struct why_facts asked(void)
{
    return (struct why_facts){.who = "the user 7", .event = "bell", .now = LATER};
}

static struct why_facts connected(void)
{
    struct why_facts facts = asked();

    facts.presence = (struct why_presence){.connections = 1, .saying = 1, .listening = 1};
    return facts;
}

static struct why_facts deaf(void)
{
    struct why_facts facts = connected();

    facts.presence.listening = 0;
    return facts;
}

static void send_to(struct why_facts *facts, uint32_t written)
{
    facts->message = (struct why_message){
        .is_known = true, .at = SENT_AT, .id = "m-1", .asks_listening = true, .written = written};
}

static void store_for(struct why_facts *facts, enum qos_state state, uint32_t written)
{
    send_to(facts, written);
    facts->message.is_stored = true;
    facts->message.state = state;
    facts->queue = (struct why_queue){.stored = 1, .window = 10};
}

static struct why_event event_of(enum why_cause cause, int64_t at)
{
    return (struct why_event){.cause = cause,
                              .at = at,
                              .order = (uint64_t)at,
                              .detail = "because",
                              .address = "192.0.2.7"};
}

/* The word, and that the paragraph says what it should. */
static void expect(const struct why_facts *facts, const char *word, const char *part)
{
    const enum why_cause cause = why_decide(facts);
    struct buf text = BUF_INIT;

    assert_string_equal(why_words[cause].word, word);
    why_tell(&text, facts, cause);
    assert_non_null(strstr(buf_str(&text), why_words[cause].meaning));
    if (!strstr(buf_str(&text), part))
        fail_msg("\"%s\" is not in: %s", part, buf_str(&text));
    buf_release(&text);
}

/* ---- the words ---- */

static void every_cause_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < WHY_CAUSES; i++) {
        const struct why_word *word = &why_words[i];

        assert_non_null(word->word);
        assert_int_equal(word->meaning[strlen(word->meaning) - 1], '.');
        assert_int_equal(word->advice[strlen(word->advice) - 1], '.');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(word->word, why_words[j].word);
    }
}

static char *read_document(const char *name)
{
    FILE *file = fopen(name, "r");
    struct buf text = BUF_INIT;
    char piece[4096];
    size_t length;

    assert_non_null(file);
    while ((length = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_append(&text, piece, length);
    fclose(file);
    return buf_detach(&text);
}

static void every_cause_is_documented(void **state)
{
    char *page = read_document("docs/inspecting.md");
    char *api = read_document("docs/openapi.yaml");
    const char *list = strstr(api, "enum: [unknown, ");

    (void)state;
    assert_non_null(list);
    *strchr(list, ']') = '\0';
    for (size_t i = 0; i < WHY_CAUSES; i++) {
        struct buf row = BUF_INIT;

        buf_printf(&row, "\n| `%s` | %s | %s |\n", why_words[i].word, why_words[i].meaning,
                   why_words[i].advice);
        assert_non_null(strstr(page, buf_str(&row)));
        assert_non_null(strstr(list, why_words[i].word));
        buf_release(&row);
    }
    free(page);
    free(api);
}

/* ---- nobody is there ---- */

static void nobody_is_there(void **state)
{
    struct why_facts facts = asked();

    (void)state;
    expect(&facts, "offline", "Now the user 7 has no connection here.");
    facts.ending = event_of(WHY_OFFLINE, BEFORE);
    expect(&facts, "offline", "ended at 1970-01-01 00:15:00 UTC, from 192.0.2.7: because.");
    send_to(&facts, 0);
    expect(&facts, "offline", "The message \"m-1\" with the event \"bell\" was sent at");
}

static void a_last_end_tells_why(void **state)
{
    static const enum why_cause causes[] = {WHY_HIDDEN, WHY_EVICTED,       WHY_KICKED,
                                            WHY_SLOW,   WHY_TOKEN_EXPIRED, WHY_REVOKED};

    (void)state;
    for (size_t i = 0; i < COUNT(causes); i++) {
        struct why_facts facts = asked();

        facts.ending = event_of(causes[i], BEFORE);
        expect(&facts, why_words[causes[i]].word, "ended at");
        facts.other_service = "hr";
        facts.is_there = true; /* that was its end all the same */
        expect(&facts, why_words[causes[i]].word, "ended at");
    }
}

static void a_refusal_tells_why(void **state)
{
    (void)state;
    for (enum why_cause cause = WHY_TOKEN_EXPIRED; cause <= WHY_CONNECT_REFUSED; cause++) {
        struct why_facts facts = asked();

        facts.ending = event_of(WHY_HIDDEN, BEFORE);
        facts.refusal = event_of(cause, SENT_AT);
        facts.refusal.is_claimed = true;
        expect(&facts, why_words[cause].word, "nobody has checked");
        facts.refusal.order = BEFORE - 1; /* it came in later on, and left */
        expect(&facts, "hidden", "ended at");
    }
}

static void somebody_is_elsewhere(void **state)
{
    struct why_facts facts = asked();

    (void)state;
    facts.other_service = "hr";
    facts.is_there = true;
    expect(&facts, "otherService", "\"hr\"");
    facts.other_tenant = "south";
    expect(&facts, "otherTenant", "\"south\"");
    facts.ending = event_of(WHY_OFFLINE, BEFORE); /* it may have gone there */
    expect(&facts, "otherTenant", "\"south\"");
    facts = connected();
    send_to(&facts, 0);
    facts.message.is_of_other_tenant = true;
    expect(&facts, "otherTenant", "for one tenant");
    facts = connected();
    facts.other_service = "hr";
    facts.is_sent_there = true;
    expect(&facts, "otherService", "\"hr\"");
}

/* ---- somebody is, and was not meant ---- */

static void it_listens_to_something_else(void **state)
{
    struct why_facts facts = deaf();

    (void)state;
    send_to(&facts, 0);
    expect(&facts, "notListening", "0 of them listening to \"bell\"");
    facts.presence.nearest = "belt";
    facts.presence.nearness = SPELLING_NEAR;
    expect(&facts, "notListening", "It listens to \"belt\"");
    facts.presence.nearest = "Bell";
    facts.presence.nearness = SPELLING_OTHER_CASE;
    expect(&facts, "listeningOtherCase", "It listens to \"Bell\"");
    send_to(&facts, 1); /* its page got it, and nobody there heard */
    expect(&facts, "listeningOtherCase", "It listens to \"Bell\"");
    facts = deaf();
    send_to(&facts, 1);
    expect(&facts, "notListening", "sent at");
    facts.presence.refused_at = BEFORE;
    facts.presence.refused_for = "limit";
    expect(&facts, "notListening",
           "was refused, at 1970-01-01 00:15:00 UTC. The rule is \"limit\"");
    facts.presence.saying = 0; /* an EventSource of its own says nothing */
    expect(&facts, "delivered", "sent at");
}

static void what_listened_has_gone(void **state)
{
    struct why_facts facts = deaf();

    (void)state;
    send_to(&facts, 0);
    facts.ending = event_of(WHY_EVICTED, BEFORE);
    expect(&facts, "notListening", "listen");
    facts.ending.is_listener = true;
    expect(&facts, "evicted", "ended at");
    facts.ending.cause = WHY_OFFLINE; /* another one is there */
    expect(&facts, "notListening", "Its connection that listened had ended at 1970-01-01");
    facts.ending.cause = WHY_EVICTED;
    facts.refusal = event_of(WHY_LIMIT, SENT_AT);
    expect(&facts, "limit", "refused at");
    facts.presence.nearness = SPELLING_OTHER_CASE;
    facts.presence.nearest = "BELL";
    expect(&facts, "listeningOtherCase", "BELL");
}

static void it_is_not_in_the_channel(void **state)
{
    struct why_facts facts = connected();

    (void)state;
    send_to(&facts, 0);
    facts.message.channel = facts.channel.name = "orders";
    expect(&facts, "channelUnknown", "The channel is \"orders\".");
    facts.channel.nearest = "order";
    expect(&facts, "channelUnknown", "called \"order\"");
    facts.message.had_members = true;
    expect(&facts, "notInChannel", "\"orders\"");
    facts.message.had_members = false;
    facts.channel.left_at = BEFORE;
    expect(&facts, "notInChannel", "Its page left it at 1970-01-01 00:15:00 UTC.");
    facts.channel.left_at = 0;
    facts.channel.members = 2;
    expect(&facts, "notInChannel", "\"orders\"");
    facts.channel.is_refused = true;
    facts.channel.refused_at = BEFORE;
    expect(&facts, "channelRefused", "refused at 1970-01-01 00:15:00 UTC");
    facts.channel.joined = 1;
    expect(&facts, "unknown", "\"orders\"");
    facts.is_channel = true; /* asked of the channel itself */
    facts.who = "the channel \"orders\"";
    facts.presence = (struct why_presence){.connections = 0};
    expect(&facts, "channelUnknown", "has no connection");
}

static void it_was_not_sent(void **state)
{
    struct why_facts facts = connected();

    (void)state;
    facts.known_since = BEFORE;
    expect(&facts, "notSent", "before 1970-01-01 00:15:00 UTC is not known");
    facts.is_unrecorded = true;
    expect(&facts, "unknown", "services[].trace.bytes is 0");
    facts.is_unrecorded = false;
    facts.event = NULL;
    expect(&facts, "notSent", "Now the user 7 has 1 connection.");
}

/* ---- the message ---- */

static void a_message_has_its_fate(void **state)
{
    static const struct {
        enum qos_state state;
        const char *word;
    } ends[] = {{QOS_ACKNOWLEDGED, "delivered"},
                {QOS_EXPIRED, "expired"},
                {QOS_DISPLACED, "displaced"},
                {QOS_DELETED, "deleted"},
                {QOS_UNREADABLE, "unreadable"}};
    struct why_facts facts = connected();

    (void)state;
    send_to(&facts, 1);
    expect(&facts, "delivered", "m-1");
    facts.message.dropped = 1;
    expect(&facts, "dropped", "full");
    facts.message.dropped = 0;
    facts.message.missed = 1;
    facts.message.gap_at = SENT_AT;
    expect(&facts, "delivered", "m-1"); /* another of its connections got it */
    facts.message.written = 0;
    expect(&facts, "gap", "That was at 1970-01-01 00:16:40 UTC. ");
    facts.message.missed = 0;
    facts.message.gap_at = 0;
    facts.message.dropped = 1;
    facts.message.written = 1;
    facts.message.written = 2; /* others of its connections got it */
    expect(&facts, "delivered", "m-1");
    facts.message.is_repeat = true;
    expect(&facts, "repeatedId", "m-1");
    facts.message.refused_for = "store-full";
    expect(&facts, "sendRefused", "was to be sent at");
    expect(&facts, "sendRefused", "The rule is \"store-full\": the store is full");
    for (size_t i = 0; i < COUNT(ends); i++) {
        facts = asked(); /* whether it is there now or not */
        store_for(&facts, ends[i].state, 0);
        expect(&facts, ends[i].word, "m-1");
    }
}

static void a_stored_message_waits(void **state)
{
    struct why_facts facts = connected();

    (void)state;
    store_for(&facts, QOS_STORED, 0);
    expect(&facts, "unknown", "m-1");
    facts.message.ahead = 1;
    expect(&facts, "storedBehindOthers", "1 is before it");
    facts.queue.in_flight = 10;
    expect(&facts, "windowFull", "10 are written, and services[].qos.window is 10");
    facts.message.written = 2;
    expect(&facts, "notAcknowledged", "written 2 times");
    facts.presence = (struct why_presence){.connections = 0};
    expect(&facts, "notAcknowledged", "has no connection");
    facts.message.written = 0;
    expect(&facts, "offline", "no connection");
    facts.ending = event_of(WHY_HIDDEN, BEFORE);
    expect(&facts, "hidden", "ended at");
    facts = deaf();
    store_for(&facts, QOS_STORED, 0);
    facts.queue.in_flight = 10; /* of what is for whoever listens or not */
    expect(&facts, "notListening", "m-1");
}

/* ---- spelling ---- */

static void names_are_near(void **state)
{
    static const struct {
        const char *one, *other;
        enum nearness nearness;
    } pairs[] = {
        {"bell", "bell", SPELLING_SAME},
        {"bell", "Bell", SPELLING_OTHER_CASE},
        {"bell", " bell ", SPELLING_OTHER_CASE},
        {"bell", "belt", SPELLING_NEAR},
        {"bell", "ebll", SPELLING_NEAR},
        {"bell", "bel", SPELLING_NEAR},
        {"bell", "bellt", SPELLING_NEAR},
        {"bell", "ball", SPELLING_NEAR},
        {"bell", "bolt", SPELLING_FAR},
        {"orders", "ordres", SPELLING_NEAR},
        {"orders", "order", SPELLING_NEAR},
        {"orders", "odersx", SPELLING_NEAR},
        {"orders-1", "ordres-1", SPELLING_NEAR},
        {"orders-1", "orders-2", SPELLING_FAR},
        {"orders", "orders2", SPELLING_FAR},
        {"orders", "invoices", SPELLING_FAR},
        {"ab", "ac", SPELLING_FAR},
        {"", "abc", SPELLING_FAR},
        {"", "", SPELLING_SAME},
    };
    char longer[3 * SPELLING_MOST], other[sizeof(longer)];

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_int_equal(spelling_nearness(pairs[i].one, pairs[i].other), pairs[i].nearness);
        assert_int_equal(spelling_nearness(pairs[i].other, pairs[i].one), pairs[i].nearness);
    }
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    memcpy(other, longer, sizeof(longer));
    other[0] = 'y';
    assert_int_equal(spelling_nearness(longer, other), SPELLING_FAR);
    longer[SPELLING_MOST] = other[SPELLING_MOST] = '\0';
    assert_int_equal(spelling_nearness(longer, other), SPELLING_NEAR);
    assert_int_equal(spelling_nearness(longer, longer + 1), SPELLING_NEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cause_has_a_word_of_its_own),
        cmocka_unit_test(every_cause_is_documented),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(a_last_end_tells_why),
        cmocka_unit_test(a_refusal_tells_why),
        cmocka_unit_test(somebody_is_elsewhere),
        cmocka_unit_test(it_listens_to_something_else),
        cmocka_unit_test(what_listened_has_gone),
        cmocka_unit_test(it_is_not_in_the_channel),
        cmocka_unit_test(it_was_not_sent),
        cmocka_unit_test(a_message_has_its_fate),
        cmocka_unit_test(a_stored_message_waits),
        cmocka_unit_test(names_are_near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
