/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/json.h"
#include "sse/event.h"
#include "sse/message.h"
#include "support/event_stream.h"
#include "support/same_message.h"
#include "support/test.h"

struct fixture {
    struct sse_message *message;
    char fault[256];
    int status;
};

static void read_message(struct fixture *fixture, const char *text)
{
    struct json_fault json_fault;
    json_t *object = json_parse_by(&sse_message_json, text, strlen(text), &json_fault);

    const struct sse_message_bounds bounds = {.data = SSE_EVENT_MAX_DATA,
                                              .line = SSE_DATA_LINE_BYTES};

    struct json_view views[SSE_MESSAGE_FIELDS];

    assert_non_null(object);
    assert_true(!is_plain_message(text, strlen(text), views) ||
                is_same_to_a_tree(views, text, strlen(text), &bounds));
    fixture->fault[0] = '\0';
    fixture->status = sse_message_from_json(&fixture->message, object, &bounds, fixture->fault,
                                            sizeof(fixture->fault));
    json_decref(object);
}

static void assert_data(const char *json, const char *expected)
{
    struct fixture fixture;
    struct event_stream stream;
    char text[512];

    snprintf(text, sizeof(text), "{\"event\":\"e\",\"all\":true%s%s}", json ? ",\"data\":" : "",
             json ? json : "");
    read_message(&fixture, text);
    assert_int_equal(fixture.status, 0);
    event_stream_parse(&stream, fixture.message->wire->data, fixture.message->wire->length);
    assert_int_equal(stream.count, 1);
    assert_string_equal(stream.events[0].data, expected);
    assert_string_equal(stream.events[0].id, fixture.message->id);
    event_stream_release(&stream);
    sse_message_unref(fixture.message);
}

static void assert_fault(const char *text, int status, const char *sentence)
{
    struct fixture fixture;

    read_message(&fixture, text);
    assert_int_equal(fixture.status, status);
    assert_non_null(strstr(fixture.fault, sentence));
    assert_null(fixture.message);
}

static void assert_wire(const char *text, const char *expected)
{
    struct fixture fixture;

    read_message(&fixture, text);
    assert_string_equal(fixture.fault, "");
    assert_string_equal(fixture.message->wire->data, expected);
    sse_message_unref(fixture.message);
}

static void test_without_a_name_a_page_takes_it_for_a_message(void **state)
{
    struct fixture fixture;

    (void)state;
    assert_wire("{\"data\":1,\"all\":true,\"id\":\"i\"}", "id:i\ndata:1\n\n");
    assert_wire("{\"data\":null,\"all\":true,\"id\":\"i\"}", "id:i\ndata:null\n\n");
    read_message(&fixture, "{\"data\":1,\"all\":true,\"listening\":true}");
    assert_string_equal(fixture.message->event, "message");
    assert_string_equal(fixture.message->target.listening, "message");
    sse_message_unref(fixture.message);
    assert_fault("{\"event\":\"\",\"data\":1,\"all\":true}", -EINVAL, "\"event\" must be");
}

static void test_comments_and_reconnect_times(void **state)
{
    static const char must[] = "\"event\" must be a non-empty string, where";
    static const char no_event[] = "it is no event";

    (void)state;
    assert_wire(
        "{\"event\":\"e\",\"data\":1,\"comment\":\"c d\",\"reconnectTime\":2500,\"all\":true,"
        "\"id\":\"i\"}",
        ":c d\nid:i\nevent:e\nretry:2500\ndata:1\n\n");
    assert_wire("{\"comment\":\"c\",\"all\":true,\"id\":\"i\"}", ":c\nid:i\n\n");
    assert_wire("{\"reconnectTime\":100,\"all\":true,\"id\":\"i\"}", "id:i\nretry:100\n\n");
    assert_wire("{\"event\":\"e\",\"comment\":\"\",\"all\":true,\"id\":\"i\"}",
                "id:i\nevent:e\ndata:\n\n");
    assert_fault("{\"all\":true}", -EINVAL, must);
    assert_fault("{\"comment\":\"\",\"all\":true}", -EINVAL, must);
    assert_fault("{\"comment\":\"c\",\"qos\":1,\"all\":true}", -EINVAL, no_event);
    assert_fault("{\"reconnectTime\":100,\"listening\":true,\"all\":true}", -EINVAL, no_event);
    assert_fault("{\"data\":1,\"comment\":\"a\\nb\",\"all\":true}", -EINVAL, "\"comment\" must be");
    assert_fault("{\"data\":1,\"comment\":\"a\\rdata: x\",\"all\":true}", -EINVAL,
                 "\"comment\" must be");
    assert_fault("{\"data\":1,\"comment\":7,\"all\":true}", -EINVAL, "\"comment\" must be");
    assert_fault("{\"data\":1,\"reconnectTime\":99,\"all\":true}", -EINVAL,
                 "\"reconnectTime\" must");
    assert_fault("{\"data\":1,\"reconnectTime\":86400001,\"all\":true}", -EINVAL,
                 "\"reconnectTime\" must");
    assert_fault("{\"data\":1,\"reconnectTime\":\"5\",\"all\":true}", -EINVAL,
                 "\"reconnectTime\" must");
}

