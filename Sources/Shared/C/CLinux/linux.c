#include "CLinux.h"
#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

const uint64_t clinux_beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

static char **arguments;

__attribute__((constructor)) static void note_arguments(int count, char **values) {
    (void)count;
    arguments = values;
}

const char *clinux_argument(int index) { return arguments[index]; }

long clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    long descriptor = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_open(const char *path, int flags, unsigned mode) {
    int descriptor = open(path, flags, mode);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_openat(int directory, const char *path, int flags, unsigned mode) {
    int descriptor = openat(directory, path, flags, mode);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_open_unnamed(const char *directory, unsigned mode) {
    int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_link(int descriptor, const char *path) {
    char own[32];
    snprintf(own, sizeof own, "/proc/self/fd/%d", descriptor);
    return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Anybody may give a file a time that 64 bits of nanoseconds do not hold. */
static int64_t nanoseconds(struct statx_timestamp time) {
    int64_t whole;
    if (__builtin_mul_overflow(time.tv_sec, INT64_C(1000000000), &whole) ||
        __builtin_add_overflow(whole, (int64_t)time.tv_nsec, &whole))
        return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return whole;
}

int clinux_statx(int descriptor, const char *path, int follow, clinux_status *out) {
    struct statx s;
    int flags = path ? (follow ? 0 : AT_SYMLINK_NOFOLLOW) : AT_EMPTY_PATH;
    if (statx(descriptor, path ? path : "", flags, STATX_BASIC_STATS | STATX_BTIME, &s) < 0) return -errno;
    out->mode = s.stx_mode;
    out->links = s.stx_nlink;
    out->owner = s.stx_uid;
    out->size = (int64_t)s.stx_size;
    out->modified_ns = nanoseconds(s.stx_mtime);
    out->changed_ns = nanoseconds(s.stx_ctime);
    out->birth_ns = s.stx_mask & STATX_BTIME ? nanoseconds(s.stx_btime) : 0;
    out->device = makedev(s.stx_dev_major, s.stx_dev_minor);
    out->inode = s.stx_ino;
    return 0;
}

int clinux_rename(int directory, const char *from, const char *to, int replace) {
    return renameat2(directory, from, directory, to, replace ? 0 : RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int clinux_exchange(const char *one, const char *other) {
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int clinux_has_writer(int descriptor) {
    if (fcntl(descriptor, F_SETLEASE, F_RDLCK) < 0) return errno == EAGAIN ? 1 : -errno;
    fcntl(descriptor, F_SETLEASE, F_UNLCK);
    return 0;
}

int clinux_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int clinux_pidfd_open(int process) {
    long descriptor = syscall(SYS_pidfd_open, process, 0);
    return descriptor < 0 ? -errno : (int)descriptor;
}

int clinux_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) < 0 ? -errno : 0; }
int clinux_set_dumpable(int yes) { return prctl(PR_SET_DUMPABLE, yes, 0, 0, 0) < 0 ? -errno : 0; }
int clinux_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0) < 0 ? -errno : 0; }

int clinux_bind(int socket, const struct sockaddr *address, socklen_t size) { return bind(socket, address, size) < 0 ? -errno : 0; }
int clinux_connect(int socket, const struct sockaddr *address, socklen_t size) { return connect(socket, address, size) < 0 ? -errno : 0; }
int clinux_accept(int socket) {
    int accepted = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted < 0 ? -errno : accepted;
}

int clinux_peer_of(int socket, clinux_peer *out) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -errno;
    out->pid = peer.pid;
    out->uid = peer.uid;
    out->gid = peer.gid;
    return 0;
}

ssize_t clinux_receive(int socket, void *buffer, size_t size, int *passed) {
    union {
        char bytes[CMSG_SPACE(sizeof(int) * 8)];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *passed = -1;
    ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t descriptors = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < descriptors; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(c) + i * sizeof(int), sizeof descriptor);
            if (*passed == -1) {
                *passed = descriptor;
            } else {
                close(descriptor);
                if (*passed >= 0) close(*passed);
                *passed = -2;
            }
        }
    }
    return count;
}

ssize_t clinux_send(int socket, const void *buffer, size_t size, int passed) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = (void *)buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (passed >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &passed, sizeof passed);
    }
    ssize_t count = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return count < 0 ? -errno : count;
}

uint32_t clinux_direntry_type(const struct dirent *entry) { return entry->d_type; }
const char *clinux_direntry_name(const struct dirent *entry) { return entry->d_name; }

int64_t clinux_free_space(const char *path) {
    struct statvfs s;
    if (statvfs(path, &s) < 0) return -errno;
    return (int64_t)s.f_bavail * (int64_t)s.f_frsize;
}

long clinux_file_system(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (long)status.f_type & 0xffffffffL : -errno;
}
