internal import CofferShapes

// What a key's state forbids. (Developer guide, "Key states of AWS KMS keys".)
extension LoadedKey {
    /// For cryptography.
    func requireUsable() throws(AWSError) {
        switch state {
        case .enabled: return
        case .disabled: throw Refusal.disabled(arn)
        case .pendingDeletion, .pendingReplicaDeletion: throw Refusal.pendingDeletion(arn)
        case .pendingImport: throw Refusal.pendingImport(arn)
        case .unavailable: throw Refusal.unavailable(arn)
        }
    }

    /// For grants: the HSM behind a key need not be there.
    func requireEnabled() throws(AWSError) {
        if state != .unavailable { try requireUsable() }
    }

    /// For changes of what a key is called and how it is described.
    func requireNotPendingDeletion() throws(AWSError) {
        if state == .pendingDeletion || state == .pendingReplicaDeletion {
            throw Refusal.pendingDeletion(arn)
        }
    }

    func requireUsage(_ usage: KeyUsage, for operation: String) throws(AWSError) {
        guard stored.usage == usage else {
            throw Refusal.usage(stored.usage, of: arn, for: operation)
        }
    }

    /// For rotation: symmetric encryption keys whose material the KMS makes.
    func requireRotatable(automatically: Bool) throws(AWSError) {
        guard stored.spec.isSymmetricEncryption else { throw Refusal.notForThisSpec }
        let isRotatable = stored.origin == .awsKMS || (stored.origin == .external && !automatically)
        guard isRotatable else { throw Refusal.origin(stored.origin, of: arn) }
    }

    func requireImported() throws(AWSError) {
        guard stored.origin == .external else { throw Refusal.origin(stored.origin, of: arn) }
    }
}

extension KeyUse {
    /// The last check of a call: where only leave was asked for, the answer is that it would be given.
    func stopIfDry() throws(AWSError) {
        if isDryRun { throw Refusal.dryRun }
    }
}
