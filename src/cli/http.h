/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H
/* Requests of the command line to a server, by libcurl, one after the other on one connection. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct cli_endpoint;
struct cli_http;
struct cli_line;
struct config_fault;

struct cli_request {
    const char *method;
    const char *path;  /* below the service's base path, with the query; or */
    bool is_of_server; /* below the root */
    const char *body;  /* JSON; NULL: none */
    size_t length;
    const char *accept; /* NULL: anything */
    unsigned limit_ms;  /* 0: a minute */
    /* NULL: the answer is collected. Else it is told as it comes, without a limit of time; false
     * ends it. */
    bool (*on_data)(void *context, const char *data, size_t length);
    void *context;
};

/* The endpoint is borrowed. NULL with *fault when libcurl does not start. */
struct cli_http *cli_http_new(const struct cli_endpoint *endpoint, struct config_fault *fault);
void cli_http_free(struct cli_http *http); /* accepts NULL */

/* 0 with the answer, when its status is 200. Else *fault says why: -ECONNREFUSED, -EPROTO when
 * there was no whole answer, -EACCES when the server has refused it, in its words. */
int cli_http_ask(struct cli_http *http, const struct cli_request *request, struct buf *answer,
                 struct config_fault *fault);

/* The same for an answer in the envelope of this server: its data, which the caller json_decref()s;
 * NULL with *fault and *rc. */
json_t *cli_http_ask_json(struct cli_http *http, const struct cli_request *request, int *rc,
                          struct config_fault *fault);

/* Appends "name=value" to a query, escaped, with what separates it from what is before. value NULL:
 * nothing. */
void cli_append_parameter(struct buf *path, const char *name, const char *value);

/* The parameters that --user, --tenant, --channel, --client and --id stand for. */
void cli_append_filter(struct buf *path, const struct cli_line *line);

#endif
