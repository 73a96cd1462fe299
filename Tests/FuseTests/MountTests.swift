internal import CofferTesting
internal import Testing

/// All tests that mount: one at a time, as the nested suites inherit `.serialized`, and never for longer than their
/// daemon's watchdog allows. They run the built `coffer-volumed` over the kernel's real FUSE.
@Suite(
    .serialized,
    .enabled(
        if: FuseConnection.obstacle == nil,
        "NO MOUNT IS TESTED: \(FuseConnection.obstacle ?? "")"
    )
)
enum MountTests {}
