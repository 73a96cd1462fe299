internal import CofferBlock
internal import CofferControl
internal import CofferCrypto
internal import CofferFuse
internal import CofferXTS

/// Why a volume is not served: a sentence for the log and the starter, without secrets.
struct StartFailure: Error {
    let message: String
    let hint: String?

    init(_ message: String, hint: String? = nil) {
        (self.message, self.hint) = (message, hint)
    }

    /// Puts what an engine threw into words.
    init(_ error: any Error) {
        switch error {
        case let failure as StartFailure: self = failure
        case let error as FuseError: self.init(error.message, hint: error.hint)
        case let error as ControlError: self.init(error.description)
        case let error as LibcryptoMemory.InstallError: self.init(error.description)
        case BlockError.system(let code, let call):
            self.init("\(call) of the volume's file failed with errno \(code)")
        case XTSError.selfTest:
            self.init("the cipher gave a wrong answer to a known question: nothing is served")
        case XTSError.noKernel:
            self.init(
                "\(XTSKernel.environmentName) names a cipher kernel that this processor does not have",
                hint: "unset it, or name one of: \(XTSKernel.all.map(\.name).joined(separator: ", "))"
            )
        case XTSError.equalKeyHalves:
            self.init("the two halves of the derived key are equal: nothing is served")
        case is XTSError, is CryptoError:
            let isFull = LibcryptoMemory.usage.failureCount > 0
            self.init(
                isFull ? "the locked memory for keys is used up" : "libcrypto failed to set up the keys",
                hint: isFull ? "attach with fewer threads" : nil
            )
        default: self.init("\(error)")
        }
    }
}
