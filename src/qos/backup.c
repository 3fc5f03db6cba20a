/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/backup.h"

#include <errno.h>

#include "qos/repository.h"

int qos_backup_advance(struct qos_backup *backup, struct qos_repository *repository, int error,
                       int *file)
{
    if (!repository)
        return error;
    if (!repository->is_durable)
        return -EOPNOTSUPP;
    if (backup->is_wanted(backup))
        return repository->ops->copy(repository, file);
    repository->ops->leave_copy(repository);
    return -ECANCELED;
}
