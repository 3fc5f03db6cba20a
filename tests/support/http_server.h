/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_HTTP_SERVER_H
#define SUPPORT_HTTP_SERVER_H
/*
 * A small HTTP/1.1 server on a loopback port, with a thread for each connection. What it does is in
 * the path:
 *
 *   /echo    200, text/plain, with the request's body
 *   /busy    503, retry-after: 7, no body
 *   /large   200, one mebibyte
 *   /silent  reads, and never answers
 *   /broken  answers with what is not HTTP
 *   /cut     ends the connection within its answer
 *   /early   413, before it reads the body
 *   /held    as /echo, but reads the body only when http_server_let_go() was called
 */
#include <stddef.h>

struct http_server;

struct http_server *http_server_start(void);
void http_server_stop(struct http_server *server);

const char *http_server_url(struct http_server *server, const char *path); /* until the next call */
unsigned http_server_connections(struct http_server *server);
/* The fields of the latest request that was read, as they came. The caller frees them. */
char *http_server_latest_head(struct http_server *server);
void http_server_let_go(
    struct http_server *server); /* for one request; the server's stop opens it */
/* Waits until so many requests have had their head read. */
void http_server_await(struct http_server *server, unsigned requests);

#endif
