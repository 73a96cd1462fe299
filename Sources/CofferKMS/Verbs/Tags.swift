public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Adds tags, or changes their values. (`TagResource`)
    public func tagResource(_ key: KeyReference, _ tags: [Tag], caller: Caller) async throws {
        try await change("TagResource", caller, ["keyId": .text("\(key)")]) { [self] records, call in
            var permission = Permission("TagResource")
            permission.add(tags)
            let key = try self.key(key, permission, records, &call)
            try key.requireNotPendingDeletion()
            try Self.check(tags, beside: key.tags)
            for tag in tags { try records.set(tag, of: key.place) }
        }
    }

    /// Removes tags by their keys; one that the key has not is no error. (`UntagResource`)
    public func untagResource(_ key: KeyReference, _ tagKeys: [String], caller: Caller) async throws {
        try await change("UntagResource", caller, ["keyId": .text("\(key)")]) { [self] records, call in
            var permission = Permission("UntagResource")
            permission.facts.append(("aws:tagkeys", tagKeys))
            let key = try self.key(key, permission, records, &call)
            try key.requireNotPendingDeletion()
            for tagKey in tagKeys { try records.removeTag(tagKey, of: key.place) }
        }
    }

    /// (`ListResourceTags`)
    public func listResourceTags(
        _ key: KeyReference,
        page: Page = Page(),
        caller: Caller
    ) async throws -> Listing<Tag> {
        try await use("ListResourceTags", caller, ["keyId": .text("\(key)")]) { call in
            let key = try ownKey(key, Permission("ListResourceTags"), &call)
            return try Pagination.tags.part(key.tags, page) { $0.key }
        }
    }
}
