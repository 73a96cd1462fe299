public import CofferShapes

/// Why one copy of a header cannot be used.
public enum CopyFault: Error, Equatable, Sendable {
    /// The store ends before it does.
    case missing
    /// It does not begin as a header does.
    case magic
    /// Its bytes are not those that were written.
    case checksum
    /// It is whole, and of another major version of the format.
    case version(UInt16)
    /// It is whole, and belongs elsewhere.
    case place
    /// It is whole, and uses features that this version does not know.
    case features(UInt32)
    /// It is whole, and a field has a value that no writer gives it.
    case field(HeaderField)

    /// What is wrong, to follow "copy A".
    public var phrase: String {
        switch self {
        case .missing: "lies past the end of the store"
        case .magic: "does not begin as a header does"
        case .checksum: "is damaged (its checksum is wrong)"
        case .version(let major): "is of format version \(major)"
        case .place: "lies in the wrong place"
        case .features(let bits): "uses unknown features (0x\(String(bits, radix: 16)))"
        case .field(let field): "is whole but has \(field.rawValue) that no writer gives it"
        }
    }
}

/// The parts of a header that a reader checks one by one.
public enum HeaderField: String, Error, Sendable {
    case headerLength = "a length"
    case sequence = "a sequence number"
    case state = "a state"
    case volumeID = "a volume id"
    case geometry = "a size, data unit or data offset"
    case cipher = "a cipher"
    case epoch = "an epoch"
    case parentSnapshot = "a parent snapshot"
    case reserved = "reserved bytes"
    case emptySlot = "bytes in an empty slot"
    case slot = "a key slot"
    case keyARN = "a KMS key ARN"
    case context = "an encryption context"
    case activeSlots = "key slots for its state"
    case extensionRecords = "extension records"
}

/// Why a volume's header cannot be read or changed. Each case is one sentence to a person.
public enum HeaderError: Error, Equatable, Sendable {
    case store(BlockError)
    /// Neither copy can be used.
    case noGoodCopy(a: CopyFault, b: CopyFault)
    case newerVersion(UInt16)
    /// It is authentic, or may be, and uses what this version does not know.
    case unsupportedFeatures
    /// It uses features that allow this version to read only.
    case readOnlyFeatures
    case otherVolume(expected: VolumeID, found: VolumeID)
    case storeTooSmall(needed: UInt64, present: UInt64)
    /// The checksum is right and the authentication code is wrong.
    case tampered
    case rollback(seen: RollbackMark, found: RollbackMark)
    case wrongState(VolumeHeader.State)
    /// A volume cannot have that size: it would shrink, or is none of the format's.
    case size(wanted: UInt64, present: UInt64)
    /// A store that is to become a volume holds something.
    case notEmpty
    /// Neither record of a re-encryption's journal can be used.
    case noJournal
    /// The new slot's key is not the volume's.
    case otherVolumeKey
    /// The bytes given as a saved header are none.
    case notASavedHeader(CopyFault)
    /// A saved header of a volume key that the volume no longer uses.
    case olderKey
    /// 2^63 changes.
    case counterExhausted
    /// libcrypto failed.
    case crypto

    public var sentence: String {
        switch self {
        case .store(let error): "the volume's store failed (\(error.sentence))"
        case .noGoodCopy(.missing, .missing): "this is no volume: the store ends before its header does"
        case .noGoodCopy(.magic, .magic), .noGoodCopy(.magic, .missing):
            "this is no volume: neither place of a header holds one"
        case .noGoodCopy(let a, let b):
            "no copy of the header can be used: copy A \(a.phrase), copy B \(b.phrase)"
        case .newerVersion(let major):
            "the volume has format version \(major), which this Coffer does not know"
        case .unsupportedFeatures: "the volume uses features that this Coffer does not know"
        case .readOnlyFeatures: "the volume uses features that let this Coffer only read it"
        case .otherVolume(let expected, let found):
            "the header is that of \(found), where \(expected) should be"
        case .storeTooSmall(let needed, let present):
            "the store has \(present) bytes where the volume needs \(needed): its end is missing"
        case .tampered:
            "the header was changed by somebody without the volume key: its checksum is right and its "
                + "authentication code is wrong"
        case .rollback(let seen, let found):
            "the header is an old one put back: sequence \(found.sequence) and attach epoch "
                + "\(found.attachEpoch), where \(seen.sequence) and \(seen.attachEpoch) were seen before"
        case .wrongState(let state): "the volume's state (\(state.name)) does not allow this"
        case .size(let wanted, let present) where wanted < present:
            "the volume has \(present) bytes and cannot become as small as \(wanted)"
        case .size(let wanted, _): "a volume cannot have \(wanted) bytes"
        case .notEmpty: "the store is not empty where the header would go"
        case .noJournal:
            "the volume is being re-encrypted, and neither record of how far that has come can be used: which data is "
                + "under which key is not known"
        case .otherVolumeKey: "the new wrapped key does not hold this volume's key"
        case .notASavedHeader(let fault): "the saved header cannot be used: it \(fault.phrase)"
        case .olderKey: "the saved header belongs to a volume key that the volume no longer uses"
        case .counterExhausted: "a counter of the header has reached its end"
        case .crypto: "the cryptographic library failed"
        }
    }

    /// The same for whoever called a service.
    public var awsError: AWSError { AWSError(code, sentence) }

    private var code: AWSError.Code {
        switch self {
        case .noGoodCopy(.field, .field), .otherVolume, .tampered: .tampered
        case .noGoodCopy, .storeTooSmall, .notASavedHeader, .noJournal: .damaged
        case .rollback, .olderKey: .rollback
        case .newerVersion, .unsupportedFeatures, .readOnlyFeatures:
            AWSError.Code("UnsupportedOperation", .refused)  // of Amazon EC2, as its other codes
        case .wrongState, .notEmpty: .incorrectState
        case .size: .invalidParameterValue
        case .otherVolumeKey: .incorrectKey
        case .store(.system(28, _)): .storageFull  // ENOSPC
        case .store, .counterExhausted, .crypto: .internalError
        }
    }
}

extension BlockError {
    /// What failed, in words.
    package var sentence: String {
        switch self {
        case .system(let errno, let call): "\(call.rawValue): errno \(errno)"
        case .outOfRange: "a request past its end"
        case .faulted: "an earlier sync failed"
        case .cipher: "the cipher failed"
        }
    }
}
