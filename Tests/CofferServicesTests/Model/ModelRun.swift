internal import Coffer
internal import CofferEBS
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation

/// A home, its model, and the operations that are done to both.
final class ModelRun {
    /// Volumes and snapshots, each.
    static let most = 8
    static let mostAttached = 3
    static let unknownVolume = "vol-0123456789abcdef0"
    static let unknownSnapshot = "snap-0123456789abcdef0"
    static let unknownKey = "arn:aws:kms:us-east-1:111122223333:key/12345678-1234-4234-8234-123456789012"

    let home: VolumeHome
    var model: VolumeModel
    var random: SeededGenerator
    var number = 0
    /// What the operation under way does.
    var words = "nothing yet"
    var history: [String] = []
    /// How often each operation was done, and refused.
    private var counts: [String: (done: Int, refused: Int, seconds: Double)] = [:]
    private var refusals = 0
    /// What was asked for under a client token.
    var askedByToken: [String: CreateVolumeRequest] = [:]
    /// KMS rotates a key a few times only.
    var rotations = 0
    private var madeVolumes = 0
    private var madeSnapshots = 0

    var service: VolumeService { home.volumes }
    var root: Caller { home.root }

    init(seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        home = try await VolumeHome()
        var keys: [ARN] = []
        for _ in 0..<3 { keys.append(try await home.key().arn) }
        var made: [Volume] = []
        for isEncrypted in [true, nil] {
            let request = CreateVolumeRequest(sizeBytes: 1 << 20, isEncrypted: isEncrypted)
            made.append(try await home.volumes.createVolume(request, caller: home.root))
        }
        model = VolumeModel(keys: keys, managedKey: made[0].kmsKeyARN, ownedKey: made[1].kmsKeyARN)
        for volume in made { try await home.volumes.deleteVolume(volume.id.text, caller: home.root) }
        for (index, key) in keys.prefix(2).enumerated() {
            let alias = "alias/m\(index)"
            try await home.home.keyManagement().createAlias(
                alias,
                target: KeyReference(key.description),
                caller: root
            )
            model.aliases[alias] = key
        }
    }

    var tally: String {
        counts.sorted { $0.value.seconds > $1.value.seconds }.map { name, count in
            "\(name) \(count.done)+\(count.refused) in \((count.seconds * 10).rounded() / 10) s"
        }.joined(separator: ", ")
    }

    // MARK: - Operations

    private typealias Operation = (weight: Int, name: String, body: @Sendable (ModelRun) async throws -> Void)

    /// What starts a process, or waits for one, is rarer.
    private static let operations: [Operation] = [
        (9, "create", { try await $0.createVolume() }), (4, "restore", { try await $0.restoreVolume() }),
        (4, "token", { try await $0.repeatToken() }), (2, "clone", { try await $0.cloneVolume() }),
        (7, "delete", { try await $0.deleteVolume() }), (8, "modify", { try await $0.modifyVolume() }),
        (4, "modify twice", { try await $0.modifyTwice() }), (5, "rekey", { try await $0.rekeyVolume() }),
        (2, "reencrypt", { try await $0.reencryptVolume() }), (4, "attach", { try await $0.attachVolume() }),
        (5, "write", { try await $0.writeVolume() }), (4, "detach", { try await $0.detachVolume() }),
        (3, "snapshot", { try await $0.createSnapshot() }), (5, "copy", { try await $0.copySnapshot() }),
        (4, "remove", { try await $0.deleteSnapshot() }), (6, "share", { try await $0.shareSnapshot() }),
        (8, "tag", { try await $0.tag() }), (5, "untag", { try await $0.untag() }),
        (4, "key", { try await $0.changeKey() }), (4, "defaults", { try await $0.changeDefaults() }),
        (8, "list volumes", { try await $0.listVolumes() }),
        (6, "list snapshots", { try await $0.listSnapshots() }),
        (4, "find by name", { try await $0.findByName() }),
    ]

    func step() async throws {
        number += 1
        var rest = below(Self.operations.reduce(0) { $0 + $1.weight })
        for operation in Self.operations {
            rest -= operation.weight
            guard rest < 0 else { continue }
            let before = refusals
            let start = ContinuousClock.now
            say(operation.name)
            try await operation.body(self)
            history.append("\(number) \(words)" + (refusals > before ? " (refused)" : ""))
            count(operation.name, isRefused: refusals > before, since: start)
            break
        }
        guard number % 50 == 0 else { return }
        let start = ContinuousClock.now
        say("comparing everything")
        try await compareAll()
        say("comparing contents")
        try await compareSomeContents()
        if number % 250 == 0 { try await compareHome() }
        count("comparing", isRefused: false, since: start)
    }

