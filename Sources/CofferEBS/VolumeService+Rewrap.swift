internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
internal import CofferSecrets
public import CofferShapes
internal import Logging

// Wrapping a volume key anew: under the newest material of its KMS key, or under another KMS key. The volume key stays
// the same, so that it changes who can open the volume, and takes it from nobody who had it.
extension VolumeService {
    /// Moves a volume, attached or not, to another KMS key through `ReEncrypt`. The caller needs leave for both keys. A
    /// crash at any point leaves a header that one of them opens, and the same call again ends it.
    ///
    /// Snapshots stay under the key that they were taken under.
    public func rekeyVolume(_ reference: String, to key: KeyReference, caller: Caller) async throws -> Volume
    {
        let found = try await permitted(reference, to: "ec2:ModifyVolume", caller: caller)
        let service = caller.through(orKeeping: .ebs)
        let target = try await usableKey(key, caller: service)
        let (record, lock) = try await locked(found.id, for: .changeKey)
        defer { withExtendedLifetime(lock) {} }
        do {
            if inspect(record).state == .detached {
                try await rekeyDetached(record, to: target.arn, caller)
            } else {
                try await rekeyAttached(record, to: target.arn, caller)
            }
            try catalog.change(record.id) { ($0.kmsKeyARN, $0.isEncrypted) = (target.arn, true) }
        } catch {
            note(record, "rekeyVolume", "failed", cause: Self.cause(error, target.arn))
            throw (error as? AWSError)?.context("cannot move \"\(record.label)\" to another KMS key") ?? error
        }
        note(record, "rekeyVolume", "completed")
        logger.info("rekeyed volume", metadata: ["volume": "\(record.id)", "key": "\(target.arn)"])
        guard let record = try catalog.volume(id: record.id) else { throw Self.noSlot }
        return try describe(record)
    }

    private func rekeyDetached(_ record: VolumeRecord, to key: ARN, _ caller: Caller) async throws {
        let service = caller.through(orKeeping: .ebs)
        let store = try openStore(record, .readWrite)
        try lockExclusively(store, record)
        let image = VolumeImage(store, volumeID: record.id, clock: clock)
        let header = try newestHeader(image)
        let volumeKey = try await volumeKey(of: header, caller: caller)
        let settled = try await settleRewrap(record, image, header, volumeKey, caller: caller)
        guard let slot = settled.activeSlot else { throw Self.noSlot }
        guard settled.state == .ready else { throw VolumeLifecycle.reencryptionRefusal(record.label) }
        guard slot.wrapped.keyARN != key else { return }
        let wrapped = try await wrapAnew(record, slot.wrapped, to: key, volumeKey, caller: service)
        try await rewrap(record, image, to: wrapped, volumeKey, caller: service)
    }

    /// The daemon alone writes the header then. What it is given is proved to open first.
    private func rekeyAttached(_ record: VolumeRecord, to key: ARN, _ caller: Caller) async throws {
        let service = caller.through(orKeeping: .ebs)
        let image = VolumeImage(try openStore(record, .readOnly), volumeID: record.id, clock: clock)
        let unverified = try newestHeader(image)
        let volumeKey = try await volumeKey(of: unverified, caller: caller)
        let mark = try catalog.mark(of: record.id)
        let header = try translating("reading the header") { try image.open(volumeKey, mark: mark) }
        guard let slot = header.activeSlot else { throw Self.noSlot }
        guard slot.wrapped.keyARN != key || header.state != .ready else { return }
        let wrapped = try await wrapAnew(record, slot.wrapped, to: key, volumeKey, caller: service)
        let proof = try await unwrap(
            wrapped.blob,
            key: wrapped.keyARN,
            context: wrapped.context,
            caller: service
        )
        guard proof.constantTimeEquals(volumeKey) else { throw HeaderError.otherVolumeKey.awsError }
        switch try ask(.rewrap(WrappedKeyOrder(wrapped)), of: record) {
        case .done(let mark): try catalog.setMark(mark, of: record.id)
        case .failed(let failure): throw failure.error
        }
        // The attachment's grant goes with the key.
        let newest = try newestHeader(image)
        let grant = try await takeGrant(record, newest, caller: caller)
        await retireOldGrants(of: record.id, but: grant)
    }

