/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "broker/trace_filter.h"
#include "sse/user.h"
#include "support/fake_loop.h"
#include "support/test.h"

struct fixture {
    struct loop *loop;
    struct trace trace;
};

static void open_fixture(struct fixture *f)
{
    const struct trace_bounds bounds = trace_bounds_of(1024 * 1024, 1, true);

    f->loop = loop_new();
    trace_init(&f->trace, f->loop, 0, &bounds);
}

static void close_fixture(struct fixture *f)
{
    trace_release(&f->trace);
    loop_free(f->loop);
}

/* Fields end with one that is NULL. */
struct written {
    enum trace_field field;
    const char *text;
};

static const struct trace_record *write_record(struct fixture *f, enum trace_kind kind,
                                               const struct written *fields)
{
    struct trace_place place = trace_place_of_end(&f->trace, trace_class_of(kind));
    const struct trace_record *record, *end;
    uint64_t lost = 0;

    assert_true(trace_begin(&f->trace, kind, 0));
    for (; fields->text; fields++)
        trace_text(&f->trace, fields->field, fields->text);
    trace_end(&f->trace);
    assert_true(trace_read(&f->trace, trace_class_of(kind), &place, &record, &end, &lost));
    return record;
}

#define KEY(tenant, id) tenant SSE_USER_KEY_SEPARATOR id

static void what_is_said_holds_together(void **state)
{
    static const struct {
        struct written fields[4];
        const char *by[TRACE_FILTERS];
        bool passes;
    } cases[] = {
        {{{TRACE_ID, "m"}}, {NULL}, true},
        {{{TRACE_ID, "m"}}, {[TRACE_BY_ID] = "m"}, true},
        {{{TRACE_ID, "m"}}, {[TRACE_BY_ID] = "n"}, false},
        {{{TRACE_ID, "m"}}, {[TRACE_BY_ID] = "m", [TRACE_BY_EVENT] = "e"}, false},
        {{{TRACE_ID, "m"}, {TRACE_EVENT, "e"}},
         {[TRACE_BY_ID] = "m", [TRACE_BY_EVENT] = "e"},
         true},
        {{{TRACE_LISTENER, "d"}, {TRACE_LISTENER, "e"}}, {[TRACE_BY_EVENT] = "e"}, true},
        {{{TRACE_USER, "7"}}, {[TRACE_BY_USER_ID] = "7"}, true},
        {{{TRACE_USER, "77"}}, {[TRACE_BY_USER_ID] = "7"}, false},
        {{{TRACE_TO_USER, "8"}, {TRACE_TO_USER, "7"}}, {[TRACE_BY_USER_ID] = "7"}, true},
        {{{TRACE_CLAIMED_USER, "7"}}, {[TRACE_BY_USER_ID] = "7"}, true},
        /* Of a tenant: by the key, or what stands beside it. */
        {{{TRACE_USER, KEY("a", "7")}}, {"7", "a"}, true},
        {{{TRACE_USER, KEY("a", "7")}}, {"7", "b"}, false},
        {{{TRACE_USER, KEY("ab", "7")}}, {"7", "a"}, false},
        {{{TRACE_USER, KEY("a", "7")}}, {"7"}, true},
        {{{TRACE_USER, "7"}, {TRACE_TENANT, "a"}}, {"7", "a"}, true},
        {{{TRACE_USER, "7"}, {TRACE_TENANT, "b"}}, {"7", "a"}, false},
        {{{TRACE_TO_USER, KEY("a", "7")}}, {"7", "a"}, true},
        {{{TRACE_TO_USER, "7"}}, {"7", "a"}, true}, /* whatever the user's tenant is */
        {{{TRACE_TO_USER, KEY("a", "7")}}, {NULL, "a"}, true},
        {{{TRACE_TO_TENANT, "a"}}, {NULL, "a"}, true},
        {{{TRACE_CHANNEL, "c"}}, {[TRACE_BY_CHANNEL] = "c"}, true},
        {{{TRACE_REFUSED_CHANNEL, "c"}}, {[TRACE_BY_CHANNEL] = "c"}, true},
        {{{TRACE_TO_CHANNEL, "C"}}, {[TRACE_BY_CHANNEL] = "c"}, false},
        {{{TRACE_DEAF, "h"}}, {[TRACE_BY_CONNECTION] = "h"}, true},
        {{{TRACE_ADDRESS, "::1"}}, {[TRACE_BY_ADDRESS] = "::1"}, true},
        {{{TRACE_CLIENT, "c"}}, {[TRACE_BY_CLIENT] = "d"}, false},
    };
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct trace_record *record = write_record(&f, TRACE_SENT, cases[i].fields);
        struct trace_filter filter = {.kinds = 0};

        memcpy(filter.by, cases[i].by, sizeof(filter.by));
        if (trace_filter_passes(&filter, record) != cases[i].passes)
            fail_msg("case %zu", i);
    }
    close_fixture(&f);
}

