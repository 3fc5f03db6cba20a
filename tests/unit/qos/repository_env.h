/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPOSITORY_ENV_H
#define REPOSITORY_ENV_H
/* A repository in its own directory, and short words for what is done with it. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "qos/copies.h"
#include "qos/sqlite.h"
#include "qos/sqlite_repository.h"
#include "support/test.h"

struct repository_env {
    struct qos_repository *repository;
    struct qos_repository *(*open)(const struct repository_env *env);
    bool is_kept; /* what is in it is there again after reopening */
    char directory[64];
    char path[96];
};

static inline struct repository_env *
env_new(struct qos_repository *(*open)(const struct repository_env *env), bool is_kept)
{
    struct repository_env *env = mem_zalloc(sizeof(*env));

    env->open = open;
    env->is_kept = is_kept;
    snprintf(env->directory, sizeof(env->directory), "/tmp/test_repository.XXXXXX");
    assert_non_null(mkdtemp(env->directory));
    snprintf(env->path, sizeof(env->path), "%s/qos.sqlite", env->directory);
    env->repository = open(env);
    assert(env->repository);
    return env;
}

static inline void env_close(struct repository_env *env)
{
    if (env->repository)
        env->repository->ops->free(env->repository);
    env->repository = NULL;
}

static inline void env_free(struct repository_env *env)
{
    DIR *directory = opendir(env->directory);
    const struct dirent *entry;

    env_close(env);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
    closedir(directory);
    assert_int_equal(rmdir(env->directory), 0);
    free(env);
}

/* As after a restart. In memory, where that would forget all, nothing happens. */
static inline void env_reopen(struct repository_env *env)
{
    if (env->repository && !env->is_kept)
        return;
    env_close(env);
    env->repository = env->open(env);
    assert(env->repository);
}

/* For what has to be the same before and after. */
#define BEFORE_AND_AFTER_REOPENING(env) for (int round = 0; round < 2; round++, env_reopen(env))

static inline void env_begin(struct repository_env *env)
{
    assert_int_equal(env->repository->ops->begin(env->repository), 0);
}

static inline void env_commit(struct repository_env *env)
{
    assert_int_equal(env->repository->ops->commit(env->repository), 0);
    assert_int_equal(env->repository->fault, 0);
}

/* A message that was created at 100 and expires at 1000. */
static inline struct qos_message message_of(const char *id)
{
    static const char json[] = "{\"event\":\"e\",\"message\":1}";

    return (struct qos_message){
        .id = id,
        .json = json,
        .length = sizeof(json) - 1,
        .digest = 0xfedcba9876543210u,
        .created = 100,
        .expires = 1000,
        .receipt = "",
    };
}

static inline uint64_t env_put_message(struct repository_env *env, struct qos_message message,
                                       const struct sse_target *target)
{
    env_begin(env);
    assert_int_equal(env->repository->ops->put(env->repository, &message, target), 0);
    env_commit(env);
    return message.number;
}

/* To so many users, in a text that has commas between them. */
static inline uint64_t env_put(struct repository_env *env, const char *id, const char *users)
{
    char *text = mem_strdup(users);
    char *values[16];
    struct sse_target target = {.dimension = SSE_BY_USER, .values = values};
    char *rest = text;
    uint64_t number;

    while (rest)
        values[target.count++] = strsep(&rest, ",");
    number = env_put_message(env, message_of(id), &target);
    free(text);
    return number;
}

static inline struct qos_recipient user(const char *id)
{
    return (struct qos_recipient){SSE_BY_USER, id, ""};
}

static inline int env_end(struct repository_env *env, uint64_t number,
                          const struct qos_recipient *recipient, int64_t at)
{
    int result;

    env_begin(env);
    result = env->repository->ops->end(env->repository, number, recipient, QOS_ACKNOWLEDGED, at, 1);
    env_commit(env);
    return result;
}

static inline void env_end_user(struct repository_env *env, uint64_t number, const char *id,
                                int64_t at)
{
    const struct qos_recipient recipient = user(id);

    assert_int_equal(env_end(env, number, &recipient, at), 0);
}

static inline int env_set_aside(struct repository_env *env, uint64_t number, const char *value,
                                enum qos_cause cause)
{
    int result;

