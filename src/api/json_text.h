/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_JSON_TEXT_H
#define API_JSON_TEXT_H
/* JSON written as text, for answers that need no tree. */
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Appends text as a JSON string with its quotes. Ill-formed UTF-8 becomes U+FFFD, octet by octet,
 * so that what is written is always JSON. */
void json_text_string(struct buf *buf, const char *text);
/* What a user is known by (sse/user_key.h): as members of an object, "userId" and, where the key
 * has it, "tenantId"; and by itself, the id as a string or an object of the two. */
void json_text_user_members(struct buf *buf, const char *key);
void json_text_user(struct buf *buf, const char *key);
void json_text_number(struct buf *buf, uint64_t number);

#endif
