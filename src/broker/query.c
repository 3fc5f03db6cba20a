/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- who is meant ---- */

static bool is_same(const char *wanted, const char *value)
{
    return !wanted || strcmp(wanted, value) == 0;
}

static bool passes_user(const struct broker_filter *filter, const struct sse_user *user)
{
    const char *const *by = filter->by;

    return (!by[BROKER_BY_NAME] || strcasestr(user->name, by[BROKER_BY_NAME])) &&
           is_same(by[BROKER_BY_USER], user->id) &&
           is_same(by[BROKER_BY_TENANT], user->tenant_id) &&
           is_same(by[BROKER_BY_TOKEN], user->access_token);
}

static bool passes_id(const struct broker_filter *filter, const struct sse_connection *connection)
{
    const char *id = filter->by[BROKER_BY_ID];

    return !id || sse_connection_id_names(connection, id) ||
           (filter->is_of_users && strcmp(connection->user->id, id) == 0);
}

static bool passes(const struct broker_filter *filter, const struct sse_connection *connection)
{
    const char *const *by = filter->by;

    return passes_user(filter, connection->user) && passes_id(filter, connection) &&
           (!by[BROKER_BY_CHANNEL] ||
            sse_connection_has_name(connection, SSE_GROUP_CHANNEL, by[BROKER_BY_CHANNEL])) &&
           (!by[BROKER_BY_LISTENER] ||
            sse_connection_has_name(connection, SSE_GROUP_LISTENER, by[BROKER_BY_LISTENER])) &&
           (!by[BROKER_BY_CLIENT] ||
            strcmp(by[BROKER_BY_CLIENT], sse_connection_info(connection).client_id) == 0);
}

/* A user without connections. */
static bool passes_away(const struct broker_filter *filter, const struct sse_user *user)
{
    return passes_user(filter, user) && is_same(filter->by[BROKER_BY_ID], user->id) &&
           !filter->by[BROKER_BY_CHANNEL] && !filter->by[BROKER_BY_LISTENER] &&
           !filter->by[BROKER_BY_CLIENT];
}

/* The smallest group that has all who pass: its key, borrowed; NULL: nobody knows one. */
static const char *group_of(const struct broker_filter *filter, enum sse_group_kind *kind)
{
    static const struct {
        enum broker_filter_by by;
        enum sse_group_kind kind;
    } groups[] = {
        {BROKER_BY_USER_KEY, SSE_GROUP_USER},   {BROKER_BY_TOKEN, SSE_GROUP_TOKEN},
        {BROKER_BY_CHANNEL, SSE_GROUP_CHANNEL}, {BROKER_BY_LISTENER, SSE_GROUP_LISTENER},
        {BROKER_BY_TENANT, SSE_GROUP_TENANT},
    };

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        const char *key = filter->by[groups[i].by];

        *kind = groups[i].kind;
        if (key && *key != '\0') /* "" is no group */
            return key;
    }
    return NULL;
}

/* ---- a shard's part ---- */

#define NUMBER_DIGITS 16u

/* A question that is being answered. */
struct work {
    struct slices slices;
    const struct broker_service *service;
    struct broker_message *question, *answer;
    /* Of a query: */
    bool is_at_away; /* behind all connections */
    size_t position; /* those behind it have been looked at */
    const char *group;
    enum sse_group_kind kind;
    struct buf row;
};

static void answer_work(struct slices *slices)
{
    struct work *work = container_of(slices, struct work, slices);
    const struct broker_asker asker = broker_asker(work->question);

    broker_answer(work->service->broker, &asker, work->answer);
    broker_message_free(work->question);
    buf_release(&work->row);
    free(work);
}

static struct work *work_new(const struct broker_service *service,
                             const struct broker_message *question, enum broker_kind answers)
{
    struct work *work = mem_zalloc(sizeof(*work));

    work->service = service;
    work->question = broker_message_keep(question);
    work->answer = broker_message_new(answers, service->index, 0);
    work->slices.done = answer_work;
    return work;
}

/* ---- rows ---- */

static void append_number(struct buf *row, int64_t number)
{
    char digits[NUMBER_DIGITS];

    for (size_t i = 0; i < NUMBER_DIGITS; i++)
        digits[i] = "0123456789abcdef"[number >> 4 * (NUMBER_DIGITS - 1 - i) & 15];
    buf_append(row, digits, NUMBER_DIGITS);
}

