/* SPDX-License-Identifier: Apache-2.0 */
/* init: a configuration to begin with, and the keys that it needs. Nothing that is there is
 * touched; what cannot be done as a whole leaves nothing behind. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/table.h"

#define KEY_BYTES 32u /* of the API key, before it is hexadecimal */

enum made_file { CONFIGURATION, API_KEY, TOKEN_KEY, PUBLIC_KEY, FILES };

static const struct {
    const char *name;
    mode_t mode;
} files[FILES] = {
    [CONFIGURATION] = {"sse-server.yaml", 0644},
    [API_KEY] = {"api.key", 0600},
    [TOKEN_KEY] = {"token.key", 0600},
    [PUBLIC_KEY] = {"token-public.pem", 0644},
};

struct making {
    const struct cli_line *line;
    char *directory; /* as a whole path */
    char *paths[FILES];
    struct buf texts[FILES];
    size_t written;
    struct config_fault *fault;
};

/* ---- what is in the files ---- */

static void append_key(struct buf *to)
{
    char key[2 * KEY_BYTES + 1];

    random_hex(key, KEY_BYTES);
    buf_printf(to, "%s\n", key);
}

static bool append_pem(BIO *from, struct buf *to)
{
    char *text;
    const long length = BIO_get_mem_data(from, &text);

    if (length > 0)
        buf_append(to, text, (size_t)length);
    return length > 0;
}

/* The halves of a pair for tokens with ES256. */
static bool append_pair(struct buf *private_key, struct buf *public_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *halves[2] = {BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
    const bool made =
        key && halves[0] && halves[1] &&
        PEM_write_bio_PKCS8PrivateKey(halves[0], key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_PUBKEY(halves[1], key) == 1 && append_pem(halves[0], private_key) &&
        append_pem(halves[1], public_key);

    BIO_free(halves[0]);
    BIO_free(halves[1]);
    EVP_PKEY_free(key);
    return made;
}

/* A line of the file; JSON strings are YAML's as well. */
static void append_setting(struct buf *to, const char *key, const char *value)
{
    buf_printf(to, "%s: ", key);
    json_text_string(to, value);
    buf_append_char(to, '\n');
}

static void append_listeners(struct buf *to, const char *addresses)
{
    static const char clear[] = "http://";
    struct word word;

    buf_append_str(
        to, "\n# For pages and back ends. Others than this machine can come by \"*:8443\"; then "
            "set certificate and\n# key as well. Without them the server makes a development "
            "certificate, which browsers warn of.\nlisteners:\n");
    while (words_next(&addresses, &word)) {
        char *address = mem_strndup(word.text, word.length);
        const bool is_clear = strncmp(address, clear, strlen(clear)) == 0;

        append_setting(to, "  - address", address + (is_clear ? strlen(clear) : 0));
        if (is_clear)
            buf_append_str(to, "    tls: false\n");
        free(address);
    }
}

static void append_configuration(const struct making *making, struct buf *to)
{
    const struct cli_line *line = making->line;
    const char *service = line->service ? line->service : "app";
    struct buf text = BUF_INIT;

    buf_append_str(to, "# All settings, with their defaults: sse-server default-config.\n");
    buf_printf(&text, "%s/state", making->directory);
    append_setting(to, "stateDirectory", buf_str(&text));
    append_listeners(to, line->sources.listen ? line->sources.listen : "127.0.0.1:8443");
    buf_append_str(to, "\n# What back ends show. To give them the key and keep its hash here: "
                       "sse-server make-key.\n# For sse-server why and tail, give it "
                       "permissions: [send, query, disconnect, presence, metrics, inspect].\n"
                       "apiKeys:\n  - name: backend\n");
    append_setting(to, "    keyFile", making->paths[API_KEY]);
    buf_printf(to,
               "\n# Who logs users in signs their tokens, by the private key (%s).\ntokenKeys:\n"
               "  - algorithm: ES256\n",
               files[TOKEN_KEY].name);
    append_setting(to, "    file", making->paths[PUBLIC_KEY]);
    buf_append_str(to, "\nservices:\n");
    append_setting(to, "  - name", service);
    buf_clear(&text);
    buf_printf(&text, "/sse/%s", service);
    append_setting(to, "    basePath", line->base_path ? line->base_path : buf_str(&text));
    buf_append_str(to, "    auth: jwt\n    # Pages of other origins than the server's own that may "
                       "come.\n");
    append_setting(to, "    origins", line->origin ? line->origin : "https://localhost:3000");
    buf_release(&text);
}

/* ---- writing them ---- */

static int fail(struct making *making, int error, const char *path)
{
    if (error == -EEXIST)
        return config_fail(making->fault, error,
                           "%.200s is there already, and nothing is overwritten; give another "
                           "directory",
                           path);
    return config_fail(making->fault, error == -EINVAL ? -EIO : error,
                       "%.200s cannot be written: %s", path, strerror(-error));
}

static int write_new(struct making *making, size_t file)
{
    const struct buf *text = &making->texts[file];
    const char *path = making->paths[file];
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, files[file].mode);
    int rc;

    if (fd < 0)
        return fail(making, -errno, path);
    making->written = file + 1;
    rc = file_write(fd, buf_str(text), text->length);
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    return rc == 0 ? 0 : fail(making, rc, path);
}

/* Before any is made: then a second try has nothing to clear away. */
static int look_for_files(struct making *making)
{
    struct stat status;

    for (size_t i = 0; i < FILES; i++) {
        if (lstat(making->paths[i], &status) == 0)
            return fail(making, -EEXIST, making->paths[i]);
    }
    return 0;
}

/* Whether a server would start with it: names and addresses are those of the command line. */
static int check(struct making *making)
{
    const struct config_sources sources = {.file = making->paths[CONFIGURATION],
                                           .environment = (char *const[]){NULL}};
    struct config config;

    if (config_load_from(&config, &sources, making->fault) != 0)
        return -EINVAL;
    config_release(&config);
    return 0;
}

static int write_files(struct making *making)
{
    int rc = look_for_files(making);

    for (size_t i = 0; rc == 0 && i < FILES; i++)
        rc = write_new(making, i);
    if (rc == 0)
        rc = check(making);
    for (size_t i = 0; rc != 0 && i < making->written; i++)
        (void)unlink(making->paths[i]);
    return rc;
}

static int name_files(struct making *making)
{
    const char *given = making->line->argument_count > 0 ? making->line->arguments[0] : ".";
    int rc = directory_make(given);

    if (rc != 0)
        return fail(making, rc, given);
    making->directory = realpath(given, NULL);
    if (!making->directory)
        return fail(making, -errno, given);
    for (size_t i = 0; i < FILES; i++) {
        struct buf path = BUF_INIT;

        buf_printf(&path, "%s/%s", making->directory, files[i].name);
        making->paths[i] = buf_detach(&path);
    }
    return 0;
}

/* ---- what comes next ---- */

static bool is_plain(const char *text)
{
    return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                             "/._-+:,@%")] == '\0';
}

