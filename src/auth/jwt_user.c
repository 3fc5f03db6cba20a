/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt_user.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/permission.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/words.h"
#include "sse/channel_pattern.h"
#include "sse/user.h"

#define MAX_TEXT     256u
#define MAX_CHANNELS 100u

static const char bad_id[] =
    "the access token names no user: the claim with the user's id (sub, where nothing else is "
    "configured) must be a number or a text of 1 to 256 bytes without control characters";
static const char bad_text[] =
    "the access token's claims for the user's name and tenant must be texts or numbers of at most "
    "256 bytes without control characters";
static const char bad_channels[] =
    "the access token's channels must be a list of texts, or one text with blanks or commas "
    "between them: at most 100, each of at most 128 bytes without control characters";

static bool has_control_character(const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return true;
    }
    return false;
}

/* The claim, or NULL where there is none, or none is configured. */
static const json_t *claim_of(const json_t *claims, const char *name)
{
    const json_t *value = *name != '\0' ? json_object_get(claims, name) : NULL;

    return json_is_null(value) ? NULL : value;
}

/* "" when there is no such claim. */
static bool read_text(const json_t *claims, const char *name, char text[MAX_TEXT + 1])
{
    const json_t *value = claim_of(claims, name);

    text[0] = '\0';
    return !value ||
           (json_id_text(value, text, MAX_TEXT + 1) != NULL && !has_control_character(text));
}

static bool append_channel(struct buf *lines, size_t *count, const char *channel)
{
    if (*count == MAX_CHANNELS || !sse_channel_is_name(channel))
        return false;
    buf_printf(lines, "%s%s", *count > 0 ? "\n" : "", channel);
    ++*count;
    return true;
}

static bool split_channels(struct buf *lines, const char *text)
{
    static const char between[] = " \t,";
    size_t count = 0;

    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        char channel[SSE_CHANNEL_MAX_NAME + 1];
        size_t length = strcspn(text, between);

        if (length >= sizeof(channel))
            return false;
        memcpy(channel, text, length);
        channel[length] = '\0';
        if (!append_channel(lines, &count, channel))
            return false;
        text += length;
    }
    return true;
}

/* One a line, as struct sse_user has them. */
static bool read_channels(struct buf *lines, const json_t *value)
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

static json_t *read_fields(const json_t *claims, const char *names)
{
    json_t *fields = json_object();
    struct word word;

    while (words_next(&names, &word)) {
        char name[MAX_TEXT + 1];
        json_t *value;

        if (word.length > MAX_TEXT)
            continue;
        memcpy(name, word.text, word.length);
        name[word.length] = '\0';
        value = json_object_get(claims, name);
        if (value)
            json_object_set(fields, name, value);
    }
    return fields;
}

const char *auth_jwt_token_name(const json_t *claims, const char *token)
{
    const char *id = json_string_value(json_object_get(claims, "jti"));

    return id && *id != '\0' && strlen(id) <= MAX_TEXT && !has_control_character(id) ? id : token;
}

struct sse_user *auth_jwt_user_new(const json_t *claims, const struct auth_jwt_claims *names,
                                   const char *token, int64_t expires_at, const char **fault)
{
    char id[MAX_TEXT + 1], name[MAX_TEXT + 1], tenant_id[MAX_TEXT + 1];
    struct sse_user *user = NULL;
    struct buf channels = BUF_INIT;
    json_t *extra = NULL;

    *fault = NULL;
    if (!read_text(claims, names->user_id, id) || id[0] == '\0')
        *fault = bad_id;
    else if (!read_text(claims, names->name, name) ||
             !read_text(claims, names->tenant_id, tenant_id))
        *fault = bad_text;
    else if (!read_channels(&channels, claim_of(claims, names->channels)))
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
        });
    }
    json_decref(extra);
    buf_release(&channels);
    return user;
}

static unsigned permission_of(const char *text, size_t length)
{
    const struct word word = {text, length};

    return word_is(&word, "all") ? AUTH_MAY_ALL : auth_permission_of(&word);
}

/* What is no word of ours is for other services that the token is good for, too. */
bool auth_jwt_permissions(const json_t *claims, const struct auth_jwt_claims *names,
                          unsigned *permissions)
{
    static const char between[] = " \t,";
    const json_t *value = claim_of(claims, names->permissions);
    const char *text = json_string_value(value);
    const json_t *one;
    size_t i;

    *permissions = 0;
    while (text && *(text += strspn(text, between)) != '\0') {
        size_t length = strcspn(text, between);

        *permissions |= permission_of(text, length);
        text += length;
    }
    json_array_foreach(value, i, one) {
        if (json_is_string(one))
            *permissions |= permission_of(json_string_value(one), json_string_length(one));
    }
    return value != NULL;
}
