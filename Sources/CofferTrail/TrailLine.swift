internal import CofferCrypto
internal import CofferJSON
internal import CofferSecrets
internal import CofferShapes

/// One line of the trail, without its newline:
///
/// ```
/// {"additionalEventData":…,"eventName":"Decrypt",…,"sequence":7,…,"mac":"<64 hex digits>"}
/// └──────────────── body ─────────────────────────┘
/// ```
/// The body with a closing brace is a JSON object of its own, its keys sorted. mac = HMAC-SHA-256(trail key,
/// mac of the line before ‖ that object), and before the first line stand 32 zero bytes. The bytes are
/// authenticated as they lie on disk, so that no reader has to encode JSON the way the writer did.
///
/// The first line of each file but the first has `"sequenceAfter":"<mac of the line before>"` behind its
/// number, so that it can be verified when the files before it have been taken away.
struct TrailLine {
    static let macCount = SHA256.count
    /// The longest line, bytes: a `ReEncrypt` with two large encryption contexts, every character escaped,
    /// fits.
    static let maximumBytes = 256 << 10

    private static let marker = Array(#","mac":""#.utf8)
    private static let closing = Array(#""}"#.utf8)
    private static let trailerCount = marker.count + 2 * macCount + closing.count
    private static let hexDigits = Array("0123456789abcdef".utf8)

    /// The object that is authenticated.
    let body: [UInt8]
    let mac: [UInt8]

    /// Splits a line that was read; nil for anything that is no line of ours. Says nothing about its truth.
    init?(_ line: ArraySlice<UInt8>) {
        guard line.count > Self.trailerCount, line.count <= Self.maximumBytes,
            line.suffix(2) == Self.closing[...]
        else { return nil }
        let trailer = line.suffix(Self.trailerCount)
        guard trailer.starts(with: Self.marker),
            let mac = Self.mac(ofHex: trailer.dropFirst(Self.marker.count).dropLast(2))
        else { return nil }
        self.mac = mac
        body = line.dropLast(Self.trailerCount) + [UInt8(ascii: "}")]
    }

    /// What the line says; nil where the body is no JSON.
    var json: JSONValue? { try? JSONDocument(body).root }

    /// As a whole; nil where the body is not a record.
    var entry: TrailEntry? { json.flatMap(TrailEntry.init) }

    /// Whether this line was written after the line with `previousMAC` by somebody with the key.
    func follows(_ previousMAC: [UInt8], key: borrowing SecretBytes) -> Bool {
        let message = previousMAC + body
        return constantTimeEqual(mac, unsafe SHA256.authenticationCode(message.span.bytes, key: key))
    }

    /// Appends a new line after the one with `previousMAC` to `text`, newline included; its code.
    ///
    /// `startsFile` says that the line is the first of a file that is not the trail's first.
    static func append(
        _ record: EncodedRecord,
        sequence: UInt64,
        eventTime: [UInt8],
        after previousMAC: [UInt8],
        startsFile: Bool,
        key: borrowing SecretBytes,
        to text: inout [UInt8]
    ) -> [UInt8] {
        var message = previousMAC
        record.appendBody(
            to: &message,
            sequence: sequence,
            eventTime: eventTime,
            previousMAC: startsFile ? previousMAC : nil
        )
        let mac = unsafe SHA256.authenticationCode(message.span.bytes, key: key)
        text += message[macCount..<message.count - 1]
        text += marker
        appendHex(mac, to: &text)
        text += closing
        text.append(UInt8(ascii: "\n"))
        return mac
    }

    /// The code of the line before, from a line that begins a file.
    static func macBefore(_ object: JSONValue) -> [UInt8]? {
        object["sequenceAfter"]?.string.flatMap { mac(ofHex: $0.utf8) }
    }

    static func appendHex(_ bytes: [UInt8], to text: inout [UInt8]) {
        for byte in bytes {
            text.append(hexDigits[Int(byte >> 4)])
            text.append(hexDigits[Int(byte & 15)])
        }
    }

    /// nil for what are not the hex digits of a code.
    static func mac(ofHex digits: some Sequence<UInt8>) -> [UInt8]? {
        let bytes = Hex.bytes(String(decoding: Array(digits), as: UTF8.self))
        return bytes?.count == macCount ? bytes : nil
    }
}
