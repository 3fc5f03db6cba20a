/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_REPORTER_H
#define API_PRESENCE_REPORTER_H
/*
 * Tells the owner of the service what becomes of this worker's connections (broker/online_users.h),
 * with what back ends are to hear of it; and makes at the owner what they hear of users.
 */
#include "sse/service.h"

struct api_service;
struct sse_presence;

struct presence_reporter {
    struct sse_observer observer;
    struct api_service *service;
    struct sse_presence *presence; /* the owner's; empty elsewhere; borrowed */
};

/* From here on it hears of every connection of the service's core. */
void presence_reporter_init(struct presence_reporter *reporter, struct api_service *service);
void presence_reporter_release(struct presence_reporter *reporter);

#endif