static void write_row(struct buf *row, const struct sse_connection *connection,
                      enum broker_sort sort)
{
    buf_clear(row);
    if (sort == BROKER_SORT_NAME) {
        buf_append_str(row, connection->user->name);
        buf_append_char(row, '\1'); /* before whatever another name goes on with */
    } else if (sort == BROKER_SORT_MESSAGES) {
        append_number(row, connection->message_count);
    }
    append_number(row, connection->create_time);
    buf_append_str(row, connection->handle);
}

const char *broker_row_handle(const char *row)
{
    return row + strlen(row) - (SSE_HANDLE_SIZE - 1);
}

/* ---- a query ---- */

static bool lists(const struct work *work, enum broker_list list)
{
    return work->question->query.lists & 1u << list;
}

static void add(struct work *work, enum broker_list list, const char *text)
{
    if (lists(work, list))
        texts_add(&work->answer->rows.lists[list], text);
}

static void add_channels(struct work *work, const struct sse_connection *connection)
{
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);

    for (size_t i = 0; i < count; i++)
        add(work, BROKER_CHANNELS, sse_registry_name(connection, SSE_GROUP_CHANNEL, i));
}

static void add_connection(struct work *work, const struct sse_connection *connection)
{
    const enum broker_sort sort = work->question->query.order.sort;
    struct ranking *first = work->answer->rows.first;

    if (sort == BROKER_SORT_NAME && !ranking_may_take(first, connection->user->name))
        return;
    write_row(&work->row, connection, sort);
    ranking_offer(first, buf_str(&work->row));
}

static void look_at(struct work *work, const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;

    if (!passes(&work->question->query.filter, connection))
        return;
    work->answer->rows.passed++;
    add(work, BROKER_USERS, user->key);
    add(work, BROKER_TOKENS, user->access_token);
    add(work, BROKER_TENANTS, user->tenant_id);
    if (lists(work, BROKER_CHANNELS))
        add_channels(work, connection);
    if (lists(work, BROKER_CONNECTIONS))
        add_connection(work, connection);
}

/* From the end to the start, as sse/registry.h and sse/presence.h ask. False: that was all. */
static bool move_on(struct work *work, size_t count)
{
    if (work->position > count)
        work->position = count;
    if (work->position == 0)
        return false;
    work->position--;
    return true;
}

static bool look_at_connection(struct work *work)
{
    const struct sse_registry *registry = work->service->core->registry;
    const struct sse_group *group = work->group
                                        ? sse_registry_group(registry, work->kind, work->group)
                                        : sse_registry_all(registry);

    if (!group || !move_on(work, group->count))
        return false;
    look_at(work, group->members[work->position]);
    return true;
}

static bool look_at_away(struct work *work)
{
    const struct sse_presence *presence = work->service->online.presence;
    const struct sse_user *user;

    if (!work->question->query.has_away || !move_on(work, sse_presence_online(presence)))
        return false;
    user = sse_presence_away(presence, work->position);
    if (user && passes_away(&work->question->query.filter, user))
        add(work, BROKER_USERS, user->key);
    return true;
}

static bool look_at_next(struct slices *slices)
{
    struct work *work = container_of(slices, struct work, slices);

    if (work->is_at_away)
        return look_at_away(work);
    if (!look_at_connection(work)) {
        work->is_at_away = true;
        work->position = SIZE_MAX;
    }
    return true;
}

void broker_query_gather(struct broker_service *service, const struct broker_message *question)
{
    struct work *work = work_new(service, question, BROKER_ROWS);
    struct broker_rows *rows = &work->answer->rows;

    rows->connections = sse_registry_all(service->core->registry)->count;
    rows->lists = mem_alloc(BROKER_LISTS * sizeof(*rows->lists));
    for (size_t list = 0; list < BROKER_LISTS; list++)
        texts_init(&rows->lists[list]);
    rows->first = mem_alloc(sizeof(*rows->first));
    ranking_init(rows->first, question->query.most, question->query.order.is_descending);
    work->group = group_of(&work->question->query.filter, &work->kind);
    work->position = SIZE_MAX;
    work->slices.step = look_at_next;
    slices_start(service->core->loop, &work->slices);
}

/* ---- users and connections ---- */

static const struct sse_user *user_here(const struct broker_service *service, const char *key)
{
    const struct sse_group *group =
        sse_registry_group(service->core->registry, SSE_GROUP_USER, key);

    for (size_t i = 0; group && i < group->count; i++) {
        if (sse_user_is(group->members[i]->user, key))
            return group->members[i]->user;
    }
    return NULL;
}

