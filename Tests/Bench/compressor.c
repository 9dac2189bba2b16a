/* What compressing alone costs: the members that uploaderd would make, and nothing else.

       compressor THREADS FILE...

   Every file is read whole before the clock starts; then each is cut at line ends into members of at most 256 KiB, and
   each member compressed by libdeflate at level 6. Prints one JSON object. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { member_bytes = 256 << 10, level = 6 };

struct source {
    char *bytes;
    size_t size;
};

static struct source *sources;
static int source_count;
static atomic_int next_source;
static atomic_size_t stored;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static struct source read_whole(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) < 0) fail(path);
    struct source source = {malloc(status.st_size + 1), 0};
    if (!source.bytes) fail("malloc");
    for (ssize_t count; (count = read(file, source.bytes + source.size, status.st_size - source.size)) != 0;) {
        if (count < 0) fail(path);
        source.size += count;
    }
    close(file);
    return source;
}

/* The whole lines that fit a member; a longer line alone; without a line end all that is left. */
static size_t member(const char *bytes, size_t size) {
    if (size <= member_bytes) return size;
    const char *end = memrchr(bytes, '\n', member_bytes);
    if (!end) end = memchr(bytes + member_bytes, '\n', size - member_bytes);
    return end ? (size_t)(end - bytes) + 1 : size;
}

static void *compress_all(void *unused) {
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);
    size_t room = 0, written = 0;
    char *out = NULL;
    for (int index; (index = atomic_fetch_add(&next_source, 1)) < source_count;) {
        struct source source = sources[index];
        for (size_t at = 0; at < source.size;) {
            size_t count = member(source.bytes + at, source.size - at);
            size_t bound = libdeflate_gzip_compress_bound(compressor, count);
            if (bound > room && !(out = realloc(out, room = bound))) fail("realloc");
            written += libdeflate_gzip_compress(compressor, source.bytes + at, count, out, room);
            at += count;
        }
    }
    libdeflate_free_compressor(compressor);
    free(out);
    atomic_fetch_add(&stored, written);
    return unused;
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    int threads = atoi(arguments[1]);
    source_count = count - 2;
    sources = calloc(source_count, sizeof *sources);
    if (threads < 1 || threads > 64 || !sources) return 2;
    size_t size = 0;
    for (int index = 0; index < source_count; index++) size += (sources[index] = read_whole(arguments[index + 2])).size;
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    pthread_t others[64];
    for (int index = 1; index < threads; index++) pthread_create(&others[index], NULL, compress_all, NULL);
    compress_all(NULL);
    for (int index = 1; index < threads; index++) pthread_join(others[index], NULL);
    printf("{\"bytes\":%zu,\"stored\":%zu,\"wall\":%.6f,\"cpu\":%.6f}\n", size, stored,
           seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return 0;
}
