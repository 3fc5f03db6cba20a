/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_TRACE_FILTER_H
#define BROKER_TRACE_FILTER_H
/* Which records of a trace are meant, and how they are shown. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/trace.h"

struct broker_message;
struct buf;

enum trace_filter_by {
    TRACE_BY_USER_ID, /* whom it is about, is for, or what an unverified token claims */
    TRACE_BY_TENANT_ID,
    TRACE_BY_ID, /* of a message */
    TRACE_BY_EVENT,
    TRACE_BY_CHANNEL,
    TRACE_BY_ADDRESS,
    TRACE_BY_CONNECTION, /* a handle */
    TRACE_BY_CLIENT,
    TRACE_FILTERS
};

/* What is said holds together. */
struct trace_filter {
    const char *by[TRACE_FILTERS]; /* NULL: any */
    const char *tenants;           /* words: what is of these alone; NULL: all */
    unsigned kinds;                /* a mask of 1 << enum trace_kind; 0: all */
    int64_t since, until;          /* wall ms, from the one up to before the other; 0: any */
};

bool trace_filter_passes(const struct trace_filter *filter, const struct trace_record *record);

/* The mask of the kinds that a list names (base/text.h). False: *unknown is none. */
struct word;
bool trace_kinds_parse(const char *list, unsigned *kinds, struct word *unknown);

/* What it takes of a message, and the same with its texts in there. */
size_t trace_filter_size(const struct trace_filter *filter);
struct trace_filter trace_filter_copy(const struct trace_filter *filter,
                                      struct broker_message *message);

/* Appends a record as a JSON object. */
void trace_append_json(struct buf *to, const struct trace_record *record);

#endif