    env_begin(env);
    result = env->repository->ops->set_aside(env->repository, number, value, cause);
    env_commit(env);
    return result;
}

static inline size_t env_forget(struct repository_env *env, int64_t before, size_t most,
                                size_t limit)
{
    size_t forgotten = 999;

    env_begin(env);
    assert_int_equal(env->repository->ops->forget(env->repository, before, most, limit, &forgotten),
                     0);
    env_commit(env);
    return forgotten;
}

/* Whether there is more to give back. */
static inline bool env_shrink(struct repository_env *env)
{
    bool is_more = true;

    env_begin(env);
    assert_int_equal(env->repository->ops->shrink(env->repository, &is_more), 0);
    env_commit(env);
    return is_more;
}

static inline uint64_t env_count(struct repository_env *env, const struct qos_recipient *recipient)
{
    uint64_t count = 999;

    assert_int_equal(env->repository->ops->count(env->repository, recipient, &count), 0);
    return count;
}

static inline void assert_totals(const struct repository_env *env, uint64_t copies,
                                 uint64_t messages)
{
    assert_int_equal(env->repository->totals.copies, copies);
    assert_int_equal(env->repository->totals.messages, messages);
    assert_int_equal(env->repository->totals.bytes, messages * message_of("").length);
}

/* "id:value/listening=state" of each, in the order in which they came, with blanks between. */
struct shown {
    char text[2048];
    size_t enough; /* stops after so many; 0: never */
    size_t count;
};

static inline bool shown_visit(void *context, const struct qos_copy *copy)
{
    struct shown *shown = context;
    const size_t at = strlen(shown->text);

    snprintf(shown->text + at, sizeof(shown->text) - at, "%s%s:%s/%s=%s", at > 0 ? " " : "",
             copy->message->id, copy->recipient.value, copy->recipient.listening,
             qos_state_words[copy->state]);
    return ++shown->count != shown->enough;
}

static inline void assert_read(struct repository_env *env, const struct qos_recipient *recipient,
                               uint64_t after, size_t limit, const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(
        env->repository->ops->read(env->repository, recipient, after, limit, shown_visit, &shown),
        0);
    assert_string_equal(shown.text, expected);
}

static inline void assert_scan(struct repository_env *env, uint64_t after, size_t limit,
                               const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(env->repository->ops->scan(env->repository, after, limit, shown_visit, &shown),
                     0);
    assert_string_equal(shown.text, expected);
}

static inline void assert_aside(struct repository_env *env, uint64_t after, size_t limit,
                                const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(
        env->repository->ops->aside(env->repository, after, limit, shown_visit, &shown), 0);
    assert_string_equal(shown.text, expected);
}

static inline void assert_expired(struct repository_env *env, int64_t now, size_t limit,
                                  const char *expected)
{
    struct shown shown = {.text = ""};

    assert_int_equal(
        env->repository->ops->expired(env->repository, now, limit, shown_visit, &shown), 0);
    assert_string_equal(shown.text, expected);
}

static inline struct qos_repository *env_open_memory(const struct repository_env *env)
{
    char fault[256];
    int error = 0;

    (void)env;
    return qos_sqlite_new(NULL, &error, fault, sizeof(fault));
}

static inline struct qos_repository *env_open_sqlite(const struct repository_env *env)
{
    char fault[256];
    int error = -EUCLEAN; /* checked to the end, however long that takes here */

    return qos_sqlite_new(env->path, &error, fault, sizeof(fault));
}

static inline int env_set_up_sqlite(void **state)
{
    *state = env_new(env_open_sqlite, true);
    return 0;
}

/* What is put goes into the file's own queues at once. */
static inline struct qos_repository *env_open_moved(const struct repository_env *env)
{
    struct qos_repository *repository = env_open_sqlite(env);

    if (repository)
        qos_sqlite_of(repository)->queue.most = 1;
    return repository;
}

static inline int env_set_up_moved(void **state)
{
    *state = env_new(env_open_moved, true);
    return 0;
}

static inline int env_set_up_memory(void **state)
{
    *state = env_new(env_open_memory, false);
    return 0;
}

static inline int env_tear_down(void **state)
{
    env_free(*state);
    return 0;
}

#define ENV_CASE(function, set_up) cmocka_unit_test_setup_teardown(function, set_up, env_tear_down)

#endif
