internal import CofferControl
internal import CofferShapes
internal import CofferTesting
internal import Glibc
internal import Testing

extension MountTests {
    /// Starts that come to nothing, and leave nothing.
    @Suite struct StartMountTests {
        private func failure(_ daemon: RunningDaemon) -> String {
            if case .failed(let failure) = daemon.answer { return failure.error.message }
            return "it is ready"
        }

        @Test func `a daemon whose crash would print memory refuses to start`() throws {
            var options = RunningDaemon.Options()
            options.environment = ["PATH=/usr/bin:/bin"]
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20), options)
            #expect(failure(daemon).contains("backtraces are not turned off"))
            #expect(daemon.waitForExit() == 1)
            #expect(!daemon.isMounted)
        }

        @Test func `a folder that is not there is told, and nothing stays`() throws {
            let volume = try TestVolume(bytes: 1 << 20)
            var options = RunningDaemon.Options()
            options.mountsOnMissingFolder = true
            let daemon = try RunningDaemon(volume, options)
            #expect(failure(daemon).contains("cannot be mounted on"))
            #expect(daemon.waitForExit() == 1)
            #expect(daemon.log.contains("cannot be mounted on"))
            #expect(unsafe access(daemon.controlPath, F_OK) == -1)
        }

        @Test func `the keys of sixteen threads fit into half of the locked memory for libcrypto`() throws {
            var options = RunningDaemon.Options()
            options.threadCount = 16
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20), options)
            try RawFile(daemon.path).write([1, 2, 3], at: 0)
            daemon.signal(SIGTERM)
            #expect(daemon.waitForExit() == 0)
            let words = daemon.log.split(separator: " ")
            let place = try #require(words.firstIndex(of: "most"))
            let peak = try #require(Int(words[place + 1]))
            #expect(peak > 10_000 && peak < 1 << 20)
        }

        @Test func `an order without a thread, or a geometry that there is not, is refused`() throws {
            var options = RunningDaemon.Options()
            options.threadCount = 0
            let idle = try RunningDaemon(TestVolume(bytes: 1 << 20), options)
            #expect(failure(idle).contains("1 to 64 threads"))
            #expect(idle.waitForExit() == 1)
            options = RunningDaemon.Options()
            options.cipherID = 0
            let plain = try RunningDaemon(TestVolume(bytes: 1 << 20), options)
            #expect(failure(plain).contains("geometry"), "there is no null cipher")
            #expect(plain.waitForExit() == 1)
        }

        @Test(arguments: [RunningDaemon.Stage.nothing, .order, .parameters, .halfOfTheKey])
        func `a starter that dies before the key is complete leaves nothing mounted`(
            _ stage: RunningDaemon.Stage
        ) throws {
            let volume = try TestVolume(bytes: 1 << 20)
            let status = try RunningDaemon.abandon(volume, after: stage)
            #expect(status == 1)
            let mounts = try RawFile("/proc/self/mounts", O_RDONLY).read(1 << 16, at: 0)
            #expect(!String(decoding: mounts, as: UTF8.self).contains(volume.folder))
        }
    }
}