    /// Before an attachment: ends a re-wrap that was cut short, and where the KMS key has newer material than `materialID`
    /// wraps the volume key under it. Neither is needed to attach: gives words for the user where it was not to be.
    func keepWrappingNew(
        _ record: VolumeRecord,
        _ image: VolumeImage,
        _ header: VolumeHeader,
        _ volumeKey: borrowing VolumeKey,
        materialID: String?,
        caller: Caller
    ) async -> String? {
        do {
            let header = try await settleRewrap(record, image, header, volumeKey, caller: caller)
            guard header.state == .ready, let slot = header.activeSlot, let materialID,
                !slot.wrapped.keyARN.isAWSOwnedKey
            else { return nil }
            let service = caller.through(orKeeping: .ebs)
            let key = slot.wrapped.keyARN
            // Who may not look at the key cannot know, and attaches as ever.
            guard
                let newest = try? await keys.kms.describeKey(KeyReference(key.description), caller: service)
                    .currentKeyMaterialID,
                !materialID.isEmpty, newest != materialID
            else { return nil }
            let wrapped = try await wrapAnew(record, slot.wrapped, to: key, volumeKey, caller: service)
            try await rewrap(record, image, to: wrapped, volumeKey, caller: service)
            note(record, "rewrapVolume", "completed")
            return nil
        } catch {
            note(record, "rewrapVolume", "failed", cause: Self.cause(error, record.kmsKeyARN))
            return "the volume key stays wrapped under older material of its KMS key: \(error)"
        }
    }

    // MARK: - Steps

    private static let noSlot = AWSError(.damaged, "the header holds no active key slot")

    /// The volume key under another key or newer material. It stays inside KMS, but where it comes from the home's
    /// AWS-owned key, which is another KMS to it.
    func wrapAnew(
        _ record: VolumeRecord,
        _ old: WrappedVolumeKey,
        to key: ARN,
        _ volumeKey: borrowing VolumeKey,
        caller: Caller
    ) async throws -> WrappedVolumeKey {
        let context = EncryptionContext.volume(record.id)
        let reference = KeyReference(key.description)
        let (blob, arn): (CiphertextBlob, ARN)
        if old.keyARN.isAWSOwnedKey {
            let answer = try await keys.kms.encrypt(
                Self.secret(volumeKey),
                key: reference,
                context: context,
                caller: caller
            )
            (blob, arn) = (answer.blob, answer.keyARN)
        } else {
            let answer = try await keys.kms.reEncrypt(
                old.blob,
                sourceKey: KeyReference(old.keyARN.description),
                sourceContext: context,
                destinationKey: reference,
                destinationContext: context,
                caller: caller
            )
            (blob, arn) = (answer.blob, answer.keyARN)
        }
        guard let wrapped = WrappedVolumeKey(keyARN: arn, blob: blob, context: context) else {
            throw AWSError(.internalError, "the wrapped volume key does not fit a header")
        }
        return wrapped
    }

    private static func secret(_ volumeKey: borrowing VolumeKey) -> SecretBytes {
        SecretBytes(count: VolumeKey.count) { span in volumeKey.withBytes { span.copy($0, at: 0) } }
    }

    /// Puts a newly wrapped key into the header, proves that it opens, and makes it the one that counts.
    private func rewrap(
        _ record: VolumeRecord,
        _ image: VolumeImage,
        to wrapped: WrappedVolumeKey,
        _ volumeKey: borrowing VolumeKey,
        caller: Caller
    ) async throws {
        let mark = try catalog.mark(of: record.id)
        let begun = try translating("writing the header") {
            try image.beginRewrap(to: wrapped, volumeKey, mark: mark)
        }
        try catalog.setMark(begun.mark, of: record.id)
        onStep(.rewrapBegun)
        _ = try await settleRewrap(record, image, begun, volumeKey, caller: caller)
    }

    /// Ends a re-wrap that the header is in: by the new key where KMS opens it, else back to the old one, which does.
    /// Gives the header as it is then.
    func settleRewrap(
        _ record: VolumeRecord,
        _ image: VolumeImage,
        _ header: VolumeHeader,
        _ volumeKey: borrowing VolumeKey,
        caller: Caller
    ) async throws -> VolumeHeader {
        guard header.state == .rewrapping, let pending = header.pendingSlot else { return header }
        let mark = try catalog.mark(of: record.id)
        let settled: VolumeHeader
        var refusal: (any Error)?
        do {
            let proof = try await unwrap(
                pending.wrapped.blob,
                key: pending.wrapped.keyARN,
                context: .volume(record.id),
                caller: caller.through(orKeeping: .ebs)
            )
            settled = try translating("writing the header") {
                try image.finishRewrap(unwrapped: proof, volumeKey, mark: mark)
            }
        } catch {
            refusal = error
            settled = try translating("writing the header") {
                try image.abandonRewrap(volumeKey, mark: mark)
            }
        }
        try catalog.setMark(settled.mark, of: record.id)
        if let refusal { throw refusal }
        try catalog.change(record.id) { $0.kmsKeyARN = pending.wrapped.keyARN }
        return settled
    }
}

extension WrappedKeyOrder {
    init(_ wrapped: WrappedVolumeKey) {
        self.init(
            keyARN: wrapped.keyARN.description,
            blobHex: Hex.lower(wrapped.blob.bytes),
            context: wrapped.context.pairs
        )
    }
}
