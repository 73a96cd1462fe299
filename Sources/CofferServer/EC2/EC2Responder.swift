internal import CofferEBS
internal import CofferShapes
internal import CofferSigV4
internal import NIOPosix

/// Amazon EC2: the Query protocol in EC2's own dialect, whose answers have no result element and whose lists are flat.
struct EC2Responder: Sendable {
    static let version = "2016-11-15"
    static let rules = SignatureRules(services: ["ec2": []])

    let volumes: VolumeService
    let host: HostFacts

    /// Whether a form is meant for EC2: by its action, or where that is none of anybody's, by its version.
    static func isMeant(_ form: QueryForm) -> Bool {
        EC2Operation(action: form.action) != nil || form.version == version
    }

    /// The operation that a form names. Throws what EC2 says of those that it has not.
    static func operation(of form: QueryForm) throws(AWSError) -> EC2Operation {
        guard let version = form.version else { throw .missingParameter("Version") }
        guard version == Self.version else {
            throw AWSError(
                .noSuchVersion,
                "The requested version (\(version.prefix(40))) of service AmazonEC2 does not exist"
            )
        }
        guard let operation = EC2Operation(action: form.action) else { throw .unknownEC2Action(form.action) }
        return operation
    }

    /// Makes the call, off the connection's thread, and gives the answer's body.
    func answer(
        _ form: QueryForm,
        _ operation: EC2Operation,
        _ caller: Caller,
        requestID: String
    ) async throws -> [UInt8] {
        let arguments = try EC2Arguments(form, of: operation)
        let call = EC2Call(volumes: volumes, host: host, arguments: arguments, caller: caller)
        return try await withTaskExecutorPreference(Self.executor) {
            var writer = XMLWriter()
            let name = "\(operation.name)Response"
            writer.begin(name, namespace: "http://ec2.amazonaws.com/doc/\(Self.version)/")
            writer.element("requestId", requestID)
            try await call.answer(operation, &writer)
            writer.end(name)
            return writer.bytes
        }
    }

    static func body(of error: AWSError, requestID: String) -> [UInt8] {
        var writer = XMLWriter()
        writer.begin("Response")
        writer.element("Errors") { writer in
            writer.element("Error") { writer in
                writer.element("Code", error.ec2Name)
                writer.element("Message", error.message)
            }
        }
        writer.element("RequestID", requestID)
        writer.end("Response")
        return writer.bytes
    }

    /// A thread of the volume service's own: its calls wait for locks, disks and daemons, and whoever waits on one of
    /// the few threads that all share would hold up the calls of the KMS.
    static let executor = LoopExecutor(MultiThreadedEventLoopGroup(numberOfThreads: 1).next())
}

extension AWSError {
    /// EC2's actions outside of volumes are left out on purpose, and so say those of them that a client may try first.
    static func unknownEC2Action(_ action: String) -> AWSError {
        let words = [
            "Instance", "Image", "Vpc", "Subnet", "SecurityGroup", "KeyPair", "Address", "NetworkInterface",
            "Host", "Fleet", "Spot", "Route", "Gateway", "FastSnapshotRestore", "RecycleBin", "Outpost",
            "LaunchTemplate", "CapacityReservation", "NetworkAcl", "Vpn", "Endpoint", "VolumeIO",
        ]
        guard words.contains(where: { action.contains($0) }) else {
            return AWSError(
                .invalidAction,
                "The action \(action.prefix(100)) is not valid for this web service."
            )
        }
        return AWSError(
            .ec2UnsupportedOperation,
            "The action \(action.prefix(100)) is not supported. Coffer has volumes, and one instance that stands for "
                + "this host; there are no networks, images or other instances."
        )
    }
}
