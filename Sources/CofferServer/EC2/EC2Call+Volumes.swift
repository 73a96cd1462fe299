internal import CofferEBS
internal import CofferShapes

// Volumes: making, describing, deleting.
extension EC2Call {
    func createVolume(_ writer: inout XMLWriter) async throws {
        try refuseWhatIsLeftOut()
        var request = CreateVolumeRequest(
            sizeBytes: try sizeBytes(),
            isEncrypted: arguments.flag("Encrypted"),
            key: arguments.text("KmsKeyId").map { KeyReference($0) }
        )
        request.snapshot = try arguments.text("SnapshotId").map { try Self.snapshotID($0).text }
        // Of the API; the command line's is gp3. (EC2 API reference, `CreateVolume`)
        request.type = try volumeType() ?? .gp2
        request.iops = arguments.integer("Iops")
        request.throughput = arguments.integer("Throughput")
        request.zone = try zone()
        request.tags = try tags(for: "volume")
        request.isMultiAttach = arguments.flag("MultiAttachEnabled") ?? false
        request.clientToken = arguments.text("ClientToken")
        let volume = try await volumes.beginCreateVolume(request, isDryRun: isDryRun, caller: caller)
        writer.volume(volume)
    }

    /// One copy, in a list of one.
    func copyVolumes(_ writer: inout XMLWriter) async throws {
        let source = try Self.volumeID(try arguments.requiredText("SourceVolumeId"))
        var request = CopyVolumeRequest(source: source.text)
        if let size = arguments.integer("Size") { request.sizeBytes = try Self.bytes(ofGiB: size) }
        request.type = try volumeType() ?? .gp2
        request.iops = arguments.integer("Iops")
        request.throughput = arguments.integer("Throughput")
        request.tags = try tags(for: "volume")
        request.isMultiAttach = arguments.flag("MultiAttachEnabled") ?? false
        request.clientToken = arguments.text("ClientToken")
        let copy = try await volumes.copyVolume(request, isDryRun: isDryRun, caller: caller)
        writer.list("volumeSet", of: "item", [copy]) { writer, volume in writer.volume(volume) }
    }

    private func refuseWhatIsLeftOut() throws(AWSError) {
        if arguments.text("OutpostArn") != nil {
            throw AWSError(.ec2UnsupportedOperation, "There are no Outposts here: leave OutpostArn out.")
        }
        if arguments.integer("VolumeInitializationRate") != nil {
            throw AWSError(
                .ec2UnsupportedOperation,
                "A volume is usable at once here: leave VolumeInitializationRate out."
            )
        }
        if arguments.structure("Operator") != nil {
            throw AWSError(.ec2UnsupportedOperation, "No service manages volumes here: leave Operator out.")
        }
    }

    /// 0 where the snapshot decides.
    private func sizeBytes() throws(AWSError) -> UInt64 {
        if let size = arguments.integer("Size") { return try Self.bytes(ofGiB: size) }
        guard arguments.text("SnapshotId") != nil else { throw .missingParameter("Size") }
        return 0
    }

    static func bytes(ofGiB size: Int) throws(AWSError) -> UInt64 {
        guard (1...65_536).contains(size) else {
            throw .invalidParameter("size", "\(size)", "A volume has 1 to 65536 GiB.")
        }
        return UInt64(size) << 30
    }

    func volumeType() throws(AWSError) -> VolumeType? {
        guard let text = arguments.text("VolumeType") else { return nil }
        guard let type = VolumeType(rawValue: text) else {
            throw AWSError(
                AWSError.Code("UnknownVolumeType", .usage),
                "Unsupported volume type '\(text.prefix(100))'; there are "
                    + VolumeType.allCases.map(\.rawValue).joined(separator: ", ") + "."
            )
        }
        return type
    }

    /// Of the name and the id one is needed; which zones there are the service knows.
    private func zone() throws(AWSError) -> String {
        switch (arguments.text("AvailabilityZone"), arguments.text("AvailabilityZoneId")) {
        case (nil, nil): throw .missingParameter("AvailabilityZone")
        case (let zone?, nil): return zone
        case (nil, let id?): return id == Self.zoneID(of: region) ? region.zone : id
        case (_?, _?):
            throw AWSError(
                .invalidParameterCombination,
                "The parameters AvailabilityZone and AvailabilityZoneId cannot be used together."
            )
        }
    }

    func describeVolumes(_ writer: inout XMLWriter) async throws {
        let found = try await volumes.describeVolumes(
            try query(ids: volumeIDs()),
            isDryRun: isDryRun,
            caller: caller
        )
        writer.list("volumeSet", of: "item", found.items) { writer, volume in writer.volume(volume) }
        writer.element("nextToken", found.nextMarker)
    }

    func deleteVolume(_ writer: inout XMLWriter) async throws {
        try await volumes.deleteVolume(try volumeID().text, isDryRun: isDryRun, caller: caller)
        Self.writeSuccess(&writer)
    }
}