static void times_and_kinds_are_looked_at(void **state)
{
    const struct trace_record *record;
    struct fixture f;
    unsigned kinds;
    struct word unknown;

    (void)state;
    open_fixture(&f);
    record = write_record(&f, TRACE_CLOSED, &(struct written){TRACE_ID, NULL});
    assert_true(trace_filter_passes(&(struct trace_filter){.since = record->time}, record));
    assert_false(trace_filter_passes(&(struct trace_filter){.since = record->time + 1}, record));
    assert_true(trace_filter_passes(&(struct trace_filter){.until = record->time + 1}, record));
    assert_false(trace_filter_passes(&(struct trace_filter){.until = record->time}, record));
    assert_true(trace_kinds_parse("opened, closed", &kinds, &unknown));
    assert_true(trace_filter_passes(&(struct trace_filter){.kinds = kinds}, record));
    assert_true(trace_kinds_parse("opened", &kinds, &unknown));
    assert_false(trace_filter_passes(&(struct trace_filter){.kinds = kinds}, record));
    assert_false(trace_kinds_parse("opened,closing", &kinds, &unknown));
    assert_true(word_is(&unknown, "closing"));
    close_fixture(&f);
}

/* Whoever may see some tenants sees what is of these, and of nobody else. */
static void keys_for_tenants_see_theirs(void **state)
{
    static const struct {
        struct written fields[4];
        bool passes;
    } cases[] = {
        {{{TRACE_ID, "m"}}, false},
        {{{TRACE_TO_TENANT, "a"}}, true},
        {{{TRACE_TO_TENANT, "a"}, {TRACE_TO_TENANT, "c"}}, true},
        {{{TRACE_TO_TENANT, "a"}, {TRACE_TO_TENANT, "b"}}, false},
        {{{TRACE_TO_USER, KEY("a", "7")}}, true},
        {{{TRACE_TO_USER, KEY("b", "7")}}, false},
        {{{TRACE_TO_USER, "7"}}, false},
        {{{TRACE_TO_CHANNEL, "a"}}, false},
        {{{TRACE_USER, "7"}, {TRACE_TENANT, "a"}}, true},
        {{{TRACE_USER, "7"}}, false},
        {{{TRACE_CLAIMED_USER, "7"}, {TRACE_CLAIMED_TENANT, "a"}}, false}, /* who knows? */
    };
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct trace_record *record = write_record(&f, TRACE_SENT, cases[i].fields);

        if (trace_filter_passes(&(struct trace_filter){.tenants = "a,c"}, record) !=
            cases[i].passes)
            fail_msg("case %zu", i);
    }
    close_fixture(&f);
}

static void is_shown_as_json(void **state)
{
    const struct trace_record *record, *end;
    struct trace_place place = {0};
    struct buf text = BUF_INIT;
    uint64_t lost = 0;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_true(trace_begin(&f.trace, TRACE_DISPATCHED, 12));
    trace_text(&f.trace, TRACE_ID, "a\"b");
    trace_number(&f.trace, TRACE_QUEUED, 0);
    trace_number(&f.trace, TRACE_ALL, 1);
    trace_text(&f.trace, TRACE_TO_USER, "7");
    trace_text(&f.trace, TRACE_GOT, "h1");
    trace_text(&f.trace, TRACE_TO_USER, KEY("t", "8"));
    trace_text(&f.trace, TRACE_USER, KEY("t", "9"));
    trace_text(&f.trace, TRACE_TENANT, "t");
    trace_end(&f.trace);
    assert_true(trace_read(&f.trace, TRACE_OF_MESSAGES, &place, &record, &end, &lost));
    trace_append_json(&text, record);
    assert_string_equal(strchr(text.data, ','),
                        ",\"kind\":\"dispatched\",\"worker\":0,\"position\":12,\"id\":\"a\\\"b\","
                        "\"queued\":0,\"all\":true,"
                        "\"toUsers\":[\"7\",{\"userId\":\"8\",\"tenantId\":\"t\"}],"
                        "\"queuedFor\":[\"h1\"],\"userId\":\"9\",\"tenantId\":\"t\"}");
    buf_release(&text);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_holds_together),
        cmocka_unit_test(times_and_kinds_are_looked_at),
        cmocka_unit_test(keys_for_tenants_see_theirs),
        cmocka_unit_test(is_shown_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
