public import CofferCrypto
public import CofferSecrets
public import CofferShapes

/// What a volume's header says: the truth about the volume. Values only; `VolumeImage` reads and changes it.
///
/// A header that was read is unauthenticated until `HeaderReading.authenticate` has passed: until then its
/// words may be shown, and its wrapped key taken to the KMS, and nothing else may rest on them.
public struct VolumeHeader: Sendable, Equatable {
    /// Where the volume is in its life.
    public enum State: UInt32, Sendable {
        /// Creation did not finish: there is no data yet.
        case creating = 0
        case ready = 1
        /// A second slot waits for the proof that it opens the same volume key.
        case rewrapping = 2
        /// Part of the data is under one volume key and part under another.
        case reencrypting = 3
        /// No slot is left, so nobody can open the volume.
        case erased = 4

        public var name: String {
            switch self {
            case .creating: "creating"
            case .ready: "ready"
            case .rewrapping: "re-wrapping"
            case .reencrypting: "re-encrypting"
            case .erased: "erased"
            }
        }
    }

    /// Kept as it was read: a newer minor version changes nothing that this reader relies on.
    public let minorVersion: UInt16
    /// Grows by one with each change.
    public internal(set) var sequence: UInt64
    public internal(set) var flags: HeaderFlags
    public internal(set) var state: State
    /// New for every volume key, as the salt is; those of the newest key.
    public internal(set) var uuid: [UInt8]
    public internal(set) var salt: [UInt8]
    public let volumeID: VolumeID
    public internal(set) var geometry: Geometry
    public let created: Timestamp
    public internal(set) var modified: Timestamp
    /// Two places, nil where empty.
    public internal(set) var slots: [KeySlot?]
    /// Grows by one with each read-write attach.
    public internal(set) var attachEpoch: UInt64
    /// Grows by one when the data is re-encrypted.
    public internal(set) var keyEpoch: UInt64
    public let parentSnapshot: SnapshotID?
    public let records: [HeaderRecord]

    /// The slot of the newest volume key, which opens the volume.
    public var activeSlot: KeySlot? {
        slots.lazy.compactMap { $0 }.first { $0.state == .active && $0.uuid == uuid }
    }

    /// While the volume is being re-encrypted, the slot of the volume key that some of the data is under still.
    public var previousSlot: KeySlot? {
        slots.lazy.compactMap { $0 }.first { $0.state == .active && $0.uuid != uuid }
    }

    /// The slot that waits for its proof while the volume is being re-wrapped.
    public var pendingSlot: KeySlot? { slots.lazy.compactMap { $0 }.first { $0.state == .pending } }

    /// Whether some of the data is the parent snapshot's still.
    public var isUnfilled: Bool { flags.incompatible & HeaderFlags.unfilledBit != 0 }

    /// What a catalogue remembers, to tell an old header from this one.
    public var mark: RollbackMark { RollbackMark(uuid: uuid, sequence: sequence, attachEpoch: attachEpoch) }

    /// XTS key 1 ‖ key 2 for the data of this volume.
    public func xtsKey(from volumeKey: borrowing VolumeKey) throws(CryptoError) -> SecretBytes {
        try volumeKey.xtsKey(geometry.cipher, dataUnitBytes: geometry.dataUnitBytes, salt: salt, uuid: uuid)
    }

    /// The same for the data that is under the volume key before the newest; `volumeKey` is that one. Throws `.wrongState`
    /// where there is none.
    public func previousXTSKey(from volumeKey: borrowing VolumeKey) throws -> SecretBytes {
        guard let slot = previousSlot else { throw HeaderError.wrongState(state) }
        return try volumeKey.xtsKey(
            geometry.cipher,
            dataUnitBytes: geometry.dataUnitBytes,
            salt: slot.salt,
            uuid: slot.uuid
        )
    }

    /// Whether the slots are those that the state allows, and belong to the volume keys that it implies.
    var slotsFitState: Bool {
        let filled = slots.compactMap { $0 }
        let isNewest = { (slot: KeySlot) in
            slot.uuid == uuid && slot.salt == salt && slot.keyEpoch == keyEpoch
        }
        let states = filled.map(\.state)
        switch state {
        case .creating, .ready: return states == [.active] && filled.allSatisfy(isNewest)
        case .rewrapping:
            return (states == [.active, .pending] || states == [.pending, .active])
                && filled.allSatisfy(isNewest)
        case .reencrypting:
            return states == [.active, .active] && filled.count(where: isNewest) == 1
                && filled.contains { $0.uuid != uuid && $0.keyEpoch < keyEpoch }
        case .erased: return filled.isEmpty
        }
    }
}

/// What a volume uses beyond version 1.0, and what a reader that does not know it may still do.
public struct HeaderFlags: Sendable, Equatable {
    /// Nothing.
    public let incompatible: UInt32
    /// Read.
    public let readOnlyCompatible: UInt32
    /// Everything, if it keeps them.
    public let compatible: UInt32

    public static let none = HeaderFlags(incompatible: 0, readOnlyCompatible: 0, compatible: 0)

    /// Bit 1 of the incompatible ones: in blocks that the volume's fill map does not name, a hole means "read the parent
    /// snapshot".
    static let unfilledBit: UInt32 = 1 << 1
    static let unfilled = HeaderFlags(incompatible: unfilledBit, readOnlyCompatible: 0, compatible: 0)
    /// The same without that bit.
    var filled: HeaderFlags {
        HeaderFlags(
            incompatible: incompatible & ~Self.unfilledBit,
            readOnlyCompatible: readOnlyCompatible,
            compatible: compatible
        )
    }
}
