/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/quota.h"

#include <errno.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/table.h"
#include "sse/user.h"

/* Left on each disk for whatever else needs it. */
#define RESERVE_BYTES UINT64_C(67108864)
/* Between two counts that refused uploads lead to. */
#define RECOUNT_SECONDS 10
/* So many files more than the latest count has seen are counted again. */
#define RECOUNT_FILES 1000u

struct usage {
    uint64_t bytes, files;
};

struct upload_owner {
    struct table_node node;
    struct upload_owner *next; /* among those to be forgotten */
    unsigned claims;
    uint32_t open;
    struct usage flying; /* of claims */
    struct usage kept;   /* that no claim answers for */
    struct usage added;  /* to that since a count began, */
    struct usage seen;   /* and what that has seen */
    char key[];
};

struct service {
    struct upload_limits limits;
    uint32_t age_ms;
    char *directory;
    struct table owners;
    struct usage flying, kept;
    uint64_t left, found; /* files: since the latest count, and by it */
};

struct disk {
    dev_t device;
    uint64_t granted, written; /* in all; what was not written in the end counts as written */
};

struct upload_quota {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t service_count;
    struct service *services;
    struct disk *disks; /* as many as services at the most */
    size_t disk_count;
    uint32_t open, open_most;
    time_t counted; /* by the monotonic clock */
    bool is_wanted; /* a count */
    bool is_stopped;
};

static void set_limits(struct upload_quota *quota, const struct upload_quota_service *services)
{
    for (size_t i = 0; i < quota->service_count; i++) {
        quota->services[i].limits = *services[i].limits;
        quota->services[i].age_ms = services[i].age_ms;
    }
}

struct upload_quota *upload_quota_new(const struct upload_quota_service *services, size_t count,
                                      uint32_t open_most)
{
    struct upload_quota *quota = mem_zalloc(sizeof(*quota));
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&quota->lock, NULL);
    (void)pthread_cond_init(&quota->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    quota->service_count = count;
    quota->services = mem_zalloc((count + 1) * sizeof(quota->services[0]));
    quota->disks = mem_zalloc((count + 1) * sizeof(quota->disks[0]));
    quota->open_most = open_most;
    set_limits(quota, services);
    for (size_t i = 0; i < count; i++) {
        quota->services[i].directory = mem_strdup(services[i].directory);
        table_init(&quota->services[i].owners, TABLE_BY_TEXT(struct upload_owner, node, key));
    }
    return quota;
}

void upload_quota_change(struct upload_quota *quota, const struct upload_quota_service *services)
{
    (void)pthread_mutex_lock(&quota->lock);
    set_limits(quota, services);
    quota->is_wanted = true;
    (void)pthread_cond_signal(&quota->wake);
    (void)pthread_mutex_unlock(&quota->lock);
}

static void owner_free(struct service *service, struct upload_owner *owner)
{
    table_remove(&service->owners, &owner->node);
    free(owner);
}

void upload_quota_free(struct upload_quota *quota)
{
    if (!quota)
        return;
    for (size_t i = 0; i < quota->service_count; i++) {
        struct service *service = &quota->services[i];
        struct upload_owner *owner;

        while ((owner = table_first(&service->owners)))
            owner_free(service, owner);
        table_release(&service->owners);
        free(service->directory);
    }
    (void)pthread_cond_destroy(&quota->wake);
    (void)pthread_mutex_destroy(&quota->lock);
    free(quota->services);
    free(quota->disks);
    free(quota);
}

void upload_quota_owner(const char *tenant_id, const char *user_id, char owner[UPLOAD_OWNER_SIZE])
{
    char *key = sse_user_key_counted(tenant_id, user_id);
    unsigned char hash[SHA256_DIGEST_LENGTH];

    (void)SHA256((const unsigned char *)key, strlen(key), hash);
    for (size_t i = 0; i < (UPLOAD_OWNER_SIZE - 1) / 2; i++)
        snprintf(owner + 2 * i, 3, "%02x", hash[i]);
    free(key);
}

