internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem
internal import Foundation
internal import Glibc

/// What an instance's supervisor tells of itself, in a file that it replaces whole. Believed only while the supervisor
/// holds its lock.
struct SupervisorStatus: Codable, Sendable, Equatable {
    var processID: Int32
    var phase: Phase
    /// What is wrong, or being done, for people.
    var message: String?
    /// A failure's code and kind, for who waits for the supervisor.
    var failure: Failure?
    var since: Timestamp
    var engineProcessID: Int32?
    var startCount = 0
    var figures = EngineFigures()
    /// Changed parameters that wait for a restart.
    var waiting: [String]?
    /// Up to when the archive has all.
    var latestRestorable: Timestamp?

    enum Phase: String, Codable, Sendable {
        case starting, available, backingUp, modifying, rebooting, stopping, storageFull, failed
    }

    struct Failure: Codable, Sendable, Equatable {
        let code: String
        let kind: AWSError.Kind
        let message: String
        let hint: String?

        init(_ error: AWSError) {
            (code, kind, message, hint) = (error.code.name, error.code.kind, error.message, error.hint)
        }

        var error: AWSError { AWSError(AWSError.Code(code, kind), message, hint: hint) }
    }

    static func read(_ path: String) -> SupervisorStatus? {
        guard let text = TextFile.contents(path) else { return nil }
        return try? JSONDecoder().decode(SupervisorStatus.self, from: Data(text.utf8))
    }

    /// Replaces the file in one step. The folder is in memory: nothing is synced.
    func write(_ path: String) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? Array(encoder.encode(self)) else { return }
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        let put = unsafe Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
        guard put == bytes.count else { return }
        unsafe rename(temporary, path)
    }
}

/// What an engine tells of its work.
public struct EngineFigures: Codable, Sendable, Equatable {
    public var connections: Int?
    /// Committed since the engine was started.
    public var transactions: UInt64?
    public var databaseBytes: UInt64?
    /// How long ago the archive was whole, seconds.
    public var archiveLagSeconds: Double?

    public init() {}
}

/// The lock that one supervisor of an instance holds while it lives.
final class SupervisorLock: Sendable {
    private let descriptor: Int32

    /// nil where another holds it.
    init?(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot open \(path): \(SystemError.text(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    /// Whether somebody holds the lock.
    static func isHeld(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        // Closing it gives the lock up.
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    deinit { close(descriptor) }
}
