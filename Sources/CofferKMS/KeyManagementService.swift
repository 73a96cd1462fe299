internal import CofferCrypto
public import CofferPolicy
public import CofferSecrets
public import CofferShapes
public import CofferTrail
internal import GRDB
internal import Synchronization

/// The KMS of a home: KMS keys and what is done with them, over `kms/keys.sqlite`.
///
/// Key material stays inside. What leaves is the plaintext that a response owes its caller.
///
/// **Uses** (cryptography, descriptions, lists) run where they are called, over a cache that is checked
/// against the store's version at each call, so that a key which another process has disabled is refused by
/// the very next call here. Their lines are on the trail, safe from the death of any process, before their
/// results are given.
///
/// **Changes** run one after the other on a thread of their own: each is one transaction under the trail's
/// lock, and its line is on the medium with what it did before its result is given. Nothing is done that the
/// trail does not tell. When the trail cannot be written, the call fails.
///
/// Whoever calls is held to key policies, identity policies and grants: also the home's owner, who is the
/// account's root user.
public final class KeyManagementService: KeyService, Sendable {
    /// Where every call leaves its line; other services append to the same.
    public let trail: Trail
    public let account: AccountID
    /// The region of callers that name none.
    public let region: Region

    let trailFolder: String
    let hierarchy: KeyHierarchy
    let clock: any WallClock
    let random: any ByteSource
    let identities: any IdentityPolicies
    let keyStores: KeyStoreConnections
    let cache: KeyCache
    let store: KeyStore
    /// When due work that failed is tried again, by this process.
    let retries = Mutex<[KeyPlace: Timestamp]>([:])
    private let changes = WorkQueue.serial("coffer.kms.changes")
    let heavyWork = WorkQueue.concurrent("coffer.kms.work")

    /// Opens the key store in a home's `kms` folder, made at the first use, and the trail in `trailFolder`.
    ///
    /// Throws `Coffer.Sealed` for a root key that is not this store's, `Coffer.Damaged` for a store that
    /// cannot be read or is of a newer version.
    public init(
        folder: String,
        trailFolder: String,
        account: AccountID,
        region: Region,
        rootKey: consuming SecretBytes,
        identities: any IdentityPolicies,
        hardware: HardwareAccess = HardwareAccess(),
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource()
    ) throws {
        do {
            let hierarchy = try KeyHierarchy(rootKey: rootKey, random: random)
            let trailKey = try KeyHierarchy.trailKey(of: rootKey)
            store = try KeyStore(folder: folder, rootCheck: hierarchy.rootCheck, account: account)
            let head = StoredTrailHead(store: store)
            trail = try Trail(folder: trailFolder, key: trailKey, head: head, clock: clock)
            cache = try KeyCache(store: store, account: account)
            self.hierarchy = hierarchy
        } catch {
            throw AWSError(meeting: error)
        }
        keyStores = KeyStoreConnections(hardware)
        (self.account, self.region, self.clock, self.random) = (account, region, clock, random)
        self.identities = identities
        self.trailFolder = trailFolder
    }

    /// The key of the identity service, derived from the home's root key.
    public static func identityKey(of rootKey: borrowing SecretBytes) throws -> SecretBytes {
        try KeyFolder.reporting { try KeyHierarchy.identityKey(of: rootKey) }
    }

    /// Brings the trail to the medium and closes what is open to HSMs.
    public func close() async throws {
        let (trail, keyStores) = (trail, keyStores)
        try await changes.run {
            keyStores.closeAll()
            do { try trail.close() } catch { throw AWSError(meeting: error) }
        }
    }

    // MARK: - Uses

    /// Runs a verb that changes no key. `work` adds to the record what it learns; it runs a second time where
    /// the first found that an AWS managed key has to be made.
    func use<Answer: ~Copyable & Sendable>(
        _ eventName: String,
        _ caller: Caller,
        _ parameters: [String: TrailValue?],
        _ work: (inout Call) async throws -> Answer
    ) async throws -> Answer {
        var call = self.call(eventName, caller, parameters)
        do {
            try await refresh()
            let answer = try await makingAWSManagedKeys(&call, work)
            try trail.append(call.record, durability: .soon)
            return answer
        } catch {
            throw refuse(&call, error)
        }
    }

