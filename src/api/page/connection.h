/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PAGE_CONNECTION_H
#define API_PAGE_CONNECTION_H
/*
 * A page's call that does something to its connection: goes to the worker that has it
 * (broker/call.h), and comes back with what became of it. Such are other listeners (addListener.do,
 * removeListener.do), other channels (subscribe.do, unsubscribe.do), another credential of its
 * user, by which it lives on (refresh.do), that messages are handled, and need not be written to
 * anybody again (ack.do), and its end (disconnect.do). The last two may come behind the end of its
 * stream.
 */
#include <stdbool.h>

#include "api/exchange.h"
#include "base/buf.h"

/* id may be anything that a client sent. Of call its operation, and what that needs, are the
 * caller's to fill in, and is_counted; all of it is copied. done gets
 * BROKER_CALLED, as api_exchange_ask_owner() says; when it was not found the request may have its
 * answer already: another goes nowhere. */
void on_connection_start(struct api_exchange *exchange, const char *id,
                         const struct broker_call *call, api_reply_to done);

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

/* 404, for what cannot be done without a connection. Answers of a call whose connection was not
 * found bear a field by which the client knows that its stream has ended: handlers of back ends may
 * answer 404 as well. */
void on_connection_answer_unknown(struct api_exchange *exchange);
/* Whether a message or an upload whose connection was not found is handled without one, for its
 * caller alone: where the service lets it, who showed a credential has one to act for, and its
 * client keeps no order of its calls. False: it has been answered. */
bool on_connection_is_dispensable(struct api_exchange *exchange);

#endif
