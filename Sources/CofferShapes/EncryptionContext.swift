/// String pairs bound to a ciphertext as additional authenticated data; not secret. (AWS KMS developer guide,
/// "Encryption context".)
public struct EncryptionContext: Hashable, Sendable, Codable, ExpressibleByDictionaryLiteral {
    public let pairs: [String: String]

    public init(_ pairs: [String: String] = [:]) { self.pairs = pairs }

    public init(dictionaryLiteral elements: (String, String)...) {
        pairs = Dictionary(elements) { _, last in last }
    }

    public init(from decoder: any Decoder) throws {
        pairs = try decoder.singleValueContainer().decode([String: String].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(pairs)
    }

    /// The context of a volume's wrapped key, as EBS sets it.
    public static func volume(_ id: VolumeID) -> EncryptionContext { ["aws:ebs:id": id.text] }

    /// That of a snapshot that no volume of this home has: a copy, say.
    public static func snapshot(_ id: SnapshotID) -> EncryptionContext { ["aws:ebs:id": id.text] }

    public var isEmpty: Bool { pairs.isEmpty }

    /// One encoding for each context, so that no two encode alike: the count (u32, little-endian), then for each pair,
    /// sorted by the key's UTF-8 bytes, the key and the value, each behind its length in bytes (u32).
    public var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        Self.append(pairs.count, to: &bytes)
        let sorted = pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (key, value) in sorted {
            Self.append(key.utf8.count, to: &bytes)
            bytes += key.utf8
            Self.append(value.utf8.count, to: &bytes)
            bytes += value.utf8
        }
        return bytes
    }

    /// The context that `canonicalBytes` made, or nil for anything else: keys out of order, twice, or bytes left over.
    public init?(canonicalBytes bytes: [UInt8]) {
        var rest = bytes[...]
        guard let count = Self.number(&rest), count <= bytes.count / 8 else { return nil }
        var pairs: [String: String] = [:]
        for _ in 0..<count {
            guard let key = Self.text(&rest), let value = Self.text(&rest),
                pairs.updateValue(value, forKey: key) == nil
            else { return nil }
        }
        self.init(pairs)
        guard rest.isEmpty, canonicalBytes == bytes else { return nil }
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
        guard rest.count >= 4 else { return nil }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func text(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard let length = number(&rest), length <= rest.count else { return nil }
        defer { rest = rest.dropFirst(length) }
        return String(validating: rest.prefix(length), as: UTF8.self)
    }
}
