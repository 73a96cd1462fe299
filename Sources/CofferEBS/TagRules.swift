internal import CofferCatalog
internal import CofferShapes

/// What a tag may be. (EC2 user guide, "Tag restrictions".)
enum TagRules {
    static let keyCharacters = 128
    static let valueCharacters = 256

    static func check(_ tags: [Tag]) throws {
        for tag in tags {
            guard !tag.key.isEmpty, !tag.key.lowercased().hasPrefix("aws:"), isPrintable(tag.key) else {
                throw AWSError(
                    .tagKeyMalformed,
                    "The specified tag key is not valid. Tag keys can't be empty or null, and can't start with aws:."
                )
            }
            guard tag.key.utf16.count <= keyCharacters else {
                throw AWSError(
                    .invalidParameterValue,
                    "Tag key exceeds the maximum length of \(keyCharacters) characters"
                )
            }
            guard tag.value.utf16.count <= valueCharacters else {
                throw AWSError(
                    .invalidParameterValue,
                    "Tag value exceeds the maximum length of \(valueCharacters) characters"
                )
            }
            guard isPrintable(tag.value) else {
                throw AWSError(
                    .invalidParameterValue,
                    "The value of the tag '\(tag.key)' has control characters."
                )
            }
        }
        var keys: Set<String> = []
        for tag in tags where !keys.insert(tag.key).inserted {
            throw AWSError(.invalidParameterValue, "Duplicate tag key '\(tag.key)' specified.")
        }
        guard tags.count <= Catalog.tagLimit else {
            throw AWSError(
                .tagLimitExceeded,
                "The maximum number of tags for a resource has been reached: \(Catalog.tagLimit)."
            )
        }
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }
}

extension [Tag] {
    /// With the Name tag that the command line's name is; as they are without one.
    func named(_ name: String?) -> [Tag] {
        name.map { self + [Tag(key: VolumeRecord.nameTag, value: $0)] } ?? self
    }
}
