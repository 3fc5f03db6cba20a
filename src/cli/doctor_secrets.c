/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and secrets of the settings: who can read their files, and whether they can be guessed.
 * Those of certificates are in doctor_certificates.c. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/credential.h"
#include "base/file.h"
#include "cli/doctor.h"
#include "server/config.h"

#define MOST_BYTES       ((size_t)1 << 20) /* of a file that is looked into */
#define LEAST_CHARACTERS 16u
#define LEAST_DIFFERENT  6u

static bool is_open_to_all(const char *path)
{
    struct stat status;

    return *path != '\0' && stat(path, &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

static void check_file(const struct doctor_subject *subject, const char *path)
{
    if (is_open_to_all(path))
        doctor_find(subject, DOCTOR_WARNING,
                    "chmod o-rwx; if others may have read it, make another one",
                    "its file \"%.200s\" can be read by everybody on this machine", path);
}

static size_t count_different(const char *text)
{
    bool seen[256] = {false};
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += !seen[(unsigned char)*text];
        seen[(unsigned char)*text] = true;
    }
    return count;
}

static void check_strength(const struct doctor_subject *subject, const char *text)
{
    if (*text == '\0' || auth_key_hash_is_text(text))
        return;
    if (strlen(text) < LEAST_CHARACTERS || count_different(text) < LEAST_DIFFERENT)
        doctor_find(subject, DOCTOR_WARNING,
                    "make one by chance: sse-server make-key, or openssl rand -hex 32",
                    "can be guessed: it has %zu characters, %zu different ones", strlen(text),
                    count_different(text));
}

/* Whether the text stands in the file of the settings: it may be of the environment. */
static bool is_written(const char *settings, const char *text, const char *file)
{
    return *text != '\0' && *file == '\0' && strstr(settings, text) != NULL;
}

static void check_settings(struct doctor *doctor, bool has_secrets)
{
    const struct doctor_subject subject = {doctor, "secrets", doctor->config->file};

    if (has_secrets && is_open_to_all(subject.name))
        doctor_find(&subject, DOCTOR_WARNING,
                    "chmod o-rwx, or put them in files of their own (keyFile, secretFile, "
                    "webhookSecretFile); if others may have read them, make other ones",
                    "has keys or secrets, and can be read by everybody on this machine");
}

static bool is_private(const char *path)
{
    char *text = *path != '\0' ? file_read(path, MOST_BYTES, NULL) : NULL;
    const bool is_public =
        !text || (strstr(text, "-----BEGIN ") && !strstr(text, "PRIVATE KEY-----"));

    free(text);
    return !is_public;
}

static bool check_keys(struct doctor *doctor, const char *settings)
{
    const struct config *config = doctor->config;
    bool has_secrets = false;
    char name[60];
    const struct doctor_subject subject = {doctor, "secrets", name};

    for (size_t i = 0; i < config->api_key_count; i++) {
        const struct config_api_key *key = &config->api_keys[i];

        snprintf(name, sizeof(name), "apiKeys[%zu]", i);
        check_file(&subject, key->key_file);
        check_strength(&subject, config->api_key_made ? "" : key->key);
        has_secrets = has_secrets || is_written(settings, key->key, key->key_file);
    }
    for (size_t i = 0; i < config->token_key_count; i++) {
        const struct config_token_key *key = &config->token_keys[i];

        snprintf(name, sizeof(name), "tokenKeys[%zu]", i);
        check_file(&subject, key->secret_file);
        check_file(&subject, is_private(key->file) ? key->file : "");
        check_strength(&subject, key->secret);
        has_secrets = has_secrets || is_written(settings, key->secret, key->secret_file);
    }
    return has_secrets;
}

static bool check_services(struct doctor *doctor, const char *settings)
{
    const struct config *config = doctor->config;
    bool has_secrets = false;
    char name[60];
    const struct doctor_subject subject = {doctor, "secrets", name};

    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *service = &config->services[i];
        const char *secret = service->api.broker.webhook_secret;

        snprintf(name, sizeof(name), "services[%zu].webhookSecret", i);
        check_file(&subject, service->webhook_secret_file);
        check_strength(&subject, secret);
        has_secrets = has_secrets || is_written(settings, secret, service->webhook_secret_file);
    }
    return has_secrets;
}

void doctor_check_secrets(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    char *settings = config->file ? file_read(config->file, MOST_BYTES, NULL) : NULL;
    const char *text = settings ? settings : "";
    bool has_secrets = check_keys(doctor, text);

    has_secrets = check_services(doctor, text) || has_secrets;
    check_file(&(const struct doctor_subject){doctor, "secrets", "tls.ticketKeyFile"},
               config->ticket_key_file);
    check_file(&(const struct doctor_subject){doctor, "secrets", "outbound.proxyFile"},
               config->outbound_proxy_file);
    check_settings(doctor, has_secrets);
    free(settings);
}
