/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets from files, as Kubernetes and systemd (LoadCredential) have them. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "server/config.h"
#include "server/config_fault.h"
#include "server/config_keys.h"
#include "server/config_source.h"
#include "server/config_value.h"

/* As the path is meant; the caller frees it. */
static char *whole_path(const char *path, char *const *environment)
{
    const char *directory = config_variable(environment, "CREDENTIALS_DIRECTORY");
    struct buf whole = BUF_INIT;

    if (directory && *path != '/')
        buf_printf(&whole, "%s/", directory);
    buf_append_str(&whole, path);
    return buf_detach(&whole);
}

static size_t without_line_end(const char *text, size_t length)
{
    if (length > 0 && text[length - 1] == '\n')
        length--;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    return length;
}

static const char *fault_of(const char *text, size_t length, int error)
{
    if (!text && error == EFBIG)
        return "is larger than a secret may be; give the file that has it alone";
    if (!text)
        return strerror(error);
    if (length == 0)
        return "is empty; write the secret into it";
    return strlen(text) < length ? "holds a NUL; write the secret as text" : NULL;
}

static void wipe(char *text, size_t length)
{
    if (text)
        OPENSSL_cleanse(text, length);
    free(text);
}

char *config_read_secret(const char *path, char *const *environment, size_t most, char *fault,
                         size_t fault_size)
{
    char *whole = whole_path(path, environment);
    size_t length = 0;
    char *text = file_read(whole, most + 2, &length); /* with the end of a line */
    const int error = errno;
    const char *sentence;

    if (text) {
        const size_t end = without_line_end(text, length);

        text[end] = '\0';
        length = end;
    }
    sentence = fault_of(text, length, error);
    if (sentence) {
        snprintf(fault, fault_size, "\"%.120s\": %s", whole, sentence);
        wipe(text, length);
        text = NULL;
    }
    free(whole);
    return text;
}

static const char *text_of(const struct config_key *key, const void *owner)
{
    const char *text;

    memcpy(&text, (const char *)owner + key->offset, sizeof(text));
    return text ? text : "";
}

struct reading {
    const struct config *config;
    char *const *environment;
    struct config_fault *fault;
};

static int fail(const struct reading *reading, const struct config_key *key, const void *owner,
                size_t index, const char *sentence)
{
    const char *bracket = strstr(key->name, "[]");
    const char *file = reading->config->file;
    char place[200] = "";
    unsigned line = 0;

    if (!bracket)
        return config_fail(reading->fault, -EINVAL, "%.150s%s%s: %s", file ? file : "",
                           file ? ": " : "", key->name, sentence);
    memcpy(&line, owner, sizeof(line)); /* an item begins with it */
    if (line > 0 && file)
        snprintf(place, sizeof(place), "%.150s:%u: ", file, line);
    return config_fail(reading->fault, -EINVAL, "%s%.*s[%zu]%s: %s", place,
                       (int)(bracket - key->name), key->name, index, bracket + 2, sentence);
}

static int read_file(const struct reading *reading, const struct config_key *key, void *owner,
                     size_t index)
{
    const struct config_key *secret = config_key_beside(key);
    const char *path = text_of(key, owner);
    char sentence[300];
    char *text;
    int rc;

    if (*path == '\0')
        return 0;
    if (*text_of(secret, owner) != '\0') {
        snprintf(sentence, sizeof(sentence), "stands beside %s; give one of the two",
                 strrchr(secret->name, '.') + 1);
        return fail(reading, key, owner, index, sentence);
    }
    text = config_read_secret(path, reading->environment, secret->high, sentence, sizeof(sentence));
    if (!text)
        return fail(reading, key, owner, index, sentence);
    rc = config_value_set(secret, owner, text, sentence, sizeof(sentence));
    wipe(text, strlen(text));
    return rc == 0 ? 0 : fail(reading, key, owner, index, sentence);
}

static int read_owner(const struct reading *reading, void *owner, const struct config_list *list,
                      size_t index)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config_key_count; i++) {
        if (config_keys[i].is_file && config_keys[i].list == list)
            rc = read_file(reading, &config_keys[i], owner, index);
    }
    return rc;
}

int config_read_secrets(struct config *config, char *const *environment, struct config_fault *fault)
{
    const struct reading reading = {config, environment, fault};
    int rc = read_owner(&reading, config, NULL, 0);

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type != CONFIG_LIST || key->list->within)
            continue;
        for (size_t item = 0; rc == 0 && item < config_list_count(config, key->list); item++)
            rc = read_owner(&reading, config_list_item(config, key->list, item), key->list, item);
    }
    return rc;
}
