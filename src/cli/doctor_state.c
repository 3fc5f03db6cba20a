/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory, and the files of stored messages. Whether they can be written at all the
 * preflight has asked. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/doctor.h"
#include "qos/sqlite_file.h"
#include "server/config.h"

#define MIB           (UINT64_C(1) << 20)
#define LEAST_SPACE   (64 * MIB) /* below that stores will fail soon */
#define WARNING_SPACE (512 * MIB)
#define CHECK_SECONDS 60u /* of a file's contents, at the most */

static void check_space(const struct doctor_subject *subject)
{
    static const char advice[] = "make room there, or put stateDirectory on a larger file system";
    struct statvfs system;
    uint64_t free_bytes;

    if (statvfs(subject->name, &system) != 0)
        return;
    free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
    if (free_bytes < LEAST_SPACE)
        doctor_find(subject, DOCTOR_ERROR, advice,
                    "its file system has %" PRIu64
                    " MiB left: messages with qos 1 are refused when "
                    "it is full",
                    free_bytes / MIB);
    else if (free_bytes < WARNING_SPACE)
        doctor_find(subject, DOCTOR_WARNING, advice, "its file system has %" PRIu64 " MiB left",
                    free_bytes / MIB);
    else
        doctor_find(subject, DOCTOR_OK, NULL, "%" PRIu64 " MiB are free", free_bytes / MIB);
    if (system.f_files > 0 && system.f_favail < 100)
        doctor_find(subject, DOCTOR_ERROR, "remove files there, or make a larger file system",
                    "its file system has no room for another file (inodes)");
}

static void check_owner(const struct doctor_subject *subject, const struct stat *status)
{
    /* root may look at that of a service's user. */
    if (geteuid() != 0 && status->st_uid != geteuid())
        doctor_find(subject, DOCTOR_WARNING,
                    "run the doctor as the server's user; or give the directory to that: chown -R",
                    "belongs to user %u, and this is user %u", (unsigned)status->st_uid,
                    (unsigned)geteuid());
    if ((status->st_mode & S_IWOTH) != 0)
        doctor_find(subject, DOCTOR_ERROR, "chmod o-w",
                    "everybody on this machine may write there: they could put in messages and "
                    "certificates of their own");
}

void doctor_check_state(struct doctor *doctor)
{
    const struct doctor_subject subject = {doctor, "state", doctor->config->state_directory};
    struct stat status;

    if (stat(subject.name, &status) == 0 && S_ISDIR(status.st_mode)) {
        check_owner(&subject, &status);
        check_space(&subject);
    } else if (errno == ENOENT) {
        doctor_find(&subject, DOCTOR_OK, NULL, "is not there yet; the first start makes it");
    }
}

/* ---- stores ---- */

/* The process that has a part of the file locked; 0: none, -1: it cannot be asked. SQLite has its
 * locks behind the first GiB, wherever the file ends. To close the file drops no lock of others. */
static pid_t find_locker(const char *path)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1 << 30, .l_len = 1024};
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe would be waited for */
    int rc;

    if (fd < 0)
        return -1;
    rc = fcntl(fd, F_GETLK, &lock);
    close(fd);
    if (rc != 0)
        return -1;
    return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

static void find_damage(const struct doctor_subject *subject, int result)
{
    if (result == -EUCLEAN)
        doctor_find(
            subject, DOCTOR_ERROR,
            "stop the server, put a backup in its place without its -wal file, or move both "
            "away to begin with an empty store (docs/operating.md)",
            "is damaged, or is no file of SQLite");
    else
        doctor_find(subject, DOCTOR_ERROR, "see that the server's user may read and write it",
                    "cannot be read: %s", strerror(-result));
}

static void check_version(const struct doctor_subject *subject, struct qos_sqlite_check *check,
                          uint64_t size)
{
    int version = 0;
    const int result = qos_sqlite_version(check->database, &version);

    if (result != 0)
        find_damage(subject, result);
    else if (version < 0)
        doctor_find(subject, DOCTOR_ERROR,
                    "move it away, or set another services[].qos.file; until then messages with "
                    "qos 1 are refused",
                    "is a database of another program");
    else if (version > qos_sqlite_schema.version)
        doctor_find(subject, DOCTOR_ERROR,
                    "run the newer version, or put a backup of this one's in its place",
                    "was written by a newer version of sse-server (%d, this one knows %d)", version,
                    qos_sqlite_schema.version);
    else
        doctor_find(subject, DOCTOR_OK, NULL, "%" PRIu64 " KiB, of version %d, undamaged",
                    size / 1024, version);
}

