/// What `Trail.verify` found.
public struct TrailVerification: Sendable, Equatable {
    /// A line's place.
    public struct Place: Sendable, Equatable {
        /// The file's name in the trail's folder.
        public let file: String
        /// From 1.
        public let line: Int
    }

    public enum Finding: Sendable, Equatable {
        /// Every line is as it was written, and none is missing.
        case intact
        /// From here on the trail is not what was written: the line was changed, put in, or one before it is
        /// missing.
        case broken(Place)
        /// Every line is true, but the newest are missing: the last there has the number `last`, and the head
        /// says that `expected` was written.
        case cut(last: UInt64, expected: UInt64)
    }

    public let finding: Finding
    /// How many lines are true, from the first.
    public let verifiedCount: UInt64
}

extension Trail {
    /// Checks every line from the first against the chain, and the last against the head. Appends may go on
    /// meanwhile.
    public func verify() throws -> TrailVerification {
        // The head first: the files can only be ahead of it then.
        let head = try head.load()
        var position = TrailPosition.start
        var torn: [UInt8] = []
        var tornPlace: TrailVerification.Place?
        func broken(at place: TrailVerification.Place) -> TrailVerification {
            TrailVerification(finding: .broken(place), verifiedCount: position.sequence)
        }
        for file in try files.files() {
            var lines = try TrailLines(path: files.path(of: file))
            while let bytes = try lines.next() {
                let place = TrailVerification.Place(file: file, line: lines.number)
                guard let line = TrailLine(withoutNewline(bytes)), let entry = line.entry else {
                    torn += bytes
                    tornPlace = tornPlace ?? place
                    if torn.count > 4 * TrailLine.maximumBytes { return broken(at: tornPlace ?? place) }
                    continue
                }
                guard line.follows(position.mac, key: key), entry.sequence == position.sequence + 1 else {
                    return broken(at: tornPlace ?? place)
                }
                let closesTorn =
                    entry.record.eventName == Self.tornLine && TornRecord.closes(torn, entry.record)
                guard torn.isEmpty ? entry.record.eventName != Self.tornLine : closesTorn else {
                    return broken(at: tornPlace ?? place)
                }
                (torn, tornPlace) = ([], nil)
                position = TrailPosition(sequence: entry.sequence, mac: line.mac)
                if let head, head.sequence == position.sequence, head.mac != position.mac {
                    return broken(at: place)
                }
            }
        }
        // What is torn at the very end is a crash, or a write under way: the next append closes it.
        if let head, head.sequence > position.sequence {
            let finding = TrailVerification.Finding.cut(last: position.sequence, expected: head.sequence)
            return TrailVerification(finding: finding, verifiedCount: position.sequence)
        }
        return TrailVerification(finding: .intact, verifiedCount: position.sequence)
    }

    /// The newest entries of the trail in `folder`, newest last, at most `limit`. Needs no key and verifies
    /// nothing.
    public static func records(folder: String, limit: Int) throws -> [TrailEntry] {
        let folder = TrailFolder(path: folder)
        var entries: [TrailEntry] = []
        for file in try folder.files().reversed() where entries.count < limit {
            var lines = try TrailLines(path: folder.path(of: file))
            var kept: [[UInt8]] = []
            while let bytes = try lines.next() {
                kept.append(Array(bytes))
                // Shortened now and then, so that memory stays bounded and no line is moved often.
                if kept.count / 2 >= max(limit, 32) { kept.removeFirst(kept.count - limit) }
            }
            let read = kept.compactMap { TrailLine(withoutNewline($0[...]))?.entry }
            entries = read.suffix(limit - entries.count) + entries
        }
        return entries
    }

    /// As the static function, for this trail.
    public func records(limit: Int) throws -> [TrailEntry] {
        try Self.records(folder: files.path, limit: limit)
    }
}

/// A crash may have kept the newline off the last line.
private func withoutNewline(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line.last == UInt8(ascii: "\n") ? line.dropLast() : line
}
