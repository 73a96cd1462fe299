internal import CofferRDS
internal import CofferShapes
internal import CofferSigV4
internal import NIOPosix

/// Amazon RDS: the Query protocol as IAM has it, with lists whose items have names of their own.
struct RDSResponder: Sendable {
    static let version = "2014-10-31"
    static let namespace = "http://rds.amazonaws.com/doc/\(version)/"
    static let rules = SignatureRules(services: ["rds": []])

    let databases: DatabaseService
    let account: String

    /// Whether a form is meant for RDS: by its version, or by an action that EC2 has not too.
    static func isMeant(_ form: QueryForm) -> Bool {
        form.version == version
            || RDSOperation(action: form.action) != nil && EC2Operation(action: form.action) == nil
    }

    /// The operation that a form names. Throws what RDS says of those that it has not.
    static func operation(of form: QueryForm) throws(AWSError) -> RDSOperation {
        guard form.version == version, let operation = RDSOperation(action: form.action) else {
            throw AWSError(
                .invalidAction,
                "Could not find operation \(form.action.prefix(100)) for version \((form.version ?? "none").prefix(40))"
            )
        }
        return operation
    }

    /// Makes the call, off the connection's thread, and gives the answer's body.
    func answer(
        _ form: QueryForm,
        _ operation: RDSOperation,
        _ caller: Caller,
        requestID: String
    ) async throws -> [UInt8] {
        let arguments = try RDSArguments(form, of: operation)
        let call = RDSCall(databases: databases, account: account, arguments: arguments, caller: caller)
        return try await withTaskExecutorPreference(Self.executor) {
            var writer = XMLWriter()
            let name = "\(operation.name)Response"
            writer.begin(name, namespace: Self.namespace)
            if operation.hasResult { writer.begin("\(operation.name)Result") }
            try await call.answer(operation, &writer)
            if operation.hasResult { writer.end("\(operation.name)Result") }
            writer.element("ResponseMetadata") { $0.element("RequestId", requestID) }
            writer.end(name)
            return writer.bytes
        }
    }

    static func body(of error: AWSError, requestID: String) -> [UInt8] {
        var writer = XMLWriter()
        writer.begin("ErrorResponse", namespace: namespace)
        writer.element("Error") { writer in
            writer.element("Type", error.rdsStatus >= 500 ? "Receiver" : "Sender")
            writer.element("Code", error.rdsName)
            writer.element("Message", error.message)
        }
        writer.element("RequestId", requestID)
        writer.end("ErrorResponse")
        return writer.bytes
    }

    /// A thread of the database service's own: its calls wait for locks, disks and processes.
    static let executor = LoopExecutor(MultiThreadedEventLoopGroup(numberOfThreads: 1).next())
}
