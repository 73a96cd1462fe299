internal import CofferCatalog
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail

// What each call leaves on the trail.
extension IdentityService {
    /// Commits what a verb changes, together with its line.
    typealias Commit = ((IdentityRows) throws -> Void) throws -> Void

    /// Runs a verb that changes nothing.
    func read<Answer>(
        _ eventName: String,
        of source: String = "iam.amazonaws.com",
        _ parameters: [String: String?],
        _ caller: Caller,
        _ work: () throws -> Answer
    ) throws -> Answer {
        var record = record(eventName, source, parameters, caller, readOnly: true)
        let result = Result { try work() }.mapError { AWSError(trail: $0) }
        if case .failure(let error) = result { record.refused(error) }
        do { try trail.append(record, durability: .soon) } catch { throw AWSError(trail: error) }
        return try result.get()
    }

    /// Runs a verb that changes something through the `commit` that it is given. Where it throws, nothing is changed and
    /// the line tells why. A commit that fails after its line was written leaves two lines of one request id, of which
    /// the second tells of the failure.
    func change<Answer: ~Copyable>(
        _ eventName: String,
        _ parameters: [String: String?],
        _ caller: Caller,
        _ work: (_ commit: Commit) throws -> Answer
    ) throws -> Answer {
        var record = record(eventName, "iam.amazonaws.com", parameters, caller, readOnly: false)
        do {
            return try trail.locked { writer in
                do {
                    return try work { change in
                        try catalog.changeIdentities { rows in
                            try change(rows)
                            try writer.append(record)
                        }
                    }
                } catch {
                    let refusal = AWSError(trail: error)
                    record.refused(refusal)
                    try writer.append(record)
                    throw refusal
                }
            }
        } catch {
            throw AWSError(trail: error)
        }
    }

    private func record(
        _ eventName: String,
        _ source: String,
        _ parameters: [String: String?],
        _ caller: Caller,
        readOnly: Bool
    ) -> TrailRecord {
        var record = TrailRecord(
            eventSource: source,
            eventName: eventName,
            requestID: caller.origin?.requestID ?? UUIDText.text(random.bytes(16)),
            caller: caller
        )
        // IAM is one for all regions, and CloudTrail has its events in this one.
        record.awsRegion = Region.home.name
        record.recipientAccountId = account.digits
        record.readOnly = readOnly
        record.requestParameters = parameters.compactMapValues { $0.map { .text($0) } }
        return record
    }
}
