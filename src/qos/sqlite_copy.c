/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "qos/sqlite_repository.h"
#include "qos/sqlite_schema.h"

#define PIECE 16 /* pages: 64 KiB, for whom a transaction waits */

/* Nothing of it has to survive: a copy that is not whole is worth nothing. */
static const char settings[] = "PRAGMA journal_mode = OFF;"
                               "PRAGMA synchronous = OFF;"
                               "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA cache_size = -1024;";

static int open_target(struct qos_sqlite_copy *copy, const char *path)
{
    int code;

    (void)unlink(path); /* of one that was killed just there */
    copy->file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (copy->file < 0)
        return -errno;
    copy->is_under_way = true;
    code = sqlite3_open_v2(path, &copy->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    (void)unlink(path); /* whatever happens, nothing is left */
    if (code == SQLITE_OK)
        code = sqlite3_exec(copy->to, settings, NULL, NULL, NULL);
    return qos_sqlite_errno(copy->to, code);
}

static int begin(struct qos_sqlite *sqlite)
{
    struct qos_sqlite_copy *copy = &sqlite->copy;
    struct buf path = BUF_INIT;
    int result;

    buf_printf(&path, "%s-copy", sqlite3_db_filename(sqlite->database, "main"));
    result = open_target(copy, buf_str(&path));
    buf_release(&path);
    if (result != 0)
        return result;
    copy->backup = sqlite3_backup_init(copy->to, "main", sqlite->database, "main");
    return copy->backup ? 0 : qos_sqlite_errno(copy->to, sqlite3_errcode(copy->to));
}

/* But for the file. */
static void end(struct qos_sqlite_copy *copy)
{
    (void)sqlite3_backup_finish(copy->backup); /* says again what step has said */
    (void)sqlite3_close(copy->to);
    *copy = (struct qos_sqlite_copy){.file = copy->file};
}

void qos_sqlite_leave_copy(struct qos_repository *repository)
{
    struct qos_sqlite_copy *copy = &qos_sqlite_of(repository)->copy;

    if (!copy->is_under_way)
        return;
    end(copy);
    close(copy->file);
}

int qos_sqlite_copy(struct qos_repository *repository, int *file)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_copy *copy = &sqlite->copy;
    int result = copy->is_under_way ? 0 : begin(sqlite);
    int code = SQLITE_OK;

    if (result == 0)
        code = sqlite3_backup_step(copy->backup, PIECE);
    if (code == SQLITE_OK && result == 0)
        return -EAGAIN;
    if (code == SQLITE_DONE) {
        end(copy);
        *file = copy->file;
        return 0;
    }
    if (result == 0)
        result = qos_sqlite_errno(copy->to, code);
    qos_sqlite_leave_copy(repository);
    return result;
}
