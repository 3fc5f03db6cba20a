/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CLIENT_INFO_H
#define SSE_CLIENT_INFO_H
/*
 * What the page and its request said about themselves, kept for `connections` and handlers. Packed
 * for storage: texts that browsers have in common are interned, the others lie in one block.
 */
#include <stdint.h>

struct sse_intern;
struct sse_packed_info;

/* "" where nothing was said. */
struct sse_client_info {
    const char *client_id;
    const char *client_version;
    const char *client_instance_id;
    const char *client_instance_time;
    const char *client_import_module_time;
    const char *location_href;
    const char *screen;
    const char *total_js_heap_size;
    const char *used_js_heap_size;
    const char *js_heap_size_limit;
    const char *request_ip;
    const char *request_tls;    /* "TLSv1.3 TLS_AES_128_GCM_SHA256" */
    const char *request_domain; /* scheme://authority */
    const char *user_agent;
    const char *http_parameters; /* JSON as text (sse/parameters.h), secrets already masked */
    const char *http_headers;    /* JSON object as text, the same */
    int64_t access_time;         /* epoch ms */
    int64_t session_duration;    /* seconds, as the page counted them so far */
};

/* Copies the texts (NULL counts as ""). The two numbers are not kept here. */
struct sse_packed_info *sse_client_info_pack(const struct sse_client_info *info,
                                             struct sse_intern *intern);
/* Fills in the texts of *info, borrowed from packed. */
void sse_client_info_unpack(const struct sse_packed_info *packed, struct sse_client_info *info);
void sse_client_info_free(struct sse_packed_info *packed, struct sse_intern *intern);

#endif
