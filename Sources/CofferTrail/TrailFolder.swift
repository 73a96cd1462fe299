internal import CofferSecrets
internal import Glibc

/// The name of one of the trail's files: `2026-11-24.jsonl` for a day's first, then `2026-11-24.1.jsonl` and so
/// on. Names order as their files were begun, which is not how their letters sort.
struct TrailFileName: Comparable, Sendable {
    /// `2026-11-24`, UTC.
    let day: String
    /// 0 for a day's first.
    let part: Int

    private static let suffix = ".jsonl"

    init(day: String, part: Int) { (self.day, self.part) = (day, part) }

    /// nil for what is no name of ours. A part has no leading zero, and at most 9 digits.
    init?(_ name: String) {
        guard name.hasSuffix(Self.suffix) else { return nil }
        let stem = name.dropLast(Self.suffix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard let day = stem.first, stem.count <= 2, Self.isDay(day) else { return nil }
        self.day = String(day)
        guard stem.count == 2 else {
            part = 0
            return
        }
        guard stem[1].utf8.count <= 9, let part = Int(stem[1]), part > 0, String(part) == stem[1] else {
            return nil
        }
        self.part = part
    }

    var text: String { part == 0 ? day + Self.suffix : "\(day).\(part)\(Self.suffix)" }

    /// The name to go on with after this one, on `day`. A clock that was set back does not put lines in front
    /// of others.
    func next(on day: String) -> TrailFileName {
        day > self.day ? TrailFileName(day: day, part: 0) : TrailFileName(day: self.day, part: part + 1)
    }

    static func < (left: TrailFileName, right: TrailFileName) -> Bool {
        (left.day, left.part) < (right.day, right.part)
    }

    private static func isDay(_ text: Substring) -> Bool {
        let shape = "0000-00-00".utf8
        return text.utf8.count == shape.count
            && zip(text.utf8, shape).allSatisfy { letter, shape in
                shape == UInt8(ascii: "0") ? (0x30...0x39).contains(letter) : letter == shape
            }
    }
}

/// The folder of the trail's files.
struct TrailFolder: Sendable {
    let path: String

    /// Makes the folder, mode 0700, where it is missing.
    func make() throws(FileError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError("making \(path)") }
    }

    /// The files, oldest first; anything else in the folder is left alone.
    func files() throws(FileError) -> [TrailFileName] {
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw FileError("opening \(path)")
        }
        defer { unsafe closedir(folder) }
        var names: [TrailFileName] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name = TrailFileName(name) { names.append(name) }
        }
        return names.sorted()
    }

    func path(of file: TrailFileName) -> String { "\(path)/\(file.text)" }
}
