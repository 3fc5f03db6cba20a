/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_SERVER_TOKEN_FILES_H
#define UNIT_SERVER_TOKEN_FILES_H
/* A directory with keys of tokens in files. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static char token_files[] = "/tmp/test-token-files-XXXXXX";

static inline void token_file_write(const char *name, const char *text)
{
    char path[100];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", token_files, name);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static inline void token_file_write_pair(void)
{
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    char path[100];
    FILE *file;

    assert_non_null(pair);
    snprintf(path, sizeof(path), "%s/private.pem", token_files);
    file = fopen(path, "we");
    assert_int_equal(PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    snprintf(path, sizeof(path), "%s/public.pem", token_files);
    file = fopen(path, "we");
    assert_int_equal(PEM_write_PUBKEY(file, pair), 1);
    fclose(file);
    EVP_PKEY_free(pair);
}

static inline int token_files_make(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(token_files));
    token_file_write_pair();
    token_file_write("secret", SECRET "\n");
    token_file_write("set.json", "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"of the set\","
                                 "\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}]}");
    token_file_write("empty.json", "{\"keys\":[]}");
    return 0;
}

static inline int token_files_remove(void **state)
{
    static const char *const names[] = {"private.pem", "public.pem", "secret", "set.json",
                                        "empty.json"};
    char path[100];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", token_files, names[i]);
        unlink(path);
    }
    rmdir(token_files);
    return 0;
}

#endif
