/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/gather.h"

#include <stdlib.h>

#include "base/mem.h"
#include "broker/row.h"
#include "broker/service.h"
#include "sse/service.h"

#define NEAR    16384u /* a page that ends no later is near the start */
#define SAMPLE  4096u
#define SAMPLES 6u /* one after the other, at the most */

struct gather *gather_new(const struct broker_service *service)
{
    const size_t workers = broker_workers(service->broker);
    struct gather *gather = mem_zalloc(sizeof(*gather) + workers * sizeof(struct broker_message *));

    gather->service = service;
    return gather;
}

size_t gather_count(const struct gather *gather, enum broker_list list)
{
    size_t count = 0;

    if (list != BROKER_CONNECTIONS)
        return gather->answers[0]->rows.lists[list].table.count;
    for (size_t i = 0; i < gather->answer_count; i++)
        count += gather->answers[i]->rows.passed;
    return count;
}

size_t gather_connections(const struct gather *gather)
{
    size_t count = 0;

    for (size_t i = 0; i < gather->answer_count; i++)
        count += gather->answers[i]->rows.connections;
    return count;
}

/* Of the rows behind those that were only counted, how many come before the page. */
static size_t skipped(const struct gather *gather, const struct ranking *ranking)
{
    return gather->start > ranking->before ? gather->start - ranking->before : 0;
}

size_t gather_rows(const struct gather *gather)
{
    const size_t kept = gather->choice.is_sample ? 0 : gather->ranking.count;
    const size_t before = skipped(gather, &gather->ranking);
    const size_t left = kept > before ? kept - before : 0;

    return left < gather->size ? left : gather->size;
}

const char *gather_row(const struct gather *gather, size_t index)
{
    return ranking_at(&gather->ranking, skipped(gather, &gather->ranking) + index);
}

static struct gather *gather_of(struct slices *slices)
{
    return container_of(slices, struct gather, slices);
}

static void go_on(struct gather *gather, bool (*step)(struct slices *slices),
                  void (*done)(struct slices *slices))
{
    gather->answer = gather->at = 0;
    gather->cursor = (struct text_cursor){.block = NULL};
    gather->slices.step = step;
    gather->slices.done = done;
    slices_start(gather->service->core->loop, &gather->slices);
}

/* ---- the end ---- */

/* The first answer last: its tables know the texts of the others. */
static bool shed_answers(struct gather *gather)
{
    const struct broker_rows *rows;

    if (gather->answer_count == 0)
        return false;
    rows = &gather->answers[gather->answer_count - 1]->rows;
    for (size_t list = 0; list < BROKER_LISTS; list++) {
        if (texts_shed(&rows->lists[list]))
            return true;
    }
    if (!ranking_shed(rows->first))
        broker_message_free(gather->answers[--gather->answer_count]);
    return true;
}

static bool shed_rows(struct gather *gather)
{
    return ranking_shed(&gather->ranking) || ranking_shed(&gather->sample);
}

static bool shed_some(struct slices *slices)
{
    return shed_rows(gather_of(slices)) || shed_answers(gather_of(slices));
}

static void release_rows(struct gather *gather)
{
    ranking_release(&gather->ranking);
    ranking_release(&gather->sample);
}

static void shed_all(struct slices *slices)
{
    struct gather *gather = gather_of(slices);

    release_rows(gather);
    buf_release(&gather->row);
    free(gather->after);
    free(gather->until);
    gather->done(gather->context);
    free(gather);
}

static bool sort_some(struct slices *slices)
{
    return ranking_sort_step(&gather_of(slices)->ranking);
}

static void sorted(struct slices *slices)
{
    struct gather *gather = gather_of(slices);

    gather->reply(gather);
    go_on(gather, shed_some, shed_all);
}

/* ---- where a page that is far behind begins ---- */

static void ask(struct gather *gather);
static void rank(struct gather *gather);

static bool is_of_texts(const struct gather *gather)
{
    return gather->listed < BROKER_LISTS;
}

static bool shed_sample(struct slices *slices)
{
    struct gather *gather = gather_of(slices);

    return shed_rows(gather) || (!is_of_texts(gather) && shed_answers(gather));
}

static void look_again(struct slices *slices)
{
    struct gather *gather = gather_of(slices);

    release_rows(gather);
    if (is_of_texts(gather))
        rank(gather);
    else
        ask(gather);
}

static bool pick_some(struct slices *slices)
{
    struct gather *gather = gather_of(slices);

    if (gather->at < gather->sample.count) {
        ranking_offer(&gather->ranking, ranking_at(&gather->sample, gather->at++));
        return true;
    }
    return ranking_sort_step(&gather->ranking);
}

/* The last of so many of the sample, in their order. */
static void keep(const struct gather *gather, size_t count, char **text, const char **chosen)
{
    if (count == 0 || count > gather->ranking.count)
        return;
    free(*text);
    *text = mem_strdup(ranking_at(&gather->ranking, count - 1));
    *chosen = *text;
}

/* Six times the standard deviation of how many of a sample come before the page, and some more
 * where they are few. */
static size_t margin_of(double sample, double share)
{
    const double square = 36 * sample * share * (1 - share);
    double margin = 0;

    while (margin * margin < square)
        margin++;
    return (size_t)margin + 20;
}

/* The sample is in order: what comes next is between two of it, of which one is before the page, in
 * all likelihood, and the other behind it. */
