internal import CofferEBS
internal import CofferShapes

/// What a home's volumes, snapshots and settings are to be: plain values, which nothing but the test's operations changes.
struct VolumeModel {
    /// In the order of their making, as descriptions have them.
    var volumes: [ModelVolume] = []
    var snapshots: [ModelSnapshot] = []
    /// KMS keys that can be disabled.
    let keys: [ARN]
    let managedKey: ARN
    let ownedKey: ARN
    var disabledKeys: Set<ARN> = []
    /// By name.
    var aliases: [String: ARN] = [:]
    var encryptsByDefault = false
    var defaultKey: ARN?
    /// Client tokens, by action and text: what was asked for, and what it made.
    var tokens: [String: (words: String, volume: VolumeID)] = [:]

    func isUsable(_ key: ARN?) -> Bool { key.map { !disabledKeys.contains($0) } ?? true }

    /// nil where there is no such key.
    func key(_ reference: KeyReference) -> ARN? {
        switch reference {
        case .alias(let name): name.text == "alias/aws/ebs" ? managedKey : aliases[name.text]
        case .id(let id): keys.first { $0.resource == "key/\(id)" }
        case .keyARN(let arn, _): (keys + [managedKey]).first { $0 == arn }
        case .aliasARN, .other: nil
        }
    }

    func volume(_ id: String) -> ModelVolume? { volumes.first { $0.id.text == id } }

    func snapshot(_ id: String) -> ModelSnapshot? { snapshots.first { $0.id.text == id } }

    /// Applies a change to a volume that is there.
    mutating func change(_ id: VolumeID, _ change: (inout ModelVolume) -> Void) {
        for index in volumes.indices where volumes[index].id == id { change(&volumes[index]) }
    }

    mutating func change(_ id: SnapshotID, _ change: (inout ModelSnapshot) -> Void) {
        for index in snapshots.indices where snapshots[index].id == id { change(&snapshots[index]) }
    }

    /// `sdf` and `/dev/sdf` are one.
    func isTaken(_ device: String, but id: VolumeID? = nil) -> Bool {
        volumes.contains { volume in
            volume.id != id && volume.attachment.map { Self.name($0.device) == Self.name(device) } ?? false
        }
    }

    private static func name(_ device: String) -> Substring {
        device.hasPrefix("/dev/") ? device.dropFirst(5) : device[...]
    }

    /// The device that an attachment gets that names none. (docs/ec2.md)
    var nextDevice: String {
        "fghijklmnopqrstuvwxyz".map { "/dev/sd\($0)" }.first { !isTaken($0) } ?? ""
    }
}

struct ModelVolume {
    struct Attachment {
        let device: String
        let file: String
        let isReadOnly: Bool
        /// A detach was begun and refused.
        var isBusy = false
        /// The KMS keys that hold a grant for it, one each.
        var grants: [ARN]
    }

    struct Modification: Equatable {
        var original: Shape
        var target: Shape
        var state: VolumeModification.State
    }

    struct Shape: Equatable {
        var size: UInt64
        var type: VolumeType
        var iops: Int?
        var throughput: Int?
    }

    var id: VolumeID
    /// For people: the number of its making.
    var number = 0
    var shape: Shape
    var dataUnitBytes: Int
    var key: ARN
    var isEncrypted: Bool
    var tags: [String: String]
    /// Its making failed.
    var isFailed = false
    var snapshot: SnapshotID?
    var source: VolumeID?
    var content = ModelContent()
    /// The key of the snapshot that it has a part of still; nil where all of it is its own.
    var fillKey: ARN?
    var attachment: Attachment?
    var modification: Modification?

    var name: String { "v\(number)" }
    var isAvailable: Bool { !isFailed && attachment == nil }
    var state: String { isFailed ? "error" : attachment == nil ? "available" : "in-use" }
}

struct ModelSnapshot {
    var id: SnapshotID
    var number = 0
    /// nil for a copy.
    var volume: VolumeID?
    var size: UInt64
    var dataUnitBytes: Int
    var key: ARN
    var isEncrypted: Bool
    var tags: [String: String]
    var description: String
    var sharedWith: Set<SnapshotGrantee> = []
    var isFailed = false
    var content = ModelContent()

    var name: String { "s\(number)" }
}

/// What a volume holds: by the number of a unit of 4 KiB the seed of its bytes. What is not there is zeroes.
struct ModelContent: Equatable {
    static let unitBytes = 4096

    private(set) var seeds: [Int: UInt8] = [:]

    /// Seed 0 is zeroes.
    mutating func put(_ seed: UInt8, _ units: Range<Int>) {
        for unit in units { seeds[unit] = seed == 0 ? nil : seed }
    }

    /// The bytes of some units, as they are to be read.
    func bytes(_ units: Range<Int>) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: units.count * Self.unitBytes)
        for (index, unit) in units.enumerated() {
            guard let seed = seeds[unit] else { continue }
            let start = index * Self.unitBytes
            for at in start..<start + Self.unitBytes { bytes[at] = seed }
            // Units that change places are another content.
            bytes[start] = UInt8(truncatingIfNeeded: unit)
            bytes[start + 1] = UInt8(truncatingIfNeeded: unit >> 8)
        }
        return bytes
    }
}

/// An operation that is to be refused, and by which code.
struct Refused: Error {
    let code: AWSError.Code

    init(_ code: AWSError.Code) { self.code = code }
}

/// Where the home and the model differ.
struct Difference: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
