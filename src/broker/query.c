/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/row.h"
#include "broker/service.h"
#include "broker/texts.h"
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

/* ---- a query ---- */

static bool lists(const struct work *work, enum broker_list list)
{
    return work->question->query.lists & 1u << list;
}

static void add(struct work *work, enum broker_list list, const char *text)
{
    if (lists(work, list))
        texts_add(&work->answer->rows.lists[list], text, "", 1);
}

/* count: of the user's connections. */
static void add_user(struct work *work, const struct sse_user *user, uint32_t count)
{
    const struct broker_query *query = &work->question->query;

    if (lists(work, BROKER_USERS))
        texts_add(&work->answer->rows.lists[BROKER_USERS], user->key,
                  query->sort == BROKER_SORT_NAME ? user->name : "", count);
}

static void add_channels(struct work *work, const struct sse_connection *connection)
{
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);

    for (size_t i = 0; i < count; i++)
        add(work, BROKER_CHANNELS, sse_registry_name(connection, SSE_GROUP_CHANNEL, i));
}

static void add_connection(struct work *work, const struct sse_connection *connection)
{
    const enum broker_sort sort = work->question->query.sort;
    struct ranking *first = work->answer->rows.first;

    if (sort == BROKER_SORT_NAME && !ranking_may_take(first, connection->user->name))
        return;
    row_write_connection(&work->row, connection, sort);
    ranking_offer(first, buf_str(&work->row));
}

static void look_at(struct work *work, const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;

    if (!passes(&work->question->query.filter, connection))
        return;
    work->answer->rows.passed++;
    add_user(work, user, 1);
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
        add_user(work, user, 0);
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
    ranking_init(rows->first, &work->question->query.choice);
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
                         size_t index)
{
    const char *key = show->names[index];
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
    if (show->connections)
        json_object_set_new(shown, "connections",
                            json_integer((json_int_t)show->connections[index]));
    return shown;
}

static json_t *show_connection(const struct broker_service *service, const struct broker_show *show,
                               size_t index)
{
    const struct sse_connection *connection =
        sse_registry_find(service->core->registry, show->names[index]);
    json_t *shown;

    if (!connection)
        return NULL;
    if (show->form != BROKER_FORM_OWN)
        return sse_java_connection(connection, service->settings.server_id,
                                   show->form == BROKER_FORM_JAVA &&
                                       service->core->settings->show_secrets);
    shown = sse_connection_to_json(connection, service->settings.server_id);
    if (show->shows_queued)
        json_object_set_new(shown, "queuedBytes",
                            json_integer((json_int_t)connection->queue.bytes));
    return shown;
}

static bool show_one(struct slices *slices)
{
    struct work *work = container_of(slices, struct work, slices);
    const struct broker_show *show = &work->question->show;
    struct broker_shown *shown = &work->answer->shown;
    json_t *json;

    if (shown->count == show->count)
        return false;
    json = show->is_of_users ? show_user(work->service, show, shown->count)
                             : show_connection(work->service, show, shown->count);
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
