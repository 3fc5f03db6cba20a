/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_shared.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "qos/store.h"

void qos_shared_init(struct qos_shared *shared, const char *service, bool is_in_memory)
{
    atomic_init(&shared->copies, 1);
    shared->service = mem_strdup(service);
    shared->is_in_memory = is_in_memory;
    pthread_mutex_init(&shared->lock, NULL);
    shared->store = NULL;
}

void qos_shared_release(struct qos_shared *shared)
{
    free(shared->service);
    pthread_mutex_destroy(&shared->lock);
}

void qos_shared_set_store(struct qos_shared *shared, struct qos_store *store)
{
    pthread_mutex_lock(&shared->lock);
    shared->store = store;
    pthread_mutex_unlock(&shared->lock);
}

int qos_shared_back_up(struct qos_shared *shared, struct qos_backup *backup)
{
    int result = -ESHUTDOWN;

    pthread_mutex_lock(&shared->lock);
    if (shared->store)
        result = qos_store_back_up(shared->store, backup);
    pthread_mutex_unlock(&shared->lock);
    return result;
}