/* ---- under the lock ---- */

static struct upload_owner *find_owner(struct service *service, const char *key)
{
    struct upload_owner *owner = table_find(&service->owners, key);

    return owner ? owner : table_new_item(&service->owners, key);
}

static bool is_empty(const struct upload_owner *owner)
{
    return owner->claims == 0 && owner->kept.files == 0 && owner->added.files == 0 &&
           owner->seen.files == 0;
}

static size_t find_disk(struct upload_quota *quota, dev_t device)
{
    size_t i = 0;

    while (i < quota->disk_count && quota->disks[i].device != device)
        i++;
    if (i == quota->disk_count)
        quota->disks[quota->disk_count++].device = device;
    return i;
}

static struct service *service_of(const struct upload_claim *claim)
{
    return &claim->quota->services[claim->service];
}

static bool is_above(uint64_t most, uint64_t flying, uint64_t kept, uint64_t more)
{
    return most > 0 && flying + kept + more > most;
}

static time_t monotonic_seconds(void)
{
    return (time_t)(clock_real_ns() / UINT64_C(1000000000));
}

/* What was kept may have been taken by its application since it was counted. */
static void want_count(struct upload_quota *quota)
{
    if (quota->is_wanted || monotonic_seconds() < quota->counted + RECOUNT_SECONDS)
        return;
    quota->is_wanted = true;
    (void)pthread_cond_signal(&quota->wake);
}

static int refuse(struct upload_claim *claim, enum upload_limit limit)
{
    claim->limit = limit;
    if (limit != UPLOAD_USER_OPEN_FILES)
        want_count(claim->quota);
    return -EDQUOT;
}

static void add_usage(struct usage *usage, uint64_t bytes, uint64_t files)
{
    usage->bytes += bytes;
    usage->files += files;
}

static void add(struct upload_claim *claim, uint64_t bytes, uint32_t files)
{
    claim->reserved += bytes;
    claim->files += files;
    add_usage(&claim->owner->flying, bytes, files);
    add_usage(&service_of(claim)->flying, bytes, files);
}

static void subtract(const struct upload_claim *claim, uint64_t bytes, uint64_t files)
{
    add_usage(&claim->owner->flying, -bytes, -files);
    add_usage(&service_of(claim)->flying, -bytes, -files);
}

/* The free space was asked for when so much had been written: what was written since counts twice
 * rather than not at all. */
static int take_bytes(struct upload_claim *claim, uint64_t free_bytes, uint64_t written,
                      uint64_t more)
{
    const struct service *service = service_of(claim);
    const struct upload_owner *owner = claim->owner;
    const struct upload_limits *limits = &service->limits;
    struct disk *disk = &claim->quota->disks[claim->disk];

    if (is_above(limits->user_bytes, owner->flying.bytes, owner->kept.bytes, more))
        return refuse(claim, UPLOAD_USER_BYTES);
    if (is_above(limits->bytes, service->flying.bytes, service->kept.bytes, more))
        return refuse(claim, UPLOAD_BYTES);
    if (free_bytes < disk->granted - written + more + RESERVE_BYTES)
        return -ENOSPC;
    disk->granted += more;
    add(claim, more, 0);
    return 0;
}

static int take_file(struct upload_claim *claim)
{
    const struct service *service = service_of(claim);
    struct upload_owner *owner = claim->owner;
    const struct upload_limits *limits = &service->limits;

    if (limits->user_open_files > 0 && owner->open >= limits->user_open_files)
        return refuse(claim, UPLOAD_USER_OPEN_FILES);
    if (is_above(limits->user_files, owner->flying.files, owner->kept.files, 1))
        return refuse(claim, UPLOAD_USER_FILES);
    if (is_above(limits->files, service->flying.files, service->kept.files, 1))
        return refuse(claim, UPLOAD_FILES);
    if (claim->quota->open >= claim->quota->open_most)
        return -EMFILE;
    claim->quota->open++;
    owner->open++;
    claim->open++;
    add(claim, 0, 1);
    return 0;
}

