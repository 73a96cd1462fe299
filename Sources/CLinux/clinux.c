#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000U
#endif
#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

int clinux_memfd_secret(void) { return (int)syscall(SYS_memfd_secret, O_CLOEXEC); }

int clinux_fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }

int clinux_is_in_memory(int fd) {
    struct statfs status;
    return fstatfs(fd, &status) == 0 && (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

ssize_t clinux_pread_cached(int fd, void *buffer, size_t count, off_t offset) {
    const struct iovec part = {.iov_base = buffer, .iov_len = count};
    return preadv2(fd, &part, 1, offset, RWF_NOWAIT);
}

int clinux_start_writeback(int fd, off_t offset, off_t count) {
    return sync_file_range(fd, offset, count, SYNC_FILE_RANGE_WRITE);
}

int clinux_set_direct(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_DIRECT);
}

int clinux_direct_alignment(int fd) {
    struct statx status;
    memset(&status, 0, sizeof status);
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) != 0 || !(status.stx_mask & STATX_DIOALIGN)) return 0;
    const uint32_t memory = status.stx_dio_mem_align, offset = status.stx_dio_offset_align;
    return (int)(memory > offset ? memory : offset);
}

int clinux_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int clinux_set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int clinux_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int clinux_set_io_flusher(void) { return prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); }

int clinux_keep_capabilities(uint64_t keep) {
    for (int capability = 0; capability < 64; capability++) {
        if (keep & (1ULL << capability)) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL && errno != EPERM) return -1;
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    for (int half = 0; half < 2; half++) {
        uint32_t mask = (uint32_t)(keep >> (32 * half));
        data[half].effective &= mask;
        data[half].permitted &= mask;
        data[half].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &header, data);
}

int clinux_restart_in_mounts(int space, int program, char *const *arguments) {
    // Threads share their root and working folder, and one that does may not enter; the others end with the old program.
    if (unshare(CLONE_FS) != 0 || setns(space, CLONE_NEWNS) != 0) return -1;
    return fexecve(program, arguments, environ);
}

int clinux_umount(const char *path, int detach) { return umount2(path, (detach ? MNT_DETACH : 0) | UMOUNT_NOFOLLOW); }

int clinux_loop_configure(int loop, int backing, uint32_t block_bytes, int read_only, const char *name) {
    struct loop_config config;
    memset(&config, 0, sizeof config);
    config.fd = (uint32_t)backing;
    config.block_size = block_bytes;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | (read_only ? LO_FLAGS_READ_ONLY : 0);
    strncpy((char *)config.info.lo_file_name, name, LO_NAME_SIZE - 1);
    return ioctl(loop, LOOP_CONFIGURE, &config);
}

int clinux_loop_free_index(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }

int clinux_loop_clear(int loop) { return ioctl(loop, LOOP_CLR_FD, 0); }

int clinux_loop_set_capacity(int loop) { return ioctl(loop, LOOP_SET_CAPACITY, 0); }

int clinux_freeze(int directory) { return ioctl(directory, FIFREEZE, 0); }

int clinux_thaw(int directory) { return ioctl(directory, FITHAW, 0); }

int clinux_temporary_file(int folder) { return openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }
