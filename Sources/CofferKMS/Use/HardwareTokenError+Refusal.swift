internal import CofferShapes

extension HardwareTokenError {
    /// (`CustomKeyStoresListEntry`, "ConnectionErrorCode")
    var connectionErrorCode: String {
        switch self {
        case .wrongPIN: "INVALID_CREDENTIALS"
        case .pinLocked: "USER_LOCKED_OUT"
        case .tokenNotFound, .moduleNotFound: "CLUSTER_NOT_FOUND"
        case .gone: "NETWORK_ERRORS"
        case .keyNotFound, .authenticationFailed, .unsupported, .failed: "INTERNAL_ERROR"
        }
    }

    /// For a store that is to be made.
    func refusal(makingStoreOver label: String) -> AWSError {
        AWSError(.cloudHSMClusterNotFound, "the token \(label) cannot be found: \(words)")
    }

    /// For verbs about the store.
    func refusal(connecting id: String) -> AWSError {
        AWSError(.customKeyStoreInvalidState, "the custom key store \(id) cannot be reached: \(words)")
    }

    /// For uses of a key in it.
    func refusal(using key: ARN) -> AWSError {
        AWSError(.kmsInvalidState, "\(key) is unavailable: \(words)")
    }

    private var words: String {
        switch self {
        case .moduleNotFound(let path): "there is no PKCS #11 module \(path)"
        case .tokenNotFound(let label): "no token is labelled \(label)"
        case .wrongPIN: "the token refused the PIN"
        case .pinLocked: "the token's PIN is locked"
        case .gone: "the token does not answer"
        case .keyNotFound: "the token has not the key"
        case .authenticationFailed: "the token found the wrapped key changed"
        case .unsupported(let sentence): sentence
        case .failed(let function, let code): "\(function) failed with code 0x\(String(code, radix: 16))"
        }
    }
}
