/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/credentials.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/credential.h"
#include "auth/jwks.h"
#include "auth/jwt.h"
#include "auth/jwt_key.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/table.h"
#include "outbound/http.h"
#include "server/config_parts.h"
#include "server/settings.h"
#include "sse/user.h"

/* ---- make-key ---- */

#define KEY_BYTES 24u /* more than anybody guesses, and still one line with its name before it */
#define LONGEST   512u

static int write_hash(const char *key, FILE *to, struct config_fault *fault)
{
    char text[AUTH_KEY_HASH_TEXT];

    if (!auth_key_hash_write(key, text))
        return config_fail(fault, -EIO, "OpenSSL cannot make a SHA-256 here");
    fprintf(to, "hash %s\n", text);
    return 0;
}

int make_key(FILE *to, struct config_fault *fault)
{
    char key[2 * KEY_BYTES + 1];

    random_hex(key, KEY_BYTES);
    fprintf(to, "key  %s\n", key);
    return write_hash(key, to, fault);
}

int make_key_hash(FILE *from, FILE *to, struct config_fault *fault)
{
    char key[LONGEST + 2] = "";
    size_t length;
    int rc;

    if (!fgets(key, sizeof(key), from))
        key[0] = '\0';
    length = strcspn(key, "\n");
    key[length] = '\0';
    if (length == 0 || length > LONGEST || strpbrk(key, " \t\r"))
        rc = config_fail(fault, -EINVAL,
                         "standard input holds no key; give one line of 1 to %u bytes without "
                         "white space",
                         LONGEST);
    else
        rc = write_hash(key, to, fault);
    explicit_bzero(key, sizeof(key));
    return rc;
}

enum command_exit cli_make_key(const struct cli_line *line)
{
    struct config_fault fault = {""};

    if (line->argument_count == 0)
        return cli_finish(make_key(stdout, &fault), &fault);
    if (strcmp(line->arguments[0], "-") == 0)
        return cli_finish(make_key_hash(stdin, stdout, &fault), &fault);
    return cli_misuse("a key in the command line can be seen by others; give make-key - and the "
                      "key on standard input");
}

/* ---- make-token ---- */

#define PERMISSIONS "send, query, disconnect, presence, metrics and inspect"
#define NAME_BYTES  8u /* of the token: enough to be no other's */

static void set_text(json_t *claims, const char *name, const char *value)
{
    if (value && *value != '\0' && *name != '\0')
        json_object_set_new(claims, name, json_string(value));
}

static void set_words(json_t *claims, const char *name, const char *words)
{
    if (words && *name != '\0')
        json_object_set_new(claims, name, json_words(words));
}

static json_t *claims_of(const struct auth_jwt_settings *jwt, const struct cli_line *line,
                         uint64_t expires_ms)
{
    const json_int_t now = (json_int_t)time(NULL);
    json_t *audiences = json_words(jwt->rules.audiences);
    char name[2 * NAME_BYTES + 1];
    json_t *claims = json_object();

    random_hex(name, NAME_BYTES);
    set_text(claims, "iss", jwt->rules.issuer);
    if (json_array_size(audiences) > 0)
        json_object_set(claims, "aud", json_array_get(audiences, 0));
    set_text(claims, "jti", name);
    json_object_set_new(claims, "iat", json_integer(now));
    json_object_set_new(claims, "exp", json_integer(now + (json_int_t)(expires_ms / 1000)));
    set_text(claims, jwt->claims.user_id, line->user);
    set_text(claims, jwt->claims.name, line->name);
    set_text(claims, jwt->claims.tenant_id, line->tenant);
    set_words(claims, jwt->claims.channels, line->channels);
    set_words(claims, jwt->claims.permissions, line->permissions);
    json_decref(audiences);
    return claims;
}

