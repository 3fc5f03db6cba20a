/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/trace_filter.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "broker/message.h"
#include "sse/user.h"

static_assert(TRACE_FIELDS <= 64, "a bit for each");

/* ---- which ones are meant ---- */

static bool is(const char *wanted, const char *text)
{
    return wanted && text && strcmp(wanted, text) == 0;
}

/* The tenant in a user's key. */
static bool is_key_of_tenant(const char *key, const char *tenant_id)
{
    const size_t length = strlen(tenant_id);

    return sse_user_key_has_tenant(key) && strncmp(key, tenant_id, length) == 0 &&
           strncmp(key + length, SSE_USER_KEY_SEPARATOR, strlen(SSE_USER_KEY_SEPARATOR)) == 0;
}

/* tenant_id: of the user, where its key has none; NULL: not known. */
static bool is_user(const struct trace_filter *filter, const char *key, const char *tenant_id)
{
    const char *wanted = filter->by[TRACE_BY_TENANT_ID];

    if (!is(filter->by[TRACE_BY_USER_ID], sse_user_key_id(key)))
        return false;
    if (!wanted)
        return true;
    if (sse_user_key_has_tenant(key))
        return is_key_of_tenant(key, wanted);
    return !tenant_id || strcmp(tenant_id, wanted) == 0;
}

/* What a field is compared with, as it is: a number from 1 on. */
#define BY(filter) ((uint8_t)(filter) + 1)

static const uint8_t compared[TRACE_FIELDS] = {
    [TRACE_TENANT] = BY(TRACE_BY_TENANT_ID),
    [TRACE_TO_TENANT] = BY(TRACE_BY_TENANT_ID),
    [TRACE_CLAIMED_TENANT] = BY(TRACE_BY_TENANT_ID),
    [TRACE_CLAIMED_USER] = BY(TRACE_BY_USER_ID),
    [TRACE_ID] = BY(TRACE_BY_ID),
    [TRACE_EVENT] = BY(TRACE_BY_EVENT),
    [TRACE_LISTENER] = BY(TRACE_BY_EVENT),
    [TRACE_CHANNEL] = BY(TRACE_BY_CHANNEL),
    [TRACE_TO_CHANNEL] = BY(TRACE_BY_CHANNEL),
    [TRACE_REFUSED_CHANNEL] = BY(TRACE_BY_CHANNEL),
    [TRACE_ADDRESS] = BY(TRACE_BY_ADDRESS),
    [TRACE_CLIENT] = BY(TRACE_BY_CLIENT),
    [TRACE_CONNECTION] = BY(TRACE_BY_CONNECTION),
    [TRACE_TO_CONNECTION] = BY(TRACE_BY_CONNECTION),
    [TRACE_GOT] = BY(TRACE_BY_CONNECTION),
    [TRACE_DEAF] = BY(TRACE_BY_CONNECTION),
    [TRACE_LEFT_OUT] = BY(TRACE_BY_CONNECTION),
};

/* Which of the wanted ones the field has: a mask of 1 << enum trace_filter_by. */
static unsigned found_in(const struct trace_filter *filter, const struct trace_record *record,
                         const struct trace_item *item)
{
    const char *tenant_id = filter->by[TRACE_BY_TENANT_ID];
    unsigned found = 0;

    if (item->field == TRACE_USER || item->field == TRACE_TO_USER) {
        const char *beside = item->field == TRACE_USER ? trace_text_of(record, TRACE_TENANT) : NULL;

        if (is_user(filter, item->text, beside))
            found |= 1u << TRACE_BY_USER_ID;
        if (tenant_id && is_key_of_tenant(item->text, tenant_id))
            found |= 1u << TRACE_BY_TENANT_ID;
    } else if (compared[item->field] > 0) {
        const unsigned by = compared[item->field] - 1u;

        if (is(filter->by[by], item->text))
            found |= 1u << by;
    }
    return found;
}

static unsigned wanted_of(const struct trace_filter *filter)
{
    unsigned wanted = 0;

    for (unsigned i = 0; i < TRACE_FILTERS; i++)
        wanted |= (unsigned)(filter->by[i] != NULL) << i;
    /* A user's tenant is looked at with the user. */
    if (filter->by[TRACE_BY_USER_ID])
        wanted &= ~(1u << TRACE_BY_TENANT_ID);
    return wanted;
}

/* A user of a tenant, or a tenant. -1: of no tenant that is known; 0: of another one; 1: of these.
 */
