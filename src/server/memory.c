/* SPDX-License-Identifier: Apache-2.0 */
#include "server/memory.h"

#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/process.h"

/* What can be written is not the file's any more. */
static int drop_pages(struct dl_phdr_info *object, size_t size, void *context)
{
    const uintptr_t page = *(const uintptr_t *)context;

    (void)size;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        const uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) / page * page;
        const uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;

        if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
            (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

#define FAST_BYTES 160 /* glibc takes no more */

void memory_begin(void)
{
    (void)mallopt(M_MXFAST, FAST_BYTES);
}

void memory_settle(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)malloc_trim(0);
    (void)dl_iterate_phdr(drop_pages, &page);
}

/* Bytes of memory that no file backs; 0 when /proc cannot say. */
static size_t read_resident(void)
{
    size_t resident, shared;

    if (!process_memory(&resident, &shared) || shared > resident)
        return 0;
    return resident - shared;
}

static size_t unused_of(size_t resident, size_t in_use)
{
    return resident > in_use ? resident - in_use : 0;
}

bool memory_is_due(struct memory *memory, size_t resident, size_t in_use)
{
    const size_t unused = unused_of(resident, in_use);
    const bool was_due = memory->was_due;
    const bool is_due = unused > memory->kept + MEMORY_MARGIN;

    if (unused < memory->kept)
        memory->kept = unused;
    memory->was_due = is_due && !was_due;
    return is_due && was_due;
}

bool memory_may_look(struct memory *memory, uint64_t now_ns, uint64_t cpu_ns)
{
    const uint64_t passed_ns = now_ns - memory->checked_ns;
    const uint64_t taken_ns = cpu_ns - memory->cpu_ns;
    const bool is_first = memory->checked_ns == 0;

    memory->checked_ns = now_ns;
    memory->cpu_ns = cpu_ns;
    const bool is_calm = !is_first && taken_ns * 100 <= passed_ns * MEMORY_CALM_PERCENT;

    /* It takes two looks. */
    memory->put_off = is_calm || memory->put_off > MEMORY_PUT_OFF ? 0 : memory->put_off + 1;
    return memory->put_off == 0 || memory->put_off > MEMORY_PUT_OFF;
}

bool memory_rest(struct memory *memory)
{
    const struct itimerspec wait = {.it_value.tv_nsec = MEMORY_RESTS_NS};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = MEMORY_SIGNAL};

    if (memory->was_due || memory->put_off > 0)
        return false;
    if (!memory->has_timer)
        memory->has_timer = timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &memory->timer) == 0;
    return memory->has_timer && timer_settime(memory->timer, 0, &wait, NULL) == 0;
}

void memory_wake(struct memory *memory)
{
    memory->checked_ns = clock_real_ns();
    memory->cpu_ns = clock_kernel_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void memory_release(struct memory *memory)
{
    if (memory->has_timer)
        (void)timer_delete(memory->timer);
}

void memory_check(struct memory *memory)
{
    if (!memory_may_look(memory, clock_real_ns(), clock_kernel_ns(CLOCK_PROCESS_CPUTIME_ID)))
        return;
    const size_t resident = read_resident();

    if (resident < memory->kept + MEMORY_MARGIN) {
        memory->was_due = false;
        return; /* without a look at the heaps */
    }
    const struct mallinfo2 info = mallinfo2();
    const size_t in_use = info.uordblks + info.hblkhd;
    if (!memory_is_due(memory, resident, in_use))
        return;
    const uint64_t started = clock_real_ns();
    (void)malloc_trim(0);
    const size_t left = read_resident();
    memory->kept = unused_of(left, in_use);
    log_info("memory given back", LOG_INT("bytes", (long long)unused_of(resident, left)),
             LOG_INT("resident", (long long)left),
             LOG_INT("us", (long long)((clock_real_ns() - started) / 1000)));
}
