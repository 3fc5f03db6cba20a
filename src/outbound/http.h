/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_HTTP_H
#define OUTBOUND_HTTP_H
/*
 * HTTP requests that we make, in the loop of one worker (libcurl's multi interface). Nothing here
 * waits: names are resolved in threads, and what cannot be sent now waits in a bounded queue.
 *
 * Connections are kept and shared: HTTP/2 with many requests on one where an https host speaks it,
 * else, and for streamed bodies, HTTP/1.1 with keep-alive. Redirects are answers like others,
 * cookies are not kept, only the configured proxy is used (never one of the environment).
 *
 * Life of a call: outbound_http_start() gives it; then either done runs, exactly once and never
 * before start has returned, or the owner cancels it and done never runs. Both end the pointer.
 * The callbacks run at the end of a turn of the loop; they may start and cancel any call.
 *
 * A request may be sent twice: when a kept connection breaks before anything of an answer has come
 * (as browsers do), and when libcurl loses an early one (call_options.c). A back end that must not
 * run it twice looks at its idempotency-key.
 *
 * Streamed bodies are as slow as their producers and hold a place in flight for as long. Who has
 * such calls, and others that must not wait behind them, makes one outbound_http for each kind.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/histogram.h"

struct bytes;
struct loop;
struct outbound_answer;
struct outbound_call;
struct outbound_http;
struct outbound_authorities;

/* The field of a signed request (outbound/webhook.h). */
#define OUTBOUND_SIGNATURE_FIELD "sse-signature"

/* Why somebody is asked. */
enum outbound_purpose {
    OUTBOUND_HANDLER,
    OUTBOUND_AUTH,
    OUTBOUND_NOTIFICATION,
    OUTBOUND_RECEIPT,
    OUTBOUND_KEYS, /* a JWK set */
    OUTBOUND_UPLOAD,
    OUTBOUND_PURPOSES
};

extern const char *const outbound_purpose_words[OUTBOUND_PURPOSES]; /* answer.c */

struct outbound_http_settings {
    unsigned in_flight;        /* requests at a time, at least 1, */
    unsigned waiting;          /* and behind them; what is above is refused with -EBUSY */
    unsigned host_connections; /* to one host at a time; 0: no limit of its own */
    unsigned connect_ms;       /* until a connection stands, TLS included */
    size_t feed_bytes;         /* of a streamed body that wait; at least the producer's window */
    const char *ca_file;       /* NULL or "": the system's */
    struct outbound_authorities *authorities; /* of that file, borrowed; NULL: libcurl reads it */
    struct file_readers files;                /* that read them; without, the first call does */
    const char *proxy;                        /* NULL or "": none */
    const char *user_agent;                   /* NULL: none */
    bool only_http1;                          /* no HTTP/2, even where a host speaks it */
    bool takes_any_certificate;               /* for development only */
};

/* What has happened since the start, and (the last two) what is there now. */
struct outbound_http_counters {
    uint64_t requests;    /* begun, the refused ones included */
    uint64_t answered;    /* with whatever status */
    uint64_t timeouts;    /* -ETIMEDOUT */
    uint64_t unreachable; /* -ECONNREFUSED, -EHOSTUNREACH */
    uint64_t broken;      /* -EPROTO, -EIO */
    uint64_t too_large;   /* -EMSGSIZE */
    uint64_t refused;     /* -EBUSY */
    uint64_t invalid;     /* -EINVAL */
    uint64_t canceled;    /* by their owner, or by outbound_http_abandon() or _free() */
    uint64_t connections; /* opened: far fewer than requests, as long as they are kept */
    /* From the start of those that were answered, or not in time, to their end. */
    struct histogram durations[OUTBOUND_PURPOSES];
    size_t in_flight;
    size_t waiting;
};

struct outbound_field {
    const char *name;
    const char *value;
};

/* All of it is copied, but for the body: that gets a reference. */
struct outbound_request {
    enum outbound_purpose purpose;
    const char *method; /* NULL: GET */
    const char *url;    /* http or https */
    const struct outbound_field *fields;
    size_t field_count;
    struct bytes *body; /* NULL: none, or a streamed one */
    /* A streamed body comes by outbound_call_feed(); on_taken tells when bytes of it have left the
     * buffer, so that the producer may make as many more. What is still there when done runs was
     * not taken and will not be told of. */
    bool is_streamed;
    int64_t stream_length; /* -1: unknown */
    void (*on_taken)(void *context, size_t length);
    /* From start to the end of the answer; while a body is streamed, from one piece that the other
     * side takes to the next. A producer that has nothing to send does not use it up. */
    unsigned time_limit_ms;
    /* Only to public addresses (base/networks.h): it is the address that is connected to
     * which is looked at, after the name has led there, on a connection of its own. Not by a proxy.
     */
    bool only_public;
    size_t answer_bytes; /* more than that is -EMSGSIZE */
    void (*done)(void *context, const struct outbound_answer *answer);
    void *context;
};

/* Lives until done returns. */
struct outbound_answer {
    /* 0: there is a status. -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH (no such name, no way there),
     * -EPROTO (TLS or HTTP are not as they must be), -EIO (the connection broke), -EMSGSIZE (the
     * answer is too large), -EBUSY (too many are waiting), -EINVAL (not a request that can be
     * sent), -EACCES (its address is not public, and had to be), -ECANCELED (outbound_http_abandon,
     * _free). */
    int error;
    const char *reason; /* of the error, for logs: static, and never with a part of the request */
    int status;
    const char *content_type; /* NULL: none */
    int64_t retry_after_s;    /* 0: the answer does not say */
    bool is_encoded;          /* content-encoding says that its body is not as it was written */
    bool denies_signature;    /* 401, and www-authenticate names sse-signature */
    const char *body;         /* NUL-terminated, "" when there is none */
    size_t length;
};

/* The texts of the settings must live as long. SIGPIPE must be ignored. */
struct outbound_http *outbound_http_new(struct loop *loop,
                                        const struct outbound_http_settings *settings);
/* Other settings, whose texts must live as long, for what is started or still waits. */
void outbound_http_change(struct outbound_http *http,
                          const struct outbound_http_settings *settings);
/* Accepts NULL. What is under way is done with -ECANCELED before this returns; what its callbacks
 * start is not. Not from a callback. */
void outbound_http_free(struct outbound_http *http);
/* Nothing is waited for any more: what is under way, and what is started from here on, is done with
 * -ECANCELED. */
void outbound_http_abandon(struct outbound_http *http);
const struct outbound_http_counters *outbound_http_counters(const struct outbound_http *http);
/* Adds them to the sum of several. */
void outbound_http_count(const struct outbound_http *http, struct outbound_http_counters *sum);

/* NULL only during outbound_http_free(): then nothing was started. */
struct outbound_call *outbound_http_start(struct outbound_http *http,
                                          const struct outbound_request *request);

/* No callback follows. Accepts NULL. */
void outbound_call_cancel(struct outbound_call *call);

/* The next piece of a streamed body: 0, or, with nothing taken of it, -ENOBUFS (feed_bytes are
 * waiting) or -EINVAL (more than stream_length). The end comes once, behind the last piece. */
int outbound_call_feed(struct outbound_call *call, const void *data, size_t length);
void outbound_call_end(struct outbound_call *call);

#endif