/* What the store gives back is what was sent. */
static void test_they_are_stored(void **state)
{
    static const char *const texts[] = {
        "{\"data\":[1],\"userId\":\"7\",\"qos\":1,\"id\":\"i\"}",
        "{\"data\":\"d\",\"comment\":\"c\",\"reconnectTime\":500,\"userId\":\"7\",\"qos\":1,\"id\":"
        "\"i\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct fixture fixture;
        struct sse_message *again;
        struct json_fault json_fault;
        uint64_t digest, digest_again;
        size_t length;
        json_t *object;
        char *text;

        read_message(&fixture, texts[i]);
        text = sse_message_to_json(fixture.message, &length, &digest);
        object = json_parse_by(&sse_message_json, text, length, &json_fault);
        free(text);
        assert_int_equal(sse_message_from_store(&again, object), 0);
        json_decref(object);
        assert_string_equal(again->wire->data, fixture.message->wire->data);
        text = sse_message_to_json(again, &length, &digest_again);
        assert_int_equal(digest, digest_again);
        free(text);
        sse_message_unref(again);
        sse_message_unref(fixture.message);
    }
}

/* Files of older versions have such digests, of the text that jansson wrote. */
static void test_digests_stay(void **state)
{
    static const char text[] =
        "{\"event\":\"b\\u00e4ll\",\"data\":{\"a\" : "
        "1},\"userId\":[7,\"8\\\"\"],\"tenantId\":\"red\",\"comment\":"
        "\"one\\t\\\\\",\"reconnectTime\":500,\"listening\":true,\"qos\":1,\"ttl\":9,\"receipt\":"
        "\"https://x/\",\"id\":\"i/7\"}";
    struct fixture fixture;
    uint64_t digest;
    size_t length;
    char *written;

    (void)state;
    read_message(&fixture, text);
    assert_string_equal(fixture.fault, "");
    written = sse_message_to_json(fixture.message, &length, &digest);
    assert_string_equal(
        written, "{\"data\":{\"a\":1},\"event\":\"b\u00e4ll\",\"listening\":true,\"userId\":[\"7\","
                 "\"8\\\"\"],"
                 "\"tenantId\":\"red\",\"comment\":\"one\\t\\\\\",\"reconnectTime\":500,\"qos\":1,"
                 "\"ttl\":9,\"receipt\":\"https://x/\",\"id\":\"i/7\"}");
    assert_int_equal(length, strlen(written));
    assert_int_equal(digest, UINT64_C(0x399a9864148e3699));
    free(written);
    sse_message_unref(fixture.message);
}

static void test_whole_message(void **state)
{
    struct fixture fixture;

    (void)state;
    read_message(&fixture, "{\"event\":\"bell\",\"data\":{\"n\":1},\"userId\":[7,\"8\"],"
                           "\"listening\":true,\"qos\":0,\"ttl\":60,\"id\":\"m-1\"}");
    assert_int_equal(fixture.status, 0);
    assert_string_equal(fixture.message->id, "m-1");
    assert_string_equal(fixture.message->event, "bell");
    assert_int_equal(fixture.message->target.dimension, SSE_BY_USER);
    assert_int_equal(fixture.message->target.count, 2);
    assert_string_equal(fixture.message->target.listening, "bell");
    assert_string_equal(fixture.message->wire->data, "id:m-1\nevent:bell\ndata:{\"n\":1}\n\n");
    sse_message_unref(fixture.message);
}

