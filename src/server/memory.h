/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H
/*
 * Gives memory back to the system when a peak has passed: what 15,000 clients needed would else
 * stay with the process for ever, since glibc returns the end of a heap only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Bytes that are resident and in no use: fewer are not worth the time. */
#define MEMORY_MARGIN ((size_t)16 * 1024 * 1024)

/* Who allocates while a heap is looked at, or cleared, waits for it: that is done while the process
 * takes no more of one processor than this. One that always does has it done after so many checks.
 */
#define MEMORY_CALM_PERCENT 10u
#define MEMORY_PUT_OFF      60u

/* Less processor time than this leaves no such peak: until the process has taken it nobody looks.
 */
#define MEMORY_RESTS_NS 10000000u
#define MEMORY_SIGNAL   SIGVTALRM

/* Zero-filled to begin with. */
struct memory {
    size_t kept;  /* bytes that the last time has not freed: what is between others in use */
    bool was_due; /* at the check before */
    uint64_t checked_ns, cpu_ns; /* that, and the process's processor time then */
    unsigned put_off;            /* checks since a look */
    bool has_timer;
    timer_t timer; /* of the process's processor time */
};

/* Before all else. A request takes some dozens of small blocks and gives them back: more sizes of
 * them are kept as they are for the next one, and not joined with their neighbours. */
void memory_begin(void);
/* When the start is over: gives back what only that needed, free heap and pages of the program and
 * its libraries, which come back from the page cache when they are run again. */
void memory_settle(void);

/* Checks, and gives back what it finds. Every ten seconds, of a thread that may take its time:
 * while it works on the heap of another thread, that one cannot allocate. */
void memory_check(struct memory *memory);

/* True: there is nothing to check until MEMORY_SIGNAL comes, which all threads block, and who takes
 * it calls memory_wake(): the next check is due ten seconds later. */
bool memory_rest(struct memory *memory);
void memory_wake(struct memory *memory);
void memory_release(struct memory *memory);

/* Whether this check may look at the heaps. */
bool memory_may_look(struct memory *memory, uint64_t now_ns, uint64_t cpu_ns);

/* Whether it is time: at the second check in a row with so much unused. resident: without files;
 * in_use: of that, what was allocated. */
bool memory_is_due(struct memory *memory, size_t resident, size_t in_use);

#endif
