/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/claims.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/credential.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "sse/names.h"
#include "sse/user.h"

bool auth_claim_is_plain(const char *text)
{
    return sse_text_is_plain(text, strlen(text));
}

const json_t *auth_claim_of(const json_t *claims, const char *name)
{
    const json_t *value = *name != '\0' ? json_object_get(claims, name) : NULL;

    return json_is_null(value) ? NULL : value;
}

bool auth_claim_text(const json_t *claims, const char *name, char text[AUTH_CLAIM_SIZE])
{
    const json_t *value = auth_claim_of(claims, name);

    text[0] = '\0';
    return !value ||
           (json_id_text(value, text, AUTH_CLAIM_SIZE) != NULL && auth_claim_is_plain(text));
}

static bool append_channel(struct buf *lines, size_t *count, const char *channel)
{
    if (*count == AUTH_CLAIM_MAX_CHANNELS || !sse_channel_is_name(channel))
        return false;
    buf_printf(lines, "%s%s", *count > 0 ? "\n" : "", channel);
    ++*count;
    return true;
}

/* The next of a text with blanks or commas between. */
static bool next_part(const char **rest, struct word *part)
{
    static const char between[] = " \t,";

    part->text = *rest + strspn(*rest, between);
    part->length = strcspn(part->text, between);
    *rest = part->text + part->length;
    return part->length > 0;
}

static bool split_channels(struct buf *lines, const char *text)
{
    struct word part;
    size_t count = 0;

    while (next_part(&text, &part)) {
        char channel[SSE_CHANNEL_MAX_NAME + 1];

        if (part.length >= sizeof(channel))
            return false;
        memcpy(channel, part.text, part.length);
        channel[part.length] = '\0';
        if (!append_channel(lines, &count, channel))
            return false;
    }
    return true;
}

bool auth_claim_channels(const json_t *value, struct buf *lines)
{
    const json_t *channel;
    size_t count = 0;
    size_t i;

    if (json_is_string(value))
        return split_channels(lines, json_string_value(value));
    json_array_foreach(value, i, channel) {
        if (!json_is_string(channel) || !append_channel(lines, &count, json_string_value(channel)))
            return false;
    }
    return !value || json_is_array(value);
}

static const char bad_id[] =
    "the access token names no user: the claim with the user's id (sub, where nothing else is "
    "configured) must be a number or a text of 1 to 256 bytes without control characters";
static const char bad_text[] =
    "the access token's claims for the user's name and tenant must be texts or numbers of at most "
    "256 bytes without control characters";
static const char bad_channels[] =
    "the access token's channels must be a list of texts, or one text with blanks or commas "
    "between them: at most 100, each of at most 128 bytes without control characters";

static json_t *read_fields(const json_t *claims, const char *names)
{
    json_t *fields = json_object();
    struct word word;

    while (words_next(&names, &word)) {
        json_t *value = json_object_getn(claims, word.text, word.length);

        if (value)
            json_object_setn(fields, word.text, word.length, value);
    }
    return fields;
}

const char *auth_jwt_token_name(const json_t *claims, const char *token)
{
    char id[AUTH_CLAIM_SIZE];

    if (json_is_string(json_object_get(claims, "jti")) && auth_claim_text(claims, "jti", id) &&
        id[0] != '\0')
        return json_string_value(json_object_get(claims, "jti"));
    return token;
}

struct sse_user *auth_jwt_user_new(const json_t *claims, const struct auth_jwt_claims *names,
                                   const char *token, int64_t expires_at, const char **fault)
{
    char id[AUTH_CLAIM_SIZE], name[AUTH_CLAIM_SIZE], tenant_id[AUTH_CLAIM_SIZE];
    struct sse_user *user = NULL;
    struct buf channels = BUF_INIT;
    json_t *extra = NULL;

    *fault = NULL;
    if (!auth_claim_text(claims, names->user_id, id) || id[0] == '\0')
        *fault = bad_id;
    else if (!auth_claim_text(claims, names->name, name) ||
             !auth_claim_text(claims, names->tenant_id, tenant_id))
        *fault = bad_text;
    else if (!auth_claim_channels(auth_claim_of(claims, names->channels), &channels))
        *fault = bad_channels;
    if (!*fault) {
        extra = read_fields(claims, names->fields);
        user = sse_user_new(&(struct sse_user_fields){
            .id = id,
            .name = name,
            .access_token = auth_jwt_token_name(claims, token),
            .tenant_id = tenant_id,
            .channels = buf_str(&channels),
            .extra = extra,
            .expires_at = expires_at,
            .is_of_tenant = names->of_tenant,
            .has_number_id = json_is_integer(auth_claim_of(claims, names->user_id)),
            .has_number_tenant = json_is_integer(auth_claim_of(claims, names->tenant_id)),
            .may_list = json_is_true(auth_claim_of(claims, "lists")),
        });
    }
    json_decref(extra);
    buf_release(&channels);
    return user;
}

static unsigned permission_of(const struct word *word)
{
    return word_is(word, "all") ? AUTH_MAY_ALL : auth_permission_of(word);
}

/* What is no word of ours is for other services that the token is good for, too. */
bool auth_jwt_permissions(const json_t *claims, const struct auth_jwt_claims *names,
                          unsigned *permissions)
{
    const json_t *value = auth_claim_of(claims, names->permissions);
    const char *text = json_string_value(value);
    const json_t *one;
    struct word part;
    size_t i;

    *permissions = 0;
    while (text && next_part(&text, &part))
        *permissions |= permission_of(&part);
    json_array_foreach(value, i, one) {
        if (json_is_string(one))
            *permissions |=
                permission_of(&(struct word){json_string_value(one), json_string_length(one)});
    }
    return value != NULL;
}