static void assert_id_kind(const char *text, enum sse_own_id_kind kind)
{
    struct fixture fixture;

    read_message(&fixture, text);
    assert_int_equal(fixture.status, 0);
    assert_int_equal(sse_own_id_read(fixture.message->id).kind, kind);
    sse_message_unref(fixture.message);
}

static void test_made_ids_tell_what_is_stored(void **state)
{
    (void)state;
    assert_id_kind("{\"event\":\"e\",\"all\":true}", SSE_OWN_ID_MESSAGE);
    assert_id_kind("{\"event\":\"e\",\"all\":true,\"qos\":0}", SSE_OWN_ID_MESSAGE);
    assert_id_kind("{\"event\":\"e\",\"all\":true,\"qos\":1}", SSE_OWN_ID_STORED);
    assert_id_kind("{\"event\":\"e\",\"all\":true,\"qos\":1,\"id\":\"m-1\"}", SSE_OWN_ID_NONE);
}

static void test_data(void **state)
{
    (void)state;
    assert_data(NULL, "");
    assert_data("null", "null");
    assert_data("\"\"", "");
    assert_data("\"a text\"", "a text");
    assert_data("\"two\\r\\nlines\"", "two\nlines");
    assert_data("\"\\u2028\"", "\xe2\x80\xa8");
    assert_data("true", "true");
    assert_data("7", "7");
    assert_data("[1, {\"a\": \"b\\nc\"}]", "[1,{\"a\":\"b\\nc\"}]");
    assert_data("\"\xc3\xa9\"", "\xc3\xa9");
    assert_data("[0.1, 1.5]", "[0.1,1.5]");
    assert_data("{\"a\":[0.30000000000000004]}", "{\"a\":[0.30000000000000004]}");
    /* token by token, as they are written */
    assert_data("{\"a\" : 1.10,\"a\":-0E+5, \"n\":12345678901234567890123,\"s\":\"\\u00e9\\/\"}",
                "{\"a\":1.10,\"a\":-0E+5,\"n\":12345678901234567890123,\"s\":\"\\u00e9\\/\"}");
    assert_data("[\"\\u0000\\ud800\",\n\"a  b\"]", "[\"\\u0000\\ud800\",\"a  b\"]");
    assert_data("1e400", "1e400");
    /* but a text is what it stands for */
    assert_data("\"\\ud800x\\udc00\\ud83d\\ude00\"", "\xef\xbf\xbdx\xef\xbf\xbd\xf0\x9f\x98\x80");
    assert_data("\"\\u0061\\/\\\"{}\"", "a/\"{}");
    assert_data("\"[1, 2]\"", "[1, 2]");
}

static void test_a_text_may_hold_nul(void **state)
{
    static const char expected[] = "id:m\nevent:e\ndata:a\0b\ndata:c\n\n";
    struct fixture fixture;

    (void)state;
    read_message(&fixture,
                 "{\"event\":\"e\",\"all\":true,\"id\":\"m\",\"data\":\"a\\u0000b\\nc\"}");
    assert_int_equal(fixture.status, 0);
    assert_int_equal(fixture.message->wire->length, sizeof(expected) - 1);
    assert_memory_equal(fixture.message->wire->data, expected, sizeof(expected) - 1);
    sse_message_unref(fixture.message);
}

