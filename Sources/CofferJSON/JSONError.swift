internal import CofferSecrets

/// A place in a document: `offset` counts bytes from 0, `line` and `column` count from 1, columns in code points.
public struct JSONPlace: Hashable, Sendable, CustomStringConvertible {
    public let offset: Int
    public let line: Int
    public let column: Int

    public init(offset: Int, line: Int, column: Int) {
        (self.offset, self.line, self.column) = (offset, line, column)
    }

    /// The place of the byte at `offset`, which may be the end.
    init(offset: Int, in bytes: RawSpan) {
        var (line, column) = (1, 1)
        for at in 0..<min(offset, bytes.byteCount) {
            let byte = bytes.byte(at: at)
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                // A continuation byte of UTF-8 begins no column.
                column += 1
            }
        }
        (self.offset, self.line, self.column) = (offset, line, column)
    }

    public var description: String { "line \(line), column \(column)" }
}

/// Why bytes are no JSON that we take, and where. It quotes nothing of the document, which may hold secrets.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public let sentence: String
    public let place: JSONPlace

    public init(_ sentence: String, at place: JSONPlace) {
        (self.sentence, self.place) = (sentence, place)
    }

    init(_ sentence: String, at offset: Int, in bytes: RawSpan) {
        self.init(sentence, at: JSONPlace(offset: offset, in: bytes))
    }

    public var description: String { "\(place): \(sentence)" }
}
