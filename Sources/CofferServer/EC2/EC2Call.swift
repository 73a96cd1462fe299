internal import CofferEBS
internal import CofferShapes

/// One call to EC2: makes it and writes its answer's elements. The files `EC2Call+….swift` have a method for each
/// operation, named like it.
struct EC2Call: Sendable {
    let volumes: VolumeService
    let host: HostInstance
    let arguments: EC2Arguments
    let caller: Caller

    func answer(_ operation: EC2Operation, _ writer: inout XMLWriter) async throws {
        switch operation {
        case .createVolume: try await createVolume(&writer)
        case .deleteVolume: try await deleteVolume(&writer)
        case .describeAccountAttributes: try describeAccountAttributes(&writer)
        case .describeAvailabilityZones: try describeAvailabilityZones(&writer)
        case .describeInstanceStatus: try describeInstanceStatus(&writer)
        case .describeRegions: try describeRegions(&writer)
        case .describeVolumes: try await describeVolumes(&writer)
        }
    }

    /// The region that the request is signed for: everything in EC2 belongs to one.
    var region: Region { caller.region ?? .home }

    // MARK: - What several calls read

    func filters() throws(AWSError) -> [EC2Filter] {
        var (filters, valueCount): ([EC2Filter], Int) = ([], 0)
        for filter in arguments.structures("Filter") {
            let values = filter.texts("Value")
            valueCount += values.count
            guard valueCount <= 200 else {
                throw AWSError(
                    .filterLimitExceeded,
                    "The maximum number of filter values specified on a single call is 200"
                )
            }
            guard !values.isEmpty else {
                let name = try filter.requiredText("Name")
                throw AWSError(
                    .invalidParameterValue,
                    "The filter '\(name.prefix(100))' must have at least one value"
                )
            }
            filters.append(EC2Filter(name: try filter.requiredText("Name"), values: values))
        }
        return filters
    }

    /// Most verbs that change something answer so.
    static func writeSuccess(_ writer: inout XMLWriter) { writer.element("return", true) }
}
