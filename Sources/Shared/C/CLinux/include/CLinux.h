/* What Swift cannot see of Linux: variadic calls, macros, structures behind _GNU_SOURCE, calls without a libc wrapper.
   Each function returns what the call returns, or -errno. No logic lives here. */
#ifndef CLINUX_H
#define CLINUX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/signalfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <signal.h>
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

/* As the program was called, with its name; NULL behind the last one. glibc gives them to constructors. */
const char *clinux_argument(int index);

/* openat2(2) has no wrapper in glibc before 2.42. `resolve` takes clinux_beneath. */
long clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
extern const uint64_t clinux_beneath;         /* RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS */
int clinux_open(const char *path, int flags, unsigned mode);
int clinux_openat(int directory, const char *path, int flags, unsigned mode);

int clinux_open_unnamed(const char *directory, unsigned mode); /* open with O_TMPFILE */
int clinux_link(int descriptor, const char *path);              /* linkat of /proc/self/fd/N */

typedef struct {
    uint32_t mode, links, owner;
    int64_t size, modified_ns, changed_ns, birth_ns;
    uint64_t device, inode;
} clinux_status;
/* statx(2) of a descriptor (path NULL), or of a path from it; AT_FDCWD is where no directory is meant. */
int clinux_statx(int descriptor, const char *path, int follow, clinux_status *out);
/* renameat2(2) with RENAME_NOREPLACE when `replace` is 0; both names from `directory`. */
int clinux_rename(int directory, const char *from, const char *to, int replace);

/* renameat2(2) with RENAME_EXCHANGE: each gets the other's name, at once. */
int clinux_exchange(const char *one, const char *other);
/* fcntl(F_SETLEASE, F_RDLCK) and back: 1 when somebody has the file open for writing, 0 when nobody, -errno else. */
int clinux_has_writer(int descriptor);
int clinux_columns(int descriptor);            /* ioctl(TIOCGWINSZ): 0 where nobody says */
int clinux_pidfd_open(int process);            /* no wrapper in glibc before 2.36 */
int clinux_lock(int descriptor);              /* flock(LOCK_EX | LOCK_NB) */
int clinux_set_dumpable(int yes);             /* prctl(PR_SET_DUMPABLE) */
int clinux_set_thread_name(const char *name); /* at most 15 bytes */

/* The socket calls take transparent unions under _GNU_SOURCE. */
int clinux_bind(int socket, const struct sockaddr *address, socklen_t size);
int clinux_connect(int socket, const struct sockaddr *address, socklen_t size);
int clinux_accept(int socket);                /* accept4 with SOCK_NONBLOCK | SOCK_CLOEXEC */

typedef struct { int32_t pid; uint32_t uid, gid; } clinux_peer;
int clinux_peer_of(int socket, clinux_peer *out); /* SO_PEERCRED */
/* recvmsg with MSG_DONTWAIT: at most one SCM_RIGHTS descriptor into *passed (-1: none); further ones are closed. */
ssize_t clinux_receive(int socket, void *buffer, size_t size, int *passed);
/* sendmsg with MSG_DONTWAIT | MSG_NOSIGNAL; `passed` -1: none. */
ssize_t clinux_send(int socket, const void *buffer, size_t size, int passed);

long clinux_file_system(int descriptor);       /* f_type of fstatfs(2): statfs(2) lists them */
uint32_t clinux_direntry_type(const struct dirent *entry);
const char *clinux_direntry_name(const struct dirent *entry);
int64_t clinux_free_space(const char *path);
#endif
