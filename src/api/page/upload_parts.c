/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/upload_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_text.h"
#include "api/page/upload_file.h"
#include "base/mem.h"
#include "h2/multipart.h"

#define PART_HEADERS 8u
/* A name of 255 bytes, twice, each of them escaped; and what is around. */
#define HEADER_BYTES 2048u

struct part {
    char *name;
    char *file_name; /* NULL: a plain field */
    char *content_type;
    struct upload_file file;
    struct buf value; /* of a plain field, when it is kept */
};

struct upload_parts {
    struct h2_multipart *multipart;
    struct upload_parts_limits limits;
    int directory;
    size_t count;
    size_t open_files; /* its share of limits.open_count */
    size_t kept;       /* bytes of values */
    size_t described;  /* of what is known of the parts */
    struct part *parts;
    char owner[UPLOAD_FILE_OWNER_SIZE]; /* "": nobody's */
    char fault[160];                    /* of ours; "": the parser's */
};

/* Until all of an upload is kept, each of its files takes a descriptor. */
static int count_file(struct upload_parts *parts)
{
    if (atomic_fetch_add(parts->limits.open_count, 1) >= parts->limits.open_files) {
        atomic_fetch_sub(parts->limits.open_count, 1);
        snprintf(parts->fault, sizeof(parts->fault),
                 "%zu files are being uploaded, which is all that there is room for; try again "
                 "when some are done",
                 parts->limits.open_files);
        return -EBUSY;
    }
    if (parts->limits.take_file) {
        int rc = parts->limits.take_file(parts->limits.context);

        if (rc < 0) {
            atomic_fetch_sub(parts->limits.open_count, 1);
            return rc;
        }
    }
    parts->open_files++;
    return 0;
}

static int on_part(void *context, const struct h2_multipart_part *described)
{
    struct upload_parts *parts = context;
    struct part *part;
    struct upload_file file;
    int rc = described->file_name ? count_file(parts) : 0;

    if (rc == 0)
        rc = upload_file_open(&file, described->file_name ? parts->directory : -1,
                              parts->owner[0] != '\0' ? parts->owner : NULL);
    if (rc < 0)
        return rc;
    parts->parts = mem_realloc(parts->parts, (parts->count + 1) * sizeof(parts->parts[0]));
    part = &parts->parts[parts->count++];
    *part = (struct part){
        .name = mem_strdup(described->name),
        .file_name = mem_strdup(described->file_name),
        .content_type = mem_strdup(described->content_type),
        .file = file,
    };
    parts->described += sizeof(*part) + strlen(part->name) + strlen(part->content_type) +
                        (part->file_name ? strlen(part->file_name) : 0);
    return 0;
}

static int keep_value(struct upload_parts *parts, struct part *part, const char *data,
                      size_t length)
{
    if (part->file_name || parts->limits.kept_bytes == 0)
        return 0;
    if (parts->kept + length > parts->limits.kept_bytes) {
        snprintf(parts->fault, sizeof(parts->fault),
                 "the plain fields have more than %zu bytes together; send the large ones as files",
                 parts->limits.kept_bytes);
        return -E2BIG;
    }
    parts->kept += length;
    buf_append(&part->value, data, length);
    return 0;
}

static int on_data(void *context, const char *data, size_t length)
{
    struct upload_parts *parts = context;
    struct part *part = &parts->parts[parts->count - 1];
    int rc = keep_value(parts, part, data, length);

    if (!part->file_name && part->file.size + length > parts->limits.field_bytes) {
        snprintf(parts->fault, sizeof(parts->fault),
                 "part %zu is a plain field of more than %zu bytes; send it as a file",
                 parts->count, parts->limits.field_bytes);
        return -E2BIG;
    }
    return rc < 0 ? rc : upload_file_write(&part->file, data, length);
}

size_t upload_parts_kept(const struct upload_parts *parts)
{
    return parts->kept + parts->described;
}

static int on_part_end(void *context)
{
    struct upload_parts *parts = context;

    return upload_file_end(&parts->parts[parts->count - 1].file);
}

static const struct h2_multipart_handler handler = {
    .on_part = on_part,
    .on_data = on_data,
    .on_part_end = on_part_end,
};

