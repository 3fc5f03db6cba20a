/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from the environment: SSE_SERVER_… */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/spelling.h"
#include "server/config_keys.h"
#include "server/config_load.h"
#include "server/config_value.h"

#define LISTEN       CONFIG_PREFIX "LISTEN"
#define API_KEY      CONFIG_PREFIX "API_KEY"
#define API_KEY_FILE API_KEY "_FILE"

#define API_KEYS_BYTES ((size_t)64 * 1024)

/* Whether text begins with word; *rest is what follows. */
static bool begins(const char *text, const char *word, const char **rest)
{
    const size_t length = strlen(word);

    *rest = text + length;
    return strncmp(text, word, length) == 0;
}

static bool is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool is_protocol(const char *text, const char **rest)
{
    return begins(text, "tcp", rest) || begins(text, "udp", rest) || begins(text, "sctp", rest) ||
           begins(text, "TCP", rest) || begins(text, "UDP", rest) || begins(text, "SCTP", rest);
}

/* PORT=tcp://10.0.0.1:8443, PORT_8443_TCP=tcp://…, and _PROTO, _PORT, _ADDR behind that. */
static bool is_port_of_orchestrator(const char *entry)
{
    const char *rest;

    if (!begins(entry, "PORT", &rest))
        return false;
    if (*rest == '_' && isdigit((unsigned char)rest[1])) {
        rest += 1 + strspn(rest + 1, "0123456789");
        return *rest == '_' && is_protocol(rest + 1, &rest) && (*rest == '=' || *rest == '_');
    }
    return *rest == '=' && is_protocol(rest + 1, &rest) && begins(rest, "://", &rest);
}

/* What Kubernetes puts into every container for each service beside it, and Docker for each link:
 * of one that is called "sse-server-admin" SSE_SERVER_ADMIN_SERVICE_HOST, _SERVICE_PORT,
 * _SERVICE_PORT_HTTPS, _PORT and so on; Docker's _NAME=/a/b and _ENV_…. Their values tell them from
 * settings that are spelt wrong. */
static bool is_from_orchestrator(const char *entry)
{
    const char *at = entry + strlen(CONFIG_PREFIX) - 1;
    const char *value = strchr(entry, '=') + 1;
    const char *rest;

    for (; at && at < value; at = strchr(at + 1, '_')) {
        if (begins(at, "_SERVICE_HOST=", &rest) && rest == value &&
            value[strspn(value, "0123456789abcdefABCDEF.:")] == '\0')
            return true;
        if (begins(at, "_SERVICE_PORT", &rest) && (*rest == '=' || *rest == '_') &&
            is_number(value))
            return true;
        if (is_port_of_orchestrator(at + 1))
            return true;
        if (begins(at, "_NAME=/", &rest) && rest == value + 1 && strchr(rest, '/'))
            return true;
    }
    return false;
}

/* Writes '#' for the first number that stands between underscores, in place, and gives the number;
 * SIZE_MAX: there is none. */
static size_t take_index(char *name)
{
    char *digits = name;

    while ((digits = strchr(digits, '_'))) {
        char *end = NULL;
        size_t index;

        digits++;
        if (!isdigit((unsigned char)*digits))
            continue;
        index = strtoul(digits, &end, 10);
        if (*end == '\0' || *end == '_') {
            *digits = '#';
            memmove(digits + 1, end, strlen(end) + 1);
            return index;
        }
    }
    return SIZE_MAX;
}

/* "LISTENERS_0_CERTIFICATES_1_KEY": the last number is that of the item, and one before it that of
 * the item around it. */
static void take_indices(struct config_assignment *assignment, const char *name,
                         char pattern[CONFIG_VARIABLE_SIZE])
{
    size_t first, second;

    snprintf(pattern, CONFIG_VARIABLE_SIZE, "%s", name);
    first = take_index(pattern);
    second = take_index(pattern);
    assignment->outer = second == SIZE_MAX ? 0 : first;
    assignment->index = second == SIZE_MAX ? first : second;
}

static void prefer_nearer(const char *pattern, const char *variable, size_t *least,
                          char nearest[CONFIG_VARIABLE_SIZE])
{
    const size_t distance = spelling_distance(pattern, variable);

    if (distance >= *least)
        return;
    *least = distance;
    snprintf(nearest, CONFIG_VARIABLE_SIZE, "%s", variable);
}

/* The key whose variable this is; *nearest is the variable that looks most like it. */
static const struct config_key *find_key(const char *pattern, char nearest[CONFIG_VARIABLE_SIZE])
{
    size_t least = SIZE_MAX;

    prefer_nearer(pattern, API_KEY, &least, nearest);
    prefer_nearer(pattern, LISTEN, &least, nearest);
    for (size_t i = 0; i < config_key_count; i++) {
        char variable[CONFIG_VARIABLE_SIZE];

        if (!config_keys[i].fallback)
            continue;
        config_key_variable(config_keys[i].name, variable);
        if (strcmp(variable, pattern) == 0)
            return &config_keys[i];
        prefer_nearer(pattern, variable, &least, nearest);
    }
    return NULL;
}

