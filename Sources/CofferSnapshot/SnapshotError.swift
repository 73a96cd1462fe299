public import CofferBlock
public import CofferShapes

/// The parts of a manifest that are checked one by one.
public enum ManifestPart: String, Sendable {
    case header = "its header"
    case length = "its length"
    case table = "its table of pages"
    case page = "a page of its block list"
}

/// What a whole manifest may say that no writer makes it say.
public enum ManifestField: String, Error, Sendable {
    case headerLength = "a length"
    case kind = "a kind"
    case blockSize = "a block size"
    case snapshotID = "a snapshot id"
    case volumeID = "a volume id"
    case geometry = "a size, data unit or cipher"
    case blockCount = "a count of blocks"
    case epoch = "a key epoch"
    case parent = "a parent"
    case reserved = "reserved bytes"
    case slot = "a key slot"
    case entries = "block entries out of order or out of range"
}

/// Why a snapshot cannot be made, read or removed. Each case is one sentence to a person.
public enum SnapshotError: Error, Equatable, Sendable {
    /// A file could not be read, written or synced.
    case store(BlockError, path: String)
    /// The file system refused.
    case files(errno: Int32, call: String, path: String)
    /// The source of the blocks failed.
    case source(BlockError)
    case notFound(SnapshotID)
    case alreadyExists(SnapshotID)
    case notAManifest(SnapshotID)
    /// Its bytes are not those that were written.
    case damagedManifest(SnapshotID, ManifestPart)
    /// It is whole, and says what no writer makes it say.
    case implausibleManifest(SnapshotID, ManifestField)
    case newerVersion(SnapshotID, UInt16)
    case unsupportedFeatures(SnapshotID, UInt32)
    /// The checksum is right and the authentication code is wrong.
    case tampered(SnapshotID)
    case otherSnapshot(expected: SnapshotID, found: SnapshotID)
    /// A block's ciphertext is not what the manifest says.
    case damagedBlock(SnapshotID, UInt64)
    /// The pack that holds a block is gone, or is no pack of the lineage.
    case missingBlock(SnapshotID, UInt64, pack: UInt32)
    case damagedPack(LineageID, UInt32)
    /// Another process writes to the lineage or collects in it.
    case lineageBusy(LineageID)
    case unrelated(SnapshotID, SnapshotID)
    /// A key of another lineage.
    case unrelatedKey(SnapshotID)
    case outOfRange
    /// A wrapped key that was made for something else: its context names neither the volume nor the snapshot.
    case otherContext(SnapshotID)
    /// A previous snapshot of another key, unit size or cipher.
    case otherGeometry(SnapshotID, SnapshotID)
    case cancelled
    /// Whoever made it gave it up; the reason is a sentence without its subject.
    case givenUp(String)
    /// An earlier sync of the writer failed, or it was given up: nothing more is stored by it.
    case writerOver
    /// The stream is none, or not what its manifest says.
    case notAStream
    case streamEnded
    case streamGoesOn
    case stream(errno: Int32)
    /// More packs than there are numbers.
    case lineageFull(LineageID)
    /// libcrypto or the cipher failed.
    case crypto
}

extension SnapshotError {
    public var sentence: String {
        switch self {
        case .store(let error, let path): "\(path) failed (\(error.sentence))"
        case .files(let errno, let call, let path): "\(call) \(path) failed: errno \(errno)"
        case .source(let error): "the volume's store failed (\(error.sentence))"
        case .notFound(let id): "there is no complete snapshot \(id)"
        case .alreadyExists(let id): "there is a snapshot \(id) already"
        case .notAManifest(let id): "the manifest of \(id) does not begin as one does"
        case .damagedManifest(let id, let part):
            "the manifest of \(id) is damaged: \(part.rawValue) is not as it was written"
        case .implausibleManifest(let id, let field):
            "the manifest of \(id) is whole but has \(field.rawValue) that no writer gives it"
        case .newerVersion(let id, let major):
            "the manifest of \(id) has format version \(major), which this Coffer does not know"
        case .unsupportedFeatures(let id, let bits):
            "the manifest of \(id) uses features that this Coffer does not know (0x\(String(bits, radix: 16)))"
        case .tampered(let id):
            "the manifest of \(id) was changed by somebody without the volume key: its checksum is right and its "
                + "authentication code is wrong"
        case .otherSnapshot(let expected, let found):
            "the manifest is that of \(found), where \(expected) should be"
        case .damagedBlock(let id, let index):
            "block \(index) of \(id) is damaged: its ciphertext is not what was stored"
        case .missingBlock(let id, let index, let pack):
            "block \(index) of \(id) is missing: pack \(pack) of its lineage is gone or is another"
        case .damagedPack(let lineage, let pack):
            "pack \(pack) of lineage \(lineage) does not begin as one does"
        case .lineageBusy(let lineage): "another process is writing to lineage \(lineage)"
        case .unrelated(let first, let second): "\(first) and \(second) are not of one lineage"
        case .unrelatedKey(let id): "the key is none of the lineage of \(id)"
        case .outOfRange: "a request past the end of the volume, or one that is no whole number of data units"
        case .otherContext(let id): "the wrapped key was made for something other than \(id) and its volume"
        case .otherGeometry(let previous, let id):
            "\(id) cannot follow \(previous): its data unit or cipher differs"
        case .cancelled: "it was cancelled"
        case .givenUp(let reason): reason
        case .writerOver: "an earlier failure ended the writing"
        case .notAStream: "the stream is no exported snapshot"
        case .streamEnded: "the stream ends before the snapshot does"
        case .streamGoesOn: "the stream goes on after the snapshot"
        case .stream(let errno): "the stream failed: errno \(errno)"
        case .lineageFull(let lineage): "lineage \(lineage) has no number left for a pack"
        case .crypto: "the cryptographic library failed"
        }
    }

    /// The same for whoever called a service.
    public var awsError: AWSError {
        let error = AWSError(code, sentence)
        guard case .lineageBusy = self else { return error }
        return error.hinting("wait until the other work on the volume's snapshots is done")
    }

    private var code: AWSError.Code {
        switch self {
        case .store(.system(28, _), _), .files(28, _, _), .store(.system(122, _), _), .files(122, _, _):
            .storageFull  // ENOSPC, EDQUOT
        case .notFound: .snapshotNotFound
        case .lineageBusy, .alreadyExists, .cancelled, .givenUp: .incorrectState
        case .tampered, .implausibleManifest, .otherSnapshot: .tampered
        case .notAManifest, .damagedManifest, .damagedBlock, .missingBlock, .damagedPack, .notAStream,
            .streamEnded, .streamGoesOn:
            .damaged
        case .newerVersion, .unsupportedFeatures: AWSError.Code("UnsupportedOperation", .refused)
        case .unrelated, .unrelatedKey, .outOfRange, .otherContext, .otherGeometry: .invalidParameterValue
        case .store, .files, .source, .writerOver, .stream, .lineageFull, .crypto: .internalError
        }
    }

}
