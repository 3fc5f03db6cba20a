/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"

#define SEPARATOR (SSE_USER_KEY_SEPARATOR[0])

#define SHOWN_AT_START 4u
#define SHOWN_AT_END   2u
#define LONGEST_HIDDEN 8u /* characters of a token of which nothing is shown */

/* ---- keys ---- */

char *sse_user_key_new(const char *tenant_id, const char *id)
{
    char *key = mem_alloc(strlen(tenant_id) + strlen(id) + 2);

    stpcpy(stpcpy(stpcpy(key, tenant_id), SSE_USER_KEY_SEPARATOR), id);
    return key;
}

char *sse_user_key_counted(const char *tenant_id, const char *id)
{
    struct buf text = BUF_INIT;

    buf_printf(&text, "%zu:%s%s", strlen(tenant_id), tenant_id, id);
    return buf_detach(&text);
}

bool sse_user_key_is(const char *key, const char *tenant_id, const char *id)
{
    const size_t length = strlen(tenant_id);

    return strncmp(key, tenant_id, length) == 0 && key[length] == SEPARATOR &&
           strcmp(key + length + 1, id) == 0;
}

bool sse_user_key_has_tenant(const char *key)
{
    return strchr(key, SEPARATOR) != NULL;
}

char *sse_user_key_tenant(const char *key)
{
    const char *end = strchr(key, SEPARATOR);

    return end ? mem_strndup(key, (size_t)(end - key)) : NULL;
}

const char *sse_user_key_id(const char *key)
{
    const char *end = strchr(key, SEPARATOR);

    return end ? end + 1 : key;
}

bool sse_text_is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return true;
}

void json_text_user_members(struct buf *buf, const char *key)
{
    char *tenant = sse_user_key_tenant(key);

    json_text_member(buf, "userId", sse_user_key_id(key));
    if (tenant)
        json_text_member(buf, "tenantId", tenant);
    free(tenant);
}

void json_text_user(struct buf *buf, const char *key)
{
    if (!sse_user_key_has_tenant(key)) {
        json_text_string(buf, key);
        return;
    }
    buf_append_char(buf, '{');
    json_text_user_members(buf, key);
    buf_append_char(buf, '}');
}

/* ---- users ---- */

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 1;
}

static const char *pack(char **at, const char *text)
{
    const size_t size = size_of(text);
    char *to = *at;

    memcpy(to, text ? text : "", size);
    *at += size;
    return to;
}

/* further and attributes: JSON objects as text; NULL: none. The fields' own do not count. */
static struct sse_user *user_new(const struct sse_user_fields *fields, const char *further,
                                 const char *attributes)
{
    const char *tenant = fields->tenant_id ? fields->tenant_id : "";
    char *made = fields->is_of_tenant ? sse_user_key_new(tenant, fields->id) : NULL;
    const char *key = made ? made : fields->id;
    const size_t size = size_of(key) + size_of(fields->name) + size_of(fields->access_token) +
                        size_of(tenant) + size_of(fields->channels) + size_of(further) +
                        size_of(attributes);
    struct sse_user *user = mem_alloc(sizeof(*user) + size);
    char *at = user->storage;

    user->refs = 1;
    user->expires_at = fields->expires_at;
    user->may_list = fields->may_list;
    user->key = pack(&at, key);
    user->id = sse_user_key_id(user->key);
    user->name = pack(&at, fields->name);
    user->access_token = pack(&at, fields->access_token);
    user->tenant_id = pack(&at, tenant);
    user->channels = pack(&at, fields->channels);
    user->extra = further ? pack(&at, further) : NULL;
    user->attributes = attributes ? pack(&at, attributes) : NULL;
    user->lifetime_ms = fields->lifetime_ms;
    user->has_number_id = fields->has_number_id;
    user->has_number_tenant = fields->has_number_tenant;
    free(made);
    return user;
}

/* NULL: there is nothing in it. */
static char *dumped(const json_t *object)
{
    return json_object_size(object) > 0 ? json_dumps(object, JSON_COMPACT) : NULL;
}

struct sse_user *sse_user_new(const struct sse_user_fields *fields)
{
    char *further = dumped(fields->extra);
    char *attributes = dumped(fields->attributes);
    struct sse_user *user = user_new(fields, further, attributes);

    free(further);
    free(attributes);
    return user;
}

