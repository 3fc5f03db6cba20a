/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite_repository.h"

int qos_sqlite_revoke(struct qos_repository *repository, const struct qos_revocation *revocation)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_REVOKE);

    qos_sqlite_bind_text(&call, revocation->name);
    qos_sqlite_bind_number(&call, revocation->issued_until);
    qos_sqlite_bind_number(&call, revocation->until);
    return qos_sqlite_run(&call);
}

static int forget(struct qos_repository *repository, enum qos_sqlite_statement which,
                  int64_t number)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), which);

    qos_sqlite_bind_number(&call, number);
    return qos_sqlite_run(&call);
}

int qos_sqlite_forget_revocations(struct qos_repository *repository, int64_t now, size_t most)
{
    const int status = forget(repository, QOS_SQLITE_END_REVOCATIONS, now);

    return status == 0 ? forget(repository, QOS_SQLITE_DISPLACE_REVOCATIONS, (int64_t)most)
                       : status;
}

int qos_sqlite_revocations(struct qos_repository *repository, int64_t now,
                           qos_visit_revocation visit, void *context)
{
    struct qos_sqlite_call call =
        qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_REVOCATIONS);

    qos_sqlite_bind_number(&call, now);
    while (qos_sqlite_step(&call)) {
        const struct qos_revocation revocation = {
            .name = (const char *)sqlite3_column_text(call.statement, 0),
            .issued_until = sqlite3_column_int64(call.statement, 1),
            .until = sqlite3_column_int64(call.statement, 2),
        };

        if (revocation.name)
            visit(context, &revocation);
        else
            qos_sqlite_reject(&call, SQLITE_NOMEM);
    }
    return qos_sqlite_finish(&call);
}
