internal import Coffer
internal import CofferEBS
internal import CofferIdentity
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Logging
internal import Testing

/// A home of a test's own with its real KMS, users and volumes; the daemon is the built one.
final class VolumeHome: Sendable {
    static let account = AccountID("111122223333")!  // 12 digits

    let folder: TemporaryFolder
    /// Short: the path of a socket in it has to fit an address.
    private let runtime: String
    let home: Home
    let volumes: VolumeService

    var root: Caller { home.root }

    init(clock: any WallClock = SystemClock()) async throws {
        folder = try TemporaryFolder()
        runtime = "/tmp/cv-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(
            atPath: runtime,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        home = try Home(
            at: try HomeLocation(
                option: folder.path("home"),
                environment: ["XDG_RUNTIME_DIR": runtime],
                isRoot: false
            ),
            region: nil,
            account: Self.account,
            secrets: SecretPrompts(
                passphrase: { throw AWSError(.sealed, "a test is never asked") },
                pin: { _ in throw AWSError(.sealed, "a test is never asked") },
                environment: [:]
            ),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: clock
        )
        volumes = try await home.volumes(daemon: { "\(CofferProgram.programs)/coffer-volumed" })
    }

    /// Where this home's attachments leave their notes; there once a volume was made.
    var runtimeFolder: String {
        get throws {
            let base = "\(runtime)/coffer"
            let names = try FileManager.default.contentsOfDirectory(atPath: base)
            return "\(base)/\(try #require(names.first))"
        }
    }

    /// Whether anything is noted of an attachment, or could be.
    var hasRuntimeFolder: Bool {
        get throws { try !FileManager.default.contentsOfDirectory(atPath: "\(runtime)/coffer").isEmpty }
    }

    deinit { try? FileManager.default.removeItem(atPath: runtime) }

    func key(_ spec: KeySpec = .symmetricDefault, usage: KeyUsage? = nil) async throws -> KeyMetadata {
        var order = KeyOrder()
        (order.spec, order.usage) = (spec, usage)
        return try await home.keyManagement().createKey(order, caller: root)
    }

    /// A new user whose one policy has these statements.
    func user(_ name: String, _ statements: String = "") async throws -> Caller {
        let identity = try await home.identityService()
        let user = try identity.createUser(name, path: "/", caller: root)
        if !statements.isEmpty {
            let document = #"{"Version":"2012-10-17","Statement":[\#(statements)]}"#
            try identity.putUserPolicy("p", document: document, user: name, caller: root)
        }
        return Caller(principal: user.arn)
    }

    /// A volume of 1 MiB, made as the command line makes it.
    func volume(_ name: String? = nil, key: KeyMetadata? = nil) async throws -> Volume {
        let reference = key.map { KeyReference($0.arn.description) }
        return try await volumes.createVolume(
            CreateVolumeRequest(name: name, sizeBytes: 1 << 20, key: reference),
            caller: root
        )
    }

    /// The volume of this id or name as it is now.
    func now(_ reference: String) async throws -> Volume {
        try await volumes.describeVolumes([reference], caller: root)[0]
    }

    /// A request as a client of the API makes it: 1 GiB, encryption not mentioned.
    static func request(_ change: (inout CreateVolumeRequest) -> Void = { _ in }) -> CreateVolumeRequest {
        var request = CreateVolumeRequest(sizeBytes: 1 << 30, isEncrypted: nil)
        change(&request)
        return request
    }
}

/// The error that `body` throws, nil where it throws none.
func refusal<Value>(_ body: () async throws -> Value) async -> AWSError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? AWSError
    }
}
