/// Reads a trail as it grows, from file to file. Needs no key and verifies nothing.
public struct TrailFollower: Sendable {
    public enum Start: Sendable {
        /// What is appended from now on.
        case end
        /// The oldest line that is there.
        case beginning
        /// The line with the number after this.
        case after(UInt64)
    }

    private let folder: TrailFolder
    private let filter: TrailFilter
    /// The file that is read, and how far; nil before there is one.
    private var file: TrailFileName?
    private var offset = 0
    /// The number of the last line that was read: a file that was put back does not give its lines twice.
    private var last: UInt64 = 0

    init(_ folder: TrailFolder, _ start: Start, _ filter: TrailFilter) throws {
        (self.folder, self.filter) = (folder, filter)
        switch start {
        case .beginning: break
        case .after(let sequence): last = sequence
        case .end:
            let files = try folder.files()
            let tail = try TrailTail.find(in: folder, files: files)
            last = tail.position?.sequence ?? 0
            (file, offset) = (files.last, tail.isInNewestFile ? tail.offset : 0)
        }
    }

    /// The entries that have come since the last call, oldest first. Once there are `limit` of them the rest
    /// waits for the next call; without any, try again when the folder has changed or after a while.
    public mutating func next(limit: Int = 1000) throws -> [TrailEntry] {
        var entries: [TrailEntry] = []
        // Listed first: whatever has a successor now will not grow any more.
        let files = try folder.files()
        for name in files where file.map({ name >= $0 }) ?? true {
            if name != file { (file, offset) = (name, 0) }
            try read(name, isFinished: name != files.last, limit, into: &entries)
            if entries.count >= limit { break }
        }
        return entries
    }

    private mutating func read(
        _ name: TrailFileName,
        isFinished: Bool,
        _ limit: Int,
        into entries: inout [TrailEntry]
    ) throws {
        // It may have been taken away since it was listed, or been cut.
        guard let size = try FileStatus(path: folder.path(of: name))?.sizeBytes else { return }
        if size < offset { offset = 0 }
        guard size > offset else { return }
        var lines = try TrailLines(path: folder.path(of: name), from: offset)
        while entries.count < limit, let bytes = try lines.next() {
            let isWhole = bytes.last == UInt8(ascii: "\n")
            // A line that is being written is read again when it is whole.
            guard isWhole || isFinished else { return }
            offset += bytes.count
            guard let line = TrailLine(withoutNewline(bytes)),
                let sequence = line.json.flatMap(TrailEntry.sequence(of:)), sequence > last
            else { continue }
            last = sequence
            if let entry = filter.entry(of: line) { entries.append(entry) }
        }
    }
}
