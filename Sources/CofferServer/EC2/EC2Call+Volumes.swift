internal import CofferEBS
internal import CofferShapes

// Volumes: making, describing, deleting.
extension EC2Call {
    func createVolume(_ writer: inout XMLWriter) async throws {
        guard let size = arguments.integer("Size"), size > 0 else { throw AWSError.missingParameter("Size") }
        let key = arguments.text("KmsKeyId").map { KeyReference($0) }
        let volume = try await volumes.createVolume(
            CreateVolumeRequest(sizeBytes: UInt64(size) << 30, key: key),
            caller: caller
        )
        writer.volume(volume, zone: region.zone)
    }

    func describeVolumes(_ writer: inout XMLWriter) async throws {
        let ids = try volumeIDs()
        let found = try await volumes.describeVolumes(ids.map(\.text))
        writer.list("volumeSet", of: "item", found) { writer, volume in
            writer.volume(volume, zone: region.zone)
        }
    }

    func deleteVolume(_ writer: inout XMLWriter) async throws {
        try await volumes.deleteVolume(try volumeID().text)
        Self.writeSuccess(&writer)
    }

    // MARK: - Ids

    func volumeID() throws(AWSError) -> VolumeID { try Self.volumeID(try arguments.requiredText("VolumeId")) }

    func volumeIDs() throws(AWSError) -> [VolumeID] {
        var ids: [VolumeID] = []
        for text in arguments.texts("VolumeId") { ids.append(try Self.volumeID(text)) }
        return ids
    }

    /// An id of another form is malformed; one with 8 digits, as EC2 made them once, is well-formed and nobody's.
    static func volumeID(_ text: String) throws(AWSError) -> VolumeID {
        if let id = VolumeID(text) { return id }
        guard ResourceIDForm.isMet(by: text, prefix: "vol") else {
            throw AWSError(
                AWSError.Code("InvalidVolumeID.Malformed", .usage),
                "Invalid id: \"\(text.prefix(100))\" (expecting \"vol-...\")"
            )
        }
        throw AWSError(.volumeNotFound, "The volume '\(text)' does not exist.")
    }
}