/* As one word of a shell. */
static void print_word(const char *text)
{
    if (is_plain(text)) {
        fputs(text, stdout);
        return;
    }
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
    putchar('\'');
}

static void print_next(const struct making *making)
{
    puts("wrote");
    for (size_t i = 0; i < FILES; i++)
        printf("  %s\n", making->paths[i]);
    fputs("\nStart the server; then make a token for a page of user 7:\n\n  sse-server --config ",
          stdout);
    print_word(making->paths[CONFIGURATION]);
    fputs("\n  sse-server --config ", stdout);
    print_word(making->paths[CONFIGURATION]);
    fputs(" make-token --user 7 --key-file ", stdout);
    print_word(making->paths[TOKEN_KEY]);
    putchar('\n');
}

enum command_exit cli_init(const struct cli_line *line)
{
    struct config_fault fault = {""};
    struct making making = {.line = line, .fault = &fault};
    int rc = name_files(&making);

    if (rc == 0) {
        append_configuration(&making, &making.texts[CONFIGURATION]);
        append_key(&making.texts[API_KEY]);
        if (!append_pair(&making.texts[TOKEN_KEY], &making.texts[PUBLIC_KEY]))
            rc = config_fail(&fault, -EIO, "OpenSSL cannot make a key for tokens");
    }
    if (rc == 0)
        rc = write_files(&making);
    if (rc == 0)
        print_next(&making);
    for (size_t i = 0; i < FILES; i++) {
        free(making.paths[i]);
        if (making.texts[i].data)
            explicit_bzero(making.texts[i].data, making.texts[i].length);
        buf_release(&making.texts[i]);
    }
    free(making.directory);
    return cli_finish(rc, &fault);
}
