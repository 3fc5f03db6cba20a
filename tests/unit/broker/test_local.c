/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of this process, with its thread and a file. */
#include <sys/stat.h>

#include "base/loop.h"
#include "broker/engine.h"
#include "broker/local/local.h"
#include "qos/look.h"
#include "support/test.h"
#include "unit/qos/repository_env.h"

enum { AGAIN_MS = 5 };

static const struct qos_recipient anna = {SSE_BY_USER, "anna", NULL};

/* It attaches again and again until the file can be opened. */
struct page {
    struct repository_env *env;
    struct loop *loop;
    struct engine *engine;
    struct qos_queues queues;
    struct loop_timer again;
    char away[sizeof(((struct repository_env *)NULL)->path) + 8];
    bool is_away; /* the file: a directory has its name */
    size_t found;
};

static void take_away(struct page *page)
{
    assert_int_equal(rename(page->env->path, page->away), 0);
    assert_int_equal(mkdir(page->env->path, 0700), 0);
    page->is_away = true;
}

static void bring_back(struct page *page)
{
    assert_int_equal(rmdir(page->env->path), 0);
    assert_int_equal(rename(page->away, page->env->path), 0);
    page->is_away = false;
}

static void on_queues(struct qos_job *job)
{
    struct page *page = container_of(job, struct page, queues.job);

    if (job->status == 0) {
        page->found = page->queues.copies.count;
        loop_stop(page->loop);
    } else {
        if (page->is_away)
            bring_back(page);
        loop_timer_start(page->loop, &page->again, AGAIN_MS);
    }
    qos_copies_release(&page->queues.copies);
}

static void attach(struct loop_timer *timer)
{
    struct page *page = container_of(timer, struct page, again);

    page->queues = (struct qos_queues){.recipients = &anna, .count = 1};
    qos_queues_init(&page->queues);
    page->queues.job.done = on_queues;
    page->engine->ops->look(page->engine, &page->queues);
}

static void on_swept(void *context, int status, const struct qos_copies *ended)
{
    (void)context;
    (void)status;
    assert_int_equal(ended->count, 0);
}

static void set_one_aside(struct repository_env *env)
{
    static const char json[] = "{\"event\":\"e\",\"userId\":[\"anna\"],\"qos\":1,\"id\":\"m\"}";
    char value[] = "anna";
    char *values[] = {value};
    const struct sse_target target = {.dimension = SSE_BY_USER, .values = values, .count = 1};
    struct qos_message message = message_of("m");
    uint64_t number;

    message.json = json;
    message.length = sizeof(json) - 1;
    message.expires = INT64_MAX / 2;
    number = env_put_message(env, message, &target);
    assert_int_equal(env_set_aside(env, number, "anna", QOS_NO_MEMORY), 0);
    env_close(env);
}

static size_t find_queues(struct repository_env *env, bool is_away)
{
    static const uint32_t remembered = 1000;
    const struct engine_settings settings = {
        .service = "hr", .file = env->path, .remember_ms = &remembered, .remembered = &remembered};
    struct page page = {.env = env, .loop = loop_new(), .again.on_fire = attach};
    const struct engine_events events = {.context = &page, .swept = on_swept};

    snprintf(page.away, sizeof(page.away), "%s.away", env->path);
    if (is_away)
        take_away(&page);
    page.engine = local_engine_new(page.loop, &settings, &events);
    attach(&page.again);
    loop_run(page.loop);
    page.engine->ops->free(page.engine);
    loop_free(page.loop);
    assert_false(page.is_away);
    return page.found;
}

static void what_was_set_aside_is_there_before_anybody_looks(void **state)
{
    set_one_aside(*state);
    assert_int_equal(find_queues(*state, false), 1);
}

/* Whoever comes may be the first for whom the file can be opened. */
static void it_is_there_when_the_file_comes_later_too(void **state)
{
    set_one_aside(*state);
    assert_int_equal(find_queues(*state, true), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV_CASE(what_was_set_aside_is_there_before_anybody_looks, env_set_up_sqlite),
        ENV_CASE(it_is_there_when_the_file_comes_later_too, env_set_up_sqlite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
