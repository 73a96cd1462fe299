internal import CofferSecrets
internal import Glibc

/// The trail's files: one for each day, `2026-11-24.jsonl`, so that names sort as time does.
struct TrailFolder {
    let path: String

    /// Makes the folder, mode 0700, where it is missing.
    func make() throws(FileError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError("making \(path)") }
    }

    /// The names of the files, oldest first; anything else in the folder is left alone.
    func files() throws(FileError) -> [String] {
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw FileError("opening \(path)")
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if Self.isFile(name) { names.append(name) }
        }
        return names.sorted()
    }

    func path(of file: String) -> String { "\(path)/\(file)" }

    /// Whether a name is a day's: digits in the shape `0000-00-00.jsonl`.
    static func isFile(_ name: String) -> Bool {
        let shape = "0000-00-00.jsonl".utf8
        return name.utf8.count == shape.count
            && zip(name.utf8, shape).allSatisfy { letter, shape in
                shape == UInt8(ascii: "0") ? (0x30...0x39).contains(letter) : letter == shape
            }
    }
}

/// What stands at the end of the trail's newest file.
struct TrailTail {
    /// The last line that reads as one; nil where there is none. It is not verified here.
    var position: TrailPosition?
    /// What follows that line: empty unless a crash tore a write.
    var torn: [UInt8] = []
    /// Whether that line is whole but for its newline, which a crash kept off.
    var lacksNewline = false

    /// Reads from the end: a small window first, for that is where the line is unless a write was torn.
    static func find(in folder: TrailFolder, files: [String]) throws(FileError) -> TrailTail {
        guard let newest = files.last else { return TrailTail() }
        var tail = try find(in: folder.path(of: newest))
        // A day's first line may have been torn, or a crash may have left its file empty: look further back
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
            if let tail = find(in: bytes, fromStart: start == 0) { return tail }
        }
        return TrailTail()
    }

    /// nil where the window holds no whole line and does not reach back to the file's start.
    private static func find(in bytes: [UInt8], fromStart: Bool) -> TrailTail? {
        let newline = UInt8(ascii: "\n")
        var lineEnd = bytes.count
        while true {
            let before = bytes[..<lineEnd].lastIndex(of: newline)
            if before == nil && !fromStart { return nil }
            let line = bytes[(before.map { $0 + 1 } ?? 0)..<lineEnd]
            if let read = TrailLine(line), let entry = read.entry {
                return TrailTail(
                    position: TrailPosition(sequence: entry.sequence, mac: read.mac),
                    torn: Array(bytes[lineEnd...].dropFirst()),
                    lacksNewline: lineEnd == bytes.count
                )
            }
            guard let before else { return TrailTail(torn: bytes) }
            lineEnd = before
        }
    }
}
