/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SHOWING_H
#define BROKER_SHOWING_H
/* What is known of some users and connections: those shards tell it that may have them. */
#include <stdbool.h>
#include <stddef.h>

#include "broker/message.h"

struct broker_service;

/* Some users, by their keys, or connections, by their handles, as those shards show them that have
 * them. */
struct showing {
    bool is_of_users;
    enum broker_form form;
    bool shows_queued;     /* how much waits for each connection, in our own form */
    uint64_t *connections; /* of each user, which are shown; NULL: they are not. Owned, as names */
    size_t count;
    char **names; /* owned, and allocated: freed at the end */
    /* texts: of each name; NULL: nobody has it any more. Perhaps before _start returns. */
    void (*done)(void *context, char *const *texts, size_t count);
    void *context;
};

void showing_start(const struct broker_service *service, const struct showing *showing);

#endif
