extension Trail {
    /// The newest entries of the trail in `folder` that fit `filter`, newest last, at most `limit`. Needs no key
    /// and verifies nothing.
    public static func records(
        folder: String,
        limit: Int,
        filter: TrailFilter = TrailFilter()
    ) throws -> [TrailEntry] {
        let folder = TrailFolder(path: folder)
        var entries: [TrailEntry] = []
        for file in try folder.files().reversed()
        where entries.count < limit && filter.mayMatch(fileOf: file.day) {
            var lines = try TrailLines(path: folder.path(of: file))
            var kept: [TrailEntry] = []
            while let bytes = try lines.next() {
                guard let entry = filter.entry(of: TrailLine(withoutNewline(bytes))) else { continue }
                kept.append(entry)
                // Shortened now and then, so that memory stays bounded and no entry is moved often.
                if kept.count / 2 >= max(limit, 32) { kept.removeFirst(kept.count - limit) }
            }
            entries = kept.suffix(limit - entries.count) + entries
        }
        return entries
    }

    /// As the static function, for this trail.
    public func records(limit: Int, filter: TrailFilter = TrailFilter()) throws -> [TrailEntry] {
        try Self.records(folder: end.folder.path, limit: limit, filter: filter)
    }

    /// Entries as they come, for whoever asks for them now and then.
    public static func follow(
        folder: String,
        from start: TrailFollower.Start = .end,
        filter: TrailFilter = TrailFilter()
    ) throws -> TrailFollower {
        try TrailFollower(TrailFolder(path: folder), start, filter)
    }
}

/// A crash may have kept the newline off the last line.
func withoutNewline(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line.last == UInt8(ascii: "\n") ? line.dropLast() : line
}
