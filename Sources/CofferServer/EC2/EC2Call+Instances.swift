internal import CofferEBS
internal import CofferShapes

// The one instance, which stands for this host.
extension EC2Call {
    func describeInstances(_ writer: inout XMLWriter) async throws {
        try checkInstanceIDs()
        let filters = try filterSet(knowing: HostFacts.filterNames)
        let attached = try await volumes.describeVolumes(
            ResourceQuery(filters: [Filter("attachment.instance-id", [instanceID.text])]),
            action: "ec2:DescribeInstances",
            isDryRun: isDryRun,
            caller: caller
        )
        let attachments = attached.items.compactMap(\.ec2Attachment)
        let tags = try await volumes.instanceTags()
        let isShown = filters.match { values(of: $0, attachments, tags) }
        writer.list("reservationSet", of: "item", isShown ? [host] : []) { writer, host in
            writer.element("reservationId", reservationID)
            writer.element("ownerId", host.account)
            writer.element("groupSet") { _ in }
            writer.list("instancesSet", of: "item", [host]) { writer, host in
                write(host, attachments, tags, &writer)
            }
        }
    }

    private func write(
        _ host: HostFacts,
        _ attachments: [VolumeAttachment],
        _ tags: [Tag],
        _ writer: inout XMLWriter
    ) {
        writer.element("instanceId", instanceID.text)
        writer.element("instanceState") { Self.writeState(&$0) }
        writer.element("privateDnsName", host.name)
        writer.element("launchTime", host.booted.iso8601)
        writer.element("placement") { writer in
            writer.element("availabilityZone", region.zone)
            writer.element("availabilityZoneId", Self.zoneID(of: region))
            writer.element("tenancy", "default")
        }
        writer.element("monitoring") { $0.element("state", "disabled") }
        writer.element("architecture", host.architecture)
        writer.element("rootDeviceType", "instance-store")
        writer.list("blockDeviceMapping", of: "item", attachments) { writer, attachment in
            writer.element("deviceName", attachment.device)
            writer.element("ebs") { writer in
                writer.element("volumeId", attachment.volumeID.text)
                writer.element("status", attachment.state.rawValue)
                writer.element("attachTime", attachment.attached.iso8601)
                writer.element("deleteOnTermination", attachment.deletesOnTermination)
            }
        }
        writer.tags(tags)
        writer.element("groupSet") { _ in }
        writer.element("platformDetails", "Linux/UNIX")
    }

    func describeInstanceStatus(_ writer: inout XMLWriter) async throws {
        try checkInstanceIDs()
        let filters = try filterSet(knowing: HostFacts.statusFilterNames)
        try await volumes.requirePermission(
            "ec2:DescribeInstanceStatus",
            isDryRun: isDryRun,
            caller: caller
        )
        let isShown = filters.match { values(of: $0, [], []) }
        writer.list("instanceStatusSet", of: "item", isShown ? [host] : []) { writer, _ in
            writer.element("instanceId", instanceID.text)
            writer.element("availabilityZone", region.zone)
            writer.element("availabilityZoneId", Self.zoneID(of: region))
            writer.element("instanceState") { Self.writeState(&$0) }
            for name in ["instanceStatus", "systemStatus"] {
                writer.element(name) { writer in
                    writer.element("status", "ok")
                    writer.list("details", of: "item", ["reachability"]) { writer, detail in
                        writer.element("name", detail)
                        writer.element("status", "passed")
                    }
                }
            }
        }
    }

    // MARK: - Parts

    private var instanceID: InstanceID { volumes.instanceID }

    private var reservationID: String { "r-\(instanceID.text.dropFirst(2))" }

    /// The ids that a request names may only be this host's, and there is no second page.
    private func checkInstanceIDs() throws {
        for id in arguments.texts("InstanceId") { try volumes.requireHost(id) }
        // One instance is one page.
        guard arguments.text("NextToken") == nil else {
            throw AWSError(
                .invalidPaginationToken,
                "The specified pagination token is not valid or has expired."
            )
        }
    }

    /// (EC2 API reference, `InstanceState`)
    private static func writeState(_ writer: inout XMLWriter) {
        writer.element("code", 16)
        writer.element("name", "running")
    }

    private func values(
        of filter: String,
        _ attachments: [VolumeAttachment],
        _ tags: [Tag]
    ) -> [String] {
        if filter.hasPrefix("tag:") {
            return tags.filter { $0.key == filter.dropFirst(4) }.map(\.value)
        }
        return switch filter {
        case "architecture": [host.architecture]
        case "availability-zone": [region.zone]
        case "block-device-mapping.attach-time": attachments.map(\.attached.iso8601)
        case "block-device-mapping.delete-on-termination":
            attachments.map { "\($0.deletesOnTermination)" }
        case "block-device-mapping.device-name": attachments.map(\.device)
        case "block-device-mapping.status": attachments.map(\.state.rawValue)
        case "block-device-mapping.volume-id": attachments.map(\.volumeID.text)
        case "instance-id": [instanceID.text]
        case "instance-state-code": ["16"]
        case "instance-state-name": ["running"]
        case "instance-status.reachability", "system-status.reachability": ["passed"]
        case "instance-status.status", "system-status.status": ["ok"]
        case "launch-time": [host.booted.iso8601]
        case "owner-id": [host.account]
        case "private-dns-name": [host.name]
        case "reservation-id": [reservationID]
        case "root-device-type": ["instance-store"]
        case "tag-key": tags.map(\.key)
        case "tag-value": tags.map(\.value)
        default: []
        }
    }
}
