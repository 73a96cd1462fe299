internal import CofferBlock
internal import CofferCatalog
internal import CofferSecrets
package import CofferShapes
internal import Logging

// The grant on its KMS key that an attachment holds, as EBS has one: the principal of the instance may decrypt under the
// volume's context. It is noted before it is asked for, and forgotten once it is retired, so that none is lost; what
// cannot be retired now is retired by the next attach.
extension VolumeService {
    /// Has KMS grant what the attachment is for. The caller needs leave for it, as on AWS. (KMS developer guide,
    /// "Examining grants"; EBS user guide, "Requirements for Amazon EBS encryption".)
    ///
    /// Gives the grant's name, nil where there is none.
    func takeGrant(_ record: VolumeRecord, _ header: VolumeHeader, caller: Caller) async throws -> String? {
        guard let slot = header.activeSlot, !slot.wrapped.keyARN.isAWSOwnedKey else { return nil }
        let key = slot.wrapped.keyARN
        var entry = GrantEntry(name: Self.grantName(), volume: record.id, key: key)
        try catalog.putGrant(entry)
        do {
            let grant = try await keys.kms.createGrant(
                order(entry),
                on: KeyReference(key.description),
                caller: caller.through(orKeeping: .ebs)
            )
            entry.grantID = grant.id
            try catalog.putGrant(entry)
            return entry.name
        } catch let error as AWSError where Self.isWithoutSuchGrants(error) {
            // A KMS elsewhere that does not know the principal: its access key decrypts, and no grant is needed.
            try catalog.removeGrant(named: entry.name)
            logger.info("the KMS gives no grant", metadata: ["error": "\(error)"])
            return nil
        } catch let error as AWSError where error.code == .disabled {
            try catalog.removeGrant(named: entry.name)
            throw Self.hintingToEnable(key, error)
        } catch let error as AWSError where error.code.kind != .internalFailure {
            // A refusal: no grant was given.
            try catalog.removeGrant(named: entry.name)
            throw error
        }
    }

    /// Retires what a volume's attachments held. Best effort: what stays noted is tried again later; so is what would
    /// have to be asked for first, as nobody is asked for a passphrase here.
    func retireGrants(of id: VolumeID) async {
        for entry in (try? catalog.grants(of: id)) ?? [] where entry.grantID != nil { await retire(entry) }
    }

    /// The same, and asks whatever has to be asked.
    func retireAllGrants(of id: VolumeID) async {
        for entry in (try? catalog.grants(of: id)) ?? [] { await retire(entry) }
    }

    /// Retires all grants but the newest of this volume, once KMS has answered and the home is open: what a detach could
    /// not retire, as it asks nobody for a passphrase, and what ended without one.
    func retireOldGrants(of id: VolumeID, but newest: String?) async {
        for entry in (try? catalog.grants(of: id)) ?? [] where entry.name != newest { await retire(entry) }
        await retireDeadGrants(but: id)
    }

    /// Retires the grants of attachments that ended without their detach: a daemon that was killed, or that left at the
    /// last close.
    private func retireDeadGrants(but id: VolumeID?) async {
        guard let entries = try? catalog.grants() else { return }
        for entry in entries where entry.volume != id {
            guard !runtime.isLocked(entry.volume),
                runtime.inspect(entry.volume, file: paths.file(entry.volume)).state == .detached
            else { continue }
            await retire(entry)
        }
    }

    private func retire(_ entry: GrantEntry) async {
        let region = Region(entry.key.region)
        let key = KeyReference(entry.key.description)
        let infrastructure = Caller(principal: principal(entry.key), via: .ebs, region: region)
        let root = Caller(principal: .root(identity.account), via: .ebs, region: region)
        do {
            let id: String
            if let known = entry.grantID {
                id = known
            } else {
                // Cut short between the asking and the noting: the name brings the same grant, or a new one.
                id = try await keys.kms.createGrant(order(entry), on: key, caller: root).id
            }
            do {
                try await keys.kms.retireGrant(.id(id, key: key), caller: infrastructure)
            } catch let error as AWSError where error.code == .accessDenied {
                // It may be the retiring principal of none: whether somebody has revoked this one, others are told.
                try await keys.kms.retireGrant(.id(id, key: key), caller: root)
            }
            try catalog.removeGrant(named: entry.name)
        } catch let error as AWSError where error.code.kind == .notFound {
            // Retired or revoked by somebody, or gone with its key.
            try? catalog.removeGrant(named: entry.name)
        } catch {
            logger.info(
                "a grant waits to be retired",
                metadata: ["key": "\(entry.key)", "error": "\(error)"]
            )
        }
    }

    private func order(_ entry: GrantEntry) -> GrantOrder {
        let principal = principal(entry.key).description
        return GrantOrder(
            grantee: principal,
            retiring: principal,
            operations: [.decrypt],
            constraints: GrantConstraints(subset: .volume(entry.volume)),
            name: entry.name
        )
    }

    /// The principal of this instance in the key's account, which may be another's where the KMS is elsewhere.
    private func principal(_ key: ARN) -> ARN {
        .ec2Infrastructure(instanceID, account: AccountID(key.account) ?? identity.account)
    }

    private static func grantName() -> String {
        UUIDText.text(UUIDText.version4(SystemByteSource().bytes(16)))
    }

    package static func isWithoutSuchGrants(_ error: AWSError) -> Bool {
        [.invalidArn, .unsupportedOperation].contains(error.code)
            || error.code.name == "UnknownOperationException"
    }

    /// What to do about a KMS key that is disabled.
    static func hintingToEnable(_ key: ARN, _ error: AWSError) -> AWSError {
        error.hinting("enable it with `coffer key enable \(keyName(key))`, then try again")
    }

    static func keyName(_ key: ARN) -> String { key.keyID.map(\.description) ?? key.description }
}
