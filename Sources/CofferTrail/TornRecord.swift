internal import CofferCrypto
internal import CofferJSON
internal import CofferShapes

/// The record that closes what a crash left of a line.
enum TornRecord {
    static func make(_ torn: [UInt8]) -> TrailRecord {
        let digest = digest(torn)
        var record = TrailRecord(eventSource: "coffer", eventName: Trail.tornLine, requestID: digest)
        record.additionalEventData = [
            "tornByteCount": .number(content(torn).count), "tornSHA256": .text(digest),
        ]
        return record
    }

    /// Whether the record in `object` closes just these bytes.
    static func closes(_ torn: [UInt8], _ object: JSONValue) -> Bool {
        object["additionalEventData"]?["tornSHA256"]?.string == digest(torn)
    }

    private static func digest(_ torn: [UInt8]) -> String { Hex.lower(SHA256.digest(content(torn))) }

    /// Without the newline that closes it, which may be there already after a crash while one was closed.
    private static func content(_ torn: [UInt8]) -> [UInt8] {
        torn.last == UInt8(ascii: "\n") ? torn.dropLast() : torn
    }
}
