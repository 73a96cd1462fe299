/// What stands at the end of the trail's newest file.
struct TrailTail {
    /// The last line that reads as one; nil where there is none. It is not verified here.
    var position: TrailPosition?
    /// Where that line begins, where it stands in the newest file.
    var offset = 0
    /// What follows that line: empty unless a crash tore a write.
    var torn: [UInt8] = []
    /// Whether the newest file ends in a newline, or is empty. A line may be whole but for that.
    var endsWithNewline = true
    /// Whether the line stands in the newest file itself, not in an older one.
    var isInNewestFile = true

    /// Reads from the end: a small window first, for that is where the line is unless a write was torn.
    static func find(in folder: TrailFolder, files: [TrailFileName]) throws(FileError) -> TrailTail {
        guard let newest = files.last else { return TrailTail(isInNewestFile: false) }
        var tail = try find(in: folder.path(of: newest))
        tail.isInNewestFile = tail.position != nil
        // A file's first line may have been torn, or a crash may have left the file empty: look further back
        // then.
        for file in files.reversed().dropFirst() where tail.position == nil {
            tail.position = try find(in: folder.path(of: file)).position
        }
        return tail
    }

    private static func find(in path: String) throws(FileError) -> TrailTail {
        let file = try OpenFile(path, .read)
        let size = try file.status().sizeBytes
        for window in [16 << 10, 4 * TrailLine.maximumBytes] {
            let start = max(0, size - window)
            let bytes = try file.bytes(at: start, count: size - start)
            if var tail = find(in: bytes, fromStart: start == 0) {
                tail.offset += start
                return tail
            }
        }
        // Nothing but what is no line, and too much of it for a crash: `verify` tells.
        return TrailTail(endsWithNewline: false)
    }

    /// nil where the window holds no whole line and does not reach back to a line's start.
    static func find(in bytes: [UInt8], fromStart: Bool) -> TrailTail? {
        let newline = UInt8(ascii: "\n")
        var lineEnd = bytes.count
        while true {
            let before = bytes[..<lineEnd].lastIndex(of: newline)
            if before == nil && !fromStart { return nil }
            let line = bytes[(before.map { $0 + 1 } ?? 0)..<lineEnd]
            if let read = TrailLine(line), let sequence = read.json.flatMap(TrailEntry.sequence(of:)) {
                return TrailTail(
                    position: TrailPosition(sequence: sequence, mac: read.mac),
                    offset: line.startIndex,
                    torn: Array(bytes[lineEnd...].dropFirst()),
                    endsWithNewline: bytes.last == newline
                )
            }
            guard let before else {
                return TrailTail(torn: bytes, endsWithNewline: bytes.isEmpty || bytes.last == newline)
            }
            lineEnd = before
        }
    }
}
