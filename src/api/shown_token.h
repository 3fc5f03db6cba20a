/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SHOWN_TOKEN_H
#define API_SHOWN_TOKEN_H
/* Access tokens in answers: as a whole for those who may name one as a target, else shortened
 * beyond use. */
#include <stdbool.h>

struct api_exchange;
struct buf;

/* Whether the back end that asks is shown them as a whole. */
bool shown_token_is_whole(const struct api_exchange *exchange);
/* Appends it as a JSON string. */
void shown_token_append(struct buf *text, const char *token, bool is_whole);

#endif
