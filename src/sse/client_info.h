/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CLIENT_INFO_H
#define SSE_CLIENT_INFO_H
/*
 * What the page and its request said about themselves, kept for `connections` and handlers. Packed
 * for storage: texts that browsers have in common (their name, their header fields) are held once
 * for all connections of a service in a worker, the others lie in one block.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sse_intern; /* the texts that connections have in common */
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
    /* JSON as text, secrets already masked: an object with the page's own parameters as texts, and
     * those that the server understands as 0 where the text is another member of the info, else as
     * an array with the text; all in the order of the query. */
    const char *http_parameters;
    const char *http_headers; /* JSON object as text, the same */
    int64_t access_time;      /* epoch ms */
    int64_t session_duration; /* seconds, as the page counted them so far */
};

struct sse_intern *sse_intern_new(void);
void sse_intern_free(struct sse_intern *intern); /* every info must have been freed */

/* Copies the texts (NULL counts as ""). The two numbers are not kept here. */
struct sse_packed_info *sse_client_info_pack(const struct sse_client_info *info,
                                             struct sse_intern *intern);
/* Fills in the texts of *info, borrowed from packed. */
void sse_client_info_unpack(const struct sse_packed_info *packed, struct sse_client_info *info);
void sse_client_info_free(struct sse_packed_info *packed, struct sse_intern *intern);

/* Whether the parameter of this name is a member of the info. */
bool sse_parameters_is_member(const char *name);
/* Objects of texts: what of the query is the page's own, or all of it. A new reference. */
json_t *sse_parameters_own(const struct sse_client_info *info);
json_t *sse_parameters_all(const struct sse_client_info *info);

#endif
