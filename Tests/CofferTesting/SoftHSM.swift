internal import Foundation
public import Testing

/// SoftHSM2, a token in software, with a folder of this process's own: SoftHSM reads its settings from the
/// environment, once for each process.
public enum SoftHSM {
    public static let module = "/usr/lib/softhsm/libsofthsm2.so"
    private static let tool = "/usr/bin/softhsm2-util"

    /// Why nothing can be tested here, or nil.
    public static let obstacle: String? =
        [module, tool].first { !FileManager.default.fileExists(atPath: $0) }.map {
            "\($0) is missing; install softhsm2"
        }

    /// Holds the tokens; goes when the process does, as a static value has no end of its own.
    private static let folder: TemporaryFolder? = {
        guard let folder = try? TemporaryFolder() else { return nil }
        let settings = """
            directories.tokendir = \(folder.path("tokens"))
            objectstore.backend = file
            log.level = ERROR
            """
        guard
            (try? FileManager.default.createDirectory(
                atPath: folder.path("tokens"),
                withIntermediateDirectories: true
            )) != nil,
            (try? folder.write(Array(settings.utf8), to: "softhsm2.conf")) != nil
        else { return nil }
        unsafe setenv("SOFTHSM2_CONF", folder.path("softhsm2.conf"), 1)
        atexit {
            if let path = SoftHSM.folder?.path { try? FileManager.default.removeItem(atPath: path) }
        }
        return folder
    }()

    /// Where the tokens are, for a test that takes them away.
    public static func tokens() throws -> String { try #require(folder).path("tokens") }

    /// Makes a token. No module may be in use: SoftHSM looks for tokens when it is initialised.
    public static func makeToken(label: String, pin: String) throws {
        _ = try tokens()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = [
            "--init-token", "--free", "--label", label, "--so-pin", "officer-pin", "--pin", pin,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "softhsm2-util makes no token")
    }
}

/// Lets suites that use a PKCS #11 module run one at a time: a module has one state in a process.
public struct ModuleTurn: SuiteTrait, TestScoping {
    public func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Turns.modules.holding(function)
    }
}

extension Trait where Self == ModuleTurn {
    /// The suite uses a module, and takes its turn.
    public static var modules: ModuleTurn { ModuleTurn() }
}

extension Trait where Self == ConditionTrait {
    /// Where there is no SoftHSM the suite is skipped, loudly.
    public static var softHSM: ConditionTrait {
        .enabled(if: SoftHSM.obstacle == nil, "NO TOKEN IS TESTED: \(SoftHSM.obstacle ?? "")")
    }
}
