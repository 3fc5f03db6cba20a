/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_EXCHANGE_IDENTITY_H
#define API_EXCHANGE_IDENTITY_H
/* Who asks, and what is answered to whom that must not. */
#include <stdbool.h>

struct api_exchange;

/* Finds out who asks, then calls on_identity, now or later. */
void api_exchange_identify(struct api_exchange *exchange,
                           void (*on_identity)(struct api_exchange *exchange));

/* For those who have waited for something else since, and are about to do what lasts: whether
 * anything has been revoked meanwhile, and if so, to find out again. Calls on_identity, too. */
bool api_exchange_is_overtaken(const struct api_exchange *exchange);
void api_exchange_identify_again(struct api_exchange *exchange);

/* For on_identity: true when the credentials are wrong, or show that a stranger's page asks
 * (api/origin.h) or a user who asks too often (api/limit/limits.h); then it has answered. No
 * credentials at all are not wrong. */
bool api_exchange_refuse_wrong(struct api_exchange *exchange);

/* True when there is a user; else it has answered 401. */
bool api_exchange_require_user(struct api_exchange *exchange);

#endif
