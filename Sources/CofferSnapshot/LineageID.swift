internal import CofferShapes

/// Which volume key a block is under: the key's uuid. Snapshots of one lineage share blocks; its packs lie in
/// `lineage-<uuid>`.
public struct LineageID: Hashable, Sendable, CustomStringConvertible {
    /// 16 bytes.
    public let uuid: [UInt8]

    public init(uuid: [UInt8]) {
        precondition(uuid.count == 16, "a uuid has 16 bytes")
        self.uuid = uuid
    }

    static let folderPrefix = "lineage-"

    /// The lineage whose folder has that name; nil for another name.
    init?(folder name: String) {
        guard name.hasPrefix(Self.folderPrefix),
            let uuid = UUIDText.parse(String(name.dropFirst(Self.folderPrefix.count)))
        else { return nil }
        self.init(uuid: uuid)
    }

    public var description: String { UUIDText.text(uuid) }

    /// The folder of its packs.
    var folder: String { Self.folderPrefix + description }

    /// What one writer at a time holds a lock on.
    var lockFile: StoragePath { StoragePath("lock", in: folder) }

    static let packPrefix = "pack-"

    func pack(_ number: UInt32) -> StoragePath { StoragePath("\(Self.packPrefix)\(number)", in: folder) }

    /// The number of the pack whose file has that name; nil for another name.
    static func packNumber(_ name: String) -> UInt32? {
        guard name.hasPrefix(packPrefix), let number = UInt32(name.dropFirst(packPrefix.count)), number > 0,
            name == "\(packPrefix)\(number)"
        else { return nil }
        return number
    }
}

extension SnapshotID {
    /// Its folder has its name.
    var folder: String { text }
    /// There when, and only when, the snapshot is complete.
    var manifest: StoragePath { StoragePath("manifest", in: folder) }
    /// Of a snapshot that was removed, while something needs its blocks.
    var retiredManifest: StoragePath { StoragePath("manifest.retired", in: folder) }
    /// A manifest that is being written.
    var newManifest: StoragePath { StoragePath("manifest.new", in: folder) }
    var state: StoragePath { StoragePath("state", in: folder) }
    var newState: StoragePath { StoragePath("state.new", in: folder) }
}
