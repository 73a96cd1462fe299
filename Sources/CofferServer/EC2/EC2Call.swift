internal import CofferEBS
internal import CofferShapes

/// One call to EC2: makes it and writes its answer's elements. The files `EC2Call+….swift` have a method for each
/// operation, named like it.
struct EC2Call: Sendable {
    let volumes: VolumeService
    let host: HostFacts
    let arguments: EC2Arguments
    let caller: Caller

    func answer(_ operation: EC2Operation, _ writer: inout XMLWriter) async throws {
        switch operation {
        case .attachVolume: try await attachVolume(&writer)
        case .copySnapshot: try await copySnapshot(&writer)
        case .copyVolumes: try await copyVolumes(&writer)
        case .createSnapshot: try await createSnapshot(&writer)
        case .createTags: try await createTags(&writer)
        case .createVolume: try await createVolume(&writer)
        case .deleteSnapshot: try await deleteSnapshot(&writer)
        case .deleteTags: try await deleteTags(&writer)
        case .deleteVolume: try await deleteVolume(&writer)
        case .describeAccountAttributes: try await describeAccountAttributes(&writer)
        case .describeAvailabilityZones: try await describeAvailabilityZones(&writer)
        case .describeInstances: try await describeInstances(&writer)
        case .describeInstanceStatus: try await describeInstanceStatus(&writer)
        case .describeRegions: try await describeRegions(&writer)
        case .describeSnapshotAttribute: try await describeSnapshotAttribute(&writer)
        case .describeSnapshots: try await describeSnapshots(&writer)
        case .describeTags: try await describeTags(&writer)
        case .describeVolumeAttribute: try await describeVolumeAttribute(&writer)
        case .describeVolumes: try await describeVolumes(&writer)
        case .describeVolumesModifications: try await describeVolumesModifications(&writer)
        case .describeVolumeStatus: try await describeVolumeStatus(&writer)
        case .detachVolume: try await detachVolume(&writer)
        case .disableEbsEncryptionByDefault: try await disableEbsEncryptionByDefault(&writer)
        case .enableEbsEncryptionByDefault: try await enableEbsEncryptionByDefault(&writer)
        case .getEbsDefaultKmsKeyId: try await getEbsDefaultKmsKeyId(&writer)
        case .getEbsEncryptionByDefault: try await getEbsEncryptionByDefault(&writer)
        case .modifyEbsDefaultKmsKeyId: try await modifyEbsDefaultKmsKeyId(&writer)
        case .modifySnapshotAttribute: try await modifySnapshotAttribute(&writer)
        case .modifyVolume: try await modifyVolume(&writer)
        case .modifyVolumeAttribute: try await modifyVolumeAttribute(&writer)
        case .resetEbsDefaultKmsKeyId: try await resetEbsDefaultKmsKeyId(&writer)
        case .resetSnapshotAttribute: try await resetSnapshotAttribute(&writer)
        }
    }

    // MARK: - What several calls read

    /// The region that the request is signed for: everything in EC2 belongs to one.
    var region: Region { caller.region ?? .home }

    var isDryRun: Bool { arguments.isDryRun }

    /// What a description is narrowed by, and its page.
    func query(ids: [String] = []) throws(AWSError) -> ResourceQuery {
        let query = ResourceQuery(
            ids: ids,
            filters: try filters(),
            limit: arguments.integer("MaxResults"),
            nextToken: arguments.text("NextToken")
        )
        // Before anything is looked for.
        guard ids.isEmpty || query.limit == nil && query.nextToken == nil else {
            throw AWSError(
                .invalidParameterCombination,
                "A list of ids cannot be used with the parameters maxResults and nextToken"
            )
        }
        return query
    }

    /// EC2 takes 200 values in all.
    func filters() throws(AWSError) -> [Filter] {
        var (filters, valueCount): ([Filter], Int) = ([], 0)
        for filter in arguments.structures("Filter") {
            let values = filter.texts("Value")
            valueCount += values.count
            guard valueCount <= 200 else {
                throw AWSError(
                    .filterLimitExceeded,
                    "The maximum number of filter values specified on a single call is 200"
                )
            }
            filters.append(Filter(try filter.requiredText("Name"), values))
        }
        return filters
    }

    /// The filters of a description that is made here.
    func filterSet(knowing names: Set<String>) throws -> FilterSet {
        try FilterSet(filters(), knowing: names)
    }

    func volumeID() throws(AWSError) -> VolumeID { try Self.volumeID(try arguments.requiredText("VolumeId")) }

    func volumeIDs() throws(AWSError) -> [String] {
        var ids: [String] = []
        for text in arguments.texts("VolumeId") { ids.append(try Self.volumeID(text).text) }
        return ids
    }

    /// An id of another form is malformed; one with 8 digits, as EC2 made them once, is well-formed and nobody's. The
    /// API takes no names and no beginnings of ids, as the command line does.
    static func volumeID(_ text: String) throws(AWSError) -> VolumeID {
        if let id = VolumeID(text) { return id }
        guard ResourceIDForm.isMet(by: text, prefix: "vol") else {
            throw AWSError(
                .volumeIDMalformed,
                "Invalid id: \"\(text.prefix(100))\" (expecting \"vol-...\")"
            )
        }
        throw AWSError(.volumeNotFound, "The volume '\(text)' does not exist.")
    }

    /// Most verbs that change something answer so.
    static func writeSuccess(_ writer: inout XMLWriter) { writer.element("return", true) }
}
