public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Destroys a key after a waiting period of 7 to 30 days (nil: 30), in which it cannot be used.
    /// (`ScheduleKeyDeletion`)
    public func scheduleKeyDeletion(
        _ key: KeyReference,
        pendingWindowInDays: Int?,
        caller: Caller
    ) async throws -> ScheduledDeletion {
        let days = pendingWindowInDays ?? Limits.defaultPendingWindowDays
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "pendingWindowInDays": .number(days),
        ]
        return try await change("ScheduleKeyDeletion", caller, parameters) { [self] records, call in
            guard Limits.pendingWindowDays.contains(days) else {
                throw Refusal.outside(Limits.pendingWindowDays, days, "pendingWindowInDays")
            }
            var permission = Permission("ScheduleKeyDeletion")
            permission.facts.append(("kms:schedulekeydeletionpendingwindowindays", ["\(days)"]))
            let key = try self.key(key, permission, records, &call)
            try key.requireNotPendingDeletion()
            var stored = key.stored
            stored.pendingWindowInDays = days
            // A primary key waits until its last replica has gone; its own time begins then.
            let waits = stored.primaryRegion == stored.region && key.regions.count > 1
            stored.deletionDate = waits ? nil : clock.now.adding(days: days)
            try records.update(stored)
            return ScheduledDeletion(
                keyARN: key.arn,
                deletionDate: stored.deletionDate,
                state: waits ? .pendingReplicaDeletion : .pendingDeletion,
                pendingWindowInDays: days
            )
        }
    }

    /// Calls a deletion off; the key is disabled then. (`CancelKeyDeletion`)
    public func cancelKeyDeletion(_ key: KeyReference, caller: Caller) async throws -> ARN {
        try await change("CancelKeyDeletion", caller, ["keyId": .text("\(key)")]) { [self] records, call in
            let key = try self.key(key, Permission("CancelKeyDeletion"), records, &call)
            guard key.state == .pendingDeletion || key.state == .pendingReplicaDeletion else {
                throw Refusal.notPendingDeletion(key.arn)
            }
            var stored = key.stored
            (stored.deletionDate, stored.pendingWindowInDays, stored.isEnabled) = (nil, nil, false)
            try records.update(stored)
            return key.arn
        }
    }
}
