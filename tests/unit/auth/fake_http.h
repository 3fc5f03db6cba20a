/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_AUTH_FAKE_HTTP_H
#define UNIT_AUTH_FAKE_HTTP_H
/* outbound/http.h as far as auth uses it, with the test in the place of the other side. Include it
 * in one source file of a test program. */
#include <stdbool.h>
#include <string.h>

#include "outbound/http.h"

struct outbound_call {
    bool is_open;
    char url[200];
    void (*done)(void *context, const struct outbound_answer *answer);
    void *context;
};

static struct outbound_call fake_call; /* one at a time is enough */
static unsigned fake_calls;

struct outbound_call *outbound_http_start(struct outbound_http *http,
                                          const struct outbound_request *request)
{
    (void)http;
    fake_call = (struct outbound_call){true, "", request->done, request->context};
    strncpy(fake_call.url, request->url, sizeof(fake_call.url) - 1);
    fake_calls++;
    return &fake_call;
}

void outbound_call_cancel(struct outbound_call *call)
{
    if (call)
        call->is_open = false;
}

static inline void fake_http_answer(int status, const char *body)
{
    const struct outbound_answer answer = {
        .status = status, .body = body, .length = strlen(body), .reason = ""};

    fake_call.is_open = false;
    fake_call.done(fake_call.context, &answer);
}

static inline void fake_http_fail(int error)
{
    const struct outbound_answer answer = {.error = error, .reason = "it failed", .body = ""};

    fake_call.is_open = false;
    fake_call.done(fake_call.context, &answer);
}

#endif
