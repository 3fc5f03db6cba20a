/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ON_CONNECTION_H
#define API_ON_CONNECTION_H
/*
 * Does something where a connection lives: here, or in another worker. This is also where it is
 * decided whether the request may speak for that connection: not yours and not there are one
 * answer.
 */
#include <stdbool.h>
#include <stdint.h>

#include "cluster/peers.h"
#include "sse/connection.h"

struct api_exchange;

/* Embed it first in the struct of the concrete act. */
struct on_connection {
    struct peers_call call;
    /* In the worker where the connection lives: writes its result into the act's own members. What
     * it reads must not change before done. */
    void (*act)(struct on_connection *act, struct sse_connection *connection);
    /* In the origin's thread, perhaps before _start returns; owns the act. When it was not found
     * the request may have its answer already: another goes nowhere. */
    void (*done)(struct on_connection *act);
    struct api_exchange *exchange;   /* the request; a reference until done has returned */
    char id[SSE_CONNECTION_ID_SIZE]; /* as the client sent it */
    bool is_counted;                 /* the request has been on this connection before */
    bool found;                      /* there, and the caller's */
    bool is_too_much;                /* found, but its user has asked too often */
};

/* id may be anything that a client sent. act and done are the caller's to fill in, and is_counted,
 * where one request goes there twice. */
void on_connection_start(struct on_connection *act, struct api_exchange *exchange, const char *id);

/* Answers of an act that was not found bear a field by which the client knows that its stream has
 * ended: handlers of back ends may answer 404 as well. 404, for what cannot be done without a
 * connection; 200 with this data (a reference), where pages rely on that. */
void on_connection_answer_unknown(struct api_exchange *exchange);
void on_connection_answer_data(struct api_exchange *exchange, json_t *data);

#endif
