/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ROW_H
#define BROKER_ROW_H
/*
 * What a list has, as texts that are in the order of the list: first what it is sorted by, then
 * what tells one row from another.
 */
#include <stdbool.h>
#include <stdint.h>

#include "broker/message.h"

struct buf;
struct sse_connection;
struct text;

void row_write_connection(struct buf *row, const struct sse_connection *connection,
                          enum broker_sort sort);
const char *row_handle(const char *row); /* lies in the row */

/* Of a user's key, with its name and the number of connections. */
void row_write_user(struct buf *row, const struct text *user, enum broker_sort sort);
/* The key, which the caller frees. */
char *row_user(const char *row, uint64_t *connections);

#endif
