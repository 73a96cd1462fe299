internal import CofferJSON
internal import CofferSecrets

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
        /// Every line is as it was written, and none is missing from the first that is there.
        case intact
        /// From here on the trail is not what was written: the line was changed, put in, or one before it is
        /// missing.
        case broken(Place)
        /// Every line is true, but the newest are missing: the last there has the number `last`, and the head
        /// says that `expected` was written.
        case cut(last: UInt64, expected: UInt64)
    }

    public let finding: Finding
    /// How many lines are true, from the first that is there.
    public let verifiedCount: UInt64
    /// The number of the first line that is there: above 1, earlier files have been taken away. Whether they
    /// were true cannot be said; that the first line was written as it stands can.
    public let firstSequence: UInt64

    init(finding: Finding, verifiedCount: UInt64, firstSequence: UInt64 = 1) {
        (self.finding, self.verifiedCount, self.firstSequence) = (finding, verifiedCount, firstSequence)
    }
}

extension Trail {
    /// Checks every line from the first that is there against the chain, and the last against the head. Appends
    /// may go on meanwhile.
    public func verify() throws -> TrailVerification {
        // The head first: the files can only be ahead of it then.
        var check = ChainCheck(head: try end.head.load())
        for file in try end.folder.files() {
            var lines = try TrailLines(path: end.folder.path(of: file))
            while let bytes = try lines.next() {
                let place = TrailVerification.Place(file: file.text, line: lines.number)
                if let broken = check.take(bytes, at: place, key: end.key) { return broken }
            }
        }
        return check.result
    }
}

/// Follows the chain line by line.
private struct ChainCheck {
    private let head: TrailPosition?
    private var position = TrailPosition.start
    private var first: UInt64?
    /// What reads as no line, and where that began: a record that closes it must follow.
    private var torn: [UInt8] = []
    private var tornPlace: TrailVerification.Place?

    init(head: TrailPosition?) { self.head = head }

    /// The verdict where the chain breaks at this line.
    mutating func take(
        _ bytes: ArraySlice<UInt8>,
        at place: TrailVerification.Place,
        key: borrowing SecretBytes
    ) -> TrailVerification? {
        guard let line = TrailLine(withoutNewline(bytes)), let json = line.json,
            let sequence = TrailEntry.sequence(of: json)
        else {
            torn += bytes
            tornPlace = tornPlace ?? place
            return torn.count > 4 * TrailLine.maximumBytes ? broken(at: place) : nil
        }
        if first == nil, sequence > 1, let before = TrailLine.macBefore(json) {
            // Files before this one have been taken away; this line says what they ended with.
            position = TrailPosition(sequence: sequence - 1, mac: before)
        }
        guard line.follows(position.mac, key: key), sequence == position.sequence + 1 else {
            return broken(at: place)
        }
        let isClosing = json["eventName"]?.string == Trail.tornLine
        guard torn.isEmpty ? !isClosing : isClosing && TornRecord.closes(torn, json) else {
            return broken(at: place)
        }
        position = TrailPosition(sequence: sequence, mac: line.mac)
        if let head, head.sequence == position.sequence, head.mac != position.mac { return broken(at: place) }
        first = first ?? sequence
        (torn, tornPlace) = ([], nil)
        return nil
    }

    /// What is torn at the very end is a crash, or a write under way: the next append closes it.
    var result: TrailVerification {
        guard let head, head.sequence > position.sequence else { return verdict(.intact) }
        return verdict(.cut(last: position.sequence, expected: head.sequence))
    }

    private func broken(at place: TrailVerification.Place) -> TrailVerification {
        verdict(.broken(tornPlace ?? place))
    }

    private func verdict(_ finding: TrailVerification.Finding) -> TrailVerification {
        TrailVerification(
            finding: finding,
            verifiedCount: first.map { position.sequence - $0 + 1 } ?? 0,
            firstSequence: first ?? 1
        )
    }
}