void broker_query_online(struct broker_service *service, const struct broker_message *question)
{
    struct broker_message *answers = broker_message_new(BROKER_ONLINE, service->index, 0);
    const struct broker_asker asker = broker_asker(question);

    if (user_here(service, question->user_key))
        answers->online = BROKER_IS_HERE;
    else if (sse_presence_find_away(service->online.presence, question->user_key))
        answers->online = BROKER_IS_AWAY;
    broker_answer(service->broker, &asker, answers);
}

static json_t *show_user(const struct broker_service *service, const struct broker_show *show,
                         const char *key)
{
    const bool shows_secrets = service->core->settings->show_secrets;
    const struct sse_user *here = user_here(service, key);
    const struct sse_user *user = here;
    json_t *shown;

    if (!user && show->form == BROKER_FORM_OWN) /* the Java system knows none who is away */
        user = sse_presence_find_away(service->online.presence, key);
    if (!user)
        return NULL;
    if (show->form != BROKER_FORM_OWN)
        return sse_java_user(user, show->form == BROKER_FORM_JAVA && shows_secrets);
    shown = shows_secrets ? sse_user_to_json_in_full(user) : sse_user_to_json(user);
    if (!here)
        json_object_set_new(shown, "grace", json_true());
    return shown;
}

static json_t *show_connection(const struct broker_service *service, const struct broker_show *show,
                               const char *handle)
{
    const struct sse_connection *connection = sse_registry_find(service->core->registry, handle);

    if (!connection)
        return NULL;
    if (show->form == BROKER_FORM_OWN)
        return sse_connection_to_json(connection, service->settings.server_id);
    return sse_java_connection(connection, service->settings.server_id,
                               show->form == BROKER_FORM_JAVA &&
                                   service->core->settings->show_secrets);
}

static bool show_one(struct slices *slices)
{
    struct work *work = container_of(slices, struct work, slices);
    const struct broker_show *show = &work->question->show;
    struct broker_shown *shown = &work->answer->shown;
    const char *name;
    json_t *json;

    if (shown->count == show->count)
        return false;
    name = show->names[shown->count];
    json = show->is_of_users ? show_user(work->service, show, name)
                             : show_connection(work->service, show, name);
    shown->texts[shown->count++] = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return shown->count < show->count;
}

void broker_query_show(struct broker_service *service, const struct broker_message *question)
{
    struct work *work = work_new(service, question, BROKER_SHOWN);

    work->answer->shown.texts = mem_zalloc((question->show.count + 1) * sizeof(char *));
    work->slices.step = show_one;
    slices_start(service->core->loop, &work->slices);
}

/* ---- the asking side ---- */

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

/* ---- at the end ---- */

static bool shed(struct gather *gather)
{
    const struct broker_rows *rows = &gather->answers[gather->answer_count - 1]->rows;

    for (size_t list = 0; list < BROKER_LISTS; list++) {
        if (texts_shed(&rows->lists[list]))
            return true;
    }
    return ranking_shed(rows->first);
}

/* The first answer last: its tables know the texts of the others. */
static bool release_some(struct slices *slices)
{
    struct gather *gather = container_of(slices, struct gather, slices);

    if (shed(gather))
        return true;
    broker_message_free(gather->answers[--gather->answer_count]);
    return gather->answer_count > 0;
}

static void released(struct slices *slices)
{
    struct gather *gather = container_of(slices, struct gather, slices);

    gather->done(gather->context);
    free(gather);
}

/* ---- when all have answered ---- */

static bool merge_list(struct gather *gather)
{
    const struct texts *texts = &gather->answers[gather->answer]->rows.lists[gather->list];
    struct texts *all = &gather->answers[0]->rows.lists[gather->list];
    struct text *text = texts_next(texts, &gather->cursor);

    if (!text) {
        gather->cursor = (struct text_cursor){.block = NULL};
        return ++gather->answer < gather->answer_count;
    }
    if (texts == all || texts_adopt(all, text))
        ranking_offer(gather->ranking, text->text);
    return true;
}

static void merge_connections(struct gather *gather)
{
    const struct ranking *ranking = gather->answers[gather->answer]->rows.first;

    if (gather->answer > 0 && gather->cursor.at < ranking->count) {
        ranking_offer(gather->ranking, ranking_at(ranking, gather->cursor.at++));
    } else {
        gather->cursor.at = 0;
        gather->answer++;
    }
}

