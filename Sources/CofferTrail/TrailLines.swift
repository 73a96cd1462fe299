/// The lines of one file of the trail in order, read in pieces: a file may be larger than memory.
struct TrailLines: ~Copyable {
    private static let pieceBytes = 256 << 10

    private let file: OpenFile
    private var offset: Int
    private var buffer: [UInt8] = []
    private var consumed = 0
    private var isAtEnd = false
    /// How many lines were given.
    private(set) var number = 0

    /// Begins at `offset`, where a line begins.
    init(path: String, from offset: Int = 0) throws(FileError) {
        let file = try OpenFile(path, .read)
        _ = try file.status()
        self.offset = offset
        self.file = file
    }

    /// The next line, with its newline where it has one; nil at the end. A line longer than any of ours comes
    /// in pieces.
    mutating func next() throws(FileError) -> ArraySlice<UInt8>? {
        while true {
            let rest = buffer[consumed...]
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                return take(through: end)
            }
            if rest.count > TrailLine.maximumBytes || (isAtEnd && !rest.isEmpty) {
                return take(through: buffer.count - 1)
            }
            if isAtEnd { return nil }
            let piece = try file.bytes(at: offset, count: Self.pieceBytes)
            isAtEnd = piece.isEmpty
            offset += piece.count
            buffer = rest + piece
            consumed = 0
        }
    }

    private mutating func take(through last: Int) -> ArraySlice<UInt8> {
        defer { consumed = last + 1 }
        number += 1
        return buffer[consumed...last]
    }
}