    private func count(_ name: String, isRefused: Bool, since start: ContinuousClock.Instant) {
        var count = counts[name] ?? (0, 0, 0)
        if isRefused { count.refused += 1 } else { count.done += 1 }
        count.seconds += start.duration(to: .now) / .seconds(1)
        counts[name] = count
    }

    func say(_ text: String) { words = text }

    /// Does something that is to be refused by a code, or to succeed where none is given; nil where it was refused.
    func attempt<Value: Sendable>(
        _ code: AWSError.Code?,
        _ body: () async throws -> Value
    ) async throws -> Value? {
        let value: Value
        do {
            value = try await body()
        } catch let error as AWSError {
            guard error.code == code else {
                throw Difference("refused by \(error), where \(code?.name ?? "success") was due")
            }
            refusals += 1
            return nil
        }
        guard code == nil else { throw Difference("done, where \(code?.name ?? "") was due") }
        return value
    }

    /// What the model says: a value, or the code of a refusal.
    func foretold<Value>(_ body: () throws(Refused) -> Value) -> (Value?, AWSError.Code?) {
        do {
            return (try body(), nil)
        } catch {
            return (nil, error.code)
        }
    }

    // MARK: - Chance

    func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    func chance(_ percent: Int) -> Bool { below(100) < percent }

    func one<Item>(of items: [Item]) -> Item { items[below(items.count)] }

    func volume(where wanted: (ModelVolume) -> Bool = { _ in true }) -> ModelVolume? {
        let found = model.volumes.filter(wanted)
        return found.isEmpty ? nil : one(of: found)
    }

    func snapshot(where wanted: (ModelSnapshot) -> Bool = { _ in true }) -> ModelSnapshot? {
        let found = model.snapshots.filter(wanted)
        return found.isEmpty ? nil : one(of: found)
    }

    /// Of a KMS key, in one of its forms; now and then of none.
    func keyReference() -> KeyReference {
        switch below(12) {
        case 0: return KeyReference(Self.unknownKey)
        case 1: return KeyReference("alias/none")
        case 2: return KeyReference("alias/aws/ebs")
        case 3..<6: return KeyReference("alias/m\(below(2))")
        case 6..<9: return KeyReference(String(one(of: model.keys).resource.dropFirst(4)))
        default: return KeyReference(one(of: model.keys).description)
        }
    }

    /// How the index calls a key that there is not.
    static func foreseenARN(_ reference: KeyReference) -> ARN? {
        switch reference {
        case .alias(let name): ARN("arn:aws:kms:us-east-1:111122223333:\(name.text)")
        default: ARN(reference.description)
        }
    }

    /// Now and then such as cannot be.
    func someTags() -> [Tag] {
        if chance(3) { return [Tag(key: "aws:x", value: "1")] }
        if chance(3) { return [Tag(key: "env", value: "1"), Tag(key: "env", value: "2")] }
        return ["Name", "env", "team"].filter { _ in chance(25) }.map { key in
            Tag(key: key, value: one(of: key == "Name" ? ["one", "two", "three"] : Self.tagValues))
        }
    }

    static let tagValues = ["a", "ab", "a*b", "b?", "", #"c\d"#, "ünï"]

    static func refusal(of tags: [Tag]) -> AWSError.Code? {
        if tags.contains(where: { $0.key.hasPrefix("aws:") }) { return .tagKeyMalformed }
        return Set(tags.map(\.key)).count < tags.count ? .invalidParameterValue : nil
    }

    // MARK: - What is made

    func add(_ volume: ModelVolume) {
        var volume = volume
        madeVolumes += 1
        volume.number = madeVolumes
        model.volumes.append(volume)
    }

    func add(_ snapshot: ModelSnapshot) {
        var snapshot = snapshot
        madeSnapshots += 1
        snapshot.number = madeSnapshots
        model.snapshots.append(snapshot)
    }
}

extension [Tag] {
    var byKey: [String: String] { Dictionary(map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }) }
}
