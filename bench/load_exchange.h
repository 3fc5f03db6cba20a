/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_EXCHANGE_H
#define LOAD_EXCHANGE_H
/*
 * Turns a kind of request into one: header fields from an exchange, path and body from templates.
 */
struct load_call;
struct load_connection;
struct load_exchange;
struct load_values;

/* Submits the call with the body that it holds. 0 or -EPIPE. */
int load_exchange_submit(const struct load_exchange *exchange, const struct load_values *values,
                         struct load_connection *connection, struct load_call *call);

/* Gives back what a call holds once it will not be submitted again. */
void load_call_release(struct load_call *call);

#endif
