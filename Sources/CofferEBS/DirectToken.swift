internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferSnapshot
internal import FoundationEssentials

/// The tokens that EBS direct hands out: base64 of what is below, at most 68 characters of it.
///
/// ```
/// u8 version 1   u8 kind: 1 a block, 2 a page   u64 expiry, ns since 1970   [u64 next block, of a page]   code (32)
/// ```
/// The code is HMAC-SHA-256 over what the token is for, under a key that is derived from the volume key of the
/// snapshot: so a token is good in every process and after every restart, no key of tokens has to be kept, and only who
/// could read the snapshot could have made one. Whoever shows a token is asked for leave all the same.
struct DirectTokens: ~Copyable {
    private let key: SecretBytes
    private let now: Timestamp

    static let blockNanoseconds: UInt64 = 7 * 86_400_000_000_000
    static let pageNanoseconds: UInt64 = 3_600_000_000_000
    private static let version: UInt8 = 1

    private enum Kind: UInt8 {
        case block = 1
        case page = 2

        var bodyBytes: Int { self == .block ? 10 : 18 }
    }

    init(_ opened: OpenedSnapshot, now: Timestamp) throws(SnapshotError) {
        let header = opened.manifest.header
        do {
            key = try opened.volumeKey.directTokenKey(salt: header.salt, uuid: header.uuid)
        } catch {
            throw .crypto
        }
        self.now = now
    }

    /// When block tokens expire that are made now: a whole second, as the API tells it.
    var blockExpiry: Timestamp {
        Timestamp(nanoseconds: (now.nanoseconds + Self.blockNanoseconds) / 1_000_000_000 * 1_000_000_000)
    }

    // MARK: - Blocks

    /// For one block with this content; `digest` is nil for a hole.
    func block(_ id: SnapshotID, _ index: UInt64, _ digest: BlockDigest?) -> String {
        seal(.block, expiry: blockExpiry, Self.words(id, index, digest))
    }

    func isValid(_ token: String, _ id: SnapshotID, _ index: UInt64, _ digest: BlockDigest?) -> Bool {
        open(token, .block, Self.words(id, index, digest)) != nil
    }

    private static func words(_ id: SnapshotID, _ index: UInt64, _ digest: BlockDigest?) -> [UInt8] {
        var words = Array("\(id)".utf8)
        words.append(littleEndian: index)
        return words + (digest?.bytes ?? [UInt8](repeating: 0, count: BlockDigest.count))
    }

    // MARK: - Pages

    /// For the part of a list that begins at `index`. `list` says which list that is.
    func page(of list: String, from index: UInt64) -> String {
        let end = Timestamp(nanoseconds: now.nanoseconds + Self.pageNanoseconds)
        return seal(.page, expiry: end, Array(list.utf8), next: index)
    }

    /// Where the part begins; nil for a token that is none of this list, or not any more.
    func start(_ token: String, of list: String) -> UInt64? {
        open(token, .page, Array(list.utf8)).map { $0.load(UInt64.self, at: 10) }
    }

    // MARK: - The code

    private func seal(_ kind: Kind, expiry: Timestamp, _ words: [UInt8], next: UInt64? = nil) -> String {
        var body = [Self.version, kind.rawValue]
        body.append(littleEndian: expiry.nanoseconds)
        if let next { body.append(littleEndian: next) }
        return Data(body + code(body, words)).base64EncodedString()
    }

    /// The token's body, where it is ours, of this kind, for these words, and has not expired.
    private func open(_ token: String, _ kind: Kind, _ words: [UInt8]) -> [UInt8]? {
        guard token.utf8.count <= 256, let data = Data(base64Encoded: token) else { return nil }
        let bytes = Array(data)
        // Two texts may stand for the same bytes: only ours is one.
        guard bytes.count == kind.bodyBytes + SHA256.count, data.base64EncodedString() == token,
            bytes[0] == Self.version, bytes[1] == kind.rawValue
        else { return nil }
        let body = Array(bytes.prefix(kind.bodyBytes))
        guard constantTimeEqual(code(body, words), Array(bytes.suffix(SHA256.count))),
            now.nanoseconds < body.load(UInt64.self, at: 2)
        else { return nil }
        return body
    }

    private func code(_ body: [UInt8], _ words: [UInt8]) -> [UInt8] {
        // The body's length goes with its kind, so that no two tokens read alike.
        unsafe SHA256.authenticationCode((body + words).span.bytes, key: key)
    }
}
