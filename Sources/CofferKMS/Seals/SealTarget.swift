public import CofferShapes

/// The seals that a home can have, by the names that `seal.json` and the command line know them by.
public enum SealKind: String, Sendable, CaseIterable {
    case file, passphrase, pkcs11
    case awsKMS = "aws-kms"
}

/// A seal with where it is: what a migration goes to, and what is in place. Nothing in it is secret.
public enum SealTarget: Sendable, Hashable {
    case file
    case passphrase
    /// A key in a hardware token; `module` is the absolute path of the token's PKCS #11 module.
    case pkcs11(module: String, token: String, keyLabel: String)
    /// A KMS key elsewhere. Without an endpoint or a region those are meant that the environment names.
    case awsKMS(key: KeyReference, endpoint: String?, region: Region?)

    public var kind: SealKind {
        switch self {
        case .file: .file
        case .passphrase: .passphrase
        case .pkcs11: .pkcs11
        case .awsKMS: .awsKMS
        }
    }

    /// Why nothing can be sealed so, as the rest of a sentence about a seal, or nil.
    var fault: String? {
        switch self {
        case .file, .passphrase: nil
        case .pkcs11(let module, let token, let keyLabel):
            if !module.hasPrefix("/") || !Self.fits(module, 1...4095) {
                // PATH_MAX without its closing zero; the folder that a program is started in must not matter.
                "names no PKCS #11 module by an absolute path"
            } else if !Self.fits(token, 1...32) {
                // CK_TOKEN_INFO has room for 32 bytes. (PKCS #11 v2.40, base specification, 3.2)
                "names no token by a label of 1 to 32 bytes"
            } else if !Self.fits(keyLabel, 1...255) {
                "names no key by a label of 1 to 255 bytes"
            } else {
                nil
            }
        case .awsKMS(let key, let endpoint, _):
            if case .other = key {
                "names no KMS key"
            } else if let endpoint, !Self.fits(endpoint, 1...512) {
                "names no endpoint by 1 to 512 bytes"
            } else {
                nil
            }
        }
    }

    /// Whether a text has a fitting number of bytes and no control character: one would end it in C, and others would
    /// act on the terminal where a person reads it.
    private static func fits(_ text: String, _ counts: ClosedRange<Int>) -> Bool {
        counts.contains(text.utf8.count) && !text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}
