#include "CDisk.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CDISK_SANITIZED 1
#endif
#endif

#ifdef CDISK_SANITIZED
const int cdisk_is_there = 0;
int cdisk_watch(const char *root, const void *context, cdisk_ask ask, cdisk_tell tell) { return -1; }
void cdisk_unwatch(int watch) {}
#else
const int cdisk_is_there = 1;

enum { WATCHES = 64, DESCRIPTORS = 65536 };

typedef struct {
    char *root;
    size_t length;
    const void *context;
    cdisk_ask ask;
    cdisk_tell tell;
} watch;

typedef struct {
    atomic_int watch; /* and one; 0: nobody's */
    int is_directory;
    int appends;
    uint64_t inode;
    char *path;
} opened;

static watch watches[WATCHES];
static opened descriptors[DESCRIPTORS];
static atomic_int watching;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int inside;

int cdisk_watch(const char *root, const void *context, cdisk_ask ask, cdisk_tell tell) {
    pthread_mutex_lock(&lock);
    int found = -1;
    for (int i = 0; i < WATCHES && found < 0; i++) {
        if (watches[i].root) continue;
        watches[i] = (watch){.root = strdup(root), .length = strlen(root), .context = context, .ask = ask, .tell = tell};
        atomic_fetch_add(&watching, 1);
        found = i;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static void forget(opened *file) {
    free(file->path);
    file->path = NULL;
    atomic_store(&file->watch, 0);
}

void cdisk_unwatch(int index) {
    if (index < 0) return;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (atomic_load(&descriptors[i].watch) == index + 1) forget(&descriptors[i]);
    }
    free(watches[index].root);
    watches[index] = (watch){0};
    atomic_fetch_sub(&watching, 1);
    pthread_mutex_unlock(&lock);
}

/* The lock is held when this is not NULL. */
static watch *of_path(const char *path) {
    if (!path || path[0] != '/' || inside || atomic_load(&watching) == 0) return NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < WATCHES; i++) {
        watch *w = &watches[i];
        if (w->root && strncmp(path, w->root, w->length) == 0 && (path[w->length] == '/' || path[w->length] == 0)) return w;
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static watch *of_descriptor(int number) {
    if (number < 0 || number >= DESCRIPTORS || inside || atomic_load(&descriptors[number].watch) == 0) return NULL;
    pthread_mutex_lock(&lock);
    int index = atomic_load(&descriptors[number].watch);
    if (index > 0) return &watches[index - 1];
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int64_t ask(watch *w, const cdisk_call *call) {
    inside = 1;
    int64_t verdict = w->ask(w->context, call);
    inside = 0;
    return verdict;
}

static void tell(watch *w, const cdisk_call *call) {
    int code = errno;
    inside = 1;
    w->tell(w->context, call);
    inside = 0;
    errno = code;
}

static long refused(int64_t verdict) {
    pthread_mutex_unlock(&lock);
    errno = (int)-verdict;
    return -1;
}

/* Asks, does it, tells. */
#define PERFORM(w, call, real)                                  \
    do {                                                        \
        int64_t verdict = ask(w, &(call));                      \
        if (verdict < 0) return refused(verdict);               \
        long result = (real);                                   \
        if (result >= 0) tell(w, &(call));                      \
        pthread_mutex_unlock(&lock);                            \
        return result;                                          \
    } while (0)

static int opening(int directory, const char *path, int flags, mode_t mode) {
    char joined[PATH_MAX];
    if (path[0] != '/' && directory >= 0 && directory < DESCRIPTORS && strcmp(path, ".") != 0 &&
        atomic_load(&descriptors[directory].watch) != 0) {
        snprintf(joined, sizeof joined, "%s/%s", descriptors[directory].path, path);
        path = joined;
    }
    watch *w = of_path(path);
    if (!w) return (int)syscall(SYS_openat, directory, path, flags, mode);
    struct stat found;
    int was = syscall(SYS_newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) == 0;
    cdisk_call call = {.kind = CDISK_OPEN, .makes = (flags & O_CREAT) && !was, .path = path};
    int64_t verdict = ask(w, &call);
    if (verdict < 0) return (int)refused(verdict);
    int number = (int)syscall(SYS_openat, directory, path, flags, mode);
    if (number >= 0 && number < DESCRIPTORS && syscall(SYS_fstat, number, &found) == 0) {
        opened *file = &descriptors[number];
        free(file->path);
        file->path = strdup(path);
        file->inode = found.st_ino;
        file->is_directory = S_ISDIR(found.st_mode);
        file->appends = flags & O_APPEND;
        atomic_store(&file->watch, (int)(w - watches) + 1);
        call.inode = file->inode;
        call.is_directory = file->is_directory;
        tell(w, &call);
        if (was && (flags & O_TRUNC)) {
            cdisk_call cut = {.kind = CDISK_TRUNCATE, .inode = file->inode, .path = path};
            tell(w, &cut);
        }
    }
    pthread_mutex_unlock(&lock);
    return number;
}

#define MODE_OF(flags)                                          \
    mode_t mode = 0;                                            \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                      \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode = va_arg(more, mode_t);                            \
        va_end(more);                                           \
    }

int open(const char *path, int flags, ...) { MODE_OF(flags) return opening(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return opening(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, int flags, ...) { MODE_OF(flags) return opening(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { MODE_OF(flags) return opening(directory, path, flags, mode); }

int close(int number) {
    watch *w = of_descriptor(number);
    if (w) {
        forget(&descriptors[number]);
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, number);
}

/* `offset` -1: where the descriptor stands. */
static ssize_t transfer(int kind, int number, void *bytes, size_t count, off_t offset) {
    watch *w = of_descriptor(number);
    if (w) {
        opened *file = &descriptors[number];
        off_t at = offset;
        if (at < 0 && kind == CDISK_WRITE) at = syscall(SYS_lseek, number, 0, file->appends ? SEEK_END : SEEK_CUR);
        cdisk_call call = {.kind = kind, .inode = file->inode, .path = file->path, .offset = at, .count = count};
        int64_t verdict = ask(w, &call);
        if (verdict < 0) return refused(verdict);
        if (verdict > 0 && (size_t)verdict < count) count = (size_t)verdict;
        ssize_t done = kind == CDISK_WRITE
            ? (offset < 0 ? syscall(SYS_write, number, bytes, count) : syscall(SYS_pwrite64, number, bytes, count, offset))
            : (offset < 0 ? syscall(SYS_read, number, bytes, count) : syscall(SYS_pread64, number, bytes, count, offset));
        if (done >= 0 && kind == CDISK_WRITE) {
            call.bytes = bytes;
            call.count = (size_t)done;
            tell(w, &call);
        }
        pthread_mutex_unlock(&lock);
        return done;
    }
    if (kind == CDISK_WRITE)
        return offset < 0 ? syscall(SYS_write, number, bytes, count) : syscall(SYS_pwrite64, number, bytes, count, offset);
    return offset < 0 ? syscall(SYS_read, number, bytes, count) : syscall(SYS_pread64, number, bytes, count, offset);
}

ssize_t read(int number, void *bytes, size_t count) { return transfer(CDISK_READ, number, bytes, count, -1); }
ssize_t pread(int number, void *bytes, size_t count, off_t at) { return transfer(CDISK_READ, number, bytes, count, at); }
ssize_t pread64(int number, void *bytes, size_t count, off_t at) { return transfer(CDISK_READ, number, bytes, count, at); }
ssize_t write(int number, const void *bytes, size_t count) { return transfer(CDISK_WRITE, number, (void *)bytes, count, -1); }
ssize_t pwrite(int number, const void *bytes, size_t count, off_t at) {
    return transfer(CDISK_WRITE, number, (void *)bytes, count, at);
}
ssize_t pwrite64(int number, const void *bytes, size_t count, off_t at) {
    return transfer(CDISK_WRITE, number, (void *)bytes, count, at);
}

static int syncing(int number, long call_number) {
    watch *w = of_descriptor(number);
    if (!w) return (int)syscall(call_number, number);
    opened *file = &descriptors[number];
    cdisk_call call = {
        .kind = CDISK_SYNC, .inode = file->inode, .is_directory = file->is_directory, .path = file->path};
    /* Tests look at what must have been synced, not at the machine's disk. */
    PERFORM(w, call, 0);
}
int fsync(int number) { return syncing(number, SYS_fsync); }
int fdatasync(int number) { return syncing(number, SYS_fdatasync); }

static int cutting(int number, off_t size) {
    watch *w = of_descriptor(number);
    if (!w) return (int)syscall(SYS_ftruncate, number, size);
    opened *file = &descriptors[number];
    cdisk_call call = {.kind = CDISK_TRUNCATE, .inode = file->inode, .path = file->path, .offset = size};
    PERFORM(w, call, syscall(SYS_ftruncate, number, size));
}
int ftruncate(int number, off_t size) { return cutting(number, size); }
int ftruncate64(int number, off_t size) { return cutting(number, size); }

static int renaming(int from, const char *path, int to, const char *target, unsigned flags) {
    watch *w = of_path(path);
    if (!w) return (int)syscall(SYS_renameat2, from, path, to, target, flags);
    cdisk_call call = {.kind = CDISK_RENAME, .path = path, .target = target};
    PERFORM(w, call, syscall(SYS_renameat2, from, path, to, target, flags));
}
int rename(const char *path, const char *target) { return renaming(AT_FDCWD, path, AT_FDCWD, target, 0); }
int renameat2(int from, const char *path, int to, const char *target, unsigned flags) {
    return renaming(from, path, to, target, flags);
}

int unlink(const char *path) {
    watch *w = of_path(path);
    if (!w) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    cdisk_call call = {.kind = CDISK_UNLINK, .path = path};
    PERFORM(w, call, syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int mkdir(const char *path, mode_t mode) {
    watch *w = of_path(path);
    if (!w) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    cdisk_call call = {.kind = CDISK_MKDIR, .path = path, .is_directory = 1};
    PERFORM(w, call, syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int rmdir(const char *path) {
    watch *w = of_path(path);
    if (!w) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    cdisk_call call = {.kind = CDISK_RMDIR, .path = path, .is_directory = 1};
    PERFORM(w, call, syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}
#endif
