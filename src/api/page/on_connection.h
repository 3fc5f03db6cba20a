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

#include "api/page/call_order.h"
#include "cluster/peers.h"
#include "sse/connection.h"

struct api_exchange;
struct api_service;

/* What the number of a request is for (api/page/call_order.h). */
enum on_connection_order {
    ON_CONNECTION_AT_ONCE, /* nothing */
    ON_CONNECTION_ACT,     /* act has the turn */
    ON_CONNECTION_CALL, /* act runs at once, done with its turn: until on_connection_end_turn() */
    ON_CONNECTION_PASS, /* nobody needs it any more */
};

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
    const struct api_service *here;  /* while act runs: the part of the worker that runs it */
    char id[SSE_CONNECTION_ID_SIZE]; /* as the client sent it */
    enum on_connection_order order;
    struct call_turn turn;
    enum call_verdict verdict;    /* with a number; CALL_BEGINS otherwise */
    size_t worker;                /* that has the connection, once it was found, */
    char handle[SSE_HANDLE_SIZE]; /* which is this */
    bool may_have_ended;          /* a moment ago: it is remembered (sse/ended.h) */
    bool is_counted;              /* the request has been on this connection before */
    bool is_away;                 /* a call goes to its worker */
    bool has_turn;                /* which must be given back */
    bool found;                   /* there, and the caller's, and its turn */
    bool is_too_much;             /* found, but its user has asked too often */
};

/* id may be anything that a client sent. act and done are the caller's to fill in, and order,
 * may_have_ended, for what a page says as it goes and no more, and is_counted, where one request
 * goes there twice. */
void on_connection_start(struct on_connection *act, struct api_exchange *exchange, const char *id);

/* The call is over: the next one may begin. Nothing happens where it has no turn. */
void on_connection_end_turn(struct on_connection *act, const struct api_exchange *exchange);

/* The request has been answered before it was in the order of its calls: its number does not come.
 * Nothing happens where it has none, or has been in the order. id may be NULL. */
void on_connection_pass(struct api_exchange *exchange, const char *id);

/* Answers of an act that was not found bear a field by which the client knows that its stream has
 * ended: handlers of back ends may answer 404 as well. 404, for what cannot be done without a
 * connection; 200 with this data (a reference), where pages rely on that. */
void on_connection_answer_unknown(struct api_exchange *exchange);
/* Whether a message or an upload whose connection was not found is handled without one, for its
 * caller alone: where the service lets it, who showed a credential has one to act for, and its
 * client keeps no order of its calls. False: it has been answered. */
bool on_connection_is_dispensable(struct api_exchange *exchange);

void on_connection_answer_data(struct api_exchange *exchange, json_t *data);

#endif
