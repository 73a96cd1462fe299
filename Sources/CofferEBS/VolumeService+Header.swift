internal import CofferBlock
internal import CofferCatalog
public import CofferShapes
internal import Glibc
internal import Logging

/// What `checkVolume` found.
public struct VolumeCheck: Sendable {
    public struct Finding: Sendable {
        public let code: String
        public let sentence: String
        public let canBeRepaired: Bool
    }

    public let volumeID: VolumeID
    public let findings: [Finding]
    /// Whether KMS gave the volume key, so that forged bytes are told from honest ones.
    public let wasAuthenticated: Bool
    /// Why it did not, where it did not.
    public let whyNotAuthenticated: String?
    public var isClean: Bool { findings.isEmpty && wasAuthenticated }
}

extension VolumeService {
    /// Looks at a volume's header: both copies, its authenticity, its place in time. Changes nothing; works on an
    /// attached volume too.
    public func checkVolume(_ reference: String, caller: Caller) async throws -> VolumeCheck {
        let record = try await permitted(reference, to: "ec2:DescribeVolumeStatus", caller: caller)
        return try await checkHeader(record, caller: caller)
    }

    func checkHeader(_ record: VolumeRecord, caller: Caller) async throws -> VolumeCheck {
        let image = VolumeImage(try openStore(record, .readOnly), volumeID: record.id, clock: clock)
        do {
            let volumeKey = try await volumeKey(of: image, caller: caller)
            let report = try translating("checking \(record.label)") { try image.check(volumeKey) }
            let old = try oldHeader(record, image)
            return Self.check(record, report, more: old, whyNot: nil)
        } catch let error as AWSError {
            let report = try translating("checking \(record.label)") { try image.check() }
            let tampered = VolumeCheck.Finding(
                code: "wrappedKeyTampered",
                sentence: error.message,
                canBeRepaired: false
            )
            return Self.check(
                record,
                report,
                more: error.code == .tampered ? [tampered] : [],
                whyNot: error.description
            )
        }
    }

    /// Mends a damaged copy of the header from the good one, which is authenticated first. The volume must be detached.
    public func repairVolume(_ reference: String, caller: Caller) async throws -> VolumeCheck {
        let found = try await permitted(reference, to: "ec2:ModifyVolume", caller: caller)
        let (record, lock) = try await locked(found.id, for: .rewriteHeader)
        defer { withExtendedLifetime(lock) {} }
        return try await repair(record, caller: caller)
    }

    /// Mends the header under the operation lock, which the caller holds; gives what was found before.
    func repair(_ record: VolumeRecord, caller: Caller) async throws -> VolumeCheck {
        let store = try openStore(record, .readWrite)
        try lockExclusively(store, record)
        let image = VolumeImage(store, volumeID: record.id, clock: clock)
        let volumeKey = try await volumeKey(of: image, caller: caller)
        let before = try translating("checking \(record.label)") { try image.check(volumeKey) }
        if !before.isClean {
            let mark = try catalog.mark(of: record.id)
            let header = try translating("repairing \(record.label)") {
                try image.repair(volumeKey, mark: mark)
            }
            try catalog.setMark(header.mark, of: record.id)
            // A re-wrap that was cut short ends too: where the new key does not open it, by the old one.
            _ = try? await settleRewrap(record, image, header, volumeKey, caller: caller)
            logger.info("repaired volume", metadata: ["volume": "\(record.id)"])
        }
        return Self.check(record, before, more: [], whyNot: nil)
    }

    /// The newest good copy of the header, 32768 bytes, to be kept elsewhere. It holds no key but the wrapped one.
    public func saveHeader(_ reference: String, caller: Caller) async throws -> [UInt8] {
        let record = try await permitted(reference, to: "ec2:DescribeVolumeAttribute", caller: caller)
        let image = VolumeImage(try openStore(record, .readOnly), volumeID: record.id, clock: clock)
        return try translating("saving the header of \(record.label)") { try image.saveHeader() }
    }

    /// Writes a saved header over both copies, once it is authenticated; refuses one of an older volume key.
    public func restoreHeader(
        _ reference: String,
        from bytes: [UInt8],
        acceptsRollback: Bool,
        caller: Caller
    ) async throws {
        let found = try await permitted(reference, to: "ec2:ModifyVolume", caller: caller)
        let (record, lock) = try await locked(found.id, for: .rewriteHeader)
        defer { withExtendedLifetime(lock) {} }
        let store = try openStore(record, .readWrite)
        try lockExclusively(store, record)
        let image = VolumeImage(store, volumeID: record.id, clock: clock)
        let saved = try translating("reading the saved header") { try image.readSavedHeader(bytes) }
        let volumeKey = try await volumeKey(of: saved, caller: caller)
        unsafe unlink(paths.changedMap(record.id))
        let mark = try catalog.mark(of: record.id)
        let header = try translating("restoring the header of \(record.label)") {
            try image.restoreHeader(
                bytes,
                volumeKey,
                mark: mark,
                acceptingRollback: acceptsRollback,
                volumeBytes: record.sizeBytes
            )
        }
        try catalog.setMark(header.mark, of: record.id)
        logger.info("restored header", metadata: ["volume": "\(record.id)"])
    }

    /// A finding where the header is older than one seen before.
    private func oldHeader(_ record: VolumeRecord, _ image: VolumeImage) throws -> [VolumeCheck.Finding] {
        guard let mark = try catalog.mark(of: record.id) else { return [] }
        let header = try translating("checking \(record.label)") { try image.read().newest() }
        guard !mark.allows(header.mark) else { return [] }
        let sentence = HeaderError.rollback(seen: mark, found: header.mark).sentence
        return [VolumeCheck.Finding(code: "rollback", sentence: sentence, canBeRepaired: false)]
    }

    private static func check(
        _ record: VolumeRecord,
        _ report: HeaderReport,
        more: [VolumeCheck.Finding],
        whyNot: String?
    ) -> VolumeCheck {
        VolumeCheck(
            volumeID: record.id,
            findings: report.findings.map {
                VolumeCheck.Finding(
                    code: $0.code.rawValue,
                    sentence: $0.sentence,
                    canBeRepaired: $0.canBeRepaired
                )
            } + more,
            wasAuthenticated: report.wasAuthenticated,
            whyNotAuthenticated: whyNot
        )
    }
}