struct sse_user *sse_user_copy(const struct sse_user *user)
{
    const struct sse_user_fields fields = {
        .id = user->id,
        .name = user->name,
        .access_token = user->access_token,
        .tenant_id = user->tenant_id,
        .channels = user->channels,
        .expires_at = user->expires_at,
        .lifetime_ms = user->lifetime_ms,
        .is_of_tenant = user->key != user->id,
        .has_number_id = user->has_number_id,
        .has_number_tenant = user->has_number_tenant,
        .may_list = user->may_list,
    };

    return user_new(&fields, user->extra, user->attributes);
}

struct sse_user *sse_user_ref(struct sse_user *user)
{
    user->refs++;
    return user;
}

struct sse_user *sse_user_unref(struct sse_user *user)
{
    if (user && --user->refs == 0)
        free(user);
    return NULL;
}

bool sse_user_is(const struct sse_user *user, const char *key)
{
    return strcmp(user->key, key) == 0 ||
           (user->key == user->id && sse_user_key_is(key, user->tenant_id, user->id));
}

static json_t *text_or_number(const char *value, bool is_number)
{
    return is_number ? json_integer(strtoll(value, NULL, 10)) : json_text_or_null(value);
}

json_t *sse_user_id_to_json(const struct sse_user *user)
{
    return text_or_number(user->id, user->has_number_id);
}

json_t *sse_user_tenant_to_json(const struct sse_user *user)
{
    return text_or_number(user->tenant_id, user->has_number_tenant);
}

static size_t count_characters(const char *value, size_t length)
{
    size_t count = 0;

    for (size_t at = 0; at < length; count++)
        at += utf8_char_length(value + at, length - at);
    return count;
}

static size_t skip_characters(const char *value, size_t length, size_t count)
{
    size_t at = 0;

    for (; count > 0; count--)
        at += utf8_char_length(value + at, length - at);
    return at;
}

void sse_user_append_shortened(struct buf *to, const char *token)
{
    const size_t length = strlen(token);
    const size_t characters = utf8_is_valid(token, length) ? count_characters(token, length) : 0;

    if (characters <= LONGEST_HIDDEN) {
        buf_append_str(to, SECRETS_MASK);
        return;
    }
    buf_append(to, token, skip_characters(token, length, SHOWN_AT_START));
    buf_append_str(to, "\xe2\x80\xa6");
    buf_append_str(to, token + skip_characters(token, length, characters - SHOWN_AT_END));
}

static json_t *shortened(const char *token)
{
    struct buf shown = BUF_INIT;
    json_t *string;

    if (token[0] == '\0')
        return json_null();
    sse_user_append_shortened(&shown, token);
    string = json_string(buf_str(&shown));
    buf_release(&shown);
    return string;
}

void json_text_token(struct buf *buf, const char *token, bool is_whole)
{
    struct buf shown = BUF_INIT;

    if (is_whole) {
        json_text_string(buf, token);
        return;
    }
    sse_user_append_shortened(&shown, token);
    json_text_string(buf, buf_str(&shown));
    buf_release(&shown);
}

/* Takes over both references. */
static json_t *to_json(const struct sse_user *user, json_t *token, json_t *extra)
{
    json_t *object = json_object();

    json_object_set_new(object, "id", json_text_or_null(user->id));
    json_object_set_new(object, "name", json_text_or_null(user->name));
    json_object_set_new(object, "accessToken", token);
    json_object_set_new(object, "tenantId", json_text_or_null(user->tenant_id));
    if (extra)
        json_object_update_missing(object, extra);
    json_decref(extra);
    return object;
}

json_t *sse_user_to_json(const struct sse_user *user)
{
    json_t *extra = user->extra ? json_loads(user->extra, 0, NULL) : NULL;

    secrets_mask_members(extra);
    return to_json(user, shortened(user->access_token), extra);
}

json_t *sse_user_as_told(const struct sse_user *user, bool has_token)
{
    json_t *object = sse_user_to_json(user);

    json_object_set_new(object, "id", sse_user_id_to_json(user));
    json_object_set_new(object, "tenantId", sse_user_tenant_to_json(user));
    if (has_token)
        json_object_set_new(object, "accessToken", json_text_or_null(user->access_token));
    return object;
}

json_t *sse_user_to_json_in_full(const struct sse_user *user)
{
    json_t *extra = user->extra ? json_loads(user->extra, 0, NULL) : NULL;

    return to_json(user, json_text_or_null(user->access_token), extra);
}
