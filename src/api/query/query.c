/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/query.h"

#include <stdlib.h>

#include "api/exchange.h"
#include "base/mem.h"

struct query *query_new(struct api_exchange *exchange)
{
    const size_t workers = broker_workers(exchange->api->broker);
    struct query *query = mem_zalloc(sizeof(*query) + workers * sizeof(struct broker_message *));

    query->exchange = api_exchange_ref(exchange);
    return query;
}

size_t query_count(const struct query *query, enum broker_list list)
{
    size_t count = 0;

    if (list != BROKER_CONNECTIONS)
        return texts_count(&query->answers[0]->rows.lists[list]);
    for (size_t i = 0; i < query->answer_count; i++)
        count += query->answers[i]->rows.passed;
    return count;
}

size_t query_connections(const struct query *query)
{
    size_t count = 0;

    for (size_t i = 0; i < query->answer_count; i++)
        count += query->answers[i]->rows.connections;
    return count;
}

/* ---- at the end ---- */

static bool shed(struct query *query)
{
    const struct broker_rows *rows = &query->answers[query->answer_count - 1]->rows;

    for (size_t list = 0; list < BROKER_LISTS; list++) {
        if (texts_shed(&rows->lists[list]))
            return true;
    }
    return ranking_shed(rows->first);
}

/* The first answer last: its tables know the texts of the others. */
static bool release_some(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);

    if (shed(query))
        return true;
    broker_message_free(query->answers[--query->answer_count]);
    return query->answer_count > 0;
}

static void released(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);

    connection_filter_release(&query->filter);
    api_exchange_unref(query->exchange);
    free(query);
}

/* ---- when all have answered ---- */

static bool merge_list(struct query *query)
{
    const struct texts *texts = &query->answers[query->answer]->rows.lists[query->list];
    struct texts *all = &query->answers[0]->rows.lists[query->list];
    struct text *text = texts_next(texts, &query->cursor);

    if (!text) {
        query->cursor = (struct text_cursor){.block = NULL};
        return ++query->answer < query->answer_count;
    }
    if (texts == all || texts_adopt(all, text))
        ranking_offer(query->ranking, text->text);
    return true;
}

static void merge_connections(struct query *query)
{
    const struct ranking *ranking = query->answers[query->answer]->rows.first;

    if (query->answer > 0 && query->cursor.at < ranking->count) {
        ranking_offer(query->ranking, ranking_at(ranking, query->cursor.at++));
    } else {
        query->cursor.at = 0;
        query->answer++;
    }
}

static bool merge_some(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);

    if (query->answer == query->answer_count)
        return ranking_sort_step(query->ranking);
    if (query->list == BROKER_LISTS) {
        merge_connections(query);
    } else if (!merge_list(query)) {
        query->list++;
        query->answer = 0;
    }
    return true;
}

static void merged(struct slices *slices)
{
    struct query *query = container_of(slices, struct query, slices);

    query->reply(query);
    slices->step = release_some;
    slices->done = released;
    slices_start(query->exchange->api->loop, slices);
}

/* ---- asking ---- */

static void on_rows(struct broker_request *request, const struct broker_message *answer)
{
    struct query *query = container_of(request, struct query, request);

    query->answers[query->answer_count++] = broker_message_keep(answer);
    if (request->open > 0)
        return;
    query->ranking = query->answers[0]->rows.first;
    query->slices.step = merge_some;
    query->slices.done = merged;
    slices_start(query->exchange->api->loop, &query->slices);
}

static struct broker_message *make(void *context, size_t worker)
{
    const struct query *query = context;
    const char *const *by = query->filter.said.by;
    struct broker_message *message;
    size_t room = 0;

    (void)worker;
    for (size_t i = 0; i < BROKER_FILTERS; i++)
        room += broker_text_size(by[i]);
    message = broker_message_new(BROKER_QUERY, query->exchange->service->index, room);
    message->query.lists = query->lists;
    message->query.has_away = query->has_away;
    message->query.most = paging_end(&query->paging);
    message->query.filter.is_of_users = query->filter.said.is_of_users;
    for (size_t i = 0; i < BROKER_FILTERS; i++)
        message->query.filter.by[i] = broker_message_text(message, by[i]);
    return message;
}

void query_start(struct query *query)
{
    query->request.on_answer = on_rows;
    broker_ask_all(query->exchange->api->broker, make, query, &query->request);
}
