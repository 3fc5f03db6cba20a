/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"
#include "upload/quota.h"
#include "upload/sweeper.h"

#define ANN "0123456789abcdef"
#define BOB "fedcba9876543210"

static const struct upload_limits settings = {
    .user_bytes = 1000,
    .bytes = 1500,
    .user_files = 3,
    .user_open_files = 2,
    .files = 5,
};

struct env {
    char path[64];
    int directory;
    struct upload_quota *quota;
};

static void open_env(struct env *env, const struct upload_limits *limits, uint32_t age_ms,
                     uint32_t open_most)
{
    struct upload_quota_service services[2];

    snprintf(env->path, sizeof(env->path), "/tmp/sse-server-quota-XXXXXX");
    assert_non_null(mkdtemp(env->path));
    env->directory = open(env->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(env->directory >= 0);
    for (size_t i = 0; i < 2; i++)
        services[i] = (struct upload_quota_service){
            .limits = limits, .directory = env->path, .age_ms = age_ms};
    env->quota = upload_quota_new(services, 1, open_most);
}

static void close_env(struct env *env)
{
    upload_quota_free(env->quota);
    close(env->directory);
    assert_int_equal(rmdir(env->path), 0);
}

static struct upload_claim begin(const struct env *env, const char *owner)
{
    struct upload_claim claim;

    assert_int_equal(upload_claim_begin(&claim, env->quota, 0, owner, env->directory), 0);
    return claim;
}

static int take(struct upload_claim *claim, const struct env *env, uint64_t bytes)
{
    return upload_claim_bytes(claim, env->directory, bytes);
}

static void expect_usage(const struct env *env, uint64_t bytes, uint64_t files)
{
    uint64_t used_bytes, used_files;

    upload_quota_usage(env->quota, 0, &used_bytes, &used_files);
    assert_int_equal(used_bytes, bytes);
    assert_int_equal(used_files, files);
}

static void test_bytes_of_users_and_services(void **state)
{
    struct env env;

    (void)state;
    open_env(&env, &settings, 0, 100);
    struct upload_claim first = begin(&env, ANN), second = begin(&env, ANN);
    struct upload_claim other = begin(&env, BOB);
    assert_int_equal(take(&first, &env, 600), 0);
    assert_int_equal(take(&first, &env, 500), 0); /* has them */
    assert_int_equal(take(&second, &env, 401), -EDQUOT);
    assert_int_equal(second.limit, UPLOAD_USER_BYTES);
    assert_int_equal(take(&second, &env, 400), 0);
    assert_int_equal(take(&other, &env, 501), -EDQUOT);
    assert_int_equal(other.limit, UPLOAD_BYTES);
    assert_int_equal(take(&other, &env, 500), 0);
    expect_usage(&env, 1500, 0);
    upload_claim_release(&first);
    upload_claim_release(&first);
    expect_usage(&env, 900, 0);
    upload_claim_release(&second);
    upload_claim_release(&other);
    expect_usage(&env, 0, 0);
    close_env(&env);
}

static void test_files(void **state)
{
    struct env env;

    (void)state;
    open_env(&env, &settings, 0, 4);
    struct upload_claim first = begin(&env, ANN), second = begin(&env, ANN);
    struct upload_claim other = begin(&env, BOB), third = begin(&env, "00000000000000ff");
    assert_int_equal(upload_claim_file(&first), 0);
    assert_int_equal(upload_claim_file(&first), 0);
    assert_int_equal(upload_claim_file(&second), -EDQUOT);
    assert_int_equal(second.limit, UPLOAD_USER_OPEN_FILES);
    upload_claim_keep(&first, 0, 2);
    assert_int_equal(upload_claim_file(&second), 0);
    assert_int_equal(upload_claim_file(&second), -EDQUOT);
    assert_int_equal(second.limit, UPLOAD_USER_FILES);
    assert_int_equal(upload_claim_file(&other), 0);
    assert_int_equal(upload_claim_file(&other), 0);
    assert_int_equal(upload_claim_file(&third), -EDQUOT);
    assert_int_equal(third.limit, UPLOAD_FILES);
    upload_claim_release(&first);
    assert_int_equal(upload_claim_file(&third), 0);
    upload_claim_release(&second);
    assert_int_equal(upload_claim_file(&third), 0);
    struct upload_claim fourth = begin(&env, "00000000000000aa");
    assert_int_equal(upload_claim_file(&fourth), -EMFILE);
    upload_claim_release(&third);
    upload_claim_release(&other);
    upload_claim_release(&fourth);
    expect_usage(&env, 0, 0);
    close_env(&env);
}

/* What is granted is granted once, whether it is written already or not. */
static void test_the_free_space(void **state)
{
    static const struct upload_limits none = {.bytes = 0};
    struct env env;
    struct statvfs disk;

    (void)state;
    open_env(&env, &none, 0, 100);
    struct upload_claim first = begin(&env, ANN), second = begin(&env, BOB);
    assert_int_equal(statvfs(env.path, &disk), 0);
    uint64_t available = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (available > UINT64_C(200) << 20) { /* others write as well */
        uint64_t most = available - (UINT64_C(100) << 20);

        assert_int_equal(take(&first, &env, available), -ENOSPC);
        assert_int_equal(take(&first, &env, most / 2), 0);
        assert_int_equal(take(&second, &env, most / 2 + (UINT64_C(90) << 20)), -ENOSPC);
        upload_claim_wrote(&first, UINT64_MAX);
        assert_int_equal(take(&second, &env, most / 2 + (UINT64_C(10) << 20)), 0);
    }
    upload_claim_release(&first);
    upload_claim_release(&second);
    close_env(&env);
}

static void test_what_is_kept(void **state)
{
    struct env env;

    (void)state;
    open_env(&env, &settings, 0, 100);
    struct upload_claim left = begin(&env, ANN), taken = begin(&env, ANN);
    assert_int_equal(take(&left, &env, 500), 0);
    assert_int_equal(upload_claim_file(&left), 0);
    assert_int_equal(take(&taken, &env, 500), 0);
    assert_int_equal(upload_claim_file(&taken), 0);
    upload_claim_keep(&left, 450, 1);
    upload_claim_keep(&taken, 400, 1);
    expect_usage(&env, 850, 2);
    upload_claim_leave(&left);
    upload_claim_release(&left);
    upload_claim_release(&taken);
    expect_usage(&env, 450, 1);
    struct upload_claim more = begin(&env, ANN);
    assert_int_equal(take(&more, &env, 551), -EDQUOT);
    assert_int_equal(take(&more, &env, 550), 0);
    upload_claim_release(&more);
    /* Its application has taken it meanwhile; another one is kept while it is counted. */
    upload_quota_count_begin(env.quota, 0);
    upload_quota_count_file(env.quota, 0, BOB, 7);
    more = begin(&env, ANN);
    assert_int_equal(take(&more, &env, 20), 0);
    assert_int_equal(upload_claim_file(&more), 0);
    upload_claim_keep(&more, 20, 1);
    upload_claim_leave(&more);
    upload_quota_count_end(env.quota, 0);
    expect_usage(&env, 27, 2);
    upload_quota_count_begin(env.quota, 0);
    upload_quota_count_end(env.quota, 0);
    expect_usage(&env, 0, 0);
    close_env(&env);
}

/* Files that their application takes are not known of until they are counted again. */
static void test_many_that_are_kept_are_counted_again(void **state)
{
    static const struct upload_limits none;
    struct env env;

    (void)state;
    open_env(&env, &none, 0, 100);
    for (unsigned i = 0; i < 1000; i++) {
        char owner[UPLOAD_OWNER_SIZE];

        snprintf(owner, sizeof(owner), "%016x", i);
        struct upload_claim claim = begin(&env, owner);
        assert_int_equal(take(&claim, &env, 10), 0);
        assert_int_equal(upload_claim_file(&claim), 0);
        upload_claim_keep(&claim, 10, 1);
        upload_claim_leave(&claim);
        upload_claim_release(&claim);
    }
    assert_true(upload_quota_wait(env.quota, 0)); /* would wait for ever */
    upload_quota_count_begin(env.quota, 0);
    upload_quota_count_end(env.quota, 0);
    expect_usage(&env, 0, 0);
    close_env(&env);
}

static void write_file(const struct env *env, const char *name, size_t size, time_t age)
{
    const struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
    int fd = openat(env->directory, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static bool is_there(const struct env *env, const char *name)
{
    return faccessat(env->directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#define RANDOM "00112233445566778899aabbccddeeff"

/* Only what is named as ours is looked at, and only where it is a file. */
static void test_the_directory(void **state)
{
    static const char *const foreign[] = {"notes.txt", RANDOM, ANN RANDOM "0", "A" RANDOM};
    const struct timespec moment = {0, 20000000};
    struct env env;
    struct upload_sweeper *sweeper;

    (void)state;
    open_env(&env, &settings, 60000, 100);
    for (size_t i = 0; i < 4; i++)
        write_file(&env, foreign[i], 10, 3600);
    write_file(&env, ANN RANDOM, 100, 3600);
    write_file(&env, BOB RANDOM, 30, 1);
    assert_int_equal(symlinkat("notes.txt", env.directory, ANN "ff" RANDOM), 0);
    assert_int_equal(mkdirat(env.directory, BOB "00112233445566778899aabbccddee00", 0700), 0);
    assert_int_equal(nanosleep(&moment, NULL), 0); /* what is newer than a count is not its own */
    sweeper = upload_sweeper_start(env.quota);
    assert_non_null(sweeper);
    assert_true(upload_sweeper_stop(sweeper, 10000)); /* once it has looked */
    expect_usage(&env, 30, 1);
    assert_false(is_there(&env, ANN RANDOM));
    assert_true(is_there(&env, BOB RANDOM));
    for (size_t i = 0; i < 4; i++) {
        assert_true(is_there(&env, foreign[i]));
        assert_int_equal(unlinkat(env.directory, foreign[i], 0), 0);
    }
    assert_int_equal(unlinkat(env.directory, BOB RANDOM, 0), 0);
    assert_int_equal(unlinkat(env.directory, ANN "ff" RANDOM, 0), 0);
    assert_int_equal(unlinkat(env.directory, BOB "00112233445566778899aabbccddee00", AT_REMOVEDIR),
                     0);
    close_env(&env);
}

static void test_owners(void **state)
{
    char one[UPLOAD_OWNER_SIZE], other[UPLOAD_OWNER_SIZE];

    (void)state;
    upload_quota_owner("", "ann", one);
    upload_quota_owner("", "ann", other);
    assert_string_equal(one, other);
    assert_int_equal(strlen(one), UPLOAD_OWNER_SIZE - 1);
    upload_quota_owner("a", "nn", other);
    assert_string_not_equal(one, other);
}

struct crew {
    struct env *env;
    const char *owner;
};

static void *claim_and_release(void *context)
{
    const struct crew *crew = context;

    for (int i = 0; i < 2000; i++) {
        struct upload_claim claim = begin(crew->env, crew->owner);

        if (take(&claim, crew->env, 300) == 0 && upload_claim_file(&claim) == 0) {
            upload_claim_wrote(&claim, 100);
            upload_claim_keep(&claim, 200, 1);
        }
        upload_claim_release(&claim);
    }
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    struct env env;
    pthread_t threads[4];
    struct crew crew[4];

    (void)state;
    open_env(&env, &settings, 0, 3);
    for (int i = 0; i < 4; i++) {
        crew[i] = (struct crew){&env, i % 2 ? ANN : BOB};
        assert_int_equal(pthread_create(&threads[i], NULL, claim_and_release, &crew[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    expect_usage(&env, 0, 0);
    close_env(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_users_and_services),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_the_free_space),
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_many_that_are_kept_are_counted_again),
        cmocka_unit_test(test_the_directory),
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_threads_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
