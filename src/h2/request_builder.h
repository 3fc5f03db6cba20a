/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_REQUEST_BUILDER_H
#define H2_REQUEST_BUILDER_H
/*
 * Makes a request of the header fields as they are decoded, and enforces our limits while they come
 * in: nghttp2 leaves that to us, and a kilobyte on the wire may decode to megabytes. Once a limit
 * is exceeded nothing more is copied. Trailers are held to the same limits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h2_limits;
struct h2_request;
struct h2_request_builder;

struct h2_request_builder *h2_request_builder_new(const struct h2_limits *limits);
void h2_request_builder_free(struct h2_request_builder *builder); /* accepts NULL */

void h2_request_builder_add(struct h2_request_builder *builder, const uint8_t *name,
                            size_t name_length, const uint8_t *value, size_t value_length);

/* The fields go so far beyond their limits that not even decoding the rest is bearable. */
bool h2_request_builder_is_flooded(const struct h2_request_builder *builder);
/* It has to be refused for what its fields do not show. Unless it has to be already. text is
 * borrowed. */
void h2_request_builder_refuse(struct h2_request_builder *builder, int status, const char *text);
/* Nothing more of the block will come: it is refused at any rate. */
void h2_request_builder_stop(struct h2_request_builder *builder);

/* The status with which the fields so far have to be refused, and why; 0: none. */
int h2_request_builder_fault(const struct h2_request_builder *builder, const char **text);

/* The request, with fault and fault_text set when it has to be refused. Frees the builder. */
struct h2_request *h2_request_builder_finish(struct h2_request_builder *builder);

void h2_request_free(struct h2_request *request); /* accepts NULL */

#endif
