/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CHANNEL_PATTERN_H
#define SSE_CHANNEL_PATTERN_H
/*
 * The names of channels, and patterns of them: a name as it is, or with '*' for any text, "" too. A
 * match takes no more steps than the name has bytes times the pattern.
 */
#include <stdbool.h>
#include <stddef.h>

struct sse_user;

#define SSE_CHANNEL_MAX_NAME 128u

/* Whether a channel may be called so: 1 to SSE_CHANNEL_MAX_NAME bytes of UTF-8 without control
 * characters. */
bool sse_channel_is_name(const char *name);

/* user: NULL, or whose own id and tenant the pattern's {userId} and {tenantId} stand for, byte by
 * byte; a user without a tenant matches no pattern that asks for one. */
bool sse_channel_pattern_matches(const char *pattern, size_t length, const char *name,
                                 const struct sse_user *user);

/* Whether one of the user's own patterns (sse/user.h) matches. */
bool sse_channel_pattern_of_user(const struct sse_user *user, const char *name);

#endif
