internal import CofferControl
internal import CofferSecrets
internal import CofferTesting
internal import Foundation
internal import Glibc
internal import Testing

extension MountTests {
    /// Where the key is not.
    @Suite struct SecrecyMountTests {
        /// Looks for the volume key and for what is derived from it for the data.
        private func search(_ volume: TestVolume) throws -> KeySearch {
            let derived = try volume.xtsKey().withBytes { span in
                span.array()
            }
            return KeySearch([volume.volumeKey, derived])
        }

        @Test(.enabled(if: geteuid() == 0, "only root reads the memory of an undumpable process"))
        func `the daemon's memory, arguments and environment hold no part of a key that can be read`() throws
        {
            let volume = try TestVolume(bytes: 1 << 20, seed: 21)
            let daemon = try RunningDaemon(volume)
            try RawFile(daemon.path).write([UInt8](repeating: 1, count: 9000), at: 77)
            let search = try search(volume)
            for name in ["cmdline", "environ"] {
                let file = try RawFile("/proc/\(daemon.daemonID)/\(name)", O_RDONLY)
                #expect(!search.finds(in: try file.read(1 << 16, at: 0)), "\(name)")
            }
            let maps = try RawFile("/proc/\(daemon.daemonID)/maps", O_RDONLY)
            var (text, position) = ("", 0)
            while true {
                let part = try maps.read(1 << 16, at: position)
                if part.isEmpty { break }
                text += String(decoding: part, as: UTF8.self)
                position += part.count
            }
            let memory = try RawFile("/proc/\(daemon.daemonID)/mem", O_RDONLY)
            var (read, refused) = (0, 0)
            for line in text.split(separator: "\n") {
                let range = line.prefix { $0 != " " }.split(separator: "-")
                guard range.count == 2, line.dropFirst(range[0].count + range[1].count + 2).first == "r",
                    let start = Int(range[0], radix: 16), let end = Int(range[1], radix: 16)
                else { continue }
                // Past what memfd_secret hides, a read gives EIO: that counts as hidden.
                guard let bytes = try? memory.read(end - start, at: start) else {
                    refused += 1
                    continue
                }
                read += bytes.count
                #expect(!search.finds(in: bytes), "\(line)")
            }
            #expect(read > 1 << 20, "the memory was looked at")
            let hidden = try daemon.status().keyMemory == "memfd_secret"
            #expect(!hidden || refused > 0)
        }

        @Test func `the search finds a key where there is one`() throws {
            let volume = try TestVolume(bytes: 1 << 20, seed: 22)
            let search = try search(volume)
            let haystack = [UInt8](repeating: 0, count: 1000) + volume.volumeKey[17..<25] + [1, 2, 3]
            #expect(search.finds(in: haystack))
            #expect(!search.finds(in: [UInt8](repeating: 0, count: 1000) + volume.volumeKey[17..<24]))
        }

        @Test(.enabled(if: unsafe access("/usr/bin/gcore", X_OK) == 0, "gcore is missing"))
        func `a core that root takes holds no part of a key`() throws {
            let volume = try TestVolume(bytes: 1 << 20, seed: 23)
            let daemon = try RunningDaemon(volume)
            try RawFile(daemon.path).write([UInt8](repeating: 1, count: 9000), at: 77)
            // gdb reads what is merely locked.
            guard try daemon.status().keyMemory == "memfd_secret" else { return }
            let core = "\(volume.folder)/core"
            let corePath = "\(core).\(daemon.daemonID)"
            defer { unsafe unlink(corePath) }
            _ = unsafe system("timeout 60 gcore -o \(core) \(daemon.daemonID) > /dev/null 2>&1")
            #expect(try !search(volume).finds(inFile: corePath))
            #expect(try RawFile(daemon.path).read(1, at: 77) == [1], "the daemon serves on")
        }

        @Test(.enabled(if: geteuid() == 0, "another user's daemon has nothing to give up"))
        func
            `every thread of root's daemon keeps two capabilities, and none gains any by exec or can be dumped`()
            throws
        {
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20))
            // Capabilities belong to threads, and one that kept them would lend them to all.
            let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.daemonID)/task")
            #expect(threads.count >= 5, "the main one, two that serve, one for signals and one for questions")
            for thread in threads {
                let status = String(
                    decoding: try RawFile("/proc/\(daemon.daemonID)/task/\(thread)/status", O_RDONLY)
                        .read(1 << 14, at: 0),
                    as: UTF8.self
                )
                let fields = status.split(separator: "\n").map {
                    String($0.filter { $0 != "\t" && $0 != " " })
                }
                for field in [
                    "CapEff:0000000000200004", "CapPrm:0000000000200004", "CapInh:0000000000000000",
                    "NoNewPrivs:1",
                ] {
                    #expect(fields.contains(field), "thread \(thread)")
                }
            }
            let limits = String(
                decoding: try RawFile("/proc/\(daemon.daemonID)/limits", O_RDONLY).read(1 << 14, at: 0),
                as: UTF8.self
            )
            let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
            #expect(core?.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"])
        }

        @Test func `the log and the backing file hold neither key nor plaintext`() throws {
            let volume = try TestVolume(bytes: 4 << 20, seed: 24)
            let daemon = try RunningDaemon(volume)
            let marker = Array("a sentence that must not reach the store".utf8)
            let file = try RawFile(daemon.path)
            for offset in stride(from: 13, to: 3 << 20, by: 70_001) { try file.write(marker, at: offset) }
            daemon.signal(SIGTERM)
            #expect(daemon.waitForExit() == 0)
            let search = try search(volume)
            let backing = try RawFile(volume.backingPath, O_RDONLY).read(5 << 20, at: 0)
            #expect(!KeySearch([marker]).finds(in: backing))
            #expect(!search.finds(in: backing))
            #expect(!search.finds(in: Array(daemon.log.utf8)))
            #expect(KeySearch([marker]).finds(in: try volume.decryptBacking()), "it is there under the key")
        }
    }
}
