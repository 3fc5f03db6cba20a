/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_BROKER_TEAM_H
#define SUPPORT_BROKER_TEAM_H
/* Several workers with one service, 0, which the first of them owns; messages wait in inboxes until
 * the test lets a worker read them. */
#include "broker/receive.h"
#include "broker/service.h"
#include "support/inbox.h"
#include "support/sse_env.h"
#include "support/test.h"

#define TEAM_WORKERS 4u

struct team_worker {
    struct sse_env env;
    struct broker *broker;
    struct broker_service service;
    struct inbox inbox;
};

struct team {
    size_t workers;
    struct team_worker worker[TEAM_WORKERS];
    struct inbox *inboxes[TEAM_WORKERS];
};

/* False: there was nothing. */
static inline bool team_read_one(struct team_worker *worker)
{
    return inbox_read(&worker->inbox, worker->broker);
}

static inline void team_read(struct team_worker *worker)
{
    while (team_read_one(worker)) {
    }
}

/* A turn of each worker, of the owner last. */
static inline void team_turn(struct team *team)
{
    for (size_t i = 1; i <= team->workers; i++) {
        struct team_worker *worker = &team->worker[i % team->workers];

        team_read(worker);
        fake_loop_turn(worker->env.loop);
    }
}

static inline void team_open(struct team *team, size_t workers)
{
    static const struct broker_settings settings = {.presence = {.history = 1},
                                                    .trace = {.bytes = 4u << 20}};
    const struct hash_key key = hash_key_new();
    const struct broker_transport transport = {inboxes_post, inboxes_is_empty, team->inboxes};
    struct sse_log *log = sse_env_log(workers);

    *team = (struct team){.workers = workers};
    for (size_t i = 0; i < workers; i++) {
        struct team_worker *worker = &team->worker[i];

        inbox_init(&worker->inbox);
        team->inboxes[i] = &worker->inbox;
        sse_env_open_part(&worker->env, log);
        worker->env.service->shard = (struct sse_shard){(uint32_t)i, key};
        worker->broker = broker_new(i, workers, &key, &transport);
        broker_service_init(&worker->service, worker->broker, 0, worker->env.service, &settings);
        broker_service_receive(&worker->service);
    }
    sse_log_unref(log);
}

static inline void team_close(struct team *team)
{
    for (size_t i = 0; i < team->workers; i++) {
        struct team_worker *worker = &team->worker[i];

        assert_null(worker->inbox.first);
        broker_service_release(&worker->service);
        broker_free(worker->broker);
        sse_env_close(&worker->env);
    }
}

#endif
