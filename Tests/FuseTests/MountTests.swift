internal import CofferTesting
internal import Testing

/// All tests that mount: one at a time and in turn with every other suite that mounts, and never for longer than their
/// daemon's watchdog allows. They run the built `coffer-volumed` over the kernel's real FUSE.
@Suite(.serialized, .mounts, .mountable)
enum MountTests {}
