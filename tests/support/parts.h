/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_PARTS_H
#define SUPPORT_PARTS_H
/* Writes down what a multipart parser tells: "[name|file name|content type]data;" for each part. */
#include <assert.h>
#include <stdio.h>

#include "base/buf.h"
#include "h2/multipart.h"

static const struct h2_multipart_limits parts_limits = {64, 8, 1024};

static int parts_on_part(void *context, const struct h2_multipart_part *part)
{
    buf_printf(context, "[%s|%s|%s]", part->name, part->file_name ? part->file_name : "-",
               part->content_type);
    return 0;
}

static int parts_on_data(void *context, const char *data, size_t length)
{
    assert(length > 0);
    buf_append(context, data, length);
    return 0;
}

static int parts_on_part_end(void *context)
{
    buf_append_char(context, ';');
    return 0;
}

/* Its context is a struct buf. */
static const struct h2_multipart_handler parts_recorder = {parts_on_part, parts_on_data,
                                                           parts_on_part_end};

/* Feeds the body in slices of that many bytes and appends to record; boundary is "b". What
 * h2_multipart_finish() returned, whose fault must be told exactly when it is ours. */
static inline int parts_read(const char *body, size_t length, size_t slice, struct buf *record)
{
    const char *fault;
    struct h2_multipart *multipart = h2_multipart_new(
        "multipart/form-data; boundary=b", &parts_limits, &parts_recorder, record, &fault);
    int rc = 0;
    int result;

    assert(multipart);
    for (size_t at = 0; at < length && rc == 0; at += slice)
        rc = h2_multipart_feed(multipart, body + at, length - at < slice ? length - at : slice);
    result = h2_multipart_finish(multipart);
    assert(rc == 0 || rc == result);
    assert((result == 0) == (*h2_multipart_fault(multipart) == '\0'));
    h2_multipart_free(multipart);
    return result;
}

#endif
