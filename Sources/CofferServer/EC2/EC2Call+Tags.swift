internal import CofferEBS
internal import CofferShapes

// Tags of resources, and those that a request for a new resource brings.
extension EC2Call {
    func createTags(_ writer: inout XMLWriter) async throws {
        try await volumes.createTags(
            Self.tags(arguments.structures("Tag")),
            on: try resourceIDs(),
            isDryRun: isDryRun,
            caller: caller
        )
        Self.writeSuccess(&writer)
    }

    /// A tag without a value goes whatever its value is; one with an empty value only where it is empty.
    func deleteTags(_ writer: inout XMLWriter) async throws {
        try await volumes.deleteTags(
            arguments.structures("Tag").map { tag in
                VolumeService.TagSelector(key: tag.text("Key") ?? "", value: tag.text("Value"))
            },
            from: try resourceIDs(),
            isDryRun: isDryRun,
            caller: caller
        )
        Self.writeSuccess(&writer)
    }

    func describeTags(_ writer: inout XMLWriter) async throws {
        let found = try await volumes.describeTags(try query(), isDryRun: isDryRun, caller: caller)
        writer.list("tagSet", of: "item", found.items) { writer, description in
            writer.element("resourceId", description.resourceID)
            writer.element("resourceType", description.resourceType)
            writer.element("key", description.tag.key)
            writer.element("value", description.tag.value)
        }
        writer.element("nextToken", found.nextMarker)
    }

    /// Refuses what is no id, before it is given back in an error.
    private func resourceIDs() throws(AWSError) -> [String] {
        let ids = arguments.texts("ResourceId")
        for id in ids where id.hasPrefix("vol-") { _ = try Self.volumeID(id) }
        return ids
    }

    /// The tags that `TagSpecification` gives to a resource of this type, the only one that the action makes.
    func tags(for resourceType: String) throws(AWSError) -> [Tag] {
        let specifications = arguments.structures("TagSpecification")
        for specification in specifications {
            guard let type = specification.text("ResourceType") else {
                throw AWSError(
                    .invalidParameterValue,
                    "Tag specification resource type must have a value"
                )
            }
            guard type == resourceType else {
                throw AWSError(
                    .invalidParameterValue,
                    "'\(type.prefix(100))' is not a valid taggable resource type for this operation."
                )
            }
        }
        guard specifications.count <= 1 else {
            throw AWSError(
                .invalidParameterValue,
                "The same resource type may not be specified more than once in tag specifications"
            )
        }
        return Self.tags(specifications.first?.structures("Tag") ?? [])
    }

    private static func tags(_ tags: [EC2Arguments]) -> [Tag] {
        tags.map { Tag(key: $0.text("Key") ?? "", value: $0.text("Value") ?? "") }
    }
}
