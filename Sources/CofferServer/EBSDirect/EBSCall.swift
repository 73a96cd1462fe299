internal import CofferEBS
internal import CofferJSON
internal import CofferShapes
internal import FoundationEssentials

/// One call to EBS direct: decoded, made, and its answer encoded. It has a method for each operation, named like it.
struct EBSCall: Sendable {
    let volumes: VolumeService
    let request: HTTPRequest
    let route: EBSRoute
    let caller: Caller
    let requestID: String

    /// Every block has this length.
    private static let blockBytes = 524_288

    func answer() async throws -> HTTPAnswer {
        let arguments = try EBSArguments(request, route)
        return switch route.operation {
        case .completeSnapshot: try await completeSnapshot(arguments)
        case .getSnapshotBlock: try await getSnapshotBlock(arguments)
        case .listChangedBlocks: try await listChangedBlocks(arguments)
        case .listSnapshotBlocks: try await listSnapshotBlocks(arguments)
        case .putSnapshotBlock: try await putSnapshotBlock(arguments)
        case .startSnapshot: try await startSnapshot()
        }
    }

    // MARK: - Writing

    private func startSnapshot() async throws -> HTTPAnswer {
        let started = try await volumes.startSnapshot(
            StartSnapshotRequest(request.body.bytes),
            caller: caller
        )
        let snapshot = started.snapshot
        return json(201) { writer in
            if !snapshot.description.isEmpty { writer.member("Description", snapshot.description) }
            writer.member("SnapshotId", snapshot.id.text)
            writer.member("OwnerId", snapshot.ownerID.digits)
            writer.member("Status", snapshot.state)
            writer.member("StartTime", snapshot.started)
            writer.member("VolumeSize", Int(clamping: snapshot.sizeGiB))
            writer.member("BlockSize", Self.blockBytes)
            if !snapshot.tags.isEmpty {
                writer.list("Tags", snapshot.tags) { writer, tag in
                    writer.beginObject()
                    writer.member("Key", tag.key)
                    writer.member("Value", tag.value)
                    writer.endObject()
                }
            }
            writer.member("ParentSnapshotId", started.parent?.text)
            if snapshot.isEncrypted { writer.member("KmsKeyArn", snapshot.kmsKeyARN) }
            writer.member("SseType", snapshot.isEncrypted ? "sse-kms" : "none")
        }
    }

    private func putSnapshotBlock(_ arguments: EBSArguments) async throws -> HTTPAnswer {
        try arguments.requireNoEncoding()
        let progress = try arguments.headerNumber("x-amz-Progress")
        guard progress ?? 0 <= 100 else {
            throw DirectError(.validation(.invalidParameterValue), "x-amz-Progress is at most 100.")
        }
        guard try arguments.requiredHeaderNumber("x-amz-Data-Length") == Self.blockBytes else {
            throw DirectError(
                .validation(.invalidParameterValue),
                "x-amz-Data-Length is \(Self.blockBytes), and nothing else."
            )
        }
        let block = DirectBlockUpload(
            index: try arguments.block(),
            data: request.body.bytes,
            checksum: try arguments.requiredChecksum(),
            progress: progress
        )
        try await volumes.putSnapshotBlock(arguments.snapshot, block, caller: caller)
        return HTTPAnswer(
            status: 201,
            contentType: .json,
            body: [],
            requestID: requestID,
            headers: Self.headers(checksum: block.checksum)
        )
    }

    private func completeSnapshot(_ arguments: EBSArguments) async throws -> HTTPAnswer {
        try arguments.requireLinearAggregation()
        let state = try await volumes.completeSnapshot(
            arguments.snapshot,
            blockCount: try arguments.requiredHeaderNumber("x-amz-ChangedBlocksCount"),
            checksum: try arguments.checksum(),
            caller: caller
        )
        return json(202) { $0.member("Status", state) }
    }

    // MARK: - Reading

    private func listSnapshotBlocks(_ arguments: EBSArguments) async throws -> HTTPAnswer {
        let list = try await volumes.listSnapshotBlocks(
            arguments.snapshot,
            try arguments.query(),
            caller: caller
        )
        return json(200) { writer in
            writer.list("Blocks", list.items) { writer, block in
                writer.beginObject()
                writer.member("BlockIndex", Int(clamping: block.index))
                writer.member("BlockToken", block.token)
                writer.endObject()
            }
            Self.write(list, &writer)
        }
    }

    private func listChangedBlocks(_ arguments: EBSArguments) async throws -> HTTPAnswer {
        let list = try await volumes.listChangedBlocks(
            arguments.snapshot,
            since: arguments.text("firstSnapshotId"),
            try arguments.query(),
            caller: caller
        )
        return json(200) { writer in
            writer.list("ChangedBlocks", list.items) { writer, block in
                writer.beginObject()
                writer.member("BlockIndex", Int(clamping: block.index))
                writer.member("FirstBlockToken", block.firstToken)
                writer.member("SecondBlockToken", block.secondToken)
                writer.endObject()
            }
            Self.write(list, &writer)
        }
    }

    private func getSnapshotBlock(_ arguments: EBSArguments) async throws -> HTTPAnswer {
        guard let token = arguments.text("blockToken") else { throw EBSArguments.missing("blockToken") }
        let block = try await volumes.getSnapshotBlock(
            arguments.snapshot,
            try arguments.block(),
            token: token,
            caller: caller
        )
        return HTTPAnswer(
            status: 200,
            contentType: .bytes,
            body: block.data,
            requestID: requestID,
            headers: [HTTPAnswer.Header("x-amz-Data-Length", "\(block.data.count)")]
                + Self.headers(checksum: block.checksum)
        )
    }

    // MARK: - Parts of answers

    private static func write(_ list: DirectBlockList<some Sendable>, _ writer: inout JSONWriter) {
        writer.member("ExpiryTime", list.expiry)
        writer.member("VolumeSize", Int(clamping: list.volumeSizeGiB))
        writer.member("BlockSize", blockBytes)
        writer.member("NextToken", list.nextToken)
    }

    private static func headers(checksum: [UInt8]) -> [HTTPAnswer.Header] {
        [
            HTTPAnswer.Header("x-amz-Checksum", Data(checksum).base64EncodedString()),
            HTTPAnswer.Header("x-amz-Checksum-Algorithm", "SHA256"),
        ]
    }

    private func json(_ status: Int, _ write: (inout JSONWriter) -> Void) -> HTTPAnswer {
        HTTPAnswer(
            status: status,
            contentType: .json,
            body: JSONWriter.object(write),
            requestID: requestID
        )
    }
}
