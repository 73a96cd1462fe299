internal import CofferEBS
internal import CofferShapes

// Where the host is, in EC2's words: its region and that one's zone. Clients look them up before they make a volume.
extension EC2Call {
    func describeAvailabilityZones(_ writer: inout XMLWriter) async throws {
        let (zone, zoneID) = (region.zone, Self.zoneID(of: region))
        let names = arguments.texts("ZoneName")
        if let wrong = names.first(where: { $0 != zone }) {
            throw AWSError(.invalidParameterValue, "Invalid availability zone: [\(wrong.prefix(100))]")
        }
        let ids = arguments.texts("ZoneId")
        if let wrong = ids.first(where: { $0 != zoneID }) {
            throw AWSError(.invalidParameterValue, "Invalid availability zone-id: [\(wrong.prefix(100))]")
        }
        let properties = [
            "group-name": [region.name], "opt-in-status": ["opt-in-not-required"],
            "region-name": [region.name], "state": ["available"], "zone-id": [zoneID],
            "zone-name": [zone], "zone-type": ["availability-zone"], "message": [],
            "parent-zone-id": [], "parent-zone-name": [],
        ]
        let isShown = try await isShown("DescribeAvailabilityZones", properties)
        writer.list("availabilityZoneInfo", of: "item", isShown ? [zone] : []) { writer, zone in
            writer.element("optInStatus", "opt-in-not-required")
            writer.element("messageSet") { _ in }
            writer.element("regionName", region.name)
            writer.element("zoneName", zone)
            writer.element("zoneId", zoneID)
            writer.element("groupName", region.name)
            writer.element("networkBorderGroup", region.name)
            writer.element("zoneType", "availability-zone")
            writer.element("zoneState", "available")
        }
    }

    /// The one region that this request can reach: the one that it is signed for.
    func describeRegions(_ writer: inout XMLWriter) async throws {
        let endpoint = "ec2.\(region.name).amazonaws.com"
        if let wrong = arguments.texts("RegionName").first(where: { $0 != region.name }) {
            throw AWSError(.invalidParameterValue, "Invalid region name: \(wrong.prefix(100))")
        }
        let properties = [
            "endpoint": [endpoint], "opt-in-status": ["opt-in-not-required"],
            "region-name": [region.name],
        ]
        let isShown = try await isShown("DescribeRegions", properties)
        writer.list("regionInfo", of: "item", isShown ? [region] : []) { writer, region in
            writer.element("regionName", region.name)
            writer.element("regionEndpoint", endpoint)
            writer.element("optInStatus", "opt-in-not-required")
        }
    }

    /// Whether the request's filters let something with these properties through, for a caller who may look.
    private func isShown(_ action: String, _ properties: [String: [String]]) async throws -> Bool {
        let filters = try filterSet(knowing: Set(properties.keys))
        try await volumes.requirePermission("ec2:\(action)", isDryRun: isDryRun, caller: caller)
        return filters.match { properties[$0] ?? [] }
    }

    /// As AWS makes them: `use1-az1` for us-east-1a, `apse2-az1` for ap-southeast-2a.
    static func zoneID(of region: Region) -> String {
        let parts = region.name.split(separator: "-").enumerated().map { index, part in
            let directions = ["north", "south", "east", "west", "central", "gov", "iso"]
            guard index > 0 else { return String(part) }
            var (rest, letters) = (part, "")
            while let direction = directions.first(where: { rest.hasPrefix($0) }) {
                letters += direction.prefix(1)
                rest = rest.dropFirst(direction.count)
            }
            return letters + rest
        }
        return parts.joined() + "-az1"
    }

    // MARK: - The account

    func describeAccountAttributes(_ writer: inout XMLWriter) async throws {
        let known = [
            "supported-platforms": "VPC", "default-vpc": "none", "max-instances": "1",
            "vpc-max-security-groups-per-interface": "5", "max-elastic-ips": "0",
            "vpc-max-elastic-ips": "0",
        ]
        let names = arguments.texts("AttributeName")
        for name in names where known[name] == nil {
            throw AWSError.invalidParameter("attributeName", name, "There is no such account attribute.")
        }
        try await volumes.requirePermission(
            "ec2:DescribeAccountAttributes",
            isDryRun: isDryRun,
            caller: caller
        )
        let shown = known.sorted { $0.key < $1.key }.filter { names.isEmpty || names.contains($0.key) }
        writer.list("accountAttributeSet", of: "item", shown) { writer, attribute in
            writer.element("attributeName", attribute.key)
            writer.list("attributeValueSet", of: "item", [attribute.value]) { writer, value in
                writer.element("attributeValue", value)
            }
        }
    }
}
