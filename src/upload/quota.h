/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLOAD_QUOTA_H
#define UPLOAD_QUOTA_H
/*
 * What uploads may take of the disks: bytes and files of a user and of a service, under way and
 * kept, the files that are open, and the free space, which two uploads cannot be granted both. One
 * for all workers and services, with a lock: an upload asks it a few times, and never waits for a
 * disk with it. Files that an application has taken, or that were removed, no longer count.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLOAD_OWNER_SIZE     17u /* 64 bits of a hash in hex, and a NUL */
#define UPLOAD_FILE_NAME_SIZE (UPLOAD_OWNER_SIZE + 32u)

/* services[].limits.…; 0: any number. */
struct upload_limits {
    uint64_t user_bytes, bytes;
    uint32_t user_files, user_open_files, files;
};

/* Which of them. */
enum upload_limit {
    UPLOAD_USER_BYTES,
    UPLOAD_USER_FILES,
    UPLOAD_USER_OPEN_FILES,
    UPLOAD_BYTES,
    UPLOAD_FILES,
    UPLOAD_LIMITS
};

struct upload_quota;
struct upload_owner;

/* Of one service; copied. directory: where it keeps its uploads. */
struct upload_quota_service {
    const struct upload_limits *limits;
    const char *directory;
    uint32_t age_ms; /* files older than that go; 0: they stay */
};

/* One upload's part. */
struct upload_claim {
    struct upload_quota *quota; /* NULL: nothing is claimed */
    size_t service;
    struct upload_owner *owner;
    size_t disk;
    uint64_t reserved;    /* bytes, */
    uint64_t written;     /* and how many of them the disk has */
    uint32_t files, open; /* of these, those that take a descriptor */
    uint64_t kept_bytes;  /* once it is over: what the claim still answers for */
    uint32_t kept_files;
    enum upload_limit limit; /* with -EDQUOT */
};

/* open_most: files of all uploads that may be open. */
struct upload_quota *upload_quota_new(const struct upload_quota_service *services, size_t count,
                                      uint32_t open_most);
/* Other limits and ages; the directories stay. Counts anew. Any thread. */
void upload_quota_change(struct upload_quota *quota, const struct upload_quota_service *services);
void upload_quota_free(struct upload_quota *quota);

/* A user, as it stands in the names of its files: so they can be counted again after a restart. */
void upload_quota_owner(const char *tenant_id, const char *user_id, char owner[UPLOAD_OWNER_SIZE]);

/* Begins a claim of no bytes. 0 or a negative errno (of the directory). This and
 * upload_claim_bytes() ask the disk, and may have to wait for it; nobody else waits meanwhile. */
int upload_claim_begin(struct upload_claim *claim, struct upload_quota *quota, size_t service,
                       const char *owner, int directory);

/* So many bytes in all; one file more. 0; -EDQUOT: claim->limit is exceeded; -ENOSPC: the disk
 * would have less left than its reserve; -EMFILE: too many files are open. */
int upload_claim_bytes(struct upload_claim *claim, int directory, uint64_t bytes);
int upload_claim_file(struct upload_claim *claim);
/* The disk has so many bytes more, or will not get them. */
void upload_claim_wrote(struct upload_claim *claim, uint64_t bytes);

/* What was kept in the end: the claim answers for this until it is left or given back. */
void upload_claim_keep(struct upload_claim *claim, uint64_t bytes, uint32_t files);
/* What was kept stays, and goes on to count for its user. */
void upload_claim_leave(struct upload_claim *claim);
/* All of it is gone, or somebody else's. Harmless without a claim, and twice. */
void upload_claim_release(struct upload_claim *claim);

/* ---- for the thread that counts what lies in the directories (upload/sweeper.h) ---- */

/* Its directory, and its age as of now. False: there are not so many services. */
bool upload_quota_look(struct upload_quota *quota, size_t service, const char **directory,
                       uint32_t *age_ms);
/* From _begin to _end each file that was there at _begin is told once; what is kept meanwhile is
 * added by itself. */
void upload_quota_count_begin(struct upload_quota *quota, size_t service);
void upload_quota_count_file(struct upload_quota *quota, size_t service, const char *owner,
                             uint64_t bytes);
void upload_quota_count_end(struct upload_quota *quota, size_t service);

/* Waits until it is told to stop (false), somebody was refused for what is kept, or the time is
 * over (0: for ever). */
bool upload_quota_wait(struct upload_quota *quota, uint32_t most_ms);
void upload_quota_stop(struct upload_quota *quota);

/* For metrics, of one service: under way and kept. */
void upload_quota_usage(struct upload_quota *quota, size_t service, uint64_t *bytes,
                        uint64_t *files);

#endif