/* The key that signs, or NULL with a sentence. */
static struct auth_jwt_key *find_key(const struct config *config, size_t service,
                                     const struct cli_line *line, struct config_fault *fault)
{
    (void)config_fail(
        fault, -EINVAL,
        "none of tokenKeys%s can sign for the service %s; give --key-file with the private "
        "key or the secret",
        line->key ? " with that id" : "", config->services[service].settings.name);
    for (size_t i = 0; i < config->token_key_count; i++) {
        struct config_token_key key = config->token_keys[i];
        struct auth_jwt_key *loaded;

        if (*key.jwks != '\0' || !config_token_key_is_for(config, &key, service) ||
            (line->key && strcmp(line->key, key.id) != 0))
            continue;
        if (line->key_file) { /* the configured key says which algorithm and kid */
            key.secret = (char *)"";
            key.file = (char *)line->key_file;
        }
        loaded = config_load_token_key(&key, fault);
        if (!loaded || loaded->can_sign)
            return loaded;
        auth_jwt_key_free(loaded);
        if (line->key_file) {
            (void)config_fail(
                fault, -EINVAL,
                "--key-file: \"%.120s\" has a public key, which signs nothing; give the private "
                "one",
                line->key_file);
            return NULL;
        }
    }
    return NULL;
}

static int check_permissions(const char *words, struct config_fault *fault)
{
    struct word unknown;
    unsigned permissions;

    if (!words)
        return 0;
    if (!auth_permissions_parse(words, &permissions, &unknown))
        return config_fail(fault, -EINVAL, "--permissions: \"%.*s\" is none; use " PERMISSIONS,
                           unknown.length < 40 ? (int)unknown.length : 40, unknown.text);
    if (permissions == 0)
        return config_fail(fault, -EINVAL, "--permissions: names none; use " PERMISSIONS);
    return 0;
}

/* What the service would refuse is not made. A back end's token need not name a user. */
static int check_user(const struct auth_jwt_settings *jwt, const struct cli_line *line,
                      const json_t *claims, struct config_fault *fault)
{
    const char *reason = "";
    struct sse_user *user;

    if (!line->user)
        return 0;
    user = auth_jwt_user_new(claims, &jwt->claims, "", 0, &reason);
    sse_user_unref(user);
    return user ? 0 : config_fail(fault, -EINVAL, "%s", reason);
}

int make_token(const struct cli_line *line, const struct config *config, FILE *to,
               struct config_fault *fault)
{
    static const struct cli_range expiry = {"--expires", 1000,
                                            UINT64_C(10) * 365 * 24 * 3600 * 1000};
    struct auth_jwt_key *key;
    uint64_t expires_ms = 0;
    size_t service = 0;
    json_t *claims;
    char *token;
    int rc = config_find_jwt_service(config, line->service, &service, fault);

    if (rc == 0)
        rc = cli_read_time(&expiry, line->expires ? line->expires : "1h", &expires_ms, fault);
    if (rc == 0 && !line->user && !line->permissions)
        rc = config_fail(fault, -EINVAL, "give --user ID, or --permissions for a back end's token");
    if (rc == 0)
        rc = check_permissions(line->permissions, fault);
    if (rc != 0)
        return rc;
    key = find_key(config, service, line, fault);
    if (!key)
        return -EINVAL;
    claims = claims_of(&config->services[service].jwt, line, expires_ms);
    rc = check_user(&config->services[service].jwt, line, claims, fault);
    token = rc == 0 ? auth_jwt_key_sign(key, claims) : NULL;
    if (token)
        fprintf(to, "%s\n", token);
    else if (rc == 0)
        (void)config_fail(fault, -EINVAL,
                          "a text is not UTF-8, or OpenSSL cannot sign with this key");
    rc = token ? 0 : -EINVAL;
    free(token);
    json_decref(claims);
    auth_jwt_key_free(key);
    return rc;
}

int cli_make_token(const struct cli_line *line, const struct config *config,
                   struct config_fault *fault)
{
    return make_token(line, config, stdout, fault);
}

/* ---- check-token ---- */

/* The keys of one service, read once: those of the configuration and those of JWK sets. */
struct key_store {
    struct loop *loop;
    struct outbound_http *http;
    struct auth_jwt_keys *keys;
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];
    size_t set_count;
};

struct last_request {
    struct auth_jwks_request request;
    struct loop *loop;
};

