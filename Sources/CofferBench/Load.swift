/// What a subject is asked to do for a while: reads or writes of one size, in one order, so many of them at once.
public struct Load: Sendable, Hashable {
    public enum Direction: Sendable { case read, write }
    public enum Pattern: Sendable { case sequential, random }
    /// When what was written is made durable.
    public enum Durability: Sendable, Hashable {
        case never
        /// Once, after the last write and within the measured time.
        case atEnd
        /// After each write, which then counts as one operation with it.
        case eachWrite
    }

    public var direction: Direction
    public var pattern: Pattern
    public var blockBytes: Int
    /// Requests under way at once, of each client.
    public var depth: Int
    /// Programs that do the same at the same time; sequential ones each in a part of their own.
    public var clients: Int
    /// Past the page cache.
    public var isDirect: Bool
    public var durability: Durability
    /// Comes by each block once and ends, or is ended by the time limit: whatever caches there are, each byte then comes
    /// from below them, or gets there.
    public var isOnePass: Bool

    public init(
        _ pattern: Pattern,
        _ direction: Direction,
        blockBytes: Int,
        depth: Int,
        clients: Int = 1,
        isDirect: Bool = true,
        durability: Durability = .never,
        isOnePass: Bool = false
    ) {
        (self.pattern, self.direction, self.blockBytes) = (pattern, direction, blockBytes)
        (self.depth, self.clients, self.isDirect) = (depth, clients, isDirect)
        (self.durability, self.isOnePass) = (durability, isOnePass)
    }

    /// Such as "random read, 4 KiB, depth 16, 2 clients".
    public var title: String {
        var parts = [
            "\(pattern == .random ? "random" : "sequential") \(direction == .read ? "read" : "write")"
        ]
        parts.append(blockBytes % 1_048_576 == 0 ? "\(blockBytes >> 20) MiB" : "\(blockBytes >> 10) KiB")
        parts.append(isDirect ? "depth \(depth)" : "buffered")
        if clients > 1 { parts.append("\(clients) clients") }
        if durability == .eachWrite { parts.append("fsync each") }
        return parts.joined(separator: ", ")
    }

    /// What `--load` calls it, such as "randread-4k-d16-c2".
    public var name: String {
        var parts = ["\(pattern == .random ? "rand" : "seq")\(direction == .read ? "read" : "write")"]
        parts.append(blockBytes % 1_048_576 == 0 ? "\(blockBytes >> 20)m" : "\(blockBytes >> 10)k")
        parts.append(isDirect ? "d\(depth)" : "buffered")
        if clients > 1 { parts.append("c\(clients)") }
        if durability == .eachWrite { parts.append("fsync") }
        return parts.joined(separator: "-")
    }

    /// The load as a file takes it; through the page cache where it takes no direct I/O. nil where that would be another
    /// load under the same title: through the page cache a request waits for the one before it, whatever the depth.
    func onFile(takesDirect: Bool) -> Load? {
        guard isDirect, !takesDirect else { return self }
        guard depth == 1 else { return nil }
        var buffered = self
        buffered.isDirect = false
        return buffered
    }

    /// Sequential loads are told by what they move, random ones by how often.
    public var unit: String { pattern == .sequential ? "MiB/s" : "IOPS" }
}

extension Load {
    /// The loads of a device: past the page cache, at depth 1, 16 and 64, with one and two clients.
    public static let ofDevice: [Load] = [1, 2].flatMap { clients in
        [Load.Direction.read, .write].map {
            Load(.sequential, $0, blockBytes: 1 << 20, depth: 4, clients: clients)
        }
            + [1, 16, 64].flatMap { depth in
                [Load.Direction.read, .write].map {
                    Load(.random, $0, blockBytes: 4096, depth: depth, clients: clients)
                }
            }
    }

    /// The loads of a file in a filesystem: each block once, through the page cache and past it, to its being durable;
    /// and one that waits for each write.
    public static let ofFile: [Load] =
        [false, true].flatMap { isDirect in
            [(Pattern.sequential, 1 << 20, 4), (.random, 4096, 16)].flatMap { pattern, blockBytes, depth in
                [(Direction.write, Durability.atEnd), (.read, .never)].map { direction, durability in
                    Load(
                        pattern,
                        direction,
                        blockBytes: blockBytes,
                        depth: depth,
                        isDirect: isDirect,
                        durability: durability,
                        isOnePass: true
                    )
                }
            }
        } + [
            Load(.random, .write, blockBytes: 4096, depth: 1, isDirect: false, durability: .eachWrite)
        ]
}
