internal import CofferTesting
internal import Glibc
internal import Testing

/// What the optimiser made of the path of a request. A debug build counts references everywhere, so that this looks at
/// the program that COFFER_VOLUMED names, or at an optimised test run's own.
@Suite struct RequestLoopCodeTests {
    private static let isOptimised: Bool = {
        #if DEBUG
        return unsafe getenv("COFFER_VOLUMED") != nil
        #else
        return true
        #endif
    }()

    /// The loop, and what it calls for a read, a write and a sync: parts of mangled names.
    private static let path = [
        "10CofferFuse13RequestServerV3run",
        "11CofferBlock21EncryptedVolumeWorkerV4read4into",
        "11CofferBlock21EncryptedVolumeWorkerV5write_",
        "11CofferBlock21EncryptedVolumeWorkerV4sync",
        "11CofferBlock14EncryptedUnitsV3put",
        "11CofferBlock04FileB5StoreC4read",
        "11CofferBlock04FileB5StoreC5write",
        "9CofferXTS9XTSCipherV7encrypt_5first9unitBytes",
        "9CofferXTS9XTSCipherV7decrypt_5first9unitBytes",
        "13CofferSecretsE4copy",
    ]
    private static let forbidden = [
        "swift_retain", "swift_release", "swift_bridgeObject", "swift_allocObject", "swift_slowAlloc",
        "swift_initStackObject", "swift_beginAccess", "swift_dynamicCast", "malloc", "calloc",
    ]

    @Test(
        .enabled(
            if: isOptimised,
            "name an optimised coffer-volumed in COFFER_VOLUMED to look at its request loop"
        ),
        .enabled(if: unsafe access("/usr/bin/objdump", X_OK) == 0, "objdump is missing")
    )
    func `the request loop counts no reference, allocates nothing and checks no access at run time`() throws {
        guard let listing = unsafe popen("objdump -d --no-show-raw-insn '\(RunningDaemon.binary)'", "r")
        else {
            Issue.record("objdump cannot be run")
            return
        }
        defer { unsafe pclose(listing) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        var (function, seen, calls) = ("", Set<String>(), 0)
        while unsafe getline(&line, &capacity, listing) > 0 {
            guard let pointer = unsafe line else { break }
            let text = unsafe String(cString: pointer)
            if text.hasSuffix(">:\n") {
                // The generic entries only hand on to what is specialised for the store that serves: "Tg5", "Tt2g5".
                let part = Self.path.first { text.contains($0) } ?? ""
                let isGeneric = part.contains("EncryptedVolume") || part.contains("EncryptedUnits")
                function = isGeneric && !text.contains("g5>") ? "" : part
                if !function.isEmpty { seen.insert(function) }
            } else if !function.isEmpty, text.contains("call") || text.contains("jmp") {
                calls += 1
                for name in Self.forbidden where text.contains("<\(name)") {
                    Issue.record("\(function) calls \(name)")
                }
            }
        }
        // A sync may be compiled whole into its entry.
        #expect(seen.union(["11CofferBlock21EncryptedVolumeWorkerV4sync"]).count >= Self.path.count)
        #expect(calls > 100)
    }
}