static void test_faults_name_the_field(void **state)
{
    static const struct {
        const char *id;
        const char *part;
    } bad_ids[] = {
        {"0123456789abcdef-p1", "the server's own"},
        {"a1b2c3d4e5f60718-42", "the server's own"},
        {"a1b2c3d4e5f60718-q42", "the server's own"},
        {" a", "last-event-id"},
        {"a ", "last-event-id"},
        {" ", "last-event-id"},
        {"a\\tb", "last-event-id"},
        {"a\\u007f", "last-event-id"},
        {"a\\u001b[2J", "last-event-id"},
        {"\xc3\xa9", "last-event-id"},
        {"a\\u00a0", "last-event-id"},
        {"\\u2028", "last-event-id"},
    };

    (void)state;
    assert_fault("[]", -EINVAL, "must be a JSON object");
    assert_fault("{\"all\":true}", -EINVAL, "\"event\" must be");
    assert_fault("{\"all\":true,\"event\":\"\"}", -EINVAL, "\"event\" must be");
    assert_fault("{\"all\":true,\"event\":7}", -EINVAL, "\"event\" must be");
    assert_fault("{\"all\":true,\"event\":\"a\\nb\"}", -EINVAL, "\"event\" must not");
    assert_fault("{\"all\":true,\"event\":\"a\\rb\"}", -EINVAL, "\"event\" must not");
    assert_fault("{\"all\":true,\"event\":\"a\",\"id\":\"1\\n2\"}", -EINVAL, "\"id\" must not");
    assert_fault("{\"all\":true,\"event\":\"a\",\"id\":7}", -EINVAL, "\"id\" must be");
    for (size_t i = 0; i < sizeof(bad_ids) / sizeof(bad_ids[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), "{\"all\":true,\"event\":\"a\",\"id\":\"%s\"}", bad_ids[i].id);
        assert_fault(text, -EINVAL, bad_ids[i].part);
    }
    assert_fault("{\"event\":\"a\"}", -EINVAL, "no selector");
    assert_fault("{\"event\":\"a\",\"all\":true,\"userId\":1}", -EINVAL, "more than one");
    assert_fault("{\"event\":\"a\",\"all\":true,\"listening\":1}", -EINVAL, "\"listening\"");
    assert_fault("{\"event\":\"a\",\"all\":true,\"ttl\":-1}", -EINVAL, "\"ttl\"");
    assert_fault("{\"event\":\"a\",\"all\":true,\"ttl\":\"1\"}", -EINVAL, "\"ttl\"");
    assert_fault("{\"event\":\"a\",\"all\":true,\"qos\":2}", -EINVAL, "\"qos\"");
    assert_fault("{\"event\":\"a\",\"all\":true,\"qos\":true}", -EINVAL, "\"qos\"");
    assert_fault("{\"event\":\"a\",\"all\":true,\"qos\":1,\"receipt\":7}", -EINVAL, "\"receipt\"");
    assert_fault("{\"event\":\"a\",\"all\":true,\"qos\":1,\"receipt\":\"ftp://a\"}", -EINVAL,
                 "\"receipt\"");
    assert_fault("{\"event\":\"a\",\"all\":true,\"receipt\":true}", -EINVAL, "\"qos\" 1");
    assert_fault("{\"event\":\"sse-set-duration\",\"all\":true}", -EINVAL, "the server's own");
    assert_fault("{\"event\":\"a\",\"all\":true,\"evnet\":1}", -EINVAL,
                 "unknown field \"evnet\"; a message has event, data");
    assert_fault("{\"event\":\"connect-finish\",\"all\":true}", -EINVAL, "the server's own");
    assert_fault("{\"event\":\"connect-close\",\"all\":true}", -EINVAL, "the server's own");
    assert_fault("{\"event\":\"sse-set-duration\",\"all\":true}", -EINVAL, "the server's own");
}

static json_t *message_of(size_t name_length, size_t data_length)
{
    char *name = calloc(1, name_length + 1);
    char *data = calloc(1, data_length + 3);
    json_t *object;

    memset(name, 'n', name_length);
    memset(data, 'd', data_length + 2);
    data[0] = data[data_length + 1] = '"';
    object = json_pack("{s:s, s:s, s:b}", "event", name, "data", data, "all", 1);
    free(name);
    free(data);
    return object;
}

static void assert_size(size_t name_length, size_t data_length, int status)
{
    json_t *object = message_of(name_length, data_length);
    struct sse_message *message;
    char fault[128];

    assert_int_equal(sse_message_from_json(&message, object,
                                           &(struct sse_message_bounds){.data = 1000, .line = 1000},
                                           fault, sizeof(fault)),
                     status);
    json_decref(object);
    if (status == 0)
        sse_message_unref(message);
}

