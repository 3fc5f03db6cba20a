/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/loading.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "outbound/authorities.h"
#include "outbound/libcurl.h"

struct outbound_loading {
    struct pool_job job;
    struct outbound_authorities *authorities; /* a reference; NULL: none */
    void (*done)(void *context);              /* NULL: canceled */
    void *context;
};

void outbound_load(struct outbound_authorities *authorities)
{
    if (libcurl_load() && authorities)
        outbound_authorities_read(authorities);
}

static void run(struct pool_job *job)
{
    struct outbound_loading *loading = container_of(job, struct outbound_loading, job);

    outbound_load(loading->authorities);
}

static void loading_free(struct outbound_loading *loading)
{
    outbound_authorities_unref(loading->authorities);
    free(loading);
}

static void on_done(struct pool_job *job)
{
    struct outbound_loading *loading = container_of(job, struct outbound_loading, job);

    if (loading->done)
        loading->done(loading->context);
    loading_free(loading);
}

struct outbound_loading *outbound_loading_start(struct outbound_authorities *authorities,
                                                const struct file_readers *readers,
                                                void (*done)(void *context), void *context)
{
    struct outbound_loading *loading;

    if (!readers->pool)
        return NULL;
    loading = mem_zalloc(sizeof(*loading));
    loading->job.run = run;
    loading->job.done = on_done;
    loading->authorities = authorities ? outbound_authorities_ref(authorities) : NULL;
    loading->done = done;
    loading->context = context;
    if (thread_pool_submit(readers->pool, readers->client, &loading->job) == 0)
        return loading;
    loading_free(loading);
    return NULL;
}

void outbound_loading_cancel(struct outbound_loading *loading)
{
    if (!loading)
        return;
    loading->done = NULL;
    if (thread_pool_cancel(&loading->job))
        loading_free(loading);
}
