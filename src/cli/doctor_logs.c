/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the audit log and the access log. A start goes on without them, and counts what they
 * lack. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/doctor.h"
#include "server/config.h"
#include "server/preflight.h"

static const char advice[] =
    "give a file that the server's user may write; until then its lines are lost "
    "(sse_server_audit_lines_lost_total, sse_server_access_lines_lost_total)";

/* Whether the file system of what is there has room for a line. */
static bool is_full(const char *path)
{
    struct statvfs system;

    return statvfs(path, &system) == 0 && system.f_bavail == 0 && system.f_blocks > 0;
}

static void find_full(const struct doctor_subject *subject, const char *path)
{
    doctor_find(subject, DOCTOR_ERROR, "make room there, or put it on a larger file system",
                "\"%.200s\": its file system is full", path);
}

static void check_there(const struct doctor_subject *subject, const char *path, mode_t mode)
{
    if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISCHR(mode))
        doctor_find(subject, DOCTOR_ERROR, advice, "\"%.200s\" is %s", path,
                    S_ISDIR(mode) ? "a directory" : "no file");
    else if (access(path, W_OK) != 0)
        doctor_find(subject, DOCTOR_ERROR, advice, "\"%.200s\" cannot be written: %s", path,
                    strerror(errno));
    else if (S_ISREG(mode) && is_full(path))
        find_full(subject, path);
    else
        doctor_find(subject, DOCTOR_OK, NULL, "\"%.200s\" can be written", path);
}

static void check_missing(const struct doctor_subject *subject, const char *path)
{
    const int rc = errno == ENOENT ? preflight_ask_parent(path) : -errno;
    char *copy = mem_strdup(path);

    if (rc != 0)
        doctor_find(subject, DOCTOR_ERROR, advice, "\"%.200s\" cannot be made: %s", path,
                    strerror(-rc));
    else if (is_full(dirname(copy)))
        find_full(subject, path);
    else
        doctor_find(subject, DOCTOR_OK, NULL, "\"%.200s\" is not there yet; a start makes it",
                    path);
    free(copy);
}

static void check_log(struct doctor *doctor, const char *key, const char *path)
{
    const struct doctor_subject subject = {doctor, "logs", key};
    struct stat status;

    if (*path == '\0' || strcmp(path, "-") == 0)
        return; /* there is none, or it goes where whoever starts it says */
    if (stat(path, &status) == 0)
        check_there(&subject, path, status.st_mode);
    else
        check_missing(&subject, path);
}

void doctor_check_logs(struct doctor *doctor)
{
    const struct config *config = doctor->config;

    if (strcmp(config->audit_file, "none") != 0)
        check_log(doctor, "audit.file", config->audit_file);
    check_log(doctor, "accessLog.file", config->access_file);
}
