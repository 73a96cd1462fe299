internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
public import CofferShapes
internal import Logging

// A new volume key for a volume, and all of its data under it: what takes the data from who has the old key, as wrapping
// the key anew does not.
extension VolumeService {
    /// Begins to re-encrypt a volume, attached or not, under a new volume key, which is wrapped by `key`, or by the KMS key
    /// that the old one is under. The volume's daemon does it in the background, or one that is started for the purpose;
    /// `describeVolumes` tells how far it is. One that was stopped or cut short goes on: at the next attachment, or at the
    /// next call of this, which then takes no other `key`.
    ///
    /// Snapshots stay under the keys that they were taken under.
    public func reencryptVolume(
        _ reference: String,
        under key: KeyReference? = nil,
        caller: Caller
    ) async throws -> Volume {
        let found = try await permitted(reference, to: "ec2:ModifyVolume", caller: caller)
        var target: ARN?
        if let key { target = try await usableKey(key, caller: caller.through(orKeeping: .ebs)).arn }
        let now = inspect(found)
        if now.state == .working, now.status?.reencryptedPercent != nil {
            // A daemon of its own is at it.
            return try describe(found)
        }
        let (record, lock) = try await locked(found.id, for: .changeKey)
        defer { withExtendedLifetime(lock) {} }
        do {
            let header = try newestHeader(of: record)
            if header.state == .reencrypting {
                try requireSameKey(target, header)
                // Whoever serves the volume goes on with it.
                if inspect(record).state == .detached { try await startWorker(record, caller) }
            } else {
                try await beginReencryption(record, header, under: target, caller)
            }
        } catch {
            note(record, "reencryptVolume", "failed", cause: Self.cause(error, target ?? record.kmsKeyARN))
            throw (error as? AWSError)?.context("cannot re-encrypt \"\(record.label)\"") ?? error
        }
        note(record, "reencryptVolume", "started")
        logger.info("re-encrypting volume", metadata: ["volume": "\(record.id)"])
        return try describe(existing(record.id))
    }

    /// Whether some of a volume's data is under another volume key than the rest: while it is re-encrypted, and where that
    /// was cut short.
    public func isReencrypting(_ reference: String, caller: Caller) async throws -> Bool {
        try isBetweenKeys(
            try await permitted(reference, to: "ec2:DescribeVolumeStatus", caller: caller)
        )
    }

    /// As the header says, which is not authenticated here.
    func isBetweenKeys(_ record: VolumeRecord) throws -> Bool {
        try newestHeader(of: record).state == .reencrypting
    }

    private func requireSameKey(_ target: ARN?, _ header: VolumeHeader) throws {
        guard let target, target != header.activeSlot?.wrapped.keyARN else { return }
        throw AWSError(
            .incorrectState,
            "the volume is being re-encrypted under another KMS key already",
            hint: "let that end first: leave the key out"
        )
    }

    private func beginReencryption(
        _ record: VolumeRecord,
        _ header: VolumeHeader,
        under target: ARN?,
        _ caller: Caller
    ) async throws {
        guard header.state == .ready, let slot = header.activeSlot else {
            throw HeaderError.wrongState(header.state).awsError
        }
        guard !header.isUnfilled else {
            throw AWSError(
                .incorrectState,
                "some of the volume is its snapshot's still",
                hint: "leave it attached until `coffer volume show` tells that it is filled, then try again"
            )
        }
        let (wrapped, newKey) = try await makeVolumeKey(
            under: target ?? slot.wrapped.keyARN,
            context: .volume(record.id),
            caller: caller
        )
        let isAttached = inspect(record).state != .detached
        if !isAttached { try await startWorker(record, caller) }
        let answer = try ask(.beginReencryption(WrappedKeyOrder(wrapped)), of: record) {
            (channel) throws(ControlError) in
            try newKey.value.withBytes { (bytes) throws(ControlError) in try channel.sendSecret(bytes) }
        }
        switch answer {
        case .done(let mark): try catalog.setMark(mark, of: record.id)
        case .failed(let failure): throw failure.error
        }
        try catalog.change(record.id) { $0.take(key: wrapped.keyARN) }
        guard isAttached else { return }
        // The attachment's grant goes with the key; that of the old one is retired with it.
        _ = try await takeGrant(record, newestHeader(of: record), caller: caller)
    }
}
