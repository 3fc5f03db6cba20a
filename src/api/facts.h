/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_FACTS_H
#define API_FACTS_H
/* What an auth backend may ask of a request: the view of h2_request that auth.h describes. */

struct api_exchange;
struct api_facts;
struct auth_facts;

/* Both good until api_facts_free(); the exchange must live as long. */
struct api_facts *api_facts_new(const struct api_exchange *exchange);
void api_facts_free(struct api_facts *facts); /* accepts NULL */
const struct auth_facts *api_facts_view(const struct api_facts *facts);

#endif