static char *json_of(const char *text, uint64_t *digest)
{
    struct fixture fixture;
    size_t length;
    char *json;

    read_message(&fixture, text);
    assert_int_equal(fixture.status, 0);
    json = sse_message_to_json(fixture.message, &length, digest);
    assert_int_equal(strlen(json), length);
    sse_message_forget_data(fixture.message);
    assert_null(fixture.message->data);
    sse_message_unref(fixture.message);
    return json;
}

static void test_json_form_is_read_again(void **state)
{
    const char *text =
        "{\"event\":\"bell\",\"data\":{\"n\":0.1},\"listening\":true,\"userId\":[7,\"8\"],"
        "\"qos\":1,\"ttl\":60,\"receipt\":true,\"id\":\"m-1\"}";
    uint64_t digest, other;
    char *json = json_of(text, &digest);
    char *again = json_of(json, &other);

    (void)state;
    assert_string_equal(
        json,
        "{\"data\":{\"n\":0.1},\"event\":\"bell\",\"listening\":true,\"userId\":[\"7\",\"8\"],"
        "\"qos\":1,\"ttl\":60,\"receipt\":true,\"id\":\"m-1\"}");
    assert_string_equal(json, again);
    assert_int_equal(digest, other);
    free(again);
    again = json_of("{\"event\":\"bell\",\"all\":true,\"qos\":1,\"id\":\"m-1\"}", &other);
    assert_int_not_equal(digest, other);
    free(json);
    free(again);
}

/* What is stored is what was sent, and another data is another message. */
static void test_data_in_the_json_form(void **state)
{
    static const char *const texts[] = {
        "{\"a\":1.10,\"a\":[123456789012345678901234567890]}",
        "{\"a\":1.1,\"a\":[1]}",
        "\"\\u0000\\ud800\\u00e9\"",
        "\"\"",
        "null",
        "1e400",
    };
    uint64_t digests[sizeof(texts) / sizeof(texts[0])];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[200], *json, *again;
        uint64_t digest;

        snprintf(text, sizeof(text),
                 "{\"event\":\"e\",\"all\":true,\"qos\":1,\"id\":\"m\",\"data\": %s }", texts[i]);
        json = json_of(text, &digests[i]);
        assert_non_null(strstr(json, texts[i]));
        again = json_of(json, &digest);
        assert_string_equal(json, again);
        assert_int_equal(digest, digests[i]);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(digest, digests[j]);
        free(json);
        free(again);
    }
}

static void test_message_of_our_own_comes_back_from_the_store(void **state)
{
    struct sse_target target = {.dimension = SSE_ALL};
    struct sse_message *message = sse_message_new("sse-set-duration", &target, "7");
    struct sse_message *again;
    uint64_t digest;
    size_t length;
    char *text = sse_message_to_json(message, &length, &digest);
    struct json_fault fault;
    json_t *object = json_parse_by(&sse_message_json, text, length, &fault);

    (void)state;
    assert_int_equal(sse_message_from_store(&again, object), 0);
    assert_string_equal(again->wire->data, message->wire->data);
    json_decref(object);
    free(text);
    sse_message_unref(message);
    sse_message_unref(again);
}

static void test_narrow_and_resend(void **state)
{
    struct fixture fixture;
    struct sse_message *narrow;
    struct bytes *wire;

    (void)state;
    read_message(&fixture, "{\"event\":\"a\",\"userId\":[1,22,333],\"qos\":1,\"id\":\"m\"}");
    narrow = sse_message_narrow(fixture.message, (const bool[]){true, false, true});
    assert_int_equal(narrow->target.count, 2);
    assert_string_equal(narrow->target.values[0], "1");
    assert_string_equal(narrow->target.values[1], "333");
    assert_true(narrow->is_stored);
    wire = sse_message_resend_wire(narrow);
    assert_string_equal(wire->data, ":resend\nid:m\nevent:a\ndata:\n\n");
    bytes_unref(wire);
    sse_message_unref(fixture.message);
    assert_string_equal(narrow->id, "m");
    sse_message_unref(narrow);
}

