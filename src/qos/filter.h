/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_FILTER_H
#define QOS_FILTER_H
/* Which stored copies are listed, or deleted. */
#include <stdbool.h>
#include <stddef.h>

#include "qos/repository.h"

/* A connection that has these would get them, as far as is said here: with nothing but a user, that
 * user's copies and those for all, not those of a tenant or a token. The texts are lent. NULL: not
 * said; nothing said of user, token, tenant and channels: whomever they are for. A tenant beside a
 * user is whose user that is; "": nobody's. */
struct qos_filter {
    const char *user_id, *token, *tenant_id;
    bool of_tenant; /* users are unique within their tenant: an id alone is nobody's */
    const char *const *channels;
    size_t channel_count;
    /* NULL: whatever they must listen to. Copies for whoever listens or not pass with any. */
    const char *const *listeners;
    size_t listener_count;
    /* Only what is named: copies for all do not pass where somebody is said, nor those for whoever
     * listens or not where listeners are, nor, with a tenant beside a user, any but that user's. */
    bool is_strict;
    /* All that the copy asks for must be said: a listener, too. Nothing said at all: every copy. */
    bool is_exact;
    bool is_aside;       /* those that are set aside, instead of stored ones */
    const char *tenants; /* words: what is for others does not pass, whatever is said. NULL: any */
};

/* Whether the copy is for one of these tenants, or a user of one. NULL: any. Of one that cannot be
 * read it is not known, so that it is not. */
bool qos_copy_is_of_tenants(const struct qos_copy *copy, const char *tenants);

/* Whether the copy passes. Copies for all pass every filter that is not strict, but for their
 * listening. */
bool qos_filter_passes(const struct qos_filter *filter, const struct qos_copy *copy);

/* A part of the way through all stored messages. */
struct qos_slice {
    uint64_t after; /* a number; moved to where the next slice begins */
    size_t limit;   /* messages looked at */
    bool is_all;    /* result: nothing follows */
};

/* Visits the copies of the slice that pass. The visit cannot end it. */
int qos_filter_scan(const struct qos_filter *filter, struct qos_repository *repository,
                    struct qos_slice *slice, qos_visit visit, void *context);

#endif
