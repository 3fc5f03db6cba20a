/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/webhook_question.h"

#include <stdlib.h>
#include <string.h>

#include "auth/bearer.h"
#include "auth/claims.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/words.h"
#include "sse/channel_pattern.h"

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

static json_t *bearer_field(const char *credential)
{
    struct buf value = BUF_INIT;
    json_t *field;

    buf_printf(&value, "Bearer %s", credential);
    field = json_string(buf_str(&value));
    buf_release(&value);
    return field;
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
        json_object_set_new(headers, authorization, bearer_field(facts->credential));
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
    struct auth_key_hash hash;

    buf_append_str(&text, shown);
    buf_append(&text, question->class.text, question->class.length);
    if (!auth_key_hash_of(buf_str(&text), &hash)) /* without a key it would be nobody's question */
        mem_fail(sizeof(hash));
    auth_key_hash_print(&hash, question->key);
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
    json_t *all = json_pack("{s:s,s:I}", "type", "auth", "time", (json_int_t)now_ms);
    struct bytes *text;
    char *dumped;

    json_object_set_new(all, "service", json_string(service));
    json_object_set_new(all, "method", json_string(facts->method));
    json_object_set_new(all, "path", json_string(facts->path));
    json_object_set_new(all, "address", json_string(facts->peer));
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
