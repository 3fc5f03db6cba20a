/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H
/*
 * What a run found, for people and for programs.
 */
#include <stdio.h>

struct load_report;

void load_report_print(const struct load_report *report, FILE *to);
int load_report_print_json(const struct load_report *report, FILE *to); /* 0 or -EIO */

#endif
