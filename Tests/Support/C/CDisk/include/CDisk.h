/* Stands between the test process and the kernel: open, read, write, fsync, truncate, rename, unlink, mkdir and rmdir of
   libc are defined here, so that the program's own calls and those of SQLite come through, unchanged and without a seam
   in the product. What lies below a watched folder is asked about before each call and told after it; all else goes
   straight to the kernel.

   Not compiled under a sanitizer, which has to stand in the same place: cdisk_is_there is 0 then. */
#ifndef CDISK_H
#define CDISK_H
#include <stddef.h>
#include <stdint.h>

enum {
    CDISK_OPEN = 0, CDISK_READ, CDISK_WRITE, CDISK_SYNC, CDISK_TRUNCATE, CDISK_RENAME, CDISK_UNLINK, CDISK_MKDIR, CDISK_RMDIR
};

typedef struct {
    int kind;
    int makes;            /* an open that makes the file */
    int is_directory;
    uint64_t inode;
    const char *path;     /* absolute; where it was opened, for calls on descriptors */
    const char *target;   /* of a rename */
    int64_t offset;       /* of a write; the size of a truncation */
    const void *bytes;    /* of a write, once it was done */
    size_t count;
} cdisk_call;

/* Before: 0, do it; -errno, fail so; for reads and writes also a number of bytes, take no more than these. */
typedef int64_t (*cdisk_ask)(const void *context, const cdisk_call *call);
/* After it was done: `count` bytes were written. */
typedef void (*cdisk_tell)(const void *context, const cdisk_call *call);

extern const int cdisk_is_there;
/* Both functions are called under one lock, on the thread of the call; what they do to files themselves goes unseen. */
int cdisk_watch(const char *root, const void *context, cdisk_ask ask, cdisk_tell tell);
void cdisk_unwatch(int watch);
#endif
