internal import Coffer
internal import CofferCrypto
internal import CofferEBS
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

/// EBS direct's verbs, with a clock that the test moves: what expires, what ends, and what is refused.
@Suite struct DirectSnapshotTests {
    private static let blockBytes = 524_288

    private let clock = MovableClock()

    private func home() async throws -> VolumeHome { try await VolumeHome(clock: clock) }

    private static func block(_ index: Int, _ byte: UInt8 = 7) -> DirectBlockUpload {
        let data = [UInt8](repeating: byte, count: blockBytes)
        return DirectBlockUpload(index: index, data: data, checksum: checksum(data))
    }

    private static func checksum(_ data: [UInt8]) -> [UInt8] { SHA256.digest(data) }

    private static func request(
        _ change: (inout StartSnapshotRequest) -> Void = { _ in }
    ) -> StartSnapshotRequest {
        var request = StartSnapshotRequest(volumeSizeGiB: 1)
        change(&request)
        return request
    }

    private func upload(_ indexes: [Int], _ home: VolumeHome) async throws -> String {
        let id = try await home.volumes.startSnapshot(Self.request(), caller: home.root).snapshot.id.text
        for index in indexes {
            try await home.volumes.putSnapshotBlock(id, Self.block(index), caller: home.root)
        }
        let state = try await home.volumes.completeSnapshot(id, blockCount: indexes.count, caller: home.root)
        #expect(state == .completed)
        return id
    }

    private func now(_ id: String, _ home: VolumeHome) async throws -> Snapshot {
        try await home.volumes.describeSnapshots([id], caller: home.root)[0]
    }

    // MARK: - Tokens

