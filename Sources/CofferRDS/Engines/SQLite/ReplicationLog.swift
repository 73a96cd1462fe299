internal import CofferShapes

/// A file of the archive that is being written.
final class ReplicationLog {
    let name: ReplicationLogName
    private let writer: ArchiveWriter

    /// Makes the file, which is in the archive when this returns.
    init(_ archive: DatabaseArchive, _ begin: ReplicationBegin) async throws {
        name = begin.name
        writer = try await archive.beginLog(name.text)
        try writer.append(begin.bytes)
        try writer.sync()
    }

    func append(_ frames: ReplicationFrames) throws { try writer.append(frames.bytes) }

    /// Says that until `time` nothing else was committed.
    func append(look time: Timestamp) throws { try writer.append(ReplicationRecord.look(time).bytes) }

    func sync() throws { try writer.sync() }

    /// Nothing follows in this file.
    func finish(_ time: Timestamp) throws {
        try writer.append(ReplicationRecord.look(time).bytes, isLast: true)
        try writer.sync()
    }
}
