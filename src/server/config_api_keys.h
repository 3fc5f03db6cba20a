/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_API_KEYS_H
#define SERVER_CONFIG_API_KEYS_H
/* API keys, from what the settings say to what the guard of the back ends' side looks into. */

struct auth_api_keys;
struct config;
struct config_fault;

/* Keys without a name get one. */
void config_fill_api_keys(struct config *config);

/* A part of config_check(). 0, or -EINVAL with *fault. */
int config_check_api_keys(const struct config *config, struct config_fault *fault);

/* Of settings that were checked; lives no longer than they do. */
struct auth_api_keys *config_make_api_keys(const struct config *config);

#endif