static int is_of_tenants(const char *tenants, const struct trace_item *item)
{
    char *tenant;
    bool is_so;

    switch (item->field) {
    case TRACE_TENANT:
    case TRACE_TO_TENANT:
        return words_have(tenants, item->text);
    case TRACE_TO_USER:
        tenant = sse_user_key_tenant(item->text);
        is_so = tenant && words_have(tenants, tenant);
        free(tenant);
        return is_so;
    case TRACE_ALL:
    case TRACE_TO_CHANNEL:
    case TRACE_TO_TOKEN:
    case TRACE_TO_CONNECTION:
    case TRACE_VALUES: /* there are others */
        return 0;
    default:
        return -1;
    }
}

static bool covers(const char *tenants, const struct trace_record *record)
{
    struct trace_item item = {.next = 0};
    bool is_covered = false;

    while (trace_next_field(record, &item)) {
        const int is_so = is_of_tenants(tenants, &item);

        if (is_so == 0)
            return false;
        is_covered |= is_so > 0;
    }
    return is_covered;
}

bool trace_filter_passes(const struct trace_filter *filter, const struct trace_record *record)
{
    const unsigned wanted = wanted_of(filter);
    struct trace_item item = {.next = 0};
    unsigned found = 0;

    if ((filter->kinds != 0 && !(filter->kinds & 1u << record->kind)) ||
        record->time < filter->since || (filter->until > 0 && record->time >= filter->until))
        return false;
    while ((found & wanted) != wanted && trace_next_field(record, &item))
        found |= found_in(filter, record, &item);
    return (found & wanted) == wanted && (!filter->tenants || covers(filter->tenants, record));
}

bool trace_kinds_parse(const char *list, unsigned *kinds, struct word *unknown)
{
    return words_mask(list, trace_kind_words, TRACE_KINDS, kinds, unknown);
}

/* ---- in messages ---- */

size_t trace_filter_size(const struct trace_filter *filter)
{
    size_t size = broker_text_size(filter->tenants);

    for (size_t i = 0; i < TRACE_FILTERS; i++)
        size += broker_text_size(filter->by[i]);
    return size;
}

struct trace_filter trace_filter_copy(const struct trace_filter *filter,
                                      struct broker_message *message)
{
    struct trace_filter copy = *filter;

    copy.tenants = broker_message_text(message, filter->tenants);
    for (size_t i = 0; i < TRACE_FILTERS; i++)
        copy.by[i] = broker_message_text(message, filter->by[i]);
    return copy;
}

/* ---- as JSON ---- */

static void append_value(struct buf *to, const struct trace_item *item)
{
    if (item->field == TRACE_TO_USER)
        json_text_user(to, item->text);
    else if (item->text)
        json_text_string(to, item->text);
    else if (item->field == TRACE_ALL || item->field == TRACE_LISTENERS_ONLY)
        buf_append_str(to, "true");
    else
        json_text_number(to, item->number);
}

/* All of its name, at the first of them. */
static void append_list(struct buf *to, const struct trace_record *record, enum trace_field field)
{
    struct trace_item item = {.next = 0};
    bool is_first = true;

    buf_printf(to, ",\"%s\":[", trace_field_name(field));
    while (trace_next_field(record, &item)) {
        if (item.field != field)
            continue;
        buf_append_str(to, is_first ? "" : ",");
        append_value(to, &item);
        is_first = false;
    }
    buf_append_char(to, ']');
}

static void append_field(struct buf *to, const struct trace_record *record,
                         const struct trace_item *item)
{
    const char *key = trace_text_of(record, TRACE_USER);

    if (item->field == TRACE_USER) {
        json_text_user_members(to, item->text);
        return;
    }
    if (item->field == TRACE_TENANT && key && sse_user_key_has_tenant(key))
        return; /* it was said with the user */
    buf_printf(to, ",\"%s\":", trace_field_name(item->field));
    append_value(to, item);
}

void trace_append_json(struct buf *to, const struct trace_record *record)
{
    struct trace_item item = {.next = 0};
    uint64_t lists = 0; /* those that are written */

    buf_printf(to, "{\"time\":%" PRId64 ",\"kind\":\"%s\",\"worker\":%u", record->time,
               trace_kind_words[record->kind], record->worker);
    if (record->position > 0)
        buf_printf(to, ",\"position\":%" PRIu64, record->position);
    while (trace_next_field(record, &item)) {
        const uint64_t bit = UINT64_C(1) << item.field;

        if (!trace_field_is_list(item.field))
            append_field(to, record, &item);
        else if (!(lists & bit))
            append_list(to, record, item.field);
        lists |= bit;
    }
    buf_append_char(to, '}');
}
