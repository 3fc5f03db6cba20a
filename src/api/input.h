/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_INPUT_H
#define API_INPUT_H
/* What requests say: in their query, in a form, in JSON. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/exchange.h"
#include "base/json.h"
#include "sse/message.h"
#include "sse/names.h"

struct body_reading;
struct body_turn;
struct h2_form;
struct h2_request;
struct ordered_jobs;

/* What a page says of itself, such as a time in ms: pages send fractions, "NaN" and "" too, and are
 * served all the same. otherwise is the result for what is no number or does not fit. */
int64_t api_lenient_number(const char *text, int64_t otherwise);

/* The same for how long somebody was there: a page's clock that was set makes it less than nothing,
 * or more than a life. */
#define API_MOST_SECONDS (INT64_C(100) * 365 * 24 * 3600)
int64_t api_lenient_seconds(const char *text, int64_t otherwise);

/* A whole number >= 0 in digits alone; more than most is most. -EINVAL for anything else. */
int api_whole_number(const char *text, uint64_t most, uint64_t *number);

#define API_FORM_TYPES "application/x-www-form-urlencoded, multipart/form-data or application/json"

bool api_form_is_type(const struct h2_request *request);

/* An urlencoded text, such as a query, which is what. False: it has answered. */
bool api_form_read_text(struct api_exchange *exchange, struct h2_form *form, const char *what,
                        const char *text, size_t length);

/* The body of the exchange, by its content-type; without one it is urlencoded. False: it has
 * answered. */
bool api_form_read_body(struct api_exchange *exchange);

/* Every parameter of that name; empty ones are dropped. */
const char *name_list_add_form(struct name_list *list, enum name_kind kind,
                               const struct h2_form *form, const char *parameter);

/*
 * From the text of a body to what its handler needs. Small bodies are read where they are handled.
 * To read a large one takes longer than a turn of the loop may: a thread does it, and the handler
 * runs when that is done, in the order of its session (base/thread_pool.h), whether or not its
 * client is still there, as if it had been read at once.
 */

/* What a body is read as. Both run in any thread, and touch nothing but the reading. */
struct body_kind {
    void (*read)(struct body_reading *reading);
    void (*release)(struct body_reading *reading); /* what was read, and nobody has taken */
};

/* By what it is read; the texts are lent by the exchange. */
struct body_rules {
    struct sse_message_bounds bounds;
    bool is_wide;                    /* struct json_rules */
    const char *tenants;             /* whose messages are taken; NULL: all */
    void (*name_token)(char *token); /* auth_ops.name_token */
};

struct body_reading {
    const struct body_kind *kind;
    struct body_rules rules;
    const char *text;
    size_t length;
    /* The kind's: */
    json_t *value;
    void *made;
    struct json_fault fault; /* of the text, where there is neither */
};

/* Bytes, above which a body is large. */
#define BODY_READ_AT_ONCE ((size_t)32 * 1024)

/* What JSON is read as; NULL: it is none. */
const struct body_kind *body_kind_of(enum api_body body);

/* True: its handler will run later, since its body is large, or its session has one before it. Only
 * while the exchange's body is that of the stream, or is kept. */
bool body_reading_begin(struct api_exchange *exchange,
                        void (*handle)(struct api_exchange *exchange));

/* For the handler: reads the body, into here, unless that was done. Then body_reading_end(). */
struct body_reading *body_reading_get(struct api_exchange *exchange, struct body_reading *here);
void body_reading_end(struct body_reading *reading, const struct body_reading *here);

/* At the end of the exchange: what was read goes, too. Accepts NULL. */
void body_turn_free(struct body_turn *turn, struct ordered_jobs *lines);

/* The messages of a send (backend/send.c): as much as possible is done when they are read, since a
 * message may have 10,000 recipients. */
extern const struct body_kind messages_kind;

/* A new reference to the members; or NULL: then it has answered 400 with line and column, or 422
 * what is no object. */
json_t *api_json_body_members(struct api_exchange *exchange);

/* The tokens, which the caller frees; of null those of an empty object. NULL when there is no body.
 * False: it has answered. */
bool api_json_body_raw(struct api_exchange *exchange, char **raw);

/* Answers for a body that is empty, could not be read, or is no object. */
void api_json_body_refuse(struct api_exchange *exchange, const struct body_reading *reading);

/* The text of an optional member; NULL when it is missing, null, empty or no text. */
const char *api_json_member_text(const json_t *object, const char *name);
/* The same of an id, which may be a whole number: then a text takes its place. */
const char *api_json_member_id(json_t *object, const char *name);

#endif
