/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/authorities.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct outbound_authorities {
    atomic_uint refs;
    atomic_bool is_read;
    pthread_mutex_t mutex; /* of who reads */
    X509_STORE *store;
    char *file; /* NULL: the system's */
};

struct outbound_authorities *outbound_authorities_new(const char *file)
{
    struct outbound_authorities *authorities = mem_zalloc(sizeof(*authorities));

    atomic_init(&authorities->refs, 1);
    pthread_mutex_init(&authorities->mutex, NULL);
    if (file && file[0] != '\0')
        authorities->file = mem_strdup(file);
    return authorities;
}

struct outbound_authorities *outbound_authorities_ref(struct outbound_authorities *authorities)
{
    atomic_fetch_add_explicit(&authorities->refs, 1, memory_order_relaxed);
    return authorities;
}

void outbound_authorities_unref(struct outbound_authorities *authorities)
{
    if (!authorities || atomic_fetch_sub_explicit(&authorities->refs, 1, memory_order_acq_rel) > 1)
        return;
    X509_STORE_free(authorities->store);
    pthread_mutex_destroy(&authorities->mutex);
    free(authorities->file);
    free(authorities);
}

static X509_STORE *read_store(const char *file)
{
    X509_STORE *store = X509_STORE_new();

    /* As libcurl has it. */
    if (store && X509_STORE_load_file(store, file) == 1 &&
        X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN) == 1)
        return store;
    log_error("the certificates of back ends' authorities cannot be read (outbound.caFile)",
              LOG_STR("file", file));
    X509_STORE_free(store);
    ERR_clear_error();
    return NULL;
}

static X509_STORE *read_system_store(void)
{
    X509_STORE *store = NULL;
    char *file = NULL;
    CURL *easy = curl_easy_init();

    if (easy && curl_easy_getinfo(easy, CURLINFO_CAINFO, &file) == CURLE_OK && file)
        store = read_store(file);
    curl_easy_cleanup(easy);
    return store;
}

void outbound_authorities_read(struct outbound_authorities *authorities)
{
    pthread_mutex_lock(&authorities->mutex);
    if (!outbound_authorities_are_read(authorities)) {
        authorities->store =
            authorities->file ? read_store(authorities->file) : read_system_store();
        atomic_store_explicit(&authorities->is_read, true, memory_order_release);
    }
    pthread_mutex_unlock(&authorities->mutex);
}

bool outbound_authorities_are_read(struct outbound_authorities *authorities)
{
    return atomic_load_explicit(&authorities->is_read, memory_order_acquire);
}

struct x509_store_st *outbound_authorities_store(struct outbound_authorities *authorities)
{
    return authorities && outbound_authorities_are_read(authorities) ? authorities->store : NULL;
}
