/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/utf8.h"

#define SHOWN_AT_START 4u
#define SHOWN_AT_END   2u
#define LONGEST_HIDDEN 8u /* characters of a token of which nothing is shown */

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

/* further: NULL, or a JSON object as text; the fields' own extra does not count. */
static struct sse_user *user_new(const struct sse_user_fields *fields, const char *further)
{
    const size_t size = size_of(fields->id) + size_of(fields->name) +
                        size_of(fields->access_token) + size_of(fields->tenant_id) +
                        size_of(fields->channels) + size_of(further);
    struct sse_user *user = mem_alloc(sizeof(*user) + size);
    char *at = user->storage;

    user->refs = 1;
    user->expires_at = fields->expires_at;
    user->id = pack(&at, fields->id);
    user->name = pack(&at, fields->name);
    user->access_token = pack(&at, fields->access_token);
    user->tenant_id = pack(&at, fields->tenant_id);
    user->channels = pack(&at, fields->channels);
    user->extra = further ? pack(&at, further) : NULL;
    return user;
}

struct sse_user *sse_user_new(const struct sse_user_fields *fields)
{
    char *further = json_object_size(fields->extra) > 0
                        ? json_dumps(fields->extra, JSON_COMPACT | JSON_ENCODE_ANY)
                        : NULL;
    struct sse_user *user = user_new(fields, further);

    free(further);
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
    };

    return user_new(&fields, user->extra);
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

static json_t *text(const char *value)
{
    json_t *string = value[0] != '\0' ? json_string(value) : NULL;

    return string ? string : json_null();
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
        secrets_append_mask(to);
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

/* Takes over both references. */
static json_t *to_json(const struct sse_user *user, json_t *token, json_t *extra)
{
    json_t *object = json_object();

    json_object_set_new(object, "id", text(user->id));
    json_object_set_new(object, "name", text(user->name));
    json_object_set_new(object, "accessToken", token);
    json_object_set_new(object, "tenantId", text(user->tenant_id));
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

json_t *sse_user_to_json_in_full(const struct sse_user *user)
{
    json_t *extra = user->extra ? json_loads(user->extra, 0, NULL) : NULL;

    return to_json(user, text(user->access_token), extra);
}
