/// An error that a caller may see: a code spelled as AWS spells it, one sentence, and where there is one, what to do
/// next. Decryption failures say nothing beyond failure.
public struct AWSError: Error, Equatable, Sendable, CustomStringConvertible {
    public let code: Code
    /// One sentence that starts in lower case; AWS's own words where a client may compare them.
    public let message: String
    /// A next step, such as a command to type. Only the command line shows it.
    public var hint: String?

    public init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    public var description: String { message.isEmpty ? code.name : "\(code.name): \(message)" }

    /// The same error with words in front that say what was under way.
    public func context(_ words: String) -> AWSError {
        AWSError(code, message.isEmpty ? words : "\(words): \(message)", hint: hint)
    }

    public func hinting(_ hint: String) -> AWSError {
        AWSError(code, message, hint: hint)
    }
}

extension AWSError {
    /// What an error means to a caller, whatever its name: decides the exit code and the HTTP status.
    public enum Kind: String, Sendable, Codable {
        case refused, usage, accessDenied, notFound, wrongState, internalFailure

        /// The command line's exit code: 0 is done.
        public var exitCode: Int32 {
            switch self {
            case .refused, .internalFailure: 1
            case .usage: 2
            case .accessDenied: 3
            case .notFound: 4
            case .wrongState: 5
            }
        }
    }

    /// An error's name on the wire, with its kind.
    public struct Code: Sendable, Equatable {
        public let name: String
        public let kind: Kind

        public init(_ name: String, _ kind: Kind) {
            self.name = name
            self.kind = kind
        }

        // Of AWS KMS (API reference, "Common errors" and each operation's list).
        public static let accessDenied = Code("AccessDeniedException", .accessDenied)
        public static let alreadyExists = Code("AlreadyExistsException", .refused)
        public static let conflict = Code("ConflictException", .wrongState)
        public static let customKeyStoreHasCMKs = Code("CustomKeyStoreHasCMKsException", .wrongState)
        public static let customKeyStoreInvalidState = Code(
            "CustomKeyStoreInvalidStateException",
            .wrongState
        )
        public static let customKeyStoreNameInUse = Code("CustomKeyStoreNameInUseException", .refused)
        public static let customKeyStoreNotFound = Code("CustomKeyStoreNotFoundException", .notFound)
        public static let cloudHSMClusterInUse = Code("CloudHsmClusterInUseException", .refused)
        public static let cloudHSMClusterNotFound = Code("CloudHsmClusterNotFoundException", .notFound)
        public static let dependencyTimeout = Code("DependencyTimeoutException", .internalFailure)
        public static let disabled = Code("DisabledException", .wrongState)
        public static let dryRunOperation = Code("DryRunOperationException", .refused)
        public static let expiredImportToken = Code("ExpiredImportTokenException", .refused)
        public static let incorrectKey = Code("IncorrectKeyException", .refused)
        public static let incorrectKeyMaterial = Code("IncorrectKeyMaterialException", .refused)
        public static let invalidArn = Code("InvalidArnException", .usage)
        public static let invalidCiphertext = Code("InvalidCiphertextException", .refused)
        public static let invalidGrantID = Code("InvalidGrantIdException", .usage)
        public static let invalidGrantToken = Code("InvalidGrantTokenException", .refused)
        public static let invalidImportToken = Code("InvalidImportTokenException", .refused)
        public static let invalidKeyUsage = Code("InvalidKeyUsageException", .refused)
        public static let invalidMarker = Code("InvalidMarkerException", .usage)
        public static let keyUnavailable = Code("KeyUnavailableException", .internalFailure)
        public static let kmsInternal = Code("KMSInternalException", .internalFailure)
        public static let kmsInvalidMAC = Code("KMSInvalidMacException", .refused)
        public static let kmsInvalidSignature = Code("KMSInvalidSignatureException", .refused)
        public static let kmsInvalidState = Code("KMSInvalidStateException", .wrongState)
        public static let limitExceeded = Code("LimitExceededException", .refused)
        public static let malformedPolicyDocument = Code("MalformedPolicyDocumentException", .usage)
        public static let notAuthorized = Code("NotAuthorizedException", .accessDenied)
        public static let notFound = Code("NotFoundException", .notFound)
        public static let tag = Code("TagException", .usage)
        public static let throttling = Code("ThrottlingException", .refused)
        public static let unsupportedOperation = Code("UnsupportedOperationException", .refused)
        public static let validation = Code("ValidationException", .usage)

        // Of IAM (API reference, each action's errors).
        public static let noSuchEntity = Code("NoSuchEntity", .notFound)
        public static let entityAlreadyExists = Code("EntityAlreadyExists", .refused)
        public static let deleteConflict = Code("DeleteConflict", .wrongState)
        public static let iamLimitExceeded = Code("LimitExceeded", .refused)
        public static let malformedPolicy = Code("MalformedPolicyDocument", .usage)
        public static let iamAccessDenied = Code("AccessDenied", .accessDenied)
        public static let iamValidation = Code("ValidationError", .usage)

        // Of Amazon EC2 (API reference, "Error codes").
        public static let incorrectState = Code("IncorrectState", .wrongState)
        public static let internalError = Code("InternalError", .internalFailure)
        public static let invalidParameterValue = Code("InvalidParameterValue", .usage)
        public static let volumeInUse = Code("VolumeInUse", .wrongState)
        public static let volumeNotFound = Code("InvalidVolume.NotFound", .notFound)

        // Coffer's own, where AWS has no such case.
        /// A header, blob or store is damaged.
        public static let damaged = Code("Coffer.Damaged", .refused)
        /// A header was changed by somebody without the key.
        public static let tampered = Code("Coffer.Tampered", .refused)
        /// A header is older than one seen before.
        public static let rollback = Code("Coffer.Rollback", .refused)
        /// The machine lacks something, such as a package or a permission.
        public static let missingRequirement = Code("Coffer.MissingRequirement", .refused)
        /// The home's root key cannot be unsealed.
        public static let sealed = Code("Coffer.Sealed", .accessDenied)
        /// A store has no room left.
        public static let storageFull = Code("Coffer.StorageFull", .refused)
    }
}