static void close_files(struct upload_claim *claim)
{
    claim->quota->open -= claim->open;
    claim->owner->open -= claim->open;
    claim->open = 0;
}

static void end_writing(struct upload_claim *claim)
{
    claim->quota->disks[claim->disk].written += claim->reserved - claim->written;
    claim->written = claim->reserved;
}

static void end_claim(struct upload_claim *claim)
{
    claim->owner->claims--;
    if (is_empty(claim->owner))
        owner_free(service_of(claim), claim->owner);
    claim->quota = NULL;
}

/* ---- claims ---- */

int upload_claim_begin(struct upload_claim *claim, struct upload_quota *quota, size_t service,
                       const char *owner, int directory)
{
    struct stat facts;

    if (fstat(directory, &facts) < 0)
        return -errno;
    *claim = (struct upload_claim){.quota = quota, .service = service, .limit = UPLOAD_LIMITS};
    (void)pthread_mutex_lock(&quota->lock);
    claim->owner = find_owner(service_of(claim), owner);
    claim->owner->claims++;
    claim->disk = find_disk(quota, facts.st_dev);
    (void)pthread_mutex_unlock(&quota->lock);
    return 0;
}

int upload_claim_bytes(struct upload_claim *claim, int directory, uint64_t bytes)
{
    struct statvfs disk;
    uint64_t written;
    int rc;

    if (bytes <= claim->reserved)
        return 0;
    (void)pthread_mutex_lock(&claim->quota->lock);
    written = claim->quota->disks[claim->disk].written;
    (void)pthread_mutex_unlock(&claim->quota->lock);
    if (fstatvfs(directory, &disk) < 0)
        return -errno;
    (void)pthread_mutex_lock(&claim->quota->lock);
    rc = take_bytes(claim, (uint64_t)disk.f_bavail * disk.f_frsize, written,
                    bytes - claim->reserved);
    (void)pthread_mutex_unlock(&claim->quota->lock);
    return rc;
}

int upload_claim_file(struct upload_claim *claim)
{
    int rc;

    (void)pthread_mutex_lock(&claim->quota->lock);
    rc = take_file(claim);
    (void)pthread_mutex_unlock(&claim->quota->lock);
    return rc;
}

void upload_claim_wrote(struct upload_claim *claim, uint64_t bytes)
{
    if (bytes > claim->reserved - claim->written)
        bytes = claim->reserved - claim->written;
    (void)pthread_mutex_lock(&claim->quota->lock);
    claim->written += bytes;
    claim->quota->disks[claim->disk].written += bytes;
    (void)pthread_mutex_unlock(&claim->quota->lock);
}

void upload_claim_keep(struct upload_claim *claim, uint64_t bytes, uint32_t files)
{
    (void)pthread_mutex_lock(&claim->quota->lock);
    end_writing(claim);
    close_files(claim);
    subtract(claim, claim->reserved - bytes, claim->files - files);
    claim->reserved = claim->written = claim->kept_bytes = bytes;
    claim->files = claim->kept_files = files;
    (void)pthread_mutex_unlock(&claim->quota->lock);
}

void upload_claim_leave(struct upload_claim *claim)
{
    struct upload_quota *quota = claim->quota;
    struct service *service = service_of(claim);

    (void)pthread_mutex_lock(&quota->lock);
    subtract(claim, claim->kept_bytes, claim->kept_files);
    add_usage(&claim->owner->kept, claim->kept_bytes, claim->kept_files);
    add_usage(&claim->owner->added, claim->kept_bytes, claim->kept_files);
    add_usage(&service->kept, claim->kept_bytes, claim->kept_files);
    service->left += claim->kept_files;
    /* Else whoever had a file that has been taken would be remembered until somebody is refused. */
    if (service->left >= service->found + RECOUNT_FILES)
        want_count(quota);
    end_claim(claim);
    (void)pthread_mutex_unlock(&quota->lock);
}

