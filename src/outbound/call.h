/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_CALL_H
#define OUTBOUND_CALL_H
/* Inside of this room: one request, with what it holds while it waits and while it is sent. */
#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "outbound/fault.h"
#include "outbound/feed.h"
#include "outbound/http.h"

enum outbound_call_state {
    OUTBOUND_CALL_WAITING,
    OUTBOUND_CALL_UNDER_WAY,
    OUTBOUND_CALL_ENDED, /* its owner will hear of it at the end of the turn */
};

struct outbound_call {
    struct list node;
    struct outbound_http *http;
    struct loop *loop;
    const struct outbound_http_settings *settings;
    enum outbound_call_state state;
    /* Its texts and its body are the call's own; its fields are in the list below. */
    struct outbound_request request;
    struct curl_slist *fields;
    struct outbound_feed feed;
    size_t feed_bytes; /* of the settings at its start: producers keep to their window of then */
    bool is_paused;    /* libcurl asked for more of a streamed body than there was */
    struct loop_timer limit;
    uint64_t limit_at;       /* loop_served_ms(): when it is over */
    struct loop_task report; /* what has been taken, or the end */
    struct loop_timer look;  /* early_answer.h; so is the next one */
    bool was_sent_again;
    CURL *easy;                        /* NULL: was not sent yet */
    unsigned change;                   /* of the settings that it was sent with */
    char explanation[CURL_ERROR_SIZE]; /* libcurl's own, of its error; may tell secrets */
    struct buf answer;
    struct outbound_fault fault; /* why it ended; while it is under way: why it will */
};

/* Not so: a URL of another scheme, or what would not be one line. */
bool outbound_request_is_valid(const struct outbound_request *request);

/* To its back end, or to a proxy. */
bool outbound_call_needs_tls(const struct outbound_call *call);

struct outbound_call *outbound_call_new(const struct outbound_request *request);
void outbound_call_free(struct outbound_call *call); /* its easy handle was taken away */

/* The limit of time begins (anew). */
void outbound_call_allow_time(struct outbound_call *call);

/* What has come, as long as the call has its easy handle. */
void outbound_call_read_answer(const struct outbound_call *call, struct outbound_answer *answer);

/* For libcurl (call_options.c). */
size_t outbound_call_on_answer(char *data, size_t size, size_t count, void *context);
size_t outbound_call_on_read(char *to, size_t size, size_t count, void *context);

/* Sets all options of the handle, which is new or reset. */
CURLcode outbound_call_set_options(struct outbound_call *call);

#endif