static void picked(struct slices *slices)
{
    struct gather *gather = gather_of(slices);
    const double sample = (double)gather->sample.count, between = (double)gather->sample.between;
    const double share = (double)skipped(gather, &gather->sample) / between;
    const size_t expected = (size_t)(sample * share), margin = margin_of(sample, share);
    const size_t size = (size_t)(sample * (double)gather->size / between) + 1;
    const size_t first = expected > margin ? expected - margin : 0, last = expected + size + margin;
    const size_t rows = (size_t)((double)(last - first) / sample * between);

    keep(gather, first, &gather->after, &gather->choice.after);
    keep(gather, last, &gather->until, &gather->choice.until);
    gather->choice.is_sample = rows > NEAR && ++gather->samples < SAMPLES;
    gather->choice.limit = gather->choice.is_sample ? SAMPLE : 2 * rows;
    go_on(gather, shed_sample, look_again);
}

static void pick(struct gather *gather)
{
    const struct ranking_choice all = {.limit = SAMPLE,
                                       .is_descending = gather->order.is_descending};

    gather->sample = gather->ranking;
    ranking_init(&gather->ranking, &all);
    go_on(gather, pick_some, picked);
}

/* ---- when all have answered ---- */

static void ranked(struct slices *slices)
{
    struct gather *gather = gather_of(slices);

    if (!gather->choice.is_sample)
        go_on(gather, sort_some, sorted);
    else if (gather->start < gather_count(gather, gather->listed) && gather->ranking.count > 0)
        pick(gather);
    else
        sorted(slices); /* there is no such page */
}

static void offer(struct gather *gather, const struct text *text)
{
    const enum broker_sort sort = gather->order.sort;

    if (!gather->has_user_rows) {
        ranking_offer(&gather->ranking, text->text);
    } else if (sort != BROKER_SORT_KEY || ranking_may_take(&gather->ranking, text->text)) {
        row_write_user(&gather->row, text, sort);
        ranking_offer(&gather->ranking, buf_str(&gather->row));
    }
}

static bool rank_some(struct slices *slices)
{
    struct gather *gather = gather_of(slices);
    const struct text *text;

    if (gather->answer == gather->answer_count)
        return false;
    text =
        texts_next(&gather->answers[gather->answer]->rows.lists[gather->listed], &gather->cursor);
    if (!text) {
        gather->answer++;
        gather->cursor = (struct text_cursor){.block = NULL};
    } else if (!text->is_double) {
        offer(gather, text);
    }
    return true;
}

static void rank(struct gather *gather)
{
    ranking_init(&gather->ranking, &gather->choice);
    go_on(gather, rank_some, ranked);
}

static bool merge_texts(struct gather *gather, const struct broker_rows *from)
{
    struct text *text = texts_next(&from->lists[gather->at], &gather->cursor);

    if (text) {
        texts_adopt(&gather->answers[0]->rows.lists[gather->at], text);
    } else {
        gather->cursor = (struct text_cursor){.block = NULL};
        gather->at++;
    }
    return true;
}

static bool merge_some(struct slices *slices)
{
    struct gather *gather = gather_of(slices);
    const struct broker_rows *from;

    if (gather->answer == gather->answer_count)
        return false;
    from = &gather->answers[gather->answer]->rows;
    if (gather->at < BROKER_LISTS && gather->answer > 0)
        return merge_texts(gather, from);
    if (ranking_take(&gather->ranking, from->first))
        return true;
    gather->ranking.before += from->first->before;
    gather->ranking.between += from->first->between;
    gather->at = 0;
    gather->answer++;
    return true;
}

static void merged(struct slices *slices)
{
    struct gather *gather = gather_of(slices);

    if (is_of_texts(gather) && gather->size > 0)
        rank(gather);
    else
        ranked(slices);
}

/* ---- asking ---- */

static void on_rows(struct broker_request *request, const struct broker_message *answer)
{
    struct gather *gather = container_of(request, struct gather, request);

    gather->answers[gather->answer_count++] = broker_message_keep(answer);
    if (request->open == 0)
        go_on(gather, merge_some, merged);
}

static struct broker_message *make_query(void *context, size_t worker)
{
    const struct gather *gather = context;
    const char *const *by = gather->filter.by;
    struct broker_message *message;
    size_t room = broker_text_size(gather->choice.after) + broker_text_size(gather->choice.until);

    (void)worker;
    for (size_t i = 0; i < BROKER_FILTERS; i++)
        room += broker_text_size(by[i]);
    message = broker_message_new(BROKER_QUERY, gather->service->index, room);
    message->query.lists = gather->lists;
    message->query.has_away = gather->has_away;
    message->query.sort = gather->order.sort;
    if (!is_of_texts(gather)) {
        message->query.choice = gather->choice;
        message->query.choice.after = broker_message_text(message, gather->choice.after);
        message->query.choice.until = broker_message_text(message, gather->choice.until);
    }
    message->query.filter.is_of_users = gather->filter.is_of_users;
    for (size_t i = 0; i < BROKER_FILTERS; i++)
        message->query.filter.by[i] = broker_message_text(message, by[i]);
    return message;
}

static void ask(struct gather *gather)
{
    if (!is_of_texts(gather))
        ranking_init(&gather->ranking, &gather->choice);
    gather->request.on_answer = on_rows;
    broker_ask_all(gather->service->broker, make_query, gather, &gather->request);
}

void gather_start(struct gather *gather)
{
    const size_t end = gather->start + gather->size;
    const bool is_far = gather->size > 0 && end > NEAR;

    while (gather->listed < BROKER_LISTS && !(gather->lists & 1u << gather->listed))
        gather->listed++;
    gather->choice = (struct ranking_choice){
        .limit = gather->size == 0 ? 0
                 : is_far          ? SAMPLE
                                   : end,
        .is_descending = gather->order.is_descending,
        .is_sample = is_far,
    };
    ask(gather);
}
