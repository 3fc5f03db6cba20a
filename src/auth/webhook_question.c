/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/credential.h"
#include "auth/webhook.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "outbound/answer.h"
#include "outbound/http.h"
#include "sse/names.h"
#include "sse/user.h"

static const char authorization[] = "authorization";

/* What cannot be sent on as it is, is not sent on. */
static bool is_fit(const char *value)
{
    return *value != '\0' && auth_claim_is_plain(value) && utf8_is_valid(value, strlen(value));
}

static json_t *collect(const char *names, const void *request,
                       const char *(*find)(const void *request, const char *name))
{
    json_t *found = json_object();
    struct word word;

    while (words_next(&names, &word)) {
        char *name = mem_strndup(word.text, word.length);
        const char *value = find(request, name);

        if (value && is_fit(value))
            json_object_set_new(found, name, json_string(value));
        free(name);
    }
    return found;
}

/* NULL: it cannot be told. */
static json_t *show_credential(const struct auth_webhook_names *names,
                               const struct auth_facts *facts)
{
    json_t *headers;

    if (!is_fit(facts->credential))
        return NULL;
    headers = collect(names->headers, facts->request, facts->header);
    if (words_have(names->headers, authorization))
        json_object_set_new(headers, authorization, json_sprintf("Bearer %s", facts->credential));
    return json_pack("{s:o,s:{},s:{},s:s}", "headers", headers, "cookies", "parameters",
                     "credential", facts->credential);
}

/* NULL: nothing does. */
static json_t *show_what_comes_along(const struct auth_webhook_names *names,
                                     const struct auth_facts *facts)
{
    json_t *headers = collect(names->headers, facts->request, facts->header);
    json_t *cookies = collect(names->cookies, facts->request, facts->cookie);
    json_t *parameters = collect(names->parameters, facts->request, facts->parameter);
    json_t *shown = NULL;

    if (json_object_size(headers) + json_object_size(cookies) + json_object_size(parameters) > 0)
        shown = json_pack("{s:O,s:O,s:O,s:n}", "headers", headers, "cookies", cookies, "parameters",
                          parameters, "credential");
    json_decref(headers);
    json_decref(cookies);
    json_decref(parameters);
    return shown;
}

static enum auth_source source_of(const json_t *shown)
{
    const json_t *headers = json_object_get(shown, "headers");
    const char *field = json_string_value(json_object_get(headers, authorization));

    if (json_is_string(json_object_get(shown, "credential")) || (field && auth_bearer_token(field)))
        return AUTH_BY_REQUEST;
    if (json_object_size(headers) + json_object_size(json_object_get(shown, "cookies")) > 0)
        return AUTH_BY_COOKIE;
    return AUTH_BY_REQUEST;
}

struct word auth_webhook_class(const struct auth_webhook_names *names,
                               const struct auth_facts *facts)
{
    const char *patterns = names->apis && facts->api ? names->apis : "";
    struct word pattern;

    while (words_next(&patterns, &pattern)) {
        if (sse_channel_pattern_matches(pattern.text, pattern.length, facts->api, NULL))
            return pattern;
    }
    return (struct word){"", 0};
}

/* The order of the members is that of the configuration, so that equals look equal. */
static void make_key(struct auth_webhook_question *question)
{
    char *shown = json_dumps(question->shown, JSON_COMPACT);
    struct buf text = BUF_INIT;

    buf_append_str(&text, shown);
    buf_append(&text, question->class.text, question->class.length);
    if (!auth_key_hash_write(buf_str(&text), question->key)) /* it would be nobody's question */
        mem_fail(sizeof(question->key));
    buf_release(&text);
    free(shown);
}

static void make_fields(struct auth_webhook_question *question)
{
    json_t *headers = json_object_get(question->shown, "headers");
    json_t *cookies = json_object_get(question->shown, "cookies");
    const char *name;
    json_t *value;

    question->fields = mem_alloc((json_object_size(headers) + 1) * sizeof(struct outbound_field));
    json_object_foreach(headers, name, value)
        question->fields[question->field_count++] =
            (struct outbound_field){name, json_string_value(value)};
    json_object_foreach(cookies, name, value)
        buf_printf(&question->cookie, "%s%s=%s", question->cookie.length > 0 ? "; " : "", name,
                   json_string_value(value));
    if (question->cookie.length > 0)
        question->fields[question->field_count++] =
            (struct outbound_field){"cookie", buf_str(&question->cookie)};
}

bool auth_webhook_question_init(struct auth_webhook_question *question,
                                const struct auth_webhook_names *names,
                                const struct auth_facts *facts)
{
    *question = (struct auth_webhook_question){
        .class = auth_webhook_class(names, facts),
        .shown =
            facts->credential ? show_credential(names, facts) : show_what_comes_along(names, facts),
    };
    if (!question->shown) {
        auth_webhook_question_release(question);
        return false;
    }
    make_key(question);
    question->source = source_of(question->shown);
    make_fields(question);
    return true;
}

