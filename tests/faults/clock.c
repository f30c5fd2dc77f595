/* A host's clocks that can be set, for the programs that load this first (LD_PRELOAD) with the same FAULT_CLOCK.
 *
 * The file FAULT_CLOCK holds two 64-bit numbers of nanoseconds: what is added to the wall clock, and to the monotonic
 * ones. Whoever changes them changes them for all of these programs at the same moment. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
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
    if (!real_gettime) real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
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
