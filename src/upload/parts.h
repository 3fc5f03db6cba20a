/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLOAD_PARTS_H
#define UPLOAD_PARTS_H
/*
 * A multipart body becomes parts: files in a directory, and plain fields. All or nothing is kept.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct upload_parts;

struct upload_parts_limits {
    size_t parts;
    size_t field_bytes;        /* of a plain field */
    size_t kept_bytes;         /* of all plain fields, whose text is kept; 0: it is not */
    size_t open_files;         /* of all uploads that share the count below */
    atomic_size_t *open_count; /* lent */
    /* Whether one file more is allowed, or NULL: 0, or what _feed then returns. */
    int (*take_file)(void *context);
    void *context;
};

/* NULL when content_type is not multipart/form-data that can be read; then *fault tells why. */
struct upload_parts *upload_parts_new(const char *content_type,
                                      const struct upload_parts_limits *limits, int directory,
                                      const char **fault);

/* Whose the files are, for their names: text of 16 hexadecimal digits. Before the first is fed. */
void upload_parts_own(struct upload_parts *parts, const char *owner);

/* Of the files, which the disk has: bytes, and their number. */
void upload_parts_measure(const struct upload_parts *parts, uint64_t *bytes, uint32_t *files);

/* Files that were not kept are gone. */
void upload_parts_free(struct upload_parts *parts);

/* 0; -EPROTO for a malformed body, -E2BIG for a limit: upload_parts_fault() tells what and where;
 * -EBUSY when too many files are open, with a fault that tells it; another negative errno when the
 * disk fails. Nothing may be fed after an error. */
int upload_parts_feed(struct upload_parts *parts, const char *data, size_t length);

/* The body is complete: keeps the files. Errors as above; then none is kept. */
int upload_parts_finish(struct upload_parts *parts);
const char *upload_parts_fault(const struct upload_parts *parts);

/* Bytes that are in memory until the upload ends: names, and plain fields that are kept. */
size_t upload_parts_kept(const struct upload_parts *parts);

/* The files that were kept are not wanted. */
void upload_parts_remove(struct upload_parts *parts);

/* [{"name","fileName","contentType","size","sha256"}, …]. directory: for who may know where the
 * files lie ("file") and what the plain fields hold ("value"); NULL for others. */
void upload_parts_describe(const struct upload_parts *parts, const char *directory,
                           struct buf *text);

#endif