void auth_webhook_question_release(struct auth_webhook_question *question)
{
    json_decref(question->shown);
    free(question->fields);
    buf_release(&question->cookie);
    *question = (struct auth_webhook_question){0};
}

struct bytes *auth_webhook_question_text(const struct auth_webhook_question *question,
                                         const struct auth_facts *facts, const char *service,
                                         int64_t now_ms)
{
    json_t *all =
        json_pack("{s:s,s:I,s:o*,s:o*,s:o*,s:o*}", "type", "auth", "time", (json_int_t)now_ms,
                  "service", json_string(service), "method", json_string(facts->method), "path",
                  json_string(facts->path), "address", json_string(facts->peer));
    struct bytes *text;
    char *dumped;

    if (question->class.length > 0) {
        json_object_set_new(all, "api", json_string(facts->api));
        json_object_set_new(all, "class",
                            json_stringn(question->class.text, question->class.length));
    }
    json_object_update(all, question->shown);
    dumped = json_dumps(all, JSON_COMPACT);
    text = bytes_new(dumped, strlen(dumped));
    free(dumped);
    json_decref(all);
    return text;
}

/* ---- the answer ---- */

#define MAX_TOKEN 4096u /* bytes */

#define MOST_BODY 4096u /* bytes, which are remembered with each refusal */

#define MOST_LIFETIME_S 2592000.0 /* 720 h, as the setting */

#define MAX_TIME_MS 8640000000000000.0 /* the largest of a date in JavaScript */

static const char bad[] =
    "the service that knows the users does not know this credential (any more); sign in again";
static const char expired[] = "the credential has expired; get a new one";
static const char denied[] = "the service that knows the users does not let this one in";
static const char failed[] =
    "the service that knows the users gave no answer that can be used; try again later";
static const char timed_out[] =
    "the service that knows the users did not answer in time; try again later";
static const char busy[] = "the service that knows the users is busy; try again later";

static struct auth_result refusal(enum auth_verdict verdict, const char *message)
{
    return (struct auth_result){
        .verdict = verdict, .message = message, .rule = message == expired ? "expired" : "webhook"};
}

static const char *read_error(const struct outbound_answer *answer, struct auth_result *result)
{
    if (answer->error == -ETIMEDOUT)
        *result = refusal(AUTH_TIMEOUT, timed_out);
    else if (answer->error == -EBUSY)
        *result = refusal(AUTH_BUSY, busy);
    else
        *result = refusal(AUTH_FAILED, failed);
    return answer->reason;
}

/* What the page is to be told beside a refusal. */
static void read_body(const struct outbound_answer *answer, struct auth_result *result)
{
    struct json_fault where;
    json_t *value = json_parse(answer->body, answer->length, &where);
    const json_t *body = json_object_get(value, "body");
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    if (text && strlen(text) <= MOST_BODY &&
        (result->verdict == AUTH_BAD || result->verdict == AUTH_DENIED))
        result->data = bytes_new(text, strlen(text));
    free(text);
    json_decref(value);
}

/* Of another status than 200. */
static const char *read_status(json_int_t status, struct auth_result *result)
{
    switch (status) {
    case 401:
        *result = refusal(AUTH_BAD, bad);
        return NULL;
    case 403:
        *result = refusal(AUTH_DENIED, denied);
        return NULL;
    case 429:
    case 503:
        *result = refusal(AUTH_BUSY, busy);
        return "it is busy";
    default:
        *result = refusal(AUTH_FAILED, failed);
        return "its status is none of 200, 401, 403, 429 and 503";
    }
}

/* What is in the wrappings; a user has an id, they have none. */
static json_t *unwrap(json_t *value)
{
    static const char *const wrappings[] = {"data", "user"};

    for (size_t i = 0; i < COUNT(wrappings); i++) {
        json_t *inside = json_object_get(value, wrappings[i]);

        if (json_is_object(inside) && !json_object_get(value, "id"))
            value = inside;
    }
    return value;
}

/* 0 in *at: it does not expire. */
static bool read_expiry(const json_t *user, int64_t now_ms, int64_t *at)
{
    const json_t *when = auth_claim_of(user, "expiresAt");
    const json_t *in = auth_claim_of(user, "expiresIn");
    double time = 0;

    *at = 0;
    if (!when && !in)
        return true;
    if (!json_is_number(when ? when : in))
        return false;
    time = when ? json_number_value(when) : (double)now_ms + 1000 * json_number_value(in);
    if (!(time >= 1 && time <= MAX_TIME_MS))
        return false;
    *at = (int64_t)time;
    return true;
}

static const char *text_of_token(const json_t *user)
{
    const json_t *token = auth_claim_of(user, "accessToken");
    const char *text = token ? json_string_value(token) : "";

    return text && strlen(text) <= MAX_TOKEN && auth_claim_is_plain(text) ? text : NULL;
}

static json_t *further_fields(const json_t *user)
{
    static const char *const known[] = {"id",       "name",      "tenantId",  "accessToken",
                                        "channels", "expiresAt", "expiresIn", "lists",
                                        "lifetime", "attributes"};
    json_t *fields = json_copy((json_t *)user);

    for (size_t i = 0; i < COUNT(known); i++)
        (void)json_object_del(fields, known[i]);
    return fields;
}

