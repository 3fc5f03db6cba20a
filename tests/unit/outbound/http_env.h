/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_ENV_H
#define HTTP_ENV_H
/* A loop, a server to ask, and what came of each call. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "outbound/http.h"
#include "support/http_server.h"
#include "support/test.h"

/* Longer than a test may take: this limit is not the one that is tried. */
#define PATIENT_MS 50000u

struct outcome {
    unsigned runs; /* of done */
    int error;
    char reason[128];
    int status;
    char content_type[64];
    int64_t retry_after_s;
    struct buf body;
    size_t taken;
};

static struct loop *loop;
static struct outbound_http *http;
static struct http_server *server;
static unsigned awaited; /* so many calls are to be done before the loop stops */

static const struct outbound_http_settings usual = {
    .in_flight = 16,
    .waiting = 1000,
    .host_connections = 16,
    .connect_ms = PATIENT_MS,
    .feed_bytes = 65536,
    .user_agent = "sse-server/test",
};

static inline void open_http(const struct outbound_http_settings *settings)
{
    outbound_http_free(http);
    http = outbound_http_new(loop, settings);
    assert_non_null(http);
}

static inline int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    assert_non_null(loop);
    server = http_server_start();
    open_http(&usual);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    outbound_http_free(http);
    http = NULL;
    http_server_stop(server);
    loop_free(loop);
    return 0;
}

static inline int prepare(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

static inline void on_done(void *context, const struct outbound_answer *answer)
{
    struct outcome *outcome = context;

    outcome->runs++;
    outcome->error = answer->error;
    outcome->status = answer->status;
    outcome->retry_after_s = answer->retry_after_s;
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", answer->reason ? answer->reason : "");
    snprintf(outcome->content_type, sizeof(outcome->content_type), "%s",
             answer->content_type ? answer->content_type : "");
    buf_append(&outcome->body, answer->body, answer->length);
    if (awaited > 0 && --awaited == 0)
        loop_stop(loop);
}

static inline struct outbound_request request_to(const char *url, struct outcome *outcome)
{
    return (struct outbound_request){
        .url = url,
        .stream_length = -1,
        .time_limit_ms = PATIENT_MS,
        .answer_bytes = 2097152,
        .done = on_done,
        .context = outcome,
    };
}

static inline struct outbound_call *get(const char *path, struct outcome *outcome)
{
    const struct outbound_request request = request_to(http_server_url(server, path), outcome);

    return outbound_http_start(http, &request);
}

static inline void run_until_done(unsigned calls)
{
    awaited = calls;
    loop_run(loop);
}

#endif