static int unknown(const char *name, char nearest[CONFIG_VARIABLE_SIZE], struct config_fault *fault)
{
    const size_t prefix = strlen(CONFIG_PREFIX);
    const bool is_near = config_is_near(name + prefix, spelling_distance(name, nearest));

    for (char *number = nearest; (number = strchr(number, '#'));)
        *number = '0';
    return config_fail(fault, -EINVAL,
                       "%.100s: there is no such setting%s%s (all of them: sse-server "
                       "default-config)",
                       name, is_near ? "; the nearest is " : "", is_near ? nearest : "");
}

static bool lies_deeper(const struct config_assignment *assignment)
{
    return assignment->key->list && assignment->key->list->within;
}

/* By list and number: item 1 cannot come before item 0, nor what lies in an item before that, and
 * the environment has no order. */
static int compare(const void *left, const void *right)
{
    const struct config_assignment *a = left;
    const struct config_assignment *b = right;

    if (lies_deeper(a) != lies_deeper(b))
        return lies_deeper(a) ? 1 : -1;
    if (a->key->list != b->key->list)
        return (uintptr_t)a->key->list < (uintptr_t)b->key->list ? -1 : 1;
    if (a->outer != b->outer)
        return a->outer < b->outer ? -1 : 1;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

/* An item that there is, or the next one. */
static int enter_item(void *owner, const struct config_list *list, size_t index, const char *where,
                      bool may_add, struct config_fault *fault)
{
    const size_t count = config_list_count(owner, list);

    if (index >= list->most)
        return config_fail(fault, -E2BIG, "%s: the number must be below %zu", where, list->most);
    if (index > count || (index == count && !may_add))
        return config_fail(fault, -EINVAL,
                           "%s: there are %zu of them, so that the next has the number %zu", where,
                           count, count);
    if (index == count)
        config_list_add(owner, list);
    return 0;
}

static int apply(struct config *config, const struct config_assignment *assignment,
                 struct config_fault *fault)
{
    const struct config_list *list = assignment->key->list;
    int rc = 0;

    if (list && list->within)
        rc = enter_item(config, list->within, assignment->outer, assignment->where, false, fault);
    if (rc == 0 && list)
        rc = enter_item(config_list_owner(config, list, assignment->outer), list, assignment->index,
                        assignment->where, true, fault);
    return rc == 0 ? config_assign(config, assignment, fault) : rc;
}

static bool is_ours(const char *entry)
{
    const char *rest;

    return begins(entry, CONFIG_PREFIX, &rest) && strchr(rest, '=') && !is_from_orchestrator(entry);
}

/* Makes an assignment of NAME=value, whose where is to be freed; the shorthands are none (they were
 * taken before). */
static int read_entry(const char *entry, struct config_assignment *assignment,
                      struct config_fault *fault)
{
    char pattern[CONFIG_VARIABLE_SIZE];
    char nearest[CONFIG_VARIABLE_SIZE];
    const char *equals = strchr(entry, '=');
    char *name = mem_strndup(entry, (size_t)(equals - entry));

    *assignment = (struct config_assignment){.where = name, .text = equals + 1};
    take_indices(assignment, name, pattern);
    assignment->key = find_key(pattern, nearest);
    return assignment->key ? 0 : unknown(name, nearest, fault);
}

const char *config_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; environment && environment[i]; i++) {
        const char *entry = environment[i];

        if (strncmp(entry, name, length) == 0 && entry[length] == '=' && entry[length + 1] != '\0')
            return entry + length + 1;
    }
    return NULL;
}

static bool is_shorthand(const char *entry)
{
    const char *rest;

    return begins(entry, LISTEN "=", &rest) || begins(entry, API_KEY "=", &rest) ||
           begins(entry, API_KEY_FILE "=", &rest);
}

/* ---- the shorthands, that replace a whole list at once ---- */

/* Calls set for each text between commas, after adding an item for it to an emptied list. */
static int replace_list(struct config *config, const char *name,
                        const struct config_assignment *given,
                        int (*set)(struct config *config, const struct config_assignment *item,
                                   struct config_fault *fault),
                        struct config_fault *fault)
{
    const struct config_list *list = config_key_find(name)->list;
    char *copy = mem_strdup(given->text);
    char *rest = copy;
    struct config_assignment item = *given;
    int rc = 0;

    config_list_clear(config, list);
    while (rc == 0 && rest) {
        item.text = strsep(&rest, ",");
        item.index = config_list_count(config, list);
        if (item.index == list->most) {
            rc = config_fail(fault, -E2BIG, "%s: more than %zu; at most %zu are allowed",
                             given->where, list->most, list->most);
            break;
        }
        config_list_add(config, list);
        rc = set(config, &item, fault);
    }
    free(copy);
    return rc;
}

static int set_address(struct config *config, const struct config_assignment *item,
                       struct config_fault *fault)
{
    static const char clear[] = "http://";
    static const char secure[] = "https://";
    struct config_assignment address = *item;