/* The texts of a user as they are told; NULL, or what is wrong. */
struct texts {
    char id[AUTH_CLAIM_SIZE], name[AUTH_CLAIM_SIZE], tenant_id[AUTH_CLAIM_SIZE];
    const char *token;
    struct buf channels;
    int64_t expires_at, lifetime_ms;
    bool of_tenant;
};

/* 0: it is not said. */
static bool read_lifetime(const json_t *user, int64_t *ms)
{
    const json_t *lifetime = auth_claim_of(user, "lifetime");
    const double seconds = json_number_value(lifetime);

    *ms = 0;
    if (!lifetime)
        return true;
    if (!json_is_number(lifetime) || !(seconds >= 1 && seconds <= MOST_LIFETIME_S))
        return false;
    *ms = (int64_t)(seconds * 1000);
    return true;
}

static bool has_attributes(const json_t *user)
{
    const json_t *attributes = auth_claim_of(user, "attributes");

    return !attributes || json_is_object(attributes);
}

static const char *read_texts(const json_t *user, int64_t now_ms, struct texts *texts)
{
    if (!auth_claim_text(user, "id", texts->id) || texts->id[0] == '\0')
        return "its answer has no user's id: a number, or a text of 1 to 256 bytes";
    if (!auth_claim_text(user, "name", texts->name) ||
        !auth_claim_text(user, "tenantId", texts->tenant_id))
        return "name and tenantId in its answer must be texts of at most 256 bytes";
    texts->token = text_of_token(user);
    if (!texts->token)
        return "accessToken in its answer must be a text of at most 4096 bytes";
    if (!auth_claim_channels(auth_claim_of(user, "channels"), &texts->channels))
        return "channels in its answer must be at most 100 texts of at most 128 bytes";
    if (!read_expiry(user, now_ms, &texts->expires_at))
        return "expiresAt (ms since 1970) or expiresIn (s) in its answer must be such a number";
    if (!read_lifetime(user, &texts->lifetime_ms))
        return "lifetime in its answer must be a number of seconds from 1 to 2592000";
    if (!has_attributes(user))
        return "attributes in its answer must be an object";
    return NULL;
}

static struct auth_result result_of(const json_t *user, const struct texts *texts)
{
    json_t *extra = further_fields(user);
    struct auth_result result = {
        .verdict = AUTH_OK,
        .user = sse_user_new(&(struct sse_user_fields){
            .id = texts->id,
            .name = texts->name,
            .access_token = texts->token,
            .tenant_id = texts->tenant_id,
            .channels = buf_str(&texts->channels),
            .extra = extra,
            .expires_at = texts->expires_at,
            .lifetime_ms = texts->lifetime_ms,
            .attributes = auth_claim_of(user, "attributes"),
            .is_of_tenant = texts->of_tenant,
            .has_number_id = json_is_integer(auth_claim_of(user, "id")),
            .has_number_tenant = json_is_integer(auth_claim_of(user, "tenantId")),
            .may_list = json_is_true(auth_claim_of(user, "lists")),
        }),
    };

    json_decref(extra);
    return result;
}

static const char *read_user(const json_t *user, int64_t now_ms, bool of_tenant,
                             struct auth_result *result)
{
    struct texts texts = {.channels = BUF_INIT, .of_tenant = of_tenant};
    const char *fault = read_texts(user, now_ms, &texts);

    if (fault)
        *result = refusal(AUTH_FAILED, failed);
    else if (texts.expires_at > 0 && texts.expires_at <= now_ms)
        *result = refusal(AUTH_BAD, expired);
    else
        *result = result_of(user, &texts);
    buf_release(&texts.channels);
    return fault;
}

const char *auth_webhook_answer_read(const struct outbound_answer *answer, int64_t now_ms,
                                     bool of_tenant, struct auth_result *result)
{
    struct json_fault where;
    const char *fault;
    json_t *value;

    if (answer->error != 0)
        return read_error(answer, result);
    if (answer->denies_signature) {
        *result = refusal(AUTH_FAILED, failed);
        return outbound_answer_fault(answer);
    }
    if (answer->status != 200) {
        fault = read_status(answer->status, result);
        read_body(answer, result);
        return fault && (answer->status < 200 || answer->status > 299)
                   ? outbound_answer_fault(answer)
                   : fault;
    }
    value = json_parse(answer->body, answer->length, &where);
    if (!value && where.is_out_of_memory) {
        *result = refusal(AUTH_BUSY, busy);
        return "there was no memory to read its answer";
    }
    if (!value) {
        *result = refusal(AUTH_FAILED, failed);
        return outbound_answer_fault(answer);
    }
    if (json_is_false(json_object_get(value, "success")))
        fault = read_status(json_integer_value(json_object_get(value, "code")), result);
    else
        fault = read_user(unwrap(value), now_ms, of_tenant, result);
    json_decref(value);
    return fault;
}
