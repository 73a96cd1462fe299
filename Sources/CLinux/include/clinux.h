// What the Linux kernel offers and Swift cannot say: variadic calls, function-like macros, and names that glibc
// hides without _GNU_SOURCE. Every function returns what the system call returns and sets errno.
#pragma once
#include <linux/loop.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/types.h>

enum {
    CLINUX_OFD_GETLK = 36,         // F_OFD_GETLK, fcntl(2)
    CLINUX_OFD_SETLK = 37,         // F_OFD_SETLK
    CLINUX_SEEK_DATA = 3,          // lseek(2)
    CLINUX_FALLOC_KEEP_SIZE = 1,   // fallocate(2)
    CLINUX_FALLOC_PUNCH_HOLE = 2,
    CLINUX_FALLOC_ZERO_RANGE = 16,
    CLINUX_MADV_DONTFORK = 10,     // madvise(2)
    CLINUX_MADV_DONTDUMP = 16,
    CLINUX_MADV_WIPEONFORK = 18,
    CLINUX_MAP_NORESERVE = 0x4000, // mmap(2)
};

/// A descriptor over memory that the kernel itself leaves out of its direct map; -1 where there is none.
int clinux_memfd_secret(void);

/// fallocate(2), which glibc declares only under _GNU_SOURCE.
int clinux_fallocate(int fd, int mode, off_t offset, off_t length);

/// Whether a file lies in a filesystem in memory (tmpfs, ramfs).
int clinux_is_in_memory(int fd);

/// pread(2) of what is in the page cache: fails with EAGAIN where it would wait for the medium, or with EOPNOTSUPP where
/// the filesystem cannot tell (preadv2(2), RWF_NOWAIT).
ssize_t clinux_pread_cached(int fd, void *buffer, size_t count, off_t offset);

/// Starts to write a range from the page cache to the medium, and does not wait for the end (sync_file_range(2)).
int clinux_start_writeback(int fd, off_t offset, off_t count);

/// Has reads and writes of an open file pass the page cache by (O_DIRECT).
int clinux_set_direct(int fd);

/// What memory, offsets and lengths must be multiples of then, bytes; 0 where the filesystem does not tell.
int clinux_direct_alignment(int fd);

/// Has a program that is started close the descriptors from `first` on.
int clinux_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

/// Makes this process undumpable: no core file, /proc/PID owned by root.
int clinux_set_undumpable(void);

/// execve(2) gives no new privileges from here on.
int clinux_set_no_new_privileges(void);

/// Asks that memory reclaim in this process and the threads it starts does not wait for I/O that it must serve.
int clinux_set_io_flusher(void);

/// Gives up every capability but those in the mask `keep`, permitted, effective, inheritable and bounding.
int clinux_keep_capabilities(uint64_t keep);

/// Starts the program of an open file in place of this one, in the mount namespace of an open file of /proc/PID/ns
/// (setns(2), fexecve(3)). Returns only where that fails: -1.
int clinux_restart_in_mounts(int space, int program, char *const *arguments);

/// umount2(2) with the flags 0 or MNT_DETACH.
int clinux_umount(const char *path, int detach);

/// Has the filesystem of an open folder write all that it holds back, and hold up all that changes it (ioctl_fsfreeze(2)).
int clinux_freeze(int directory);

/// Lets it go on.
int clinux_thaw(int directory);

/// Attaches `backing` to the loop device `loop` in one step: direct I/O, autoclear, the logical block size given.
int clinux_loop_configure(int loop, int backing, uint32_t block_bytes, int read_only, const char *name);

/// The number of a free loop device, made if there is none; -1 on failure.
int clinux_loop_free_index(int control);

/// Detaches a loop device (LOOP_CLR_FD).
int clinux_loop_clear(int loop);

/// Has a loop device take its size from its backing file anew.
int clinux_loop_set_capacity(int loop);

/// A new file without a name in the filesystem of an open folder (open(2), O_TMPFILE).
int clinux_temporary_file(int folder);
