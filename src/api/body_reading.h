/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BODY_READING_H
#define API_BODY_READING_H
/*
 * From the text of a body to what its handler needs. Small bodies are read where they are handled.
 * To read a large one takes longer than a turn of the loop may: a thread does it, and the handler
 * runs when that is done, in the order of its session (api/body_lines.h), whether or not its client
 * is still there, as if it had been read at once.
 */
#include <stdbool.h>
#include <stddef.h>

#include "api/body_kind.h"
#include "api/exchange.h"

struct body_lines;
struct body_turn;

/* Bytes, above which a body is large. */
#define BODY_READ_AT_ONCE ((size_t)32 * 1024)

/* What JSON is read as; NULL: it is none. */
const struct body_kind *body_kind_of(enum api_body body);

/* True: its handler will run later, since its body is large, or its session has one before it. Only
 * while the exchange's body is that of the stream, or is kept. */
bool body_reading_begin(struct api_exchange *exchange,
                        void (*handle)(struct api_exchange *exchange));

/* For the handler: reads the body, into here, unless that was done. Then body_reading_end(). */
struct body_reading *body_reading_get(struct api_exchange *exchange, struct body_reading *here);
void body_reading_end(struct body_reading *reading, const struct body_reading *here);

/* At the end of the exchange: what was read goes, too. Accepts NULL. */
void body_turn_free(struct body_turn *turn, struct body_lines *lines);

#endif
