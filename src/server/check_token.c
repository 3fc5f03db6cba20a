/* SPDX-License-Identifier: Apache-2.0 */
#include "server/check_token.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/jwks.h"
#include "auth/jwt_backend.h"
#include "auth/jwt_key.h"
#include "auth/jwt_keys.h"
#include "auth/permission.h"
#include "base/loop.h"
#include "base/mem.h"
#include "outbound/http.h"
#include "server/config.h"
#include "server/config_outbound.h"
#include "server/config_token_keys.h"
#include "sse/user.h"

/* The keys of one service, read once: those of the configuration and those of JWK sets. */
struct key_store {
    struct loop *loop;
    struct outbound_http *http;
    struct auth_jwt_keys *keys;
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];
    size_t set_count;
};

struct last_waiter {
    struct auth_jwks_waiter waiter;
    struct loop *loop;
};

static void on_read(struct auth_jwks_waiter *waiter)
{
    loop_stop(container_of(waiter, struct last_waiter, waiter)->loop);
}

static void close_store(struct key_store *store)
{
    for (size_t i = 0; i < store->set_count; i++)
        auth_jwks_free(store->sets[i]);
    auth_jwt_keys_free(store->keys);
    outbound_http_free(store->http);
    if (store->loop)
        loop_free(store->loop);
}

static int read_sets(struct key_store *store, const struct config *config, size_t service)
{
    struct last_waiter last = {{.run = on_read}, store->loop};

    for (size_t i = 0; i < config->token_key_count; i++) {
        const struct config_token_key *key = &config->token_keys[i];
        const struct auth_jwks_settings settings = {.place = key->jwks};
        struct auth_jwks *set;

        if (*key->jwks == '\0' || !config_token_key_is_for(config, key, service))
            continue;
        set = auth_jwks_new(&settings, store->loop, store->http);
        store->sets[store->set_count++] = set;
        if (auth_jwks_wait(set, &last.waiter, false))
            loop_run(store->loop);
        if (!auth_jwks_keys(set))
            return -EIO; /* said in the log */
    }
    return 0;
}

static int open_store(struct key_store *store, const struct config *config, size_t service,
                      char *fault, size_t fault_size)
{
    const struct outbound_http_settings outbound = config_make_outbound(config);

    *store = (struct key_store){.loop = loop_new()};
    if (outbound_http_prepare() == 0 && store->loop)
        store->http = outbound_http_new(store->loop, &outbound);
    if (!store->http) {
        snprintf(fault, fault_size, "this machine has no memory or no file descriptors left");
        return -ENOMEM;
    }
    store->keys = config_make_token_keys(config, service, fault, fault_size);
    if (!store->keys)
        return -EINVAL;
    if (read_sets(store, config, service) != 0) {
        snprintf(fault, fault_size, "a JWK set could not be read");
        return -EIO;
    }
    return 0;
}

static void print_permissions(FILE *to, unsigned permissions)
{
    fputs("permissions", to);
    for (unsigned bit = 1; bit & AUTH_MAY_ALL; bit <<= 1) {
        if (permissions & bit)
            fprintf(to, " %s", auth_permission_word(bit));
    }
    fputc('\n', to);
}

static void print_user(FILE *to, const struct sse_user *user)
{
    json_t *object = sse_user_to_json(user);
    char *text;

    json_object_set_new(object, "channels", json_string(user->channels));
    text = json_dumps(object, JSON_COMPACT);
    fprintf(to, "user %s\n", text ? text : "{}");
    free(text);
    json_decref(object);
}

/* -EACCES when the claims, although in order, name nobody. */
static int print_bearer(FILE *to, const struct auth_jwt_claims *names, const char *token,
                        const struct auth_jwt_answer *answer, const char **fault)
{
    unsigned permissions = 0;
    struct sse_user *user =
        auth_jwt_user_new(answer->claims, names, token, answer->expires_at, fault);
    bool is_back_end = auth_jwt_permissions(answer->claims, names, &permissions);

    if (!user && !is_back_end)
        return -EACCES;
    fputs("OK\n", to);
    if (user)
        print_user(to, user);
    if (is_back_end)
        print_permissions(to, permissions);
    sse_user_unref(user);
    return 0;
}

static int judge(const struct key_store *store, const struct auth_jwt_settings *jwt,
                 const char *token, FILE *to, const char **fault)
{
    const struct auth_jwt_keys *sets[1 + CONFIG_MAX_TOKEN_KEYS] = {store->keys};
    const struct auth_jwt_key_ring ring = {sets, 1 + store->set_count, NULL};
    const int64_t now_ms = loop_wall_ms(store->loop);
    const struct auth_jwt_question question = {token, "", now_ms};
    struct auth_jwt_answer answer;
    int rc;

    for (size_t i = 0; i < store->set_count; i++)
        sets[1 + i] = auth_jwks_keys(store->sets[i]);
    auth_jwt_check(&question, &ring, &jwt->rules, &answer);
    *fault = answer.fault;
    if (*fault)
        return -EACCES;
    rc = print_bearer(to, &jwt->claims, token, &answer, fault);
    if (rc == 0)
        fprintf(to, "key \"%s\" (%s)\n", answer.key->id, answer.key->algorithm->name);
    if (rc == 0 && answer.expires_at > 0)
        fprintf(to, "expires in %lld s\n", (long long)(answer.expires_at - now_ms) / 1000);
    else if (rc == 0)
        fputs("never expires\n", to);
    json_decref(answer.claims);
    return rc;
}

/* The token, or for "-" the line that stands for it. */
static const char *read_token(const struct check_token_request *request, char *line, size_t size)
{
    if (strcmp(request->token, "-") != 0)
        return request->token;
    if (!fgets(line, (int)size, request->from))
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

int check_token(const struct config *config, const struct check_token_request *request, FILE *to,
                char *fault, size_t fault_size)
{
    char line[AUTH_JWT_MAX_BYTES + 3]; /* one byte too many is noticed */
    const char *token = read_token(request, line, sizeof(line));
    const char *sentence = NULL;
    struct key_store store;
    size_t service = 0;
    int rc = config_find_jwt_service(config, request->service, &service, fault, fault_size);

    if (rc != 0)
        return rc;
    rc = open_store(&store, config, service, fault, fault_size);
    if (rc == 0)
        rc = judge(&store, &config->services[service].jwt, token, to, &sentence);
    if (sentence)
        snprintf(fault, fault_size, "%s", sentence);
    close_store(&store);
    return rc;
}