    address.text += strspn(address.text, " ");
    if (strncmp(address.text, clear, sizeof(clear) - 1) == 0) {
        config->listeners[item->index].tls = false;
        address.text += sizeof(clear) - 1;
    } else if (strncmp(address.text, secure, sizeof(secure) - 1) == 0) {
        address.text += sizeof(secure) - 1;
    }
    return config_assign(config, &address, fault);
}

static const struct config_list *listeners(void)
{
    return config_key_find("listeners")->list;
}

/* The certificates of the listener that had some, for the new ones with TLS: who moves a port means
 * to keep them. */
static void copy_certificates(struct config *config, const struct config_listener *from)
{
    static const char *const keys[] = {"listeners[].certificate", "listeners[].key",
                                       "listeners[].ocspFile", "listeners[].tlsProfile"};

    for (size_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];

        if (!listener->tls)
            continue;
        for (size_t key = 0; key < COUNT(keys); key++)
            config_value_copy(config_key_find(keys[key]), listener, from);
        config_list_copy(listener, from, config_key_find("listeners[].certificates")->list);
    }
}

int config_replace_listeners(struct config *config, const char *where, const char *addresses,
                             struct config_fault *fault)
{
    const struct config_assignment given = {
        .key = config_key_find("listeners[].address"), .where = where, .text = addresses};
    struct config_listener first; /* with TLS */
    size_t at = 0;
    bool has_first;
    int rc;

    while (at < config->listener_count && !config->listeners[at].tls)
        at++;
    has_first = at < config->listener_count;
    if (has_first)
        config_item_copy(&first, &config->listeners[at], listeners());
    rc = replace_list(config, "listeners", &given, set_address, fault);
    if (rc == 0 && has_first)
        copy_certificates(config, &first);
    if (has_first)
        config_owner_release(&first, listeners());
    return rc;
}

static int replace_api_keys(struct config *config, const char *where, const char *keys,
                            struct config_fault *fault)
{
    const struct config_assignment given = {
        .key = config_key_find("apiKeys[].key"), .where = where, .text = keys};

    return replace_list(config, "apiKeys", &given, config_assign, fault);
}

static int read_key_file(struct config *config, const char *path, char *const *environment,
                         struct config_fault *fault)
{
    struct config_fault sentence;
    char *keys = config_read_secret(path, environment, API_KEYS_BYTES, &sentence);
    int rc;

    if (!keys)
        return config_fail(fault, -EINVAL, API_KEY_FILE ": %s", sentence.message);
    rc = replace_api_keys(config, API_KEY_FILE, keys, fault);
    free(keys);
    return rc;
}

static int read_shorthands(struct config *config, char *const *environment,
                           struct config_fault *fault)
{
    const char *addresses = config_variable(environment, LISTEN);
    const char *keys = config_variable(environment, API_KEY);
    const char *file = config_variable(environment, API_KEY_FILE);
    int rc = 0;

    if (keys && file)
        return config_fail(fault, -EINVAL,
                           API_KEY_FILE ": stands beside " API_KEY "; give one of the two");
    if (addresses)
        rc = config_replace_listeners(config, LISTEN, addresses, fault);
    if (rc == 0 && keys)
        rc = replace_api_keys(config, API_KEY, keys, fault);
    if (rc == 0 && file)
        rc = read_key_file(config, file, environment, fault);
    return rc;
}

static bool is_given(const struct config_assignment *given, size_t count,
                     const struct config_key *key, const struct config_assignment *like)
{
    for (size_t i = 0; i < count; i++) {
        if (given[i].key == key && given[i].index == like->index && given[i].outer == like->outer)
            return true;
    }
    return false;
}

/* A secret wins over the file's, and over the file that has the file's; and that over those. */
static int apply_alone(struct config *config, const struct config_assignment *given, size_t count,
                       const struct config_assignment *assignment, struct config_fault *fault)
{
    const struct config_key *beside = config_key_beside(assignment->key);
    const int rc = apply(config, assignment, fault);
    struct config_assignment none = *assignment;

    if (rc != 0 || !beside || is_given(given, count, beside, assignment))
        return rc;
    none.key = beside;
    none.text = "";
    return config_assign(config, &none, fault);
}

int config_read_environment(struct config *config, char *const *environment,
                            struct config_fault *fault)
{
    struct config_assignment *given = NULL;
    size_t count = 0;
    int rc = read_shorthands(config, environment, fault);

    for (size_t i = 0; rc == 0 && environment && environment[i]; i++) {
        if (!is_ours(environment[i]) || is_shorthand(environment[i]))
            continue;
        given = mem_realloc(given, (count + 1) * sizeof(*given));
        rc = read_entry(environment[i], &given[count++], fault);
    }
    if (rc == 0 && count > 0)
        qsort(given, count, sizeof(*given), compare);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = apply_alone(config, given, count, &given[i], fault);
    for (size_t i = 0; i < count; i++)
        free((char *)given[i].where);
    free(given);
    return rc;
}