    @Test func `a block's token is good for seven days`() async throws {
        let home = try await home()
        let id = try await upload([3], home)
        let list = try await home.volumes.listSnapshotBlocks(id, caller: home.root)
        let token = try #require(list.items.first).token
        let left = (list.expiry.nanoseconds - clock.now.nanoseconds) / 1_000_000_000
        #expect((604_799...604_800).contains(left))
        clock.advance(seconds: left - 1)
        let read = try await home.volumes.getSnapshotBlock(id, 3, token: token, caller: home.root)
        #expect(read.data == Self.block(3).data && read.checksum == Self.block(3).checksum)
        clock.advance(seconds: 2)
        #expect(
            await direct { try await home.volumes.getSnapshotBlock(id, 3, token: token, caller: home.root) }
                == .validation(.invalidBlockToken)
        )
    }

    @Test func `a page's token is good for an hour`() async throws {
        let home = try await home()
        let id = try await upload(Array(0..<101), home)
        let first = try await home.volumes.listSnapshotBlocks(
            id,
            DirectBlockQuery(limit: 100),
            caller: home.root
        )
        let next = try #require(first.nextToken)
        let query = DirectBlockQuery(limit: 100, pageToken: next)
        clock.advance(seconds: 3599)
        let second = try await home.volumes.listSnapshotBlocks(id, query, caller: home.root)
        #expect(second.items.map(\.index) == [100] && second.nextToken == nil)
        clock.advance(seconds: 1)
        #expect(
            await direct { try await home.volumes.listSnapshotBlocks(id, query, caller: home.root) }
                == .validation(.invalidPageToken)
        )
    }

    @Test func `no bit of a token may be changed, and its text has one spelling`() async throws {
        let home = try await home()
        let id = try await upload([3], home)
        let list = try await home.volumes.listSnapshotBlocks(id, caller: home.root)
        let token = try #require(list.items.first).token
        let bytes = Array(try #require(Data(base64Encoded: token)))
        var wrong = bytes.indices.map { at in
            var changed = bytes
            changed[at] ^= 1 << UInt8(at % 8)
            return Data(changed).base64EncodedString()
        }
        wrong += [
            "", " ", "\(token)\n", "\(token)=", String(token.dropLast()), String(repeating: "A", count: 257),
        ]
        wrong += [Data(bytes.dropLast()).base64EncodedString(), Data(bytes + [0]).base64EncodedString()]
        for text in wrong {
            #expect(
                await direct {
                    try await home.volumes.getSnapshotBlock(id, 3, token: text, caller: home.root)
                } == .validation(.invalidBlockToken),
                "\(text)"
            )
        }
    }

    // MARK: - Uploads that end by themselves

    @Test func `what nobody writes to for its timeout is an error, and can be cleared away`() async throws {
        let home = try await home()
        let start = Self.request { $0.timeoutMinutes = 10 }
        let id = try await home.volumes.startSnapshot(start, caller: home.root).snapshot.id.text
        for _ in 0..<3 {
            clock.advance(seconds: 599)
            try await home.volumes.putSnapshotBlock(id, Self.block(0), caller: home.root)
            #expect(try await now(id, home).state == .pending)
        }
        clock.advance(seconds: 600)
        #expect(
            await direct { try await home.volumes.putSnapshotBlock(id, Self.block(1), caller: home.root) }
                == .validation(.invalidSnapshotID)
        )
        let found = try await now(id, home)
        #expect(found.state == .error)
        #expect(found.stateReason == "no block was written to it for 10 minutes")
        try await home.volumes.deleteSnapshot(id, caller: home.root)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(home.home.path)/snapshots").isEmpty)
    }

    @Test func `an hour is the timeout where none is given`() async throws {
        let home = try await home()
        let id = try await home.volumes.startSnapshot(Self.request(), caller: home.root).snapshot.id.text
        clock.advance(seconds: 3599)
        #expect(try await now(id, home).state == .pending)
        clock.advance(seconds: 1)
        #expect(try await now(id, home).state == .error)
    }

    @Test func `a process that ends gives up what is pending, and not what is complete`() async throws {
        let home = try await home()
        let complete = try await upload([0], home)
        let pending = try await home.volumes.startSnapshot(Self.request(), caller: home.root).snapshot.id.text
        try await home.volumes.putSnapshotBlock(pending, Self.block(0), caller: home.root)
        await home.volumes.giveUpUploads()
        #expect(try await now(complete, home).state == .completed)
        let found = try await now(pending, home)
        #expect(found.state == .error)
        #expect(found.stateReason == "the server was stopped before it was complete")
    }

    @Test func `only so many are written at once`() async throws {
        let home = try await home()
        var ids: [String] = []
        for _ in 0..<100 {
            ids.append(
                try await home.volumes.startSnapshot(Self.request(), caller: home.root).snapshot.id.text
            )
        }
        let refused = { @Sendable in
            await direct { try await home.volumes.startSnapshot(Self.request(), caller: home.root) }
        }
        #expect(await refused() == .concurrentLimit)
        #expect(
            try await home.volumes.completeSnapshot(ids[0], blockCount: 0, caller: home.root) == .completed
        )
        #expect(await refused() == nil)
        #expect(await refused() == .concurrentLimit)
        await home.volumes.giveUpUploads()
    }

    // MARK: - Keys

    @Test func `a snapshot of another home's key or of none is refused before there is one`() async throws {
        let home = try await home()
        let unknown = "arn:aws:kms:us-east-1:\(VolumeHome.account):key/01234567-89ab-cdef-0123-456789abcdef"
        let start = Self.request { request in
            request.isEncrypted = true
            request.key = KeyReference(unknown)
        }
        let error = await refusal { try await home.volumes.startSnapshot(start, caller: home.root) }
        #expect(error?.code == .notFound)
        #expect(try await home.volumes.describeSnapshots(caller: home.root).isEmpty)
    }

    @Test func `each block is asked for at the KMS, by who reads it`() async throws {
        let home = try await home()
        let key = try await home.key()
        let start = Self.request { request in
            request.isEncrypted = true
            request.key = KeyReference(key.arn.description)
        }
        let id = try await home.volumes.startSnapshot(start, caller: home.root).snapshot.id.text
        try await home.volumes.putSnapshotBlock(id, Self.block(0), caller: home.root)
        _ = try await home.volumes.completeSnapshot(id, blockCount: 1, caller: home.root)
        let allowed = #"{"Effect":"Allow","Action":"ebs:*","Resource":"*"}"#
        let reader = try await home.user("reader", allowed)
        let token = try await home.volumes.listSnapshotBlocks(id, caller: home.root).items[0].token
        _ = try await home.volumes.getSnapshotBlock(id, 0, token: token, caller: home.root)
        let error = await refusal {
            try await home.volumes.getSnapshotBlock(id, 0, token: token, caller: reader)
        }
        #expect(error?.code == .accessDenied)
        try await home.home.keyManagement().disableKey(KeyReference(key.arn.description), caller: home.root)
        let disabled = await refusal {
            try await home.volumes.getSnapshotBlock(id, 0, token: token, caller: home.root)
        }
        #expect(disabled?.code == .disabled)
    }
}

/// The refusal of EBS direct that `body` ends in, nil where it ends in none.
private func direct<Value>(_ body: () async throws -> Value) async -> DirectError.Kind? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? DirectError)?.kind
    }
}
