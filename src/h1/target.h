/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_TARGET_H
#define H1_TARGET_H
/* The target of a request line (RFC 9112 3.2), and the host field. */
#include <stdbool.h>
#include <stddef.h>

struct h1_target {
    const char *authority; /* of the absolute form; NULL: the host field says it */
    size_t authority_length;
    const char *path; /* with query; "/" where the absolute form has none */
    size_t path_length;
    bool lacks_slash; /* it begins with '?', and a '/' belongs before it */
};

/* Takes text apart; the parts lie in it. False when it has another scheme than http and https, or
 * no authority. */
bool h1_target_parse(struct h1_target *target, const char *text, size_t length);

/* Whether text is a host, with a port or without (RFC 9110 7.2). */
bool h1_target_is_host(const char *text, size_t length);

#endif