void upload_claim_release(struct upload_claim *claim)
{
    struct upload_quota *quota = claim->quota;

    if (!quota)
        return;
    (void)pthread_mutex_lock(&quota->lock);
    end_writing(claim);
    close_files(claim);
    subtract(claim, claim->reserved, claim->files);
    end_claim(claim);
    (void)pthread_mutex_unlock(&quota->lock);
}

/* ---- counting what lies there ---- */

bool upload_quota_look(struct upload_quota *quota, size_t service, const char **directory,
                       uint32_t *age_ms)
{
    if (service >= quota->service_count)
        return false;
    *directory = quota->services[service].directory;
    (void)pthread_mutex_lock(&quota->lock);
    *age_ms = quota->services[service].age_ms;
    (void)pthread_mutex_unlock(&quota->lock);
    return true;
}

void upload_quota_count_begin(struct upload_quota *quota, size_t service)
{
    (void)pthread_mutex_lock(&quota->lock);
    quota->is_wanted = false;
    quota->counted = monotonic_seconds();
    quota->services[service].left = 0;
    for (struct upload_owner *owner = table_next(&quota->services[service].owners, NULL); owner;
         owner = table_next(&quota->services[service].owners, owner))
        owner->added = owner->seen = (struct usage){0, 0};
    (void)pthread_mutex_unlock(&quota->lock);
}

void upload_quota_count_file(struct upload_quota *quota, size_t service, const char *owner,
                             uint64_t bytes)
{
    struct upload_owner *found;

    (void)pthread_mutex_lock(&quota->lock);
    found = find_owner(&quota->services[service], owner);
    add_usage(&found->seen, bytes, 1);
    (void)pthread_mutex_unlock(&quota->lock);
}

void upload_quota_count_end(struct upload_quota *quota, size_t service)
{
    struct service *counted = &quota->services[service];
    struct upload_owner *empty = NULL;

    (void)pthread_mutex_lock(&quota->lock);
    counted->kept = (struct usage){0, 0};
    for (struct upload_owner *owner = table_next(&counted->owners, NULL); owner;
         owner = table_next(&counted->owners, owner)) {
        owner->kept = owner->seen;
        add_usage(&owner->kept, owner->added.bytes, owner->added.files);
        add_usage(&counted->kept, owner->kept.bytes, owner->kept.files);
        owner->added = owner->seen = (struct usage){0, 0};
        if (is_empty(owner)) {
            owner->next = empty;
            empty = owner;
        }
    }
    counted->found = counted->kept.files;
    while (empty) {
        struct upload_owner *next = empty->next;

        owner_free(counted, empty);
        empty = next;
    }
    (void)pthread_mutex_unlock(&quota->lock);
}

bool upload_quota_wait(struct upload_quota *quota, uint32_t most_ms)
{
    struct timespec until;
    bool is_going;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += most_ms / 1000;
    (void)pthread_mutex_lock(&quota->lock);
    while (!quota->is_stopped && !quota->is_wanted && rc == 0)
        rc = most_ms > 0 ? pthread_cond_timedwait(&quota->wake, &quota->lock, &until)
                         : pthread_cond_wait(&quota->wake, &quota->lock);
    is_going = !quota->is_stopped;
    (void)pthread_mutex_unlock(&quota->lock);
    return is_going;
}

void upload_quota_stop(struct upload_quota *quota)
{
    (void)pthread_mutex_lock(&quota->lock);
    quota->is_stopped = true;
    (void)pthread_cond_signal(&quota->wake);
    (void)pthread_mutex_unlock(&quota->lock);
}

void upload_quota_usage(struct upload_quota *quota, size_t service, uint64_t *bytes,
                        uint64_t *files)
{
    const struct service *asked = &quota->services[service];

    (void)pthread_mutex_lock(&quota->lock);
    *bytes = asked->flying.bytes + asked->kept.bytes;
    *files = asked->flying.files + asked->kept.files;
    (void)pthread_mutex_unlock(&quota->lock);
}
