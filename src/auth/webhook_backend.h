/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_WEBHOOK_BACKEND_H
#define AUTH_WEBHOOK_BACKEND_H
/*
 * The auth backend that asks another: what a request shows is posted to a service that knows the
 * users (auth/webhook_question.h), and that says whose it is (auth/webhook_answer.h). Who shows the
 * same while that is being asked waits for the same answer, and who does a moment later gets it
 * from memory. Nothing here waits; who would be one too many to wait is refused at once.
 *
 * A revocation makes it forget what it was told, so that the next request asks again, and who may
 * come in is up to the service. What is being asked at that moment was asked too early: an answer
 * that names someone who was revoked meanwhile does not count.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/webhook_question.h"

struct auth;
struct loop;
struct outbound_http;

/* The texts must live as long as the backend. */
struct auth_webhook_settings {
    const char *service; /* our name, told to the other side */
    const char *url;
    const char *secret; /* "": what is posted is not signed */
    struct auth_webhook_names names;
    unsigned time_limit_ms; /* from a request to its answer */
    unsigned in_flight;     /* questions at a time; http must be made for as many, */
    unsigned waiting;       /* and requests behind them: for their turn, or for the same answer */
    unsigned cache_ms;      /* how long an answer counts; 0: for those who wait for it only */
    uint32_t cache_entries; /* at least 1, */
    uint32_t user_entries;  /* and of one user; 0: as many */
    size_t answer_bytes;
    bool of_tenant; /* users are unique within their tenant */
};

/* http is for this backend alone: who is slow here must not keep others waiting. It must outlive
 * the backend. */
struct auth *auth_webhook_new(const struct auth_webhook_settings *settings, struct loop *loop,
                              struct outbound_http *http);

/* Other settings, which must live as long. Where it is another service that knows the users, or is
 * told other things, what the old one said is forgotten; who waits for its answer gets that. */
void auth_webhook_change(struct auth *auth, const struct auth_webhook_settings *settings);

#endif
