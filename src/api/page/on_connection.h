/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ON_CONNECTION_H
#define API_ON_CONNECTION_H
/*
 * A page's call that does something to its connection: goes to the worker that has it
 * (broker/call.h), and comes back with what became of it.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "broker/message.h"

struct api_exchange;

/* In the thread of the request, perhaps before _start returns. answer: BROKER_CALLED; whoever wants
 * to have it longer keeps it. When it was not found the request may have its answer already:
 * another goes nowhere. */
typedef void (*on_connection_done)(struct api_exchange *exchange,
                                   const struct broker_message *answer);

/* id may be anything that a client sent. Of call its operation, and what that needs, are the
 * caller's to fill in, and is_counted; all of it is copied. */
void on_connection_start(struct api_exchange *exchange, const char *id,
                         const struct broker_call *call, on_connection_done done);

/* There, and the caller's, and its turn; so what was asked for has been done. */
static inline bool on_connection_is_found(const struct broker_message *answer)
{
    return answer->called.outcome == BROKER_CALL_DONE;
}

/* What the request bears as its number among those of its connection. False: that is no number, and
 * it has been answered. */
bool on_connection_read_order(struct api_exchange *exchange);

/* The call is over: the next one of this connection may begin. turn: of BROKER_CALLED; it is ""
 * then. Nothing happens where it is that already. */
void on_connection_end_turn(const struct api_exchange *exchange, char *turn);

/* The request has been answered before it was in the order of its calls: its number does not come.
 * Nothing happens where it has none, or has been in the order. id may be NULL. */
void on_connection_pass(struct api_exchange *exchange, const char *id);

/* Answers of a call whose connection was not found bear a field by which the client knows that its
 * stream has ended: handlers of back ends may answer 404 as well. 404, for what cannot be done
 * without a connection; 200 with this data (a reference), where pages rely on that; or the same
 * with what most of those say. */
void on_connection_answer_unknown(struct api_exchange *exchange);
void on_connection_answer_data(struct api_exchange *exchange, json_t *data);
void on_connection_answer_no_data(struct api_exchange *exchange);
/* Whether a message or an upload whose connection was not found is handled without one, for its
 * caller alone: where the service lets it, who showed a credential has one to act for, and its
 * client keeps no order of its calls. False: it has been answered. */
bool on_connection_is_dispensable(struct api_exchange *exchange);

/* "name":["…"], and 200 with an object that has nothing else. */
void on_connection_append_names(struct buf *text, const char *name,
                                const struct broker_names *names);
void on_connection_answer_names(struct api_exchange *exchange, const char *name,
                                const struct broker_names *names);

#endif
