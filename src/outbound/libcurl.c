/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/libcurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"

#define FILE_NAME "libcurl.so.4"

/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and lists of parameters cannot stand in them */
/* What a function returns, its name, its parameters, and these as arguments. */
#define EACH_PASSED(DO)                                                                            \
    DO(CURL *, easy_init, (void), ())                                                              \
    DO(void, easy_cleanup, (CURL *curl), (curl))                                                   \
    DO(void, easy_reset, (CURL *curl), (curl))                                                     \
    DO(CURLcode, easy_perform, (CURL *curl), (curl))                                               \
    DO(CURLcode, easy_pause, (CURL *handle, int bitmask), (handle, bitmask))                       \
    DO(const char *, easy_strerror, (CURLcode code), (code))                                       \
    DO(CURLHcode, easy_header,                                                                     \
       (CURL *easy, const char *name, size_t index, unsigned origin, int request,                  \
        struct curl_header **hout),                                                                \
       (easy, name, index, origin, request, hout))                                                 \
    DO(CURLM *, multi_init, (void), ())                                                            \
    DO(CURLMcode, multi_cleanup, (CURLM *multi_handle), (multi_handle))                            \
    DO(CURLMcode, multi_add_handle, (CURLM *multi_handle, CURL *curl_handle),                      \
       (multi_handle, curl_handle))                                                                \
    DO(CURLMcode, multi_remove_handle, (CURLM *multi_handle, CURL *curl_handle),                   \
       (multi_handle, curl_handle))                                                                \
    DO(CURLMcode, multi_assign, (CURLM *multi_handle, curl_socket_t sockfd, void *sockp),          \
       (multi_handle, sockfd, sockp))                                                              \
    DO(CURLMcode, multi_socket_action,                                                             \
       (CURLM *multi_handle, curl_socket_t s, int ev_bitmask, int *running_handles),               \
       (multi_handle, s, ev_bitmask, running_handles))                                             \
    DO(CURLMsg *, multi_info_read, (CURLM *multi_handle, int *msgs_in_queue),                      \
       (multi_handle, msgs_in_queue))                                                              \
    DO(curl_version_info_data *, version_info, (CURLversion version), (version))                   \
    DO(struct curl_slist *, slist_append, (struct curl_slist *list, const char *data),             \
       (list, data))                                                                               \
    DO(void, slist_free_all, (struct curl_slist *list), (list))
/* Those that are called here, or take any argument, too. */
#define EACH_FUNCTION(DO)                                                                          \
    EACH_PASSED(DO)                                                                                \
    DO(CURLcode, global_init_mem, , )                                                              \
    DO(CURLcode, easy_setopt, , )                                                                  \
    DO(CURLcode, easy_getinfo, , )                                                                 \
    DO(CURLMcode, multi_setopt, , )

#define MEMBER(type, name, parameters, arguments) __typeof__(curl_##name) *(name);
#define NAME(type, name, parameters, arguments)   "curl_" #name,
#define PASS(type, name, parameters, arguments)                                                    \
    type curl_##name parameters                                                                    \
    {                                                                                              \
        return functions.name arguments;                                                           \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
/* clang-format on */

static const char *const names[] = {EACH_FUNCTION(NAME)};

#define FUNCTIONS (sizeof(names) / sizeof(names[0]))

union functions {
    struct {
        EACH_FUNCTION(MEMBER)
    };
    void *each[FUNCTIONS];
};

/* A process loads a library once. */
static union functions functions;
static atomic_bool is_loaded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of who loads */

/* libcurl 7.88 does not survive every allocation that fails (it divides by the size of a table that
 * it has not got, or forgets its own timer), and what it asks for is small: it ends the process, as
 * our own allocations do. */
static void *curl_alloc(size_t size)
{
    if (fault_allocation(FAULT_HTTP))
        mem_fail(size);
    return mem_alloc(size);
}

static void *curl_zalloc(size_t count, size_t size)
{
    if (fault_allocation(FAULT_HTTP) || (size > 0 && count > SIZE_MAX / size))
        mem_fail(size);
    return mem_zalloc(count * size);
}

static void *curl_realloc(void *memory, size_t size)
{
    if (fault_allocation(FAULT_HTTP))
        mem_fail(size);
    return mem_realloc(memory, size);
}

static bool load(void)
{
    void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    bool has_all = library != NULL;

    for (size_t i = 0; i < FUNCTIONS && has_all; i++) {
        functions.each[i] = dlsym(library, names[i]);
        has_all = functions.each[i] != NULL;
    }
    if (!has_all) {
        log_error("libcurl cannot be loaded: no request to a back end can be made",
                  LOG_STR("reason", dlerror()));
        return false;
    }
    return functions.global_init_mem(CURL_GLOBAL_DEFAULT, curl_alloc, free, curl_realloc,
                                     mem_strdup, curl_zalloc) == CURLE_OK;
}

bool libcurl_load(void)
{
    if (libcurl_is_loaded())
        return true;
    pthread_mutex_lock(&mutex);
    const bool was_loaded = libcurl_is_loaded() || load();
    atomic_store_explicit(&is_loaded, was_loaded, memory_order_release);
    pthread_mutex_unlock(&mutex);
    return was_loaded;
}

bool libcurl_is_loaded(void)
{
    return atomic_load_explicit(&is_loaded, memory_order_acquire);
}

/* ---- the functions ---- */

EACH_PASSED(PASS)

/* One argument follows, of the type that the number of the option tells. */
#define SET(set, handle, option, arguments)                                                        \
    ((option) < CURLOPTTYPE_OBJECTPOINT ? set(handle, option, va_arg(arguments, long))             \
     : (option) >= CURLOPTTYPE_OFF_T && (option) < CURLOPTTYPE_BLOB                                \
         ? set(handle, option, va_arg(arguments, curl_off_t))                                      \
         : set(handle, option, va_arg(arguments, void *)))

/* Names in parentheses are not those macros of curl.h that look at types where they are called. */
CURLcode(curl_easy_setopt)(CURL *curl, CURLoption option, ...)
{
    va_list arguments;

    va_start(arguments, option);
    const CURLcode code = /* NOLINTNEXTLINE(bugprone-branch-clone): the types differ */
        SET(functions.easy_setopt, curl, option, arguments);
    va_end(arguments);
    return code;
}

CURLMcode(curl_multi_setopt)(CURLM *multi_handle, CURLMoption option, ...)
{
    va_list arguments;

    va_start(arguments, option);
    const CURLMcode code = /* NOLINTNEXTLINE(bugprone-branch-clone): the types differ */
        SET(functions.multi_setopt, multi_handle, option, arguments);
    va_end(arguments);
    return code;
}

CURLcode(curl_easy_getinfo)(CURL *curl, CURLINFO info, ...)
{
    va_list arguments;

    va_start(arguments, info);
    const CURLcode code = functions.easy_getinfo(curl, info, va_arg(arguments, void *));
    va_end(arguments);
    return code;
}