struct upload_parts *upload_parts_new(const char *content_type,
                                      const struct upload_parts_limits *limits, int directory,
                                      const char **fault)
{
    struct upload_parts *parts = mem_zalloc(sizeof(*parts));
    const struct h2_multipart_limits multipart_limits = {
        .parts = limits->parts,
        .part_headers = PART_HEADERS,
        .header_bytes = HEADER_BYTES,
    };

    parts->limits = *limits;
    parts->directory = directory;
    parts->multipart = h2_multipart_new(content_type, &multipart_limits, &handler, parts, fault);
    if (parts->multipart)
        return parts;
    free(parts);
    return NULL;
}

void upload_parts_own(struct upload_parts *parts, const char *owner)
{
    snprintf(parts->owner, sizeof(parts->owner), "%s", owner);
}

void upload_parts_measure(const struct upload_parts *parts, uint64_t *bytes, uint32_t *files)
{
    *bytes = 0;
    *files = 0;
    for (size_t i = 0; i < parts->count; i++) {
        if (!parts->parts[i].file_name)
            continue;
        *bytes += parts->parts[i].file.size;
        (*files)++;
    }
}

void upload_parts_free(struct upload_parts *parts)
{
    if (!parts)
        return;
    for (size_t i = 0; i < parts->count; i++) {
        struct part *part = &parts->parts[i];

        upload_file_release(&part->file);
        free(part->name);
        free(part->file_name);
        free(part->content_type);
        buf_release(&part->value);
    }
    free(parts->parts);
    atomic_fetch_sub(parts->limits.open_count, parts->open_files);
    h2_multipart_free(parts->multipart);
    free(parts);
}

int upload_parts_feed(struct upload_parts *parts, const char *data, size_t length)
{
    return h2_multipart_feed(parts->multipart, data, length);
}

static void remove_first(const struct upload_parts *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts->parts[i].file_name)
            upload_file_remove(&parts->parts[i].file);
    }
}

static int keep_all(struct upload_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        int rc = upload_file_keep(&parts->parts[i].file);

        if (rc == 0)
            continue;
        remove_first(parts, i);
        return rc;
    }
    return 0;
}

void upload_parts_remove(struct upload_parts *parts)
{
    remove_first(parts, parts->count);
}

int upload_parts_finish(struct upload_parts *parts)
{
    int rc = h2_multipart_finish(parts->multipart);

    return rc < 0 ? rc : keep_all(parts);
}

const char *upload_parts_fault(const struct upload_parts *parts)
{
    return parts->fault[0] != '\0' ? parts->fault : h2_multipart_fault(parts->multipart);
}

static void describe_place(const struct part *part, const char *directory, struct buf *text)
{
    struct buf path = BUF_INIT;

    if (!part->file_name) {
        buf_append_str(text, ",\"value\":");
        json_text_string(text, buf_str(&part->value));
        return;
    }
    buf_printf(&path, "%s/%s", directory, part->file.name);
    buf_append_str(text, ",\"file\":");
    json_text_string(text, buf_str(&path));
    buf_release(&path);
}

static void describe(const struct part *part, const char *directory, struct buf *text)
{
    buf_append_str(text, "{\"name\":");
    json_text_string(text, part->name);
    buf_append_str(text, ",\"fileName\":");
    if (part->file_name)
        json_text_string(text, part->file_name);
    else
        buf_append_str(text, "null");
    buf_append_str(text, ",\"contentType\":");
    json_text_string(text, part->content_type);
    buf_append_str(text, ",\"size\":");
    json_text_number(text, part->file.size);
    buf_append_str(text, ",\"sha256\":");
    json_text_string(text, part->file.sha256);
    if (directory)
        describe_place(part, directory, text);
    buf_append_char(text, '}');
}

void upload_parts_describe(const struct upload_parts *parts, const char *directory,
                           struct buf *text)
{
    buf_append_char(text, '[');
    for (size_t i = 0; i < parts->count; i++) {
        if (i > 0)
            buf_append_char(text, ',');
        describe(&parts->parts[i], directory, text);
    }
    buf_append_char(text, ']');
}
