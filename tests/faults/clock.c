/* A host's clocks that can be set, for the programs that load this first (LD_PRELOAD) with the same FAULT_CLOCK.
 *
 * Deadlines that a program has read from these clocks are given to the kernel by its own.
 * The file FAULT_CLOCK holds two 64-bit numbers of nanoseconds: what is added to the wall clock, and to the monotonic
 * ones. Whoever changes them changes them for all of these programs at the same moment. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none[2];
static volatile int64_t *added = none;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *page = mmap(NULL, 16, PROT_READ, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED) added = page;
        close(fd);
    }
}

static void add(struct timespec *time, int64_t ns) {
    int64_t sum = time->tv_nsec + ns % 1000000000;
    time->tv_sec += ns / 1000000000;
    if (sum < 0) { sum += 1000000000; time->tv_sec--; }
    if (sum >= 1000000000) { sum -= 1000000000; time->tv_sec++; }
    time->tv_nsec = sum;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!real_gettime) *(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real_gettime(clock, time);
    if (failed) return failed;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) add(time, added[0]);
    if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME) add(time, added[1]);
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    time->tv_sec = exact.tv_sec;
    time->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}

static struct timespec by_the_kernel(clockid_t clock, const struct timespec *until) {
    struct timespec right = *until;
    if (clock == CLOCK_REALTIME) add(&right, -added[0]);
    if (clock == CLOCK_MONOTONIC) add(&right, -added[1]);
    return right;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
    static int (*real)(clockid_t, int, const struct timespec *, struct timespec *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_nanosleep");
    if (!(flags & TIMER_ABSTIME)) return real(clock, flags, time, left);
    struct timespec right = by_the_kernel(clock, time);
    return real(clock, flags, &right, left);
}

int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *time) {
    static int (*real)(sem_t *, clockid_t, const struct timespec *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sem_clockwait");
    struct timespec right = by_the_kernel(clock, time);
    return real(sem, clock, &right);
}
