/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_ACKNOWLEDGE_H
#define QOS_ACKNOWLEDGE_H
/*
 * A page has handled messages. Only copies that are for it can be ended by it: for its user, token,
 * tenant, one of its channels, the connection itself, or all.
 */
#include "qos/copies.h"
#include "qos/job.h"

/* Whose word it is; the texts are lent. "" is nobody's. */
struct qos_identity {
    const char *user_key, *user_in_tenant; /* sse/user_key.h; the second always has the tenant */
    const char *token, *tenant_id, *connection_id;
    const char *const *channels;
    size_t channel_count;
};

struct qos_acknowledge {
    struct qos_job job;
    struct qos_identity identity;
    const char *const *ids; /* lent; unknown ones are ignored */
    size_t count;
    /* The last event that a page has seen (Last-Event-ID): where its copy is an individual's, all
     * that are before it in that queue were seen, too. Ignored when it has ended already, but for
     * those before it. */
    bool is_through;
    int64_t now;
    struct qos_copies ended; /* result: what this has acknowledged */
    void *context;
};

void qos_acknowledge_init(struct qos_acknowledge *acknowledge);
void qos_acknowledge_release(struct qos_acknowledge *acknowledge);

#endif
