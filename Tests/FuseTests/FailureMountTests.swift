internal import CLinux
internal import CofferControl
internal import CofferTesting
internal import Glibc
internal import Testing

extension MountTests {
    /// What happens when the daemon, the store or the starter ends.
    @Suite struct FailureMountTests {
        @Test func `a daemon answers for its state over the control socket`() throws {
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20))
            let file = try RawFile(daemon.path)
            try file.write([UInt8](repeating: 1, count: 5000), at: 0)
            _ = try file.read(100, at: 0)
            let status = try daemon.status()
            #expect(status.volumeID == daemon.volumeID)
            #expect(status.state == .serving)
            #expect(status.processID == daemon.processID)
            #expect(status.fuseConnection == daemon.connection)
            #expect(status.threadCount == 2 && status.openCount == 1 && status.requestBytes == 1 << 20)
            #expect(status.bytesWritten == 5000 && status.bytesRead == 100)
            #expect(status.keyMemory == "memfd_secret" || status.keyMemory == "mlock")
            #expect(!status.kernel.isEmpty)
            // A caller that asks nothing, or nonsense, keeps nobody from asking.
            let silent = try ControlChannel.connect(path: daemon.controlPath, timeoutMilliseconds: 1000)
            let other = try ControlChannel.connect(path: daemon.controlPath, timeoutMilliseconds: 1000)
            try other.send(["nonsense"])
            #expect(try daemon.status().state == .serving)
            _ = consume silent
        }

        @Test func `SIGTERM makes writes durable, takes the mount away and leaves nothing`() throws {
            let volume = try TestVolume(bytes: 1 << 20)
            let daemon = try RunningDaemon(volume)
            do {
                let file = try RawFile(daemon.path)
                try file.write(Array("acknowledged".utf8), at: 100)
                daemon.signal(SIGTERM)
                #expect(daemon.waitForExit() == 0, "also while the file is open")
                #expect(!daemon.isMounted)
                #expect(unsafe access(daemon.controlPath, F_OK) == -1)
                #expect(throws: RawFile.Failure.self) { _ = try file.read(1, at: 0) }
            }
            #expect(!FuseConnection.exists(daemon.connection), "gone with the last descriptor")
            #expect(try Array(volume.decryptBacking()[100..<112]) == Array("acknowledged".utf8))
            #expect(daemon.log.contains("asked to leave by signal 15"))
        }

        @Test func `an unmount ends the daemon`() throws {
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20))
            #expect(unsafe clinux_umount(daemon.directory, 0) == 0)
            #expect(daemon.waitForExit() == 0)
            #expect(unsafe access(daemon.controlPath, F_OK) == -1)
        }

        @Test func `the daemon leaves at the last close, and only then`() throws {
            var options = RunningDaemon.Options()
            options.leavesAtLastClose = true
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20), options)
            var status = stat()
            #expect(unsafe stat(daemon.path, &status) == 0, "to look is not to open")
            do {
                let first = try RawFile(daemon.path)
                do { _ = try RawFile(daemon.path).read(10, at: 0) }
                #expect(throws: RawFile.Failure(errno: EPERM)) {
                    _ = try RawFile(daemon.path, O_RDWR | O_TRUNC)
                }
                #expect(try daemon.status().openCount == 1)
                try first.write([1], at: 0)
            }
            #expect(daemon.waitForExit() == 0)
            #expect(!daemon.isMounted)
            #expect(daemon.log.contains("closed by its last user"))
        }

        @Test func `without that order the daemon stays after the last close`() throws {
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20))
            do { _ = try RawFile(daemon.path).read(10, at: 0) }
            // The kernel tells the daemon of a close after close(2) has returned.
            let deadline = ContinuousClock.now + .seconds(10)
            while try daemon.status().openCount > 0, ContinuousClock.now < deadline { usleep(1000) }
            #expect(try daemon.status().openCount == 0)
            #expect(daemon.waitForExit(seconds: 1) == nil)
        }

        @Test func `kill -9 gives errors and no hang, and loses no acknowledged byte`() throws {
            let volume = try TestVolume(bytes: 1 << 20)
            let daemon = try RunningDaemon(volume)
            let file = try RawFile(daemon.path)
            try file.write([UInt8](repeating: 7, count: 10_000), at: 3)
            daemon.signal(SIGKILL)
            #expect(daemon.waitForExit() == 256 + SIGKILL)
            #expect(throws: RawFile.Failure.self) { _ = try file.read(1, at: 0) }
            #expect(throws: RawFile.Failure.self) { try file.write([1], at: 0) }
            #expect(throws: RawFile.Failure.self) { try file.sync() }
            #expect(daemon.isMounted, "a dead mount stays until somebody takes it away")
            daemon.tearDown()
            let second = try RunningDaemon(volume)
            #expect(try RawFile(second.path).read(10_000, at: 3) == [UInt8](repeating: 7, count: 10_000))
        }

        @Test func `an aborted connection ends the daemon, which takes its dead mount away`() throws {
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20))
            FuseConnection.abort(daemon.connection)
            #expect(daemon.waitForExit() == 0)
            #expect(!daemon.isMounted)
        }

        @Test(.enabled(if: geteuid() == 0, "only root mounts a small tmpfs"))
        func `a full store is ENOSPC for the writer, and reads go on`() throws {
            var template = Array("/tmp/coffer-small-XXXXXX".utf8CString)
            try #require(unsafe mkdtemp(&template) != nil)
            let small = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            try #require(unsafe mount("coffer-test", small, "tmpfs", 0, "size=4m") == 0)
            defer {
                unsafe clinux_umount(small, 1)
                unsafe rmdir(small)
            }
            let volume = try TestVolume(bytes: 16 << 20, in: small)
            let daemon = try RunningDaemon(volume)
            let file = try RawFile(daemon.path)
            let block = [UInt8](repeating: 3, count: 1 << 16)
            var written = 0
            do {
                while written < 16 << 20 { written += try file.write(block, at: written) }
                Issue.record("a store of 4 MiB took 16")
            } catch { #expect(error == RawFile.Failure(errno: ENOSPC)) }
            #expect(written >= 2 << 20)
            #expect(try file.read(block.count, at: 0) == block)
            try file.sync()
            #expect(try daemon.status().state == .serving)
            try file.punch(at: 0, count: 1 << 20)
            try file.write(block, at: 8 << 20)
            #expect(try file.read(block.count, at: 8 << 20) == block, "what was given back can be used")
        }

        @Test(
            .enabled(
                if: unsafe access("/usr/bin/strace", X_OK) == 0,
                "strace, which makes fdatasync fail, is missing"
            )
        )
        func `a failed fdatasync fails every later write and sync until the volume is attached again`() throws
        {
            let volume = try TestVolume(bytes: 1 << 20)
            var options = RunningDaemon.Options()
            options.wrapper = [
                "/usr/bin/strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                "inject=fdatasync:error=EIO:when=2",
            ]
            // strace counts for each thread, and with direct I/O there is none that stands by.
            options.threadCount = 1
            options.backingIO = .direct
            do {
                let daemon = try RunningDaemon(volume, options)
                let file = try RawFile(daemon.path)
                try file.write([1, 2, 3], at: 0)
                try file.sync()
                try file.write([4, 5, 6], at: 5000)
                #expect(throws: RawFile.Failure(errno: EIO)) { try file.sync() }
                #expect(try daemon.status().state == .faulted)
                #expect(throws: RawFile.Failure(errno: EIO)) { try file.sync() }
                #expect(throws: RawFile.Failure(errno: EIO)) { try file.write([7], at: 0) }
                #expect(throws: RawFile.Failure(errno: EIO)) { try file.punch(at: 0, count: 4096) }
                #expect(try file.read(3, at: 0) == [1, 2, 3])
                daemon.signal(SIGTERM)
                #expect(daemon.waitForExit() != nil)
                #expect(daemon.log.contains("the last sync failed"))
            }
            let again = try RunningDaemon(volume)
            let file = try RawFile(again.path)
            try file.write([7], at: 0)
            try file.sync()
        }

        @Test(
            .enabled(
                if: unsafe access("/usr/bin/strace", X_OK) == 0,
                "strace, which makes the store slow, is missing"
            ),
            arguments: ["fdatasync", "fallocate", "pread64"]
        )
        func `a thread that waits for the store lets others serve`(call: String) throws {
            var options = RunningDaemon.Options()
            // What is read is not in the page cache, as far as the daemon is told.
            options.wrapper = [
                "/usr/bin/strace", "-f", "-o", "/dev/null", "-e", "trace=preadv2,\(call)", "-e",
                "inject=\(call):delay_enter=1500000", "-e", "inject=preadv2:error=EAGAIN",
            ]
            options.threadCount = 1
            let daemon = try RunningDaemon(TestVolume(bytes: 4 << 20), options)
            let path = daemon.path
            try RawFile(path).write([1, 2, 3], at: 1 << 20)
            let clock = ContinuousClock()
            let start = clock.now
            let problems = inParallel(4) { index in
                let file = try RawFile(path)
                if index == 0 && call == "fdatasync" {
                    try file.sync()
                } else if index == 0 && call == "fallocate" {
                    try file.punch(at: 0, count: 4096)
                } else {
                    usleep(200_000)
                    guard try file.read(3, at: 1 << 20) == [1, 2, 3] else { return "read something else" }
                    // A read holds no lock of the kernel's: it waits for a thread of the daemon or for nothing.
                    let limit = call == "pread64" ? 2.5 : 1.2
                    guard clock.now - start < .seconds(limit) else { return "waited for the store in line" }
                }
                return nil
            }
            #expect(problems == [])
        }

        /// Linux 5.9 and 5.10 may say 0 for what is not in the page cache; some filesystems cannot tell.
        @Test(
            .enabled(
                if: unsafe access("/usr/bin/strace", X_OK) == 0,
                "strace, which answers for the kernel, is missing"
            ),
            arguments: ["error=EAGAIN", "error=EOPNOTSUPP", "retval=0"]
        )
        func `whatever is said of the page cache, the bytes are the store's`(answer: String) throws {
            var options = RunningDaemon.Options()
            options.wrapper = [
                "/usr/bin/strace", "-f", "-o", "/dev/null", "-e", "trace=preadv2", "-e",
                "inject=preadv2:\(answer)",
            ]
            let daemon = try RunningDaemon(TestVolume(bytes: 4 << 20), options)
            let file = try RawFile(daemon.path)
            var generator = SeededGenerator(seed: 6)
            let bytes = generator.bytes(100_000)
            try file.write(bytes, at: 12_345)
            #expect(try file.read(bytes.count, at: 12_345) == bytes)
            #expect(try file.read(4096, at: (4 << 20) - 4096) == [UInt8](repeating: 0, count: 4096))
        }

        @Test func `a write that a limit cuts short is EFBIG for the writer, and the daemon lives`() throws {
            var options = RunningDaemon.Options()
            // SIGXFSZ would end a process that does not ignore it.
            options.wrapper = ["/usr/bin/prlimit", "--fsize=\(3 << 20)"]
            let daemon = try RunningDaemon(TestVolume(bytes: 4 << 20), options)
            let file = try RawFile(daemon.path)
            let block = [UInt8](repeating: 8, count: 1 << 20)
            #expect(try file.write(block, at: 0) == block.count)
            #expect(throws: RawFile.Failure(errno: EFBIG)) { try file.write(block, at: (2 << 20) - 4096) }
            #expect(try file.read(block.count, at: 0) == block)
            #expect(try daemon.status().state == .serving)
        }
    }
}
