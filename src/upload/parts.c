/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"
#include "h2/multipart.h"
#include "upload/quota.h"

#define PART_HEADERS 8u
/* A name of 255 bytes, twice, each of them escaped; and what is around. */
#define HEADER_BYTES 2048u
#define NAME_BYTES   16u
#define DIGEST_BYTES 32u /* SHA-256 */

/*
 * One part of an upload on its way to the disk: counted, hashed, and written to a file that has no
 * name before it is kept, so that a broken upload, or a crash, leaves nothing behind. A part that
 * is a plain field is counted and hashed only.
 */
struct file {
    int directory; /* borrowed */
    int fd;        /* -1: nothing is written */
    bool has_name; /* where the file system knows no nameless files */
    /* Random, behind its owner where it has one (upload/quota.h); what the client calls
     * it is never part of a path. */
    char name[UPLOAD_FILE_NAME_SIZE];
    uint64_t size;
    void *digest;                      /* EVP_MD_CTX */
    char sha256[2 * DIGEST_BYTES + 1]; /* once it has ended */
};

struct part {
    char *name;
    char *file_name; /* NULL: a plain field */
    char *content_type;
    struct file file;
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
    char owner[UPLOAD_OWNER_SIZE]; /* "": nobody's */
    char fault[160];               /* of ours; "": the parser's */
};

/* name ".": a file without one. */
static int open_new(int directory, const char *name, int flags)
{
    const int fd = openat(directory, name, flags | O_WRONLY | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : fd;
}

static int open_file(struct file *file, const char *owner)
{
    int fd = open_new(file->directory, ".", O_TMPFILE);
    const size_t length = strlen(owner);

    memcpy(file->name, owner, length);
    random_hex(file->name + length, NAME_BYTES);
    if (fd == -EOPNOTSUPP || fd == -EISDIR) {
        fd = open_new(file->directory, file->name, O_CREAT | O_EXCL);
        file->has_name = fd >= 0;
    }
    return fd;
}

/* Takes back what was kept. */
static void remove_file(const struct file *file)
{
    if (file->directory >= 0)
        (void)unlinkat(file->directory, file->name, 0);
}

/* What was not kept is gone. */
static void release_file(struct file *file)
{
    EVP_MD_CTX_free(file->digest);
    file->digest = NULL;
    if (file->fd < 0)
        return;
    close(file->fd);
    file->fd = -1;
    if (file->has_name)
        remove_file(file);
}

/* 0 or a negative errno; then nothing is held. directory -1: count and hash only. owner: "" or 16
 * hexadecimal digits. */
static int begin_file(struct file *file, int directory, const char *owner)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();

    *file = (struct file){.directory = directory, .fd = -1};
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(digest);
        return -ENOMEM;
    }
    file->digest = digest;
    if (directory < 0)
        return 0;
    file->fd = open_file(file, owner);
    if (file->fd < 0) {
        int rc = file->fd;

        release_file(file);
        return rc;
    }
    return 0;
}

static int write_file(struct file *file, const char *data, size_t length)
{
    file->size += length;
    if (EVP_DigestUpdate(file->digest, data, length) != 1)
        return -EIO;
    return file->fd < 0 ? 0 : file_write(file->fd, data, length);
}

static int end_file(struct file *file)
{
    unsigned char digest[DIGEST_BYTES];
    unsigned int length = sizeof(digest);

    if (EVP_DigestFinal_ex(file->digest, digest, &length) != 1)
        return -EIO;
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        snprintf(file->sha256 + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(file->digest);
    file->digest = NULL;
    return 0;
}

static int give_name(const struct file *file)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
    if (linkat(AT_FDCWD, path, file->directory, file->name, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    return 0;
}

/* It gets its name. */
static int keep_file(struct file *file)
{
    int rc;

    if (file->fd < 0)
        return 0;
    rc = file->has_name ? 0 : give_name(file);
    if (rc == 0) {
        close(file->fd);
        file->fd = -1;
    }
    return rc;
}

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
    struct file file;
    int rc = described->file_name ? count_file(parts) : 0;

    if (rc == 0)
        rc = begin_file(&file, described->file_name ? parts->directory : -1, parts->owner);
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
    return rc < 0 ? rc : write_file(&part->file, data, length);
}

size_t upload_parts_kept(const struct upload_parts *parts)
{
    return parts->kept + parts->described;
}

static int on_part_end(void *context)
{
    struct upload_parts *parts = context;

    return end_file(&parts->parts[parts->count - 1].file);
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

        release_file(&part->file);
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
            remove_file(&parts->parts[i].file);
    }
}

void upload_parts_remove(struct upload_parts *parts)
{
    remove_first(parts, parts->count);
}

int upload_parts_finish(struct upload_parts *parts)
{
    int rc = h2_multipart_finish(parts->multipart);

    for (size_t i = 0; rc == 0 && i < parts->count; i++) {
        rc = keep_file(&parts->parts[i].file);
        if (rc < 0)
            remove_first(parts, i);
    }
    return rc;
}

const char *upload_parts_fault(const struct upload_parts *parts)
{
    return parts->fault[0] != '\0' ? parts->fault : h2_multipart_fault(parts->multipart);
}

static void describe_place(const struct part *part, const char *directory, struct buf *text)
{
    struct buf path = BUF_INIT;

    buf_printf(&path, "%s/%s", directory, part->file.name);
    if (part->file_name)
        json_text_member(text, "file", buf_str(&path));
    else
        json_text_member(text, "value", buf_str(&part->value));
    buf_release(&path);
}

static void describe(const struct part *part, const char *directory, struct buf *text)
{
    buf_append_char(text, '{');
    json_text_member(text, "name", part->name);
    json_text_member(text, "fileName", part->file_name);
    json_text_member(text, "contentType", part->content_type);
    buf_append_str(text, ",\"size\":");
    json_text_number(text, part->file.size);
    json_text_member(text, "sha256", part->file.sha256);
    if (directory)
        describe_place(part, directory, text);
    buf_append_char(text, '}');
}

void upload_parts_describe(const struct upload_parts *parts, const char *directory,
                           struct buf *text)
{
    buf_append_char(text, '[');
    for (size_t i = 0; i < parts->count; i++) {
        json_text_next(text);
        describe(&parts->parts[i], directory, text);
    }
    buf_append_char(text, ']');
}
