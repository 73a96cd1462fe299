internal import CXTS
internal import Glibc

/// A kernel that leaves data as it is, to measure what the path of a byte costs without its cipher. It exists in this
/// program alone, behind `XTSCipher.init(measuring:key:)`: the product has no null cipher.
enum IdentityKernel {
    /// A test looks for these bytes in the product's programs, where they must not be.
    private static let name: StaticString = "identity-kernel-for-measurement-only"

    /// Made once, never changed and never freed.
    nonisolated(unsafe) static let table: UnsafePointer<cxts_kernel> = {
        let table = UnsafeMutablePointer<cxts_kernel>.allocate(capacity: 1)
        let text = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        unsafe table.initialize(
            to: cxts_kernel(
                name: text,
                open: { _, _, _ in CXTS_OK },
                encrypt: { unsafe IdentityKernel.carry($4, $3, $5) },
                decrypt: { unsafe IdentityKernel.carry($4, $3, $5) },
                close: { _ in }
            )
        )
        return unsafe UnsafePointer(table)
    }()

    /// The data path works in place, so that nothing is left to do.
    private static func carry(
        _ target: UnsafeMutablePointer<UInt8>?,
        _ source: UnsafePointer<UInt8>?,
        _ count: Int
    ) -> cxts_status {
        guard let target = unsafe target, let source = unsafe source else { return CXTS_OK }  // an empty run
        if unsafe UnsafePointer(target) != source { unsafe memcpy(target, source, count) }
        return CXTS_OK
    }
}
