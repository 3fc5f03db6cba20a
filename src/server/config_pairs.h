/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_PAIRS_H
#define SERVER_CONFIG_PAIRS_H
/*
 * Limits that contradict each other: what one lets through, the other one would refuse before it
 * gets there, so that the first is never reached. Refused where the settings say both; where the
 * other is just the default, or nothing is lost by it, it is worth a warning.
 */
#include <stdio.h>

struct config;
struct config_subject;

/* Those of the process, or (with the subject's list "services") of that service. 0, or -EINVAL with
 * the subject's fault. */
int config_check_pairs(const struct config_subject *subject);

void config_warn_of_pairs(const struct config *config, FILE *to);

#endif
