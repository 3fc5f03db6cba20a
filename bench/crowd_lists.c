/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "base/turn_meter.h"
#include "broker/gather.h"
#include "broker/row.h"
#include "broker/service.h"
#include "broker/showing.h"
#include "load_measure.h"

#define PAGE   50u
#define ROUNDS 6u /* the first does not count */

enum place { FIRST, MIDDLE, LAST };

static const struct asked {
    const char *what;
    enum broker_list list;
    enum place place;
    struct broker_order order;
    const char *name, *channel;
} asked[] = {
    {"connections by name, first page",
     BROKER_CONNECTIONS,
     FIRST,
     {BROKER_SORT_NAME, false},
     NULL,
     NULL},
    {"connections by name, middle",
     BROKER_CONNECTIONS,
     MIDDLE,
     {BROKER_SORT_NAME, false},
     NULL,
     NULL},
    {"connections by name, last page",
     BROKER_CONNECTIONS,
     LAST,
     {BROKER_SORT_NAME, false},
     NULL,
     NULL},
    {"connections by age, first page",
     BROKER_CONNECTIONS,
     FIRST,
     {BROKER_SORT_CREATED, false},
     NULL,
     NULL},
    {"connections by age, last page",
     BROKER_CONNECTIONS,
     LAST,
     {BROKER_SORT_CREATED, false},
     NULL,
     NULL},
    {"connections by events, first page",
     BROKER_CONNECTIONS,
     FIRST,
     {BROKER_SORT_MESSAGES, true},
     NULL,
     NULL},
    {"connections by events, middle",
     BROKER_CONNECTIONS,
     MIDDLE,
     {BROKER_SORT_MESSAGES, true},
     NULL,
     NULL},
    {"connections by queue, first page",
     BROKER_CONNECTIONS,
     FIRST,
     {BROKER_SORT_QUEUED, true},
     NULL,
     NULL},
    {"connections with a part of a name",
     BROKER_CONNECTIONS,
     FIRST,
     {BROKER_SORT_NAME, false},
     "n 99999",
     NULL},
    {"connections of a channel",
     BROKER_CONNECTIONS,
     FIRST,
     {BROKER_SORT_NAME, false},
     NULL,
     "room7"},
    {"users by id, first page", BROKER_USERS, FIRST, {BROKER_SORT_KEY, false}, NULL, NULL},
    {"users by id, middle", BROKER_USERS, MIDDLE, {BROKER_SORT_KEY, false}, NULL, NULL},
    {"users by id, last page", BROKER_USERS, LAST, {BROKER_SORT_KEY, false}, NULL, NULL},
    {"users by connections, first page",
     BROKER_USERS,
     FIRST,
     {BROKER_SORT_CONNECTIONS, true},
     NULL,
     NULL},
    {"users by connections, last page",
     BROKER_USERS,
     LAST,
     {BROKER_SORT_CONNECTIONS, true},
     NULL,
     NULL},
    {"users by name, middle", BROKER_USERS, MIDDLE, {BROKER_SORT_NAME, false}, NULL, NULL},
    {"users with a part of a name", BROKER_USERS, FIRST, {BROKER_SORT_KEY, false}, "n 99999", NULL},
    {"channels, first page", BROKER_CHANNELS, FIRST, {BROKER_SORT_KEY, false}, NULL, NULL},
};

static struct lists {
    struct broker_service *service;
    struct loop *const *loops;
    size_t loop_count;
    uint64_t turns[TURN_BOUNDS + 1]; /* before the question, each once */
    void (*done)(void *context);
    void *context;
    struct loop_task task; /* the next question */
    size_t next, round, total, start;
    unsigned open; /* until it is shown, and all is freed */
    uint64_t began, began_cpu, ms[ROUNDS], cpu_ms[ROUNDS];
} lists;

