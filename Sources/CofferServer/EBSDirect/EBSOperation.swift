internal import CofferShapes

/// The actions of the EBS direct APIs (API reference, "Actions"). The raw value is a place in tables.
enum EBSOperation: Int, CaseIterable, Sendable {
    case completeSnapshot
    case getSnapshotBlock
    case listChangedBlocks
    case listSnapshotBlocks
    case putSnapshotBlock
    case startSnapshot

    /// The name as the API spells it: the case's with a capital.
    var name: String { Self.names[rawValue] }

    private static let names = allCases.map { operation in
        let name = "\(operation)"
        return name.prefix(1).uppercased() + name.dropFirst()
    }
}

/// What a request is for, by its method and path; the parts of the path are as they were sent.
///
/// ```
/// POST /snapshots                         StartSnapshot
/// POST /snapshots/completion/{snapshot}   CompleteSnapshot
/// GET  /snapshots/{snapshot}/blocks       ListSnapshotBlocks
/// GET  /snapshots/{second}/changedblocks  ListChangedBlocks
/// GET  /snapshots/{snapshot}/blocks/{n}   GetSnapshotBlock
/// PUT  /snapshots/{snapshot}/blocks/{n}   PutSnapshotBlock
/// ```
struct EBSRoute: Equatable {
    let operation: EBSOperation
    /// Empty where the path names none.
    var snapshot: Substring = ""
    /// The index of a block; empty where the path names none.
    var block: Substring = ""

    init(_ request: HTTPRequest) throws(AWSError) {
        let parts = request.path.split(separator: "/", maxSplits: 6, omittingEmptySubsequences: false)
        switch (request.method, parts.count) {
        case ("POST", 2): operation = .startSnapshot
        case ("POST", 4) where parts[2] == "completion":
            (operation, snapshot) = (.completeSnapshot, parts[3])
        case ("GET", 4) where parts[3] == "blocks": (operation, snapshot) = (.listSnapshotBlocks, parts[2])
        case ("GET", 4) where parts[3] == "changedblocks":
            (operation, snapshot) = (.listChangedBlocks, parts[2])
        case ("GET", 5) where parts[3] == "blocks":
            (operation, snapshot, block) = (.getSnapshotBlock, parts[2], parts[4])
        case ("PUT", 5) where parts[3] == "blocks":
            (operation, snapshot, block) = (.putSnapshotBlock, parts[2], parts[4])
        default: throw AWSError(.unknownOperation, "There is no such operation at this path.")
        }
    }
}
