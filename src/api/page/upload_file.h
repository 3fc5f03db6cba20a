/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_UPLOAD_FILE_H
#define API_UPLOAD_FILE_H
/*
 * One part of an upload on its way to the disk: counted, hashed, and written to a file that has no
 * name before it is kept, so that a broken upload, or a crash, leaves nothing behind. A part that
 * is a plain field is counted and hashed only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLOAD_FILE_OWNER_SIZE  17u
#define UPLOAD_FILE_NAME_SIZE   (UPLOAD_FILE_OWNER_SIZE + 32u)
#define UPLOAD_FILE_DIGEST_SIZE 65u /* SHA-256 in hex, and a NUL */

struct upload_file {
    int directory; /* borrowed */
    int fd;        /* -1: nothing is written */
    bool has_name; /* where the file system knows no nameless files */
    /* Random, behind its owner where it has one (api/limit/upload_quota.h); what the client calls
     * it is never part of a path. */
    char name[UPLOAD_FILE_NAME_SIZE];
    uint64_t size;
    void *digest;                         /* EVP_MD_CTX */
    char sha256[UPLOAD_FILE_DIGEST_SIZE]; /* once it has ended */
};

/* 0 or a negative errno; then nothing is held. directory -1: count and hash only. owner: NULL or 16
 * hexadecimal digits. */
int upload_file_open(struct upload_file *file, int directory, const char *owner);

/* True for the name of a file with an owner, which is copied. */
bool upload_file_owner(const char *name, char owner[UPLOAD_FILE_OWNER_SIZE]);
int upload_file_write(struct upload_file *file, const char *data, size_t length);
int upload_file_end(struct upload_file *file);  /* nothing more comes */
int upload_file_keep(struct upload_file *file); /* it gets its name */

/* What was not kept is gone. */
void upload_file_release(struct upload_file *file);

/* Takes back what was kept. */
void upload_file_remove(const struct upload_file *file);

#endif
