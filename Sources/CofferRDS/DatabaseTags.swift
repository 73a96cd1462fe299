internal import CofferShapes

/// What a tag of RDS may be. (RDS user guide, "Tagging Amazon RDS resources".)
enum DatabaseTags {
    static let limit = 50

    /// InvalidParameterValue for tags that cannot be, TagQuotaPerResourceExceeded for too many.
    static func check(_ tags: [Tag]) throws {
        var keys: Set<String> = []
        for tag in tags {
            guard (1...128).contains(tag.key.utf16.count), tag.value.utf16.count <= 256,
                isPrintable(tag.key), isPrintable(tag.value)
            else {
                throw AWSError(
                    .invalidParameterValue,
                    "The tag \(tag.key.prefix(128)) is not valid: a key has 1 to 128 printable characters, and a value at "
                        + "most 256."
                )
            }
            guard !["aws:", "rds:"].contains(where: { tag.key.lowercased().hasPrefix($0) }) else {
                throw AWSError(
                    .invalidParameterValue,
                    "The tag key \(tag.key) is not valid: keys with aws: or rds: in front are AWS's own."
                )
            }
            guard keys.insert(tag.key).inserted else {
                throw AWSError(.invalidParameterValue, "The tag key \(tag.key) is there twice.")
            }
        }
        guard tags.count <= limit else {
            throw AWSError(.tagQuotaExceeded, "A resource has at most \(limit) tags.")
        }
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }
}
