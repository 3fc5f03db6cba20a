/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_JAVA_JSON_H
#define SSE_JAVA_JSON_H
/*
 * Users and connections as the Java system lists them by its defaults: the same fields in the same
 * order, numbers where the credential gave numbers, times as its Spring writes them.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sse_connection;
struct sse_user;

/* shows_secrets: with the whole token and further secrets, else as sse_user_to_json(). A new
 * reference each. */
json_t *sse_java_user(const struct sse_user *user, bool shows_secrets);
json_t *sse_java_connection(const struct sse_connection *connection, const char *server_id,
                            bool shows_secrets);

/* "2026-11-28T23:41:06.249+00:00"; null for 0. */
json_t *sse_java_time(int64_t wall_ms);

#endif
