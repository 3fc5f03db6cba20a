/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_MESSAGE_H
#define SSE_MESSAGE_H
/*
 * What + whom. The one JSON form of a message is what is POSTed to "send", what the store keeps and
 * (later) what the cluster forwards. Shared by all workers: immutable once it has left the thread
 * that made it.
 */
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/own_id.h"
#include "sse/target.h"

struct bytes;
struct json_rules;
struct json_view;
struct json_view_text;

struct sse_message {
    atomic_uint refs;
    char *id;          /* the sender's, or made by sse_message_make_id */
    char *event;       /* the event's name; without one it is what pages take it for: "message" */
    char *comment;     /* "": none */
    int64_t retry_ms;  /* that pages wait before they connect again; negative: not said */
    bool has_name;     /* its sender has given one */
    bool has_no_event; /* it is a mere comment or retry */
    struct sse_target target;
    struct bytes *wire; /* encoded once, here */
    /* Of those that are stored (qos 1) alone: */
    bool is_stored;
    bool was_written; /* before, and histories may not know it */
    bool is_id_fresh; /* its id was made here, for it */
    /* Of the target's values, a bit for each of the first 64: nothing is stored for it any more. */
    atomic_uint_least64_t ended;
    int64_t ttl_s; /* -1: not said */
    /* A URL, or "true": those who watch the service's presence; and behind a blank the traceparent
     * of the request that sent it, if that has one. "": none. */
    char *receipt;
    char *data; /* its JSON, token by token as it was given; NULL: none, or forgotten */
};

/* What a service takes. */
struct sse_message_bounds {
    size_t data;    /* bytes of the data, as it is sent but for line breaks that JSON gets */
    size_t line;    /* bytes of a line of a text, or a token of JSON: what cannot be broken */
    bool of_tenant; /* users are unique within their tenant: their ids alone are refused */
};

/* How its JSON is read (base/json.h): "data" is its sender's own, and is kept as it is. */
extern const struct json_rules sse_message_json;

#define SSE_MESSAGE_MAX_RECEIPT   1024u
#define SSE_MESSAGE_MAX_COMMENT   4096u
#define SSE_MESSAGE_LEAST_RETRY   100      /* ms, as the setting reconnectTime */
#define SSE_MESSAGE_LONGEST_RETRY 86400000 /* a day */

/* Of an object that was read by sse_message_json. 0, or -EINVAL / -EMSGSIZE / -ENOMEM with a
 * sentence in fault that names the field; then *message is NULL. Fields that no message has are
 * refused. */
int sse_message_from_json(struct sse_message **message, const json_t *object,
                          const struct sse_message_bounds *bounds, char *fault, size_t fault_size);
/* The fields of a message as they are looked at, by number; those of the target are first. */
#define SSE_MESSAGE_FIELDS 15u
/* Looks at the message that comes next in a text; false: it is not written plainly enough
 * (base/json_view.h), and may be wrong. */
bool sse_message_view_text(struct json_view_text *text, struct json_view *views);
/* The same as of an object, which says what is wrong where the text was not plain. */
int sse_message_from_views(struct sse_message **message, const struct json_view *views,
                           const struct sse_message_bounds *bounds, char *fault, size_t fault_size);
/* What the store gave back: it was checked when it came. 0, -EINVAL or -ENOMEM. */
int sse_message_from_store(struct sse_message **message, const json_t *object);
/* The server's own, of an event that back ends may not send: takes over the target. data is JSON.
 */
struct sse_message *sse_message_new(const char *event, struct sse_target *target, const char *data);
/* Whether its receipt is to be posted. */
bool sse_message_receipt_is_url(const struct sse_message *message);

/* For its comment or receipt: a copy, or one that all share, where it is empty. */
char *sse_message_text(const char *text, size_t length);

struct sse_message *sse_message_ref(struct sse_message *message);
struct sse_message *sse_message_unref(struct sse_message *message); /* accepts NULL, always NULL */

/* The same for other recipients: those of its values that are kept (one flag each). The data is not
 * with it. */
struct sse_message *sse_message_narrow(const struct sse_message *message, const bool *is_kept);

/* What was stored for one of its values has ended. Any thread; of values beyond the 64th it is
 * forgotten. */
void sse_message_end(struct sse_message *message, const char *value);
/* Whether that was said. */
bool sse_message_has_ended(const struct sse_message *message, const char *value);

/* The JSON form, its id and its target as they are now; the caller frees it. NULL: there is no
 * memory for it. *digest says what was sent: it differs when anything but the id does, any token
 * of the data among it; 0 where nobody can send it again, since its id is fresh. For the thread
 * that made it. */
char *sse_message_to_json(const struct sse_message *message, size_t *length, uint64_t *digest);
/* Before it is shared, once nobody asks for its JSON any more: it would be kept for as long as the
 * history has the message. */
void sse_message_forget_data(struct sse_message *message);

/* The wire of one that is written again, with the comment ":resend". One reference. */
struct bytes *sse_message_resend_wire(const struct sse_message *message);

/* A fresh id: unique in this process and across restarts, whatever the kinds. Any thread. */
#define SSE_MESSAGE_ID_SIZE SSE_OWN_ID_SIZE
void sse_message_make_id(char id[SSE_MESSAGE_ID_SIZE], enum sse_own_id_kind kind);

#endif
