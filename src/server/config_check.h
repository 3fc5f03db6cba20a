/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_CHECK_H
#define SERVER_CONFIG_CHECK_H

struct config;
struct config_fault;

/* Checks across keys: development auth on a reachable address, overlapping base paths, missing
 * certificates. Called by config_load. 0, or -EINVAL with *fault. */
int config_check(const struct config *config, struct config_fault *fault);

#endif