static void test_sizes(void **state)
{
    (void)state;
    assert_size(SSE_EVENT_MAX_NAME, 1000, 0);
    assert_size(SSE_EVENT_MAX_NAME + 1, 1000, -EINVAL);
    assert_size(SSE_EVENT_MAX_NAME, 1001, -EMSGSIZE);
}

static void test_ids_are_unique_and_of_one_epoch(void **state)
{
    char one[SSE_MESSAGE_ID_SIZE];
    char other[SSE_MESSAGE_ID_SIZE];

    (void)state;
    sse_message_make_id(one, SSE_OWN_ID_MESSAGE);
    sse_message_make_id(other, SSE_OWN_ID_STORED);
    assert_string_not_equal(one, other);
    assert_memory_equal(one, other, 17);
    assert_true(sse_own_id_read(one).number < sse_own_id_read(other).number);
    assert_int_equal(one[16], '-');
    assert_int_equal(strspn(one, "0123456789abcdef"), 16);
}

/* jansson's n-th allocation from now on fails, and all that follow. */
/* For base/fault.h: which allocations of JSON are refused. */
static int scarcity;

/* All from the n-th on. -1: none. */
static void leave_allocations(int n)
{
    uint64_t areas[FAULT_AREAS][3] = {{0}};

    if (n >= 0) {
        areas[FAULT_JSON][1] = (uint64_t)n;
        areas[FAULT_JSON][2] = UINT64_MAX;
    }
    assert_int_equal(pwrite(scarcity, areas, sizeof(areas), 0), sizeof(areas));
}

static int open_scarcity(void **state)
{
    char path[] = "/tmp/test_message.XXXXXX";

    (void)state;
    scarcity = mkstemp(path);
    assert_true(scarcity >= 0);
    leave_allocations(-1);
    assert_int_equal(setenv("FAULT_MEMORY", path, 1), 0);
    (void)fault_allocation(FAULT_JSON); /* maps it */
    return unlink(path);
}

/* A part of a message is none: what is stored, and what is read, is whole or nothing. */
static void test_without_memory_there_is_no_message(void **state)
{
    static const char text[] = "{\"event\":\"e\",\"data\":{\"a\":[1,2.5,\"b\"]},\"userId\":[\"7\"],"
                               "\"listening\":true,\"qos\":1,\"ttl\":9,\"receipt\":\"https://x/\","
                               "\"id\":\"m\"}";
    struct fixture fixture;
    char *whole, *json = NULL;
    size_t length;
    int n = 0;
    uint64_t digest, digest_of_whole;

    (void)state;
    read_message(&fixture, text);
    whole = sse_message_to_json(fixture.message, &length, &digest_of_whole);
    assert_non_null(whole);
    for (; !json; n++) {
        leave_allocations(n);
        json = sse_message_to_json(fixture.message, &length, &digest);
        leave_allocations(-1);
        assert_true(n < 1000);
    }
    assert_int_equal(n, 4); /* with three: the members, what they are in order, the whole */
    assert_string_equal(json, whole);
    assert_int_equal(digest, digest_of_whole);
    free(json);
    free(whole);
    sse_message_unref(fixture.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_name_a_page_takes_it_for_a_message),
        cmocka_unit_test(test_comments_and_reconnect_times),
        cmocka_unit_test(test_they_are_stored),
        cmocka_unit_test(test_digests_stay),
        cmocka_unit_test(test_whole_message),
        cmocka_unit_test(test_made_ids_tell_what_is_stored),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_a_text_may_hold_nul),
        cmocka_unit_test(test_faults_name_the_field),
        cmocka_unit_test(test_json_form_is_read_again),
        cmocka_unit_test(test_data_in_the_json_form),
        cmocka_unit_test(test_message_of_our_own_comes_back_from_the_store),
        cmocka_unit_test(test_narrow_and_resend),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_ids_are_unique_and_of_one_epoch),
        cmocka_unit_test(test_without_memory_there_is_no_message),
    };

    return cmocka_run_group_tests(tests, open_scarcity, NULL);
}
