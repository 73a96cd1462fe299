internal import CofferRDS
internal import CofferShapes

// Tags of resources, which are named by their ARNs.
extension RDSCall {
    func addTagsToResource() async throws {
        try await databases.addTags(tags(), to: try arguments.requiredText("ResourceName"), caller: caller)
    }

    func removeTagsFromResource() async throws {
        try await databases.removeTags(
            arguments.texts("TagKeys") ?? [],
            from: try arguments.requiredText("ResourceName"),
            caller: caller
        )
    }

    func listTagsForResource(_ writer: inout XMLWriter) async throws {
        _ = try filters(knowing: [])
        let tags = try await databases.listTags(
            of: try arguments.requiredText("ResourceName"),
            caller: caller
        )
        writer.rdsTags(tags)
    }
}