/* Nobody has it open, and all that was committed is in it. */
static void check_contents(const struct doctor_subject *subject, uint64_t size)
{
    struct qos_sqlite_check check = {.database = NULL};
    int result = qos_sqlite_check_start(&check, subject->name);

    if (result == 0)
        result = qos_sqlite_check_wait(&check, CHECK_SECONDS * 1000);
    if (result == -EAGAIN)
        doctor_find(subject, DOCTOR_OK, NULL,
                    "%" PRIu64 " MiB, of which what was read in %u s is undamaged", size / MIB,
                    CHECK_SECONDS);
    else if (result != 0)
        find_damage(subject, result);
    else
        check_version(subject, &check, size);
    qos_sqlite_check_stop(&check);
    qos_sqlite_check_release(&check);
}

static uint64_t log_size(const char *path)
{
    struct buf name = BUF_INIT;
    struct stat status;
    uint64_t size = 0;

    buf_printf(&name, "%s-wal", path);
    if (stat(buf_str(&name), &status) == 0)
        size = (uint64_t)status.st_size;
    buf_release(&name);
    return size;
}

static void check_readers(const struct doctor_subject *subject, mode_t mode)
{
    if ((mode & S_IROTH) != 0)
        doctor_find(subject, DOCTOR_WARNING, "chmod o-rwx, and of the directory that it is in",
                    "can be read by everybody on this machine, with all that messages say");
}

/* Whether both paths are of one file, or would be. */
static bool is_same_file(const char *one, const char *other)
{
    const char *names[2] = {strrchr(one, '/'), strrchr(other, '/')};
    char *paths[2] = {mem_strdup(one), mem_strdup(other)};
    struct stat status[2];
    bool is_same = stat(one, &status[0]) == 0 && stat(other, &status[1]) == 0;

    if (!is_same && strcmp(names[0] ? names[0] + 1 : one, names[1] ? names[1] + 1 : other) == 0)
        is_same =
            stat(dirname(paths[0]), &status[0]) == 0 && stat(dirname(paths[1]), &status[1]) == 0;
    is_same =
        is_same && status[0].st_dev == status[1].st_dev && status[0].st_ino == status[1].st_ino;
    free(paths[0]);
    free(paths[1]);
    return is_same;
}

static void check_others(const struct doctor_subject *subject, size_t index)
{
    const struct config_service *services = subject->doctor->config->services;

    for (size_t i = 0; i < index; i++) {
        if (services[i].store == CONFIG_STORE_SQLITE &&
            is_same_file(services[i].api.qos.file, subject->name))
            doctor_find(
                subject, DOCTOR_ERROR, "give each service a file of its own (services[].qos.file)",
                "services[%zu] and services[%zu] have the same file: one of them will store "
                "nothing",
                i, index);
    }
}

static void check_store(const struct doctor_subject *subject)
{
    const pid_t locker = find_locker(subject->name);
    const uint64_t log = log_size(subject->name);
    struct stat status;

    if (stat(subject->name, &status) != 0) {
        if (errno == ENOENT)
            doctor_find(subject, DOCTOR_OK, NULL, "is not there yet; the first start makes it");
        return;
    }
    if (!S_ISREG(status.st_mode) || locker < 0)
        return; /* the preflight has said so */
    check_readers(subject, status.st_mode);
    if (locker > 0) {
        doctor_find(subject, DOCTOR_OK, NULL,
                    "in use by process %d, which tells whether it works: sse_server_store_open",
                    (int)locker);
    } else if (log > 0) {
        doctor_find(subject, DOCTOR_OK, NULL,
                    "%" PRIu64 " KiB, and %" PRIu64 " KiB that the next start brings in and checks",
                    (uint64_t)status.st_size / 1024, log / 1024);
    } else if (status.st_size > 0) {
        check_contents(subject, (uint64_t)status.st_size);
    }
}

void doctor_check_stores(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->config->service_count; i++) {
        const struct config_service *service = &doctor->config->services[i];
        const struct doctor_subject subject = {doctor, "store", service->api.qos.file};

        if (service->store != CONFIG_STORE_SQLITE)
            continue;
        check_others(&subject, i);
        check_store(&subject);
    }
}
