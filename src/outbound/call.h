/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_CALL_H
#define OUTBOUND_CALL_H
/* Inside of this module: one request, with what it holds while it waits and while it is sent. What
 * it is to libcurl is in call_options.c. */
#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "outbound/http.h"

/* A streamed body between its producer and libcurl. Zero-filled is empty and valid. */
struct outbound_feed {
    struct buf held;
    size_t begin; /* of what has not been taken yet, in held */
    uint64_t fed; /* in all */
    size_t taken; /* and not told to the producer yet */
    bool has_ended;
};

static inline size_t outbound_feed_waiting(const struct outbound_feed *feed)
{
    return feed->held.length - feed->begin;
}

void outbound_feed_add(struct outbound_feed *feed, const void *data, size_t length);
/* Copies up to size bytes; how many. */
size_t outbound_feed_take(struct outbound_feed *feed, char *to, size_t size);
void outbound_feed_release(struct outbound_feed *feed);

/* What libcurl's errors are here: a negative errno, and a sentence for the log. */
struct outbound_fault {
    int error; /* 0: none */
    const char *reason;
};

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
    uint64_t began_ns;       /* clock_real_ns() */
    uint64_t limit_at;       /* loop_served_ms(): when it is over */
    struct loop_task report; /* what has been taken, or the end */
    struct loop_timer look;  /* of an early answer; so is the next one */
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

/* Sets all options of the handle, which is new or reset. */
CURLcode outbound_call_set_options(struct outbound_call *call);

/* Of a transfer that has ended so. */
struct outbound_fault outbound_fault_of(CURL *easy, CURLcode code);

/* Of an answer that came before the body had left. */
enum outbound_early {
    OUTBOUND_EARLY_NOT,  /* the error is one */
    OUTBOUND_EARLY_READ, /* all of the answer has come */
    OUTBOUND_EARLY_LOST, /* libcurl threw it away: only asking again can tell */
};

/* Of a transfer that ended so. */
enum outbound_early outbound_early_answer_of(const struct outbound_call *call, CURLcode code);

/* The timer: makes libcurl look at the stream, now and then until the call ends. */
void outbound_early_answer_look(struct loop_timer *timer);

#endif
