/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_ENV_H
#define JOB_ENV_H
/*
 * Jobs of the store in the test's own thread, on a repository in memory. Include it in one source
 * file of a test program.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/copies.h"
#include "qos/put.h"
#include "qos/sqlite.h"
#include "support/test.h"

enum { JOB_ROOM_VALUES = 16 };

struct job_env {
    struct qos_repository *repository;
    struct qos_repository_ops ops; /* of the repository, for the test to change */
    uint64_t queue_most, messages_most, bytes_most;
    int64_t now;
    const char *json; /* of all messages that are put; NULL: its id */
};

/* What "a,b" is as a target. The texts lie in it, and so it must not be copied. */
struct named_target {
    struct sse_target target;
    char *values[JOB_ROOM_VALUES];
    char text[256];
};

static inline int job_env_set_up(void **state)
{
    struct job_env *env = mem_zalloc(sizeof(*env));
    char fault[256];
    int error = 0;

    env->repository = qos_sqlite_new(NULL, &error, fault, sizeof(fault));
    env->ops = *env->repository->ops;
    env->repository->ops = &env->ops;
    env->queue_most = env->messages_most = env->bytes_most = 1000000;
    env->now = 1000;
    *state = env;
    return 0;
}

static inline int job_env_tear_down(void **state)
{
    struct job_env *env = *state;

    env->repository->ops->free(env->repository);
    free(env);
    return 0;
}

#define ENV_TEST(function)                                                                         \
    cmocka_unit_test_setup_teardown(function, job_env_set_up, job_env_tear_down)

static inline int env_run(struct job_env *env, struct qos_job *job)
{
    const uint64_t copies = env->repository->totals.copies;
    const uint64_t messages = env->repository->totals.messages;
    int status;

    assert_int_equal(env->repository->ops->begin(env->repository), 0);
    status = job->run(job, env->repository);
    if (env->repository->fault != 0)
        env->repository->ops->rollback(env->repository);
    else
        assert_int_equal(env->repository->ops->commit(env->repository), 0);
    if (status != 0) { /* one that fails alone has changed nothing */
        assert_int_equal(env->repository->totals.copies, copies);
        assert_int_equal(env->repository->totals.messages, messages);
    }
    return status;
}

static inline void name_target(struct named_target *named, enum sse_dimension dimension,
                               const char *values)
{
    char *rest = named->text;

    *named = (struct named_target){.target = {.dimension = dimension, .values = named->values}};
    snprintf(named->text, sizeof(named->text), "%s", values);
    while (rest && dimension != SSE_ALL)
        named->values[named->target.count++] = strsep(&rest, ",");
}

#define READABLE "{\"event\":\"e\",\"userId\":[\"anna\"],\"qos\":1,\"id\":\"m\"}"

/* Its JSON is its id, if the room has none, and its digest is the length of that. */
static inline struct qos_message message_of(struct job_env *env, const char *id)
{
    const char *json = env->json ? env->json : id;

    return (struct qos_message){.id = id,
                                .json = json,
                                .length = strlen(json),
                                .digest = strlen(id),
                                .created = env->now,
                                .expires = env->now + 1000,
                                .receipt = ""};
}

static inline int env_put_items(struct job_env *env, struct qos_put *put,
                                struct qos_put_item *items, size_t count)
{
    *put = (struct qos_put){
        .items = items,
        .count = count,
        .queue_most = env->queue_most,
        .messages_most = env->messages_most,
        .bytes_most = env->bytes_most,
        .now = env->now,
    };
    qos_put_init(put);
    return env_run(env, &put->job);
}

/* Stores a message for the values, and asserts that all is as it is without bounds. */
static inline void env_put(struct job_env *env, const char *id, const struct sse_target *target)
{
    struct qos_put_item item = {.message = message_of(env, id), .target = target};
    struct qos_put put;

    assert_int_equal(env_put_items(env, &put, &item, 1), 0);
    assert_false(item.is_repeat);
    qos_put_release(&put);
}

static inline void env_put_for(struct job_env *env, const char *id, enum sse_dimension dimension,
                               const char *values, char *listening)
{
    struct named_target named;

    name_target(&named, dimension, values);
    named.target.listening = listening;
    env_put(env, id, &named.target);
}

static inline uint64_t env_number(struct job_env *env, const char *id)
{
    struct qos_message message;

    assert_int_equal(env->repository->ops->find(env->repository, id, &message), 0);
    return message.number;
}

/* "id:value=state" of each, with blanks between. */
static inline void assert_copies(const struct qos_copies *copies, const char *expected)
{
    char text[2048] = "";
    size_t at = 0;

    for (size_t i = 0; i < copies->count; i++) {
        const struct qos_copy *copy = &copies->items[i];

        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s:%s=%s", i > 0 ? " " : "",
                               copy->message->id, copy->recipient.value,
                               qos_state_words[copy->state]);
        assert_true(at < sizeof(text));
        assert_int_equal(copy->ended != 0,
                         copy->state != QOS_STORED && copy->state != QOS_UNREADABLE);
    }
    assert_string_equal(text, expected);
}

/* What is stored of one queue, or of all. */
static inline void assert_queue(struct job_env *env, enum sse_dimension dimension,
                                const char *value, const char *listening, const char *expected)
{
    const struct qos_recipient recipient = {dimension, value, listening};
    struct qos_copies copies = {0};

    assert_int_equal(
        env->repository->ops->read(env->repository, &recipient, 0, 1000, qos_copies_visit, &copies),
        0);
    assert_copies(&copies, expected);
    qos_copies_release(&copies);
}

static inline void assert_stored(struct job_env *env, const char *expected)
{
    struct qos_copies copies = {0};

    assert_int_equal(
        env->repository->ops->scan(env->repository, 0, 1000, qos_copies_visit, &copies), 0);
    assert_copies(&copies, expected);
    qos_copies_release(&copies);
}

#endif
