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

#define EACH_FUNCTION(DO)                                                                          \
    DO(easy_cleanup)                                                                               \
    DO(easy_getinfo)                                                                               \
    DO(easy_header)                                                                                \
    DO(easy_init)                                                                                  \
    DO(easy_pause)                                                                                 \
    DO(easy_perform)                                                                               \
    DO(easy_reset)                                                                                 \
    DO(easy_setopt)                                                                                \
    DO(easy_strerror)                                                                              \
    DO(global_init_mem)                                                                            \
    DO(multi_add_handle)                                                                           \
    DO(multi_assign)                                                                               \
    DO(multi_cleanup)                                                                              \
    DO(multi_info_read)                                                                            \
    DO(multi_init)                                                                                 \
    DO(multi_remove_handle)                                                                        \
    DO(multi_setopt)                                                                               \
    DO(multi_socket_action)                                                                        \
    DO(slist_append)                                                                               \
    DO(slist_free_all)                                                                             \
    DO(version_info)

#define MEMBER(name) __typeof__(curl_##name) *(name);
#define NAME(name)   "curl_" #name,

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

/* ---- the functions, whose names in parentheses are not those macros of curl.h that look at types
 * where they are called ---- */

CURL *curl_easy_init(void)
{
    return functions.easy_init();
}

void curl_easy_cleanup(CURL *curl)
{
    functions.easy_cleanup(curl);
}

void curl_easy_reset(CURL *curl)
{
    functions.easy_reset(curl);
}

CURLcode curl_easy_perform(CURL *curl)
{
    return functions.easy_perform(curl);
}

CURLcode curl_easy_pause(CURL *handle, int bitmask)
{
    return functions.easy_pause(handle, bitmask);
}

const char *curl_easy_strerror(CURLcode code)
{
    return functions.easy_strerror(code);
}

CURLHcode curl_easy_header(CURL *easy, const char *name, size_t index, unsigned origin, int request,
                           struct curl_header **hout)
{
    return functions.easy_header(easy, name, index, origin, request, hout);
}

/* One argument follows, of the type that the number of the option tells. */
#define SET(set, handle, option, arguments)                                                        \
    ((option) < CURLOPTTYPE_OBJECTPOINT ? set(handle, option, va_arg(arguments, long))             \
     : (option) >= CURLOPTTYPE_OFF_T && (option) < CURLOPTTYPE_BLOB                                \
         ? set(handle, option, va_arg(arguments, curl_off_t))                                      \
         : set(handle, option, va_arg(arguments, void *)))

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

CURLM *curl_multi_init(void)
{
    return functions.multi_init();
}

CURLMcode curl_multi_cleanup(CURLM *multi_handle)
{
    return functions.multi_cleanup(multi_handle);
}

CURLMcode curl_multi_add_handle(CURLM *multi_handle, CURL *curl_handle)
{
    return functions.multi_add_handle(multi_handle, curl_handle);
}

CURLMcode curl_multi_remove_handle(CURLM *multi_handle, CURL *curl_handle)
{
    return functions.multi_remove_handle(multi_handle, curl_handle);
}

CURLMcode curl_multi_assign(CURLM *multi_handle, curl_socket_t sockfd, void *sockp)
{
    return functions.multi_assign(multi_handle, sockfd, sockp);
}

CURLMcode curl_multi_socket_action(CURLM *multi_handle, curl_socket_t s, int ev_bitmask,
                                   int *running_handles)
{
    return functions.multi_socket_action(multi_handle, s, ev_bitmask, running_handles);
}

CURLMsg *curl_multi_info_read(CURLM *multi_handle, int *msgs_in_queue)
{
    return functions.multi_info_read(multi_handle, msgs_in_queue);
}

curl_version_info_data *curl_version_info(CURLversion version)
{
    return functions.version_info(version);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *data)
{
    return functions.slist_append(list, data);
}

void curl_slist_free_all(struct curl_slist *list)
{
    functions.slist_free_all(list);
}
