public import CofferShapes

/// What `createVolume` makes. Sizes in bytes.
public struct CreateVolumeRequest: Sendable {
    /// The Name tag, as the command line gives it: refused where another volume has it.
    public var name: String?
    /// Rounded up to a whole number of data units; 0: as large as the snapshot.
    public var sizeBytes: UInt64
    /// The snapshot that the volume begins with: an id, the beginning of one, or a name.
    public var snapshot: String?
    /// false or nil: unless the region encrypts by default, the volume answers that it is not encrypted. Its data is all
    /// the same, under a key that asks for no permission.
    public var isEncrypted: Bool?
    /// nil: the region's default key.
    public var key: KeyReference?
    public var type: VolumeType = .gp3
    public var iops: Int?
    /// MiB/s.
    public var throughput: Int?
    /// nil: the region's one zone.
    public var zone: String?
    public var tags: [Tag] = []
    /// Refused: a volume has one attachment.
    public var isMultiAttach = false
    /// The same again makes nothing: at most 64 ASCII characters.
    public var clientToken: String?
    /// 512 or 4096.
    public var dataUnitBytes: Int
    /// `aes-256-xts` or `aes-128-xts`.
    public var cipherName: String

    public init(
        name: String? = nil,
        sizeBytes: UInt64,
        isEncrypted: Bool? = true,
        key: KeyReference? = nil,
        dataUnitBytes: Int = 4096,
        cipherName: String = "aes-256-xts"
    ) {
        (self.name, self.sizeBytes, self.isEncrypted, self.key) = (name, sizeBytes, isEncrypted, key)
        (self.dataUnitBytes, self.cipherName) = (dataUnitBytes, cipherName)
    }
}

/// What `modifyVolume` changes; nil: nothing.
public struct ModifyVolumeRequest: Sendable {
    /// Never less than it is.
    public var sizeBytes: UInt64?
    public var type: VolumeType?
    public var iops: Int?
    /// MiB/s.
    public var throughput: Int?

    public init(
        sizeBytes: UInt64? = nil,
        type: VolumeType? = nil,
        iops: Int? = nil,
        throughput: Int? = nil
    ) {
        (self.sizeBytes, self.type, self.iops, self.throughput) = (sizeBytes, type, iops, throughput)
    }

    var isEmpty: Bool { sizeBytes == nil && type == nil && iops == nil && throughput == nil }
}

/// A filter of a description: any of the values, in which `*` stands for any characters, `?` for one, and a backslash
/// takes either as it is. (EC2 user guide, "List and filter using the CLI and API".)
public struct Filter: Sendable, Hashable {
    public let name: String
    public let values: [String]

    public init(_ name: String, _ values: [String]) { (self.name, self.values) = (name, values) }
}

/// What a description is asked for. By ids, or by page, and in either case only what all filters let through.
public struct ResourceQuery: Sendable {
    /// As the request has them: one that is malformed or not there is an error.
    public var ids: [String]
    public var filters: [Filter]
    public var limit: Int?
    public var nextToken: String?

    public init(
        ids: [String] = [],
        filters: [Filter] = [],
        limit: Int? = nil,
        nextToken: String? = nil
    ) {
        (self.ids, self.filters, self.limit, self.nextToken) = (ids, filters, limit, nextToken)
    }
}

/// Which attachment `detachVolume` means; nil: whichever there is.
public struct AttachmentClaim: Sendable {
    public var instance: String?
    public var device: String?

    public init(instance: String? = nil, device: String? = nil) {
        (self.instance, self.device) = (instance, device)
    }
}