static void on_read(struct auth_jwks_request *request)
{
    loop_stop(container_of(request, struct last_request, request)->loop);
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
    struct last_request last = {{.run = on_read}, store->loop};

    for (size_t i = 0; i < config->token_key_count; i++) {
        const struct config_token_key *key = &config->token_keys[i];
        const struct auth_jwks_settings settings = {.place = key->jwks};
        struct auth_jwks *set;

        if (*key->jwks == '\0' || !config_token_key_is_for(config, key, service))
            continue;
        set = auth_jwks_new(&settings, store->loop, store->http);
        store->sets[store->set_count++] = set;
        if (auth_jwks_wait(set, &last.request, false))
            loop_run(store->loop);
        if (!set->keys)
            return -EIO; /* said in the log */
    }
    return 0;
}

static int open_store(struct key_store *store, const struct config *config, size_t service,
                      struct config_fault *fault)
{
    const struct outbound_http_settings outbound = settings_outbound(config);

    *store = (struct key_store){.loop = loop_new()};
    if (!store->loop)
        return config_fail(fault, -ENOMEM,
                           "this machine has no memory or no file descriptors left");
    store->http = outbound_http_new(store->loop, &outbound);
    store->keys = config_make_token_keys(config, service, fault);
    if (!store->keys)
        return -EINVAL;
    if (read_sets(store, config, service) != 0)
        return config_fail(fault, -EIO, "a JWK set could not be read");
    return 0;
}

static void print_permissions(FILE *to, unsigned permissions)
{
    fputs("permissions", to);
    for (unsigned bit = 1; bit & (AUTH_MAY_ALL | AUTH_MAY_INSPECT); bit <<= 1) {
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
                        const struct auth_jwt_answer *answer, struct config_fault *fault)
{
    const char *reason = "";
    unsigned permissions = 0;
    struct sse_user *user =
        auth_jwt_user_new(answer->claims, names, token, answer->expires_at, &reason);
    bool is_back_end = auth_jwt_permissions(answer->claims, names, &permissions);

    if (!user && !is_back_end)
        return config_fail(fault, -EACCES, "%s", reason);
    fputs("OK\n", to);
    if (user)
        print_user(to, user);
    if (is_back_end)
        print_permissions(to, permissions);
    sse_user_unref(user);
    return 0;
}

static int judge(const struct key_store *store, const struct auth_jwt_settings *jwt,
                 const char *token, FILE *to, struct config_fault *fault)
{
    const struct auth_jwt_keys *sets[1 + CONFIG_MAX_TOKEN_KEYS] = {store->keys};
    const struct auth_jwt_key_ring ring = {sets, 1 + store->set_count, NULL};
    const int64_t now_ms = loop_wall_ms(store->loop);
    const struct auth_jwt_question question = {token, "", now_ms};
    struct auth_jwt_answer answer;
    int rc;

    for (size_t i = 0; i < store->set_count; i++)
        sets[1 + i] = store->sets[i]->keys;
    auth_jwt_check(&question, &ring, &jwt->rules, &answer);
    if (answer.fault)
        return config_fail(fault, -EACCES, "%s", answer.fault);
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
static const char *read_token(const char *token, FILE *from, char *line, size_t size)
{
    if (strcmp(token, "-") != 0)
        return token;
    if (!fgets(line, (int)size, from))
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

int check_token(const struct cli_line *line, const struct config *config, FILE *from, FILE *to,
                struct config_fault *fault)
{
    char text[AUTH_JWT_MAX_BYTES + 3]; /* one byte too many is noticed */
    const char *token = read_token(line->arguments[0], from, text, sizeof(text));
    struct key_store store;
    size_t service = 0;
    int rc = config_find_jwt_service(config, line->service, &service, fault);

    if (rc != 0)
        return rc;
    rc = open_store(&store, config, service, fault);
    if (rc == 0)
        rc = judge(&store, &config->services[service].jwt, token, to, fault);
    close_store(&store);
    return rc;
}

static int check_token_with(const struct cli_line *line, const struct config *config,
                            struct config_fault *fault)
{
    log_open(LOG_WARN_LEVEL, config->log_format, STDERR_FILENO);
    (void)signal(SIGPIPE, SIG_IGN); /* as those who fetch JWK sets need it */
    return check_token(line, config, stdin, stdout, fault);
}

enum command_exit cli_check_token(const struct cli_line *line)
{
    if (line->argument_count == 0)
        return cli_misuse("check-token needs a token, or - for one on standard input");
    return cli_with_settings(line, check_token_with);
}
