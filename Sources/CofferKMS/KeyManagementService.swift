public import CofferSecrets
public import CofferShapes
public import CofferTrail
internal import GRDB

/// The KMS of a home: KMS keys, their aliases, and what is done with them, over `kms/keys.sqlite`.
///
/// Key material stays inside. A KMS key's secrets are unwrapped for one call and wiped with it; what leaves
/// is the plaintext that a response owes its caller.
///
/// Each verb is one transaction under the trail's lock: it reads the key's state, does its work and appends
/// its line to the trail, and only when all that is durable gives its result. So a key that another process
/// has disabled is refused by the next call here, and nothing is done that the trail does not tell. When the
/// trail cannot be written, the call fails.
///
/// There are no key policies yet: a caller who gets here may do all that AWS lets an account's root user do.
/// AWS managed keys are held to AWS's own policy for them.
public actor KeyManagementService: KeyService {
    /// Where every call leaves its line; other services append to the same.
    public nonisolated let trail: Trail
    public nonisolated let account: AccountID
    public nonisolated let region: Region

    let hierarchy: KeyHierarchy
    let clock: any WallClock
    let random: any ByteSource
    private let store: KeyStore
    private let executor = SerialQueueExecutor()

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

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
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource()
    ) throws {
        do {
            let hierarchy = try KeyHierarchy(rootKey: rootKey, random: random)
            let trailKey = try KeyHierarchy.trailKey(of: rootKey)
            store = try KeyStore(folder: folder, rootCheck: hierarchy.rootCheck)
            let head = StoredTrailHead(store: store)
            trail = try Trail(folder: trailFolder, key: trailKey, head: head, clock: clock)
            self.hierarchy = hierarchy
        } catch {
            throw AWSError(meeting: error)
        }
        (self.account, self.region, self.clock, self.random) = (account, region, clock, random)
    }

    /// Runs a verb: `work` and its record together or not at all.
    ///
    /// `work` adds to the record what it learns. When it throws, what it changed is undone, and the record
    /// tells of the error instead. A commit that fails after the record was written leaves two lines of one
    /// request id, of which the second tells of the failure.
    func perform<Answer: ~Copyable & Sendable>(
        _ eventName: String,
        _ parameters: [String: TrailValue?],
        _ caller: Caller,
        _ work: (KeyRecords, inout TrailRecord) throws -> Answer
    ) throws(AWSError) -> Answer {
        var record = TrailRecord(
            eventSource: "kms.amazonaws.com",
            eventName: eventName,
            requestID: UUIDText.text(random.bytes(16)),
            caller: caller
        )
        record.awsRegion = region.name
        record.requestParameters = parameters.compactMapValues { $0 }
        do {
            return try trail.locked { trail in
                do {
                    return try transaction { records in
                        let answer = try work(records, &record)
                        try trail.append(record)
                        return answer
                    }
                } catch {
                    let refusal = AWSError(meeting: error)
                    (record.errorCode, record.errorMessage) = (refusal.code.name, refusal.message)
                    try trail.append(record)
                    throw refusal
                }
            }
        } catch {
            throw AWSError(meeting: error)
        }
    }

    private func transaction<Answer: ~Copyable & Sendable>(
        _ work: (KeyRecords) throws -> Answer
    ) throws -> Answer {
        // GRDB's closures return what can be copied only; a response may hold a secret.
        var answer: Answer?
        try store.queue.inTransaction(.immediate) { database in
            answer = try work(KeyRecords(database: database, region: region))
            return .commit
        }
        guard let answer else { preconditionFailure("a committed transaction has its answer") }
        return answer
    }
}

extension KeyManagementService {
    nonisolated func arn(of id: KeyID) -> ARN { .key(id, region: region, account: account) }

    nonisolated func arn(of alias: AliasName) -> ARN { .alias(alias, region: region, account: account) }
}
