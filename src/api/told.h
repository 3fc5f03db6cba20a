/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TOLD_H
#define API_TOLD_H
/*
 * What a service's own back ends are told of its users: their access tokens as a whole, where that
 * is signed and nobody in between can read it. Everybody else sees them shortened
 * (api/shown_token.h).
 */
#include <stdbool.h>

/* Whether a token may be posted to that URL: secret signs it ("": nothing does), and it is https,
 * or leads to this machine. has_proxy: requests go by another one. */
bool told_may_have_token(const char *url, const char *secret, bool has_proxy);

#endif
