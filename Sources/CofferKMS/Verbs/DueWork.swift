internal import CofferShapes
internal import CofferTrail
internal import GRDB
internal import Synchronization

/// What falls due by itself, as the trail names it. Carried out by whichever process calls next, before its call.
enum DueWork: String {
    case deletion = "DeleteKey"
    case expiry = "DeleteExpiredKeyMaterial"
    case rotation = "RotateKey"

    /// What is due first of a key that has something due.
    init(of key: StoredKey, at now: Timestamp) {
        if let date = key.deletionDate, date <= now {
            self = .deletion
        } else if key.isRotationDue(at: now) {
            self = .rotation
        } else {
            self = .expiry
        }
    }
}

extension KeyManagementService {
    private static let secondsBeforeRetry: UInt64 = 3600

    /// Runs on the thread of changes. Each key's work is a transaction and a line of its own. Work that fails, as that
    /// of a damaged key does, leaves a line too, keeps no other key from use, and is tried again after an hour.
    func performDueWork() throws {
        let now = clock.now
        let due = try store.writer.read { try KeyRecords(database: $0).keysDue(at: now) }
        guard !due.isEmpty else { return }
        var destroys = false
        for key in due where retries.withLock({ $0[key.place].map { $0 <= now } ?? true }) {
            let work = DueWork(of: key, at: now)
            do {
                try perform(work, of: key.place, at: now)
                retries.withLock { $0[key.place] = nil }
                destroys = destroys || work != .rotation
            } catch {
                try recordFailure(of: work, key.place, AWSError(meeting: error))
                let next = Timestamp(nanoseconds: now.nanoseconds + Self.secondsBeforeRetry * 1_000_000_000)
                retries.withLock { $0[key.place] = next }
            }
        }
        if destroys { try store.emptyLog() }
    }

    /// One transaction and its line; neither where another process was first.
    private func perform(_ work: DueWork, of place: KeyPlace, at now: Timestamp) throws {
        try trail.locked { writer in
            try transaction { records in
                guard let key = try LoadedKey(place, account: account, records),
                    try carryOut(work, key, records, at: now)
                else { return }
                try writer.append(record(of: work, place))
            }
        }
    }

    /// Whether it was still to be done.
    private func carryOut(
        _ work: DueWork,
        _ key: LoadedKey,
        _ records: KeyRecords,
        at now: Timestamp
    ) throws -> Bool {
        switch work {
        case .deletion:
            guard let date = key.stored.deletionDate, date <= now else { return false }
            try delete(key, records)
        case .expiry:
            let expired = key.materials.filter { $0.isExpired(at: now) }
            guard !expired.isEmpty else { return false }
            for var material in expired {
                material.wrapped = nil
                try records.update(material, of: key.place)
            }
        case .rotation:
            guard let date = key.stored.nextRotation, key.stored.isRotationDue(at: now) else { return false }
            try rotate(key, kind: .automatic, records)
            var stored = key.stored
            let period = stored.rotationPeriodInDays ?? Limits.defaultRotationDays
            // From the date that was meant, unless that would fall due again at once.
            let next = date.adding(days: period)
            stored.nextRotation = next > now ? next : now.adding(days: period)
            try records.update(stored)
        }
        return true
    }

    private func delete(_ key: LoadedKey, _ records: KeyRecords) throws {
        removeFromStore(key)
        try records.remove(key.place)
        guard let primary = key.stored.primaryRegion, primary != key.stored.region else { return }
        // The last replica has gone: the primary key's own time begins.
        let place = KeyPlace(region: primary, id: key.id)
        guard var stored = try records.key(place), let days = stored.pendingWindowInDays,
            stored.deletionDate == nil, try records.regions(of: key.id) == [primary]
        else { return }
        stored.deletionDate = clock.now.adding(days: days)
        try records.update(stored)
    }

    private func recordFailure(of work: DueWork, _ place: KeyPlace, _ error: AWSError) throws {
        var record = record(of: work, place)
        record.refused(error)
        try trail.append(record, durability: .soon)
    }

    private func record(of work: DueWork, _ place: KeyPlace) -> TrailRecord {
        var record = call(work.rawValue, Caller(principal: .root(account), region: place.region), [:]).record
        // No caller asked for it.
        record.userIdentity?.invokedBy = "kms.amazonaws.com"
        record.resources = [TrailResource(key: arn(of: place.id, in: place.region))]
        return record
    }
}

extension StoredKey {
    /// A key that is disabled or waits for its deletion is not rotated.
    fileprivate func isRotationDue(at now: Timestamp) -> Bool {
        isEnabled && pendingWindowInDays == nil && nextRotation.map { $0 <= now } ?? false
    }
}

extension StoredMaterial {
    fileprivate func isExpired(at now: Timestamp) -> Bool {
        wrapped != nil && validTo.map { $0 <= now } ?? false
    }
}
