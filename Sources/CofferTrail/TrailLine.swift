internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import FoundationEssentials

/// One line of the trail, without its newline:
///
/// ```
/// {"additionalEventData":…,"eventName":"Decrypt",…,"sequence":7,"mac":"<64 hex digits>"}
/// └──────────────── body ───────────────────────┘
/// ```
/// The body with a closing brace is a JSON object of its own, its keys sorted. mac = HMAC-SHA-256(trail key,
/// mac of the line before ‖ that object), and before the first line stand 32 zero bytes. The bytes are
/// authenticated as they lie on disk, so that no reader has to encode JSON the way the writer did.
struct TrailLine {
    static let macCount = SHA256.count
    /// The longest line, bytes: a `ReEncrypt` with two large encryption contexts, every character escaped,
    /// fits.
    static let maximumBytes = 256 << 10

    private static let marker = Array(#","mac":""#.utf8)
    private static let closing = Array(#""}"#.utf8)
    private static let trailerCount = marker.count + 2 * macCount + closing.count

    /// The object that is authenticated.
    let body: [UInt8]
    let mac: [UInt8]

    /// A new line after the line with `previousMAC`.
    init(_ entry: TrailEntry, after previousMAC: [UInt8], key: borrowing SecretBytes) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        body = Array(try encoder.encode(entry))
        mac = Self.code(body, after: previousMAC, key)
    }

    /// Splits a line that was read; nil for anything that is no line of ours. Says nothing about its truth.
    init?(_ line: ArraySlice<UInt8>) {
        guard line.count > Self.trailerCount, line.count <= Self.maximumBytes,
            line.suffix(2) == Self.closing[...]
        else { return nil }
        let trailer = line.suffix(Self.trailerCount)
        guard trailer.starts(with: Self.marker),
            let digits = String(validating: trailer.dropFirst(Self.marker.count).dropLast(2), as: UTF8.self),
            let mac = Hex.bytes(digits)
        else { return nil }
        self.mac = mac
        body = line.dropLast(Self.trailerCount) + [UInt8(ascii: "}")]
    }

    /// The line as it is written, newline included.
    var bytes: [UInt8] {
        body.dropLast() + Self.marker + Array(Hex.lower(mac).utf8) + Self.closing + [UInt8(ascii: "\n")]
    }

    /// What the line says; nil where the body is not a record.
    var entry: TrailEntry? { try? JSONDecoder().decode(TrailEntry.self, from: Data(body)) }

    /// Whether this line was written after the line with `previousMAC` by somebody with the key.
    func follows(_ previousMAC: [UInt8], key: borrowing SecretBytes) -> Bool {
        constantTimeEqual(mac, Self.code(body, after: previousMAC, key))
    }

    private static func code(
        _ body: [UInt8],
        after previousMAC: [UInt8],
        _ key: borrowing SecretBytes
    ) -> [UInt8] {
        let message = previousMAC + body
        return unsafe SHA256.authenticationCode(message.span.bytes, key: key)
    }
}
