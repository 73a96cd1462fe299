// libfuse's low-level interface, and the wire structures of the kernel's own header.
// The headers are named by their folder, so that no pkg-config is needed to build.
#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