    /// Refuses, on the trail, what `check` refuses: for a change that takes long before its transaction, which checks it
    /// all again.
    func refuseEarly(
        _ eventName: String,
        _ caller: Caller,
        _ parameters: [String: TrailValue?],
        _ check: (inout Call) throws -> Void
    ) async throws {
        var call = self.call(eventName, caller, parameters)
        do {
            try await refresh()
            try check(&call)
        } catch {
            throw refuse(&call, error)
        }
    }

    private func makingAWSManagedKeys<Answer: ~Copyable & Sendable>(
        _ call: inout Call,
        _ work: (inout Call) async throws -> Answer
    ) async throws -> Answer {
        let before = call
        do {
            return try await work(&call)
        } catch let missing as MissingAWSManagedKey {
            try await makeAWSManagedKey(of: missing.service, in: call.region)
            try await refresh()
            call = before
            return try await work(&call)
        }
    }

    /// Makes the cache true, and does what has fallen due.
    private func refresh() async throws {
        guard let due = try cache.refresh(), due <= clock.now else { return }
        try await changes.run { try self.performDueWork() }
        _ = try cache.refresh()
    }

    // MARK: - Changes

    /// Runs a verb that changes keys: `work` and its record together or not at all.
    func change<Answer: Sendable>(
        _ eventName: String,
        _ caller: Caller,
        _ parameters: [String: TrailValue?],
        _ work: @escaping @Sendable (KeyRecords, inout Call) throws -> Answer
    ) async throws -> Answer {
        try await changes.run { [self] in
            try performDueWork()
            var call = call(eventName, caller, parameters)
            return try record(&call, work)
        }
    }

    /// When `work` throws, what it changed is undone, and the record tells of the error instead. A commit that
    /// fails after the record was written leaves two lines of one request id, of which the second tells of the
    /// failure.
    func record<Answer>(
        _ call: inout Call,
        _ work: (KeyRecords, inout Call) throws -> Answer
    ) throws(AWSError) -> Answer {
        var shared = call
        defer { call = shared }
        do {
            return try trail.locked { writer in
                do {
                    return try transaction { records in
                        let answer = try work(records, &shared)
                        try writer.append(shared.record)
                        return answer
                    }
                } catch {
                    let refusal = AWSError(meeting: error)
                    shared.record.refused(refusal)
                    try writer.append(shared.record)
                    throw refusal
                }
            }
        } catch {
            throw AWSError(meeting: error)
        }
    }

    func transaction<Answer>(_ work: (KeyRecords) throws -> Answer) throws -> Answer {
        var answer: Answer?
        try store.writer.inTransaction(.immediate) { database in
            answer = try work(KeyRecords(database: database))
            return .commit
        }
        guard let answer else { preconditionFailure("a committed transaction has its answer") }
        return answer
    }

    /// Runs what takes long or waits for a device.
    func heavy<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        try await heavyWork.run(body)
    }

    // MARK: - Calls

    func call(_ eventName: String, _ caller: Caller, _ parameters: [String: TrailValue?]) -> Call {
        let region = caller.region ?? region
        var record = TrailRecord(
            eventSource: "kms.amazonaws.com",
            eventName: eventName,
            requestID: caller.origin?.requestID ?? UUIDText.text(random.bytes(16)),
            caller: caller
        )
        record.awsRegion = region.name
        record.requestParameters = parameters.compactMapValues { $0 }
        return Call(caller: caller, region: region, record: record)
    }

    /// What the caller may see of an error, after it was put on the trail.
    private func refuse(_ call: inout Call, _ error: any Error) -> AWSError {
        let refusal = AWSError(meeting: error)
        call.record.refused(refusal)
        do {
            try trail.append(call.record, durability: .soon)
            return refusal
        } catch {
            return AWSError(meeting: error)
        }
    }
}

/// One call of a verb, and what it leaves on the trail.
struct Call {
    let caller: Caller
    let region: Region
    var record: TrailRecord
}

extension KeyManagementService {
    func arn(of id: KeyID, in region: Region) -> ARN { .key(id, region: region, account: account) }

    func arn(of alias: AliasName, in region: Region) -> ARN {
        .alias(alias, region: region, account: account)
    }
}
