internal import CofferSecrets

/// How much a document may hold before it is refused.
public struct JSONLimits: Sendable {
    /// Length of the document, bytes; at most 2 GiB - 1.
    public let bytes: Int
    /// Arrays and objects inside each other; 1 to 256, as the parser recurses.
    public let depth: Int

    public init(bytes: Int = 1 << 20, depth: Int = 64) {
        precondition((0...Int(Int32.max)).contains(bytes), "a JSON document is at most 2 GiB long")
        precondition((1...256).contains(depth), "a JSON document is at most 256 deep")
        (self.bytes, self.depth) = (bytes, depth)
    }
}

/// One JSON text (RFC 8259), read strictly and once: the bytes, and a flat list of where each value stands.
///
/// Strings are decoded when asked for and stay in the bytes until then, so that a secret among them is never copied
/// by the parser. Refused besides what the grammar refuses: invalid UTF-8, lone surrogates, a name that stands twice
/// in one object, bytes after the value, a byte order mark, and what passes `JSONLimits`.
///
/// The document's own copy of the bytes is wiped when `wipe` is called, and at the latest with its last value. The
/// bytes that it was read from are the caller's to wipe.
public struct JSONDocument: Sendable {
    private let storage: JSONStorage

    public init(_ bytes: RawSpan, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        // Parsed where it lies and copied only on success: a refused document leaves nothing behind.
        let nodes = try JSONParser.parse(bytes, limits)
        storage = JSONStorage(bytes: bytes.array(), nodes: nodes)
    }

    public init(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        unsafe try self.init(bytes.span.bytes, limits: limits)
    }

    /// The outermost value.
    public var root: JSONValue { JSONValue(storage: storage, index: 0) }

    /// Where `offset` (`JSONValue.offset`) is, for a message.
    public func place(of offset: Int) -> JSONPlace {
        storage.withBytes { JSONPlace(offset: offset, in: $0) }
    }

    /// Overwrites the bytes, for all values of this document too: they then hold no text. To be called when nothing
    /// else reads the document.
    public mutating func wipe() { storage.wipe() }
}

/// What the values of one document share.
///
/// Sendable: nothing changes after the parse but by `wipe`, whose caller has finished with the values. The array is
/// never replaced or given away, so a reader that breaks this rule meets zeroes, and never memory of another's.
final class JSONStorage: @unchecked Sendable {
    private var bytes: [UInt8]
    let nodes: [JSONNode]

    init(bytes: [UInt8], nodes: [JSONNode]) {
        (self.bytes, self.nodes) = (bytes, nodes)
    }

    deinit { wipe() }

    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        let bytes = bytes
        return body(unsafe bytes.span.bytes)
    }

    func wipe() { CofferSecrets.wipe(&bytes) }
}

/// A value's kind and place. The nodes stand in the order of the text: an array is followed by its elements, an
/// object by a string and a value for each member.
struct JSONNode {
    enum Kind: UInt8 {
        case null, no, yes, number, string, escapedString, array, object
    }

    let kind: Kind
    /// The first byte; of a string the byte after the opening quote.
    let start: UInt32
    /// The byte after the last; of a string the closing quote.
    var end: UInt32
    /// The node after this value and all that is inside.
    var next: UInt32
}