static bool merge_some(struct slices *slices)
{
    struct gather *gather = container_of(slices, struct gather, slices);

    if (gather->answer == gather->answer_count)
        return ranking_sort_step(gather->ranking);
    if (gather->list == BROKER_LISTS) {
        merge_connections(gather);
    } else if (!merge_list(gather)) {
        gather->list++;
        gather->answer = 0;
    }
    return true;
}

static void merged(struct slices *slices)
{
    struct gather *gather = container_of(slices, struct gather, slices);

    gather->reply(gather);
    slices->step = release_some;
    slices->done = released;
    slices_start(gather->service->core->loop, slices);
}

/* ---- asking ---- */

static void on_rows(struct broker_request *request, const struct broker_message *answer)
{
    struct gather *gather = container_of(request, struct gather, request);

    gather->answers[gather->answer_count++] = broker_message_keep(answer);
    if (request->open > 0)
        return;
    gather->ranking = gather->answers[0]->rows.first;
    gather->slices.step = merge_some;
    gather->slices.done = merged;
    slices_start(gather->service->core->loop, &gather->slices);
}

static struct broker_message *make_query(void *context, size_t worker)
{
    const struct gather *gather = context;
    const char *const *by = gather->filter.by;
    struct broker_message *message;
    size_t room = 0;

    (void)worker;
    for (size_t i = 0; i < BROKER_FILTERS; i++)
        room += broker_text_size(by[i]);
    message = broker_message_new(BROKER_QUERY, gather->service->index, room);
    message->query.lists = gather->lists;
    message->query.has_away = gather->has_away;
    message->query.most = gather->most;
    message->query.order = gather->order;
    message->query.filter.is_of_users = gather->filter.is_of_users;
    for (size_t i = 0; i < BROKER_FILTERS; i++)
        message->query.filter.by[i] = broker_message_text(message, by[i]);
    return message;
}

void gather_start(struct gather *gather)
{
    gather->request.on_answer = on_rows;
    broker_ask_all(gather->service->broker, make_query, gather, &gather->request);
}

/* ---- showing some of them ---- */

struct details {
    struct broker_request request;
    const struct broker_service *service;
    struct showing asked;
    char **texts; /* of the names; NULL: nobody has shown it, so far */
};

/* Any shard may have connections of a user. */
static bool may_have(const struct details *details, size_t worker, size_t index)
{
    return details->asked.is_of_users ||
           broker_shard_of(details->service->broker, details->asked.names[index]) == worker;
}

static void details_free(struct details *details)
{
    for (size_t i = 0; i < details->asked.count; i++) {
        free(details->asked.names[i]);
        free(details->texts[i]);
    }
    free(details->asked.names);
    free(details->texts);
    free(details);
}

static void show(struct details *details)
{
    details->asked.done(details->asked.context, details->texts, details->asked.count);
    details_free(details);
}

/* More than one shard may have a user; one of them is enough. */
static void on_shown(struct broker_request *request, const struct broker_message *answer)
{
    struct details *details = container_of(request, struct details, request);
    char **shown = answer->shown.texts;

    for (size_t i = 0; i < details->asked.count; i++) {
        if (!may_have(details, answer->from, i))
            continue;
        if (!details->texts[i]) {
            details->texts[i] = *shown;
            *shown = NULL;
        }
        shown++;
    }
    if (request->open == 0)
        show(details);
}

static struct broker_message *make_show(void *context, size_t worker)
{
    const struct details *details = context;
    const size_t names = details->asked.count * sizeof(char *);
    size_t room = broker_block_size(names);
    struct broker_message *message;
    struct broker_show *show;

    for (size_t i = 0; i < details->asked.count; i++)
        room += broker_text_size(details->asked.names[i]);
    message = broker_message_new(BROKER_SHOW, details->service->index, room);
    show = &message->show;
    show->is_of_users = details->asked.is_of_users;
    show->form = details->asked.form;
    show->names = broker_message_block(message, names);
    for (size_t i = 0; i < details->asked.count; i++) {
        if (may_have(details, worker, i))
            show->names[show->count++] = broker_message_text(message, details->asked.names[i]);
    }
    if (show->count > 0)
        return message;
    broker_message_free(message);
    return NULL;
}

void showing_start(const struct broker_service *service, const struct showing *showing)
{
    struct details *details = mem_zalloc(sizeof(*details));

    details->service = service;
    details->asked = *showing;
    details->texts = mem_zalloc((showing->count + 1) * sizeof(*details->texts));
    details->request.on_answer = on_shown;
    if (showing->count > 0)
        broker_ask_all(service->broker, make_show, details, &details->request);
    else
        show(details);
}
