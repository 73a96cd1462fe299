internal import CofferCrypto
internal import CofferTrail
internal import Synchronization

/// A trail's head in memory.
final class MemoryHead: TrailHead {
    private let position = Mutex<TrailPosition?>(nil)

    func load() -> TrailPosition? { position.withLock { $0 } }
    func store(_ position: TrailPosition) { self.position.withLock { $0 = position } }
}

/// Tells one thread that another has ended.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

/// Archives with right digests and any content, written from the description of the format alone.
enum Forged {
    static func archive(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var file = Array("CofferHB".utf8) + [1, 0, 0, 0]
        var digest = SHA256.digest(file)
        func frame(_ kind: UInt8, _ payload: [UInt8]) {
            let head = [kind, UInt8(payload.count & 255), UInt8(payload.count >> 8 & 255), 0, 0]
            digest = SHA256.digest(digest + head + SHA256.digest(payload))
            file += head + payload + digest
        }
        for member in members {
            frame(1, Array(member.name.utf8))
            frame(2, member.bytes)
        }
        frame(3, [])
        return file
    }
}
