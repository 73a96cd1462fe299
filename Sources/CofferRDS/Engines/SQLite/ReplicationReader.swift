internal import CofferShapes

/// Reads a file of the archive and checks each frame against the one before, as SQLite does. Coffer.Damaged for whatever
/// does not follow.
final class ReplicationReader {
    let name: ReplicationLogName
    /// nil where the file's writer died before it had written anything.
    let begin: ReplicationBegin?
    private let reader: ArchiveReader
    /// How far the frames go, and how far those whose transaction is whole.
    private var position: WALPosition?
    private(set) var committed: WALPosition?
    /// Of the last record.
    private(set) var time: Timestamp?

    init(_ archive: DatabaseArchive, _ name: ReplicationLogName) async throws {
        self.name = name
        reader = try await archive.open(name.text)
        guard let bytes = try reader.next() else {
            begin = nil
            return
        }
        guard case .begin(let begin) = ReplicationRecord(bytes), begin.name == name else {
            throw Self.damage(name, "it does not begin as it should")
        }
        self.begin = begin
        (position, committed, time) = (begin.start, begin.start, begin.time)
    }

    /// The next frames; nil at the end. Those of the last transaction may be fewer than it has: `committed` tells.
    func next() throws -> ReplicationFrames? {
        while let bytes = try reader.next() {
            switch ReplicationRecord(bytes) {
            case .look(let time): self.time = time
            case .frames(let frames):
                guard position != nil, position?.frame == frames.first - 1,
                    position?.advance(over: frames.frames[...]) != nil,
                    position?.frame == frames.first - 1 + frames.count
                else { throw Self.damage(name, "its frame \(frames.first) does not follow the one before") }
                if position?.isCommit == true { committed = position }
                time = frames.time
                return frames
            case .begin, nil: throw Self.damage(name, "it has a record that is none")
            }
        }
        return nil
    }

    /// Where the generation stands after this file.
    var mark: ReplicationMark {
        guard let committed else { return ReplicationMark(file: name.number, frames: 0, checksum: 0) }
        return ReplicationMark(file: name.number, committed)
    }

    static func damage(_ name: ReplicationLogName, _ why: String) -> AWSError {
        AWSError(.damaged, "\(name.text) of the archive is damaged: \(why)")
    }
}

/// Where an archive ends.
struct ReplicationEnd: Sendable {
    /// The newest file, which may be empty.
    let last: ReplicationLogName
    /// Of the newest file with anything in it.
    let mark: ReplicationMark
    /// nil where the generation has no frames yet.
    let position: WALPosition?
    let time: Timestamp

    /// nil for an archive without files.
    static func find(in archive: DatabaseArchive) async throws -> ReplicationEnd? {
        let names = try ReplicationLogName.all(in: archive)
        guard let last = names.last else { return nil }
        for name in names.reversed() where name.generation == last.generation {
            let log = try await ReplicationReader(archive, name)
            guard let begin = log.begin else { continue }
            while try log.next() != nil {}
            return ReplicationEnd(
                last: last,
                mark: log.mark,
                position: log.committed,
                time: log.time ?? begin.time
            )
        }
        throw ReplicationReader.damage(last, "its generation has no beginning")
    }
}