static uint64_t cpu_now(void)
{
    return clock_kernel_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* How often turns were longer than each bound, so far. */
static void count_turns(uint64_t counts[TURN_BOUNDS + 1])
{
    memset(counts, 0, (TURN_BOUNDS + 1) * sizeof(*counts));
    for (size_t i = 0; i < lists.loop_count; i++) {
        for (size_t bound = 0; bound <= TURN_BOUNDS; bound++)
            counts[bound] += loop_turns(lists.loops[i])->turns[bound];
    }
}

static uint64_t least(const uint64_t *times)
{
    uint64_t found = times[1];

    for (size_t i = 2; i < ROUNDS; i++)
        found = times[i] < found ? times[i] : found;
    return found;
}

static void print_answer(void)
{
    uint64_t turns[TURN_BOUNDS + 1];
    size_t longest = TURN_BOUNDS;
    struct rusage used;

    count_turns(turns);
    while (longest > 0 && turns[longest] == lists.turns[longest])
        longest--;
    getrusage(RUSAGE_SELF, &used);
    printf("%-36s %5lu ms (CPU %5lu), of %zu; turns up to %.0f ms; memory so far %ld MiB\n",
           asked[lists.next].what, (unsigned long)least(lists.ms),
           (unsigned long)least(lists.cpu_ms), lists.total,
           longest < TURN_BOUNDS ? turn_bounds[longest] * 1e3 : 9999.0, used.ru_maxrss / 1024);
    fflush(stdout);
}

static void go_on(void)
{
    if (--lists.open > 0)
        return;
    if (lists.round == ROUNDS) {
        lists.round = 0;
        lists.next++;
    }
    if (lists.next < sizeof(asked) / sizeof(asked[0]))
        loop_defer(lists.service->core->loop, &lists.task);
    else
        lists.done(lists.context);
}

static void on_shown(void *context, char *const *texts, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        if (!texts[i])
            abort(); /* nobody leaves */
    }
    lists.ms[lists.round] = (load_now() - lists.began) / CLOCK_NS_PER_MS;
    lists.cpu_ms[lists.round++] = (cpu_now() - lists.began_cpu) / CLOCK_NS_PER_MS;
    if (lists.round == ROUNDS)
        print_answer();
    go_on();
}

static void on_gathered(const struct gather *gather)
{
    const struct asked *what = &asked[lists.next];
    struct showing page = {.is_of_users = what->list == BROKER_USERS, .done = on_shown};

    lists.total = gather_count(gather, what->list);
    page.names = mem_zalloc((PAGE + 1) * sizeof(char *));
    for (size_t i = 0; what->list != BROKER_CHANNELS && i < gather_rows(gather); i++) {
        uint64_t connections;

        page.names[page.count++] = page.is_of_users ? row_user(gather_row(gather, i), &connections)
                                                    : mem_strdup(row_handle(gather_row(gather, i)));
    }
    if (what->list != BROKER_CHANNELS && page.count != (lists.total < PAGE ? lists.total : PAGE))
        abort();
    showing_start(gather->service, &page);
}

static void on_freed(void *context)
{
    (void)context;
    go_on();
}

/* A page in the middle and the last one are there when the first one has told how many there are.
 */
static void ask(struct loop_task *task)
{
    const struct asked *what = &asked[lists.next];
    struct gather *gather = gather_new(lists.service);

    (void)task;
    lists.start = what->place == FIRST    ? 0
                  : what->place == MIDDLE ? lists.total / 2
                                          : lists.total - PAGE;
    gather->lists = 1u << what->list;
    gather->has_away = what->list == BROKER_USERS;
    gather->start = lists.start;
    gather->size = PAGE;
    gather->has_user_rows = what->list == BROKER_USERS;
    gather->order = what->order;
    gather->filter.by[BROKER_BY_NAME] = what->name;
    gather->filter.by[BROKER_BY_CHANNEL] = what->channel;
    gather->reply = on_gathered;
    gather->done = on_freed;
    if (lists.round == 1)
        count_turns(lists.turns);
    lists.open = 2;
    lists.began = load_now();
    lists.began_cpu = cpu_now();
    gather_start(gather);
}

void crowd_lists_start(struct broker_service *service, struct loop *const *loops, size_t count,
                       void (*done)(void *context), void *context)
{
    lists.service = service;
    lists.loops = loops;
    lists.loop_count = count;
    lists.done = done;
    lists.context = context;
    lists.task.run = ask;
    loop_defer(service->core->loop, &lists.task);
}
