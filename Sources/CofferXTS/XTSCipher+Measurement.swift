package import CXTS
package import CofferSecrets

extension XTSCipher {
    /// A cipher over a table that is none of this room's, taken as it is, with no self-test: a table that leaves data as
    /// it is shows what the way around the cipher costs. For measurement only: CofferBenchServer calls it, and nothing
    /// that is a product may. The table lives as long as the program.
    package init(measuring table: UnsafePointer<cxts_kernel>, key: borrowing SecretBytes) throws(XTSError) {
        try self.init(untested: key, kernel: unsafe XTSKernel(table))
    }
}
