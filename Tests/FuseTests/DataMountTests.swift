internal import CLinux
internal import CofferBlock
internal import CofferControl
internal import CofferTesting
internal import Glibc
internal import Testing

extension MountTests {
    /// What goes in comes out, and only ciphertext reaches the store.
    @Suite struct DataMountTests {
        /// COFFER_MODEL_OPERATIONS asks for more.
        static let operations: Int = {
            guard let text = unsafe getenv("COFFER_MODEL_OPERATIONS") else { return 2000 }
            return unsafe Int(String(cString: text)) ?? 2000
        }()

        @Test(arguments: [(512, .cached), (4096, .cached), (4096, .direct)] as [(Int, BackingIO)])
        func `random unaligned operations agree with a plain file`(
            dataUnitBytes: Int,
            backingIO: BackingIO
        ) throws {
            let size = 8 << 20
            let volume = try TestVolume(bytes: UInt64(size), dataUnitBytes: dataUnitBytes, seed: 11)
            var options = RunningDaemon.Options()
            options.backingIO = backingIO
            options.threadCount = nil
            let daemon = try RunningDaemon(volume, options)
            #expect(try daemon.status().backingIO == backingIO)
            let file = try RawFile(daemon.path)
            let modelPath = "\(volume.folder)/model"
            let model = try RawFile(modelPath, O_RDWR | O_CREAT)
            defer { unsafe unlink(modelPath) }
            try model.truncate(size)
            var generator = SeededGenerator(seed: UInt64(dataUnitBytes))
            for step in 0..<Self.operations {
                let offset = Int.random(in: 0..<size, using: &generator)
                let count = min(Int.random(in: 1...10_240, using: &generator), size - offset)
                switch Int.random(in: 0..<20, using: &generator) {
                case 0..<10:
                    let bytes = generator.bytes(count)
                    #expect(try file.write(bytes, at: offset) == count)
                    try model.write(bytes, at: offset)
                case 10..<16:
                    #expect(try file.read(count, at: offset) == model.read(count, at: offset), "step \(step)")
                case 16:
                    try file.sync()
                case 17..<19:
                    let long = min(count * 20, size - offset)
                    try file.punch(at: offset, count: long)
                    try model.punch(at: offset, count: long)
                default:
                    try file.zero(at: offset, count: count)
                    try model.zero(at: offset, count: count)
                }
            }
            let expected = try model.read(size, at: 0)
            var read: [UInt8] = []
            while read.count < size { read += try file.read(1 << 20, at: read.count) }
            #expect(read == expected)
            #expect(
                try volume.decryptBacking() == expected,
                "the store holds the same under the volume's key"
            )
        }

        @Test func `the mount shows one file of exactly the volume's size, which is its user's alone`() throws
        {
            let volume = try TestVolume(bytes: (5 << 20) + 4096)
            let daemon = try RunningDaemon(volume)
            var status = stat()
            #expect(unsafe stat(daemon.path, &status) == 0)
            #expect(status.st_size == (5 << 20) + 4096)
            #expect(status.st_mode == S_IFREG | 0o600)
            #expect(status.st_uid == geteuid())
            #expect(Int(status.st_blocks) == Int(status.st_size) / 512)
            #expect(Self.names(in: daemon.directory) == [".", "..", "volume"])
            #expect(throws: RawFile.Failure(errno: ENOENT)) {
                _ = try RawFile("\(daemon.directory)/other", O_RDONLY)
            }
            let mounts = try RawFile("/proc/self/mounts", O_RDONLY).read(1 << 16, at: 0)
            let line = String(decoding: mounts, as: UTF8.self).split(separator: "\n")
                .first { $0.contains(daemon.directory) }
            #expect(line?.hasPrefix("coffer:\(daemon.volumeID) \(daemon.directory) fuse.coffer rw") == true)
            #expect(line?.contains("allow_other") == false)
        }

        private static func names(in directory: String) -> [String] {
            guard let folder = unsafe opendir(directory) else { return [] }
            defer { unsafe closedir(folder) }
            var names: [String] = []
            while let entry = unsafe readdir(folder) {
                unsafe names.append(
                    withUnsafePointer(to: &entry.pointee.d_name) { name in
                        unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                            unsafe String(cString: $0)
                        }
                    }
                )
            }
            return names.sorted()
        }

        @Test func `direct I/O of large and of single units is served`() throws {
            let volume = try TestVolume(bytes: 16 << 20)
            let daemon = try RunningDaemon(volume)
            let file = try RawFile(daemon.path, O_RDWR | RawFile.direct)
            let count = 4 << 20
            // Aligned memory, as O_DIRECT asks for.
            var memory = PageBuffer(count: count)
            var generator = SeededGenerator(seed: 3)
            let bytes = generator.bytes(count)
            memory.withMutableBytes(at: 0, count: count) { span in
                unsafe span.withUnsafeMutableBytes { buffer in unsafe buffer.copyBytes(from: bytes) }
            }
            for (start, length) in [(0, count), (8 << 20, 4096), ((8 << 20) + 12288, 1 << 20)] {
                let put = memory.withBytes(at: 0, count: length) { span in
                    unsafe span.withUnsafeBytes {
                        unsafe pwrite(file.descriptor, $0.baseAddress, length, start)
                    }
                }
                #expect(put == length)
                #expect(try RawFile(daemon.path).read(length, at: start) == Array(bytes.prefix(length)))
            }
            let got = memory.withMutableBytes(at: 0, count: count) { span in
                unsafe span.withUnsafeMutableBytes {
                    unsafe pread(file.descriptor, $0.baseAddress, count, 12 << 20)
                }
            }
            #expect(got == count, "up to the end")
        }

        @Test func `threads that write in different and in shared units do not disturb each other`() throws {
            let volume = try TestVolume(bytes: 4 << 20)
            let daemon = try RunningDaemon(volume)
            let path = daemon.path
            let problems = inParallel(4) { index in
                let file = try RawFile(path)
                var generator = SeededGenerator(seed: UInt64(index))
                for round in 0..<300 {
                    // A shared unit, where each thread owns 500 bytes, then a run of its own.
                    let own = generator.bytes(500)
                    try file.write(own, at: 4096 + index * 500)
                    let run = generator.bytes(20_000)
                    try file.write(run, at: (index + 1) * 500_000)
                    if try file.read(500, at: 4096 + index * 500) != own { return "round \(round): torn" }
                    if try file.read(run.count, at: (index + 1) * 500_000) != run {
                        return "round \(round): lost"
                    }
                }
                return nil
            }
            #expect(problems == [])
        }

        @Test
        func `a file that was never written is sparse and reads as zeroes, and discard gives room back`()
            throws
        {
            let volume = try TestVolume(bytes: 32 << 20)
            let daemon = try RunningDaemon(volume)
            let file = try RawFile(daemon.path)
            #expect(try file.read(1 << 20, at: 12345) == [UInt8](repeating: 0, count: 1 << 20))
            let backing = try RawFile(volume.backingPath, O_RDONLY)
            #expect(backing.blocks == 0)
            try file.write([UInt8](repeating: 5, count: 1 << 20), at: 2 << 20)
            try file.sync()
            #expect(backing.blocks >= 2048)
            try file.punch(at: 0, count: 32 << 20)
            #expect(backing.blocks == 0)
            #expect(try file.read(1 << 20, at: 2 << 20) == [UInt8](repeating: 0, count: 1 << 20))
        }

        @Test func `a volume that hides its holes takes room for what is discarded`() throws {
            let volume = try TestVolume(bytes: 4 << 20)
            var options = RunningDaemon.Options()
            options.punchesHoles = false
            let daemon = try RunningDaemon(volume, options)
            let file = try RawFile(daemon.path)
            try file.punch(at: 1 << 20, count: 2 << 20)
            #expect(try file.read(3 << 20, at: 0).allSatisfy { $0 == 0 })
            try file.sync()
            #expect(try RawFile(volume.backingPath, O_RDONLY).blocks >= 4096)
        }

        @Test func `requests past the end are cut or refused, and the file keeps its size`() throws {
            let size = 1 << 20
            let daemon = try RunningDaemon(TestVolume(bytes: UInt64(size)))
            let file = try RawFile(daemon.path)
            #expect(try file.write([UInt8](repeating: 1, count: 8192), at: size - 4000) == 4000)
            #expect(throws: RawFile.Failure(errno: ENOSPC)) { try file.write([1], at: size) }
            #expect(throws: RawFile.Failure(errno: ENOSPC)) { try file.write([1], at: size + 5_000_000) }
            #expect(try file.read(8192, at: size - 4000).count == 4000)
            #expect(try file.read(10, at: size + 100).isEmpty)
            #expect(throws: RawFile.Failure(errno: EFBIG)) { try file.allocate(0, at: size - 10, count: 20) }
            #expect(throws: RawFile.Failure(errno: EFBIG)) {
                try file.allocate(CLINUX_FALLOC_ZERO_RANGE, at: size - 10, count: 20)
            }
            #expect(throws: RawFile.Failure(errno: EOPNOTSUPP)) { try file.allocate(0, at: 0, count: 20) }
            try file.punch(at: size - 10, count: 100_000)
            #expect(throws: RawFile.Failure(errno: EPERM)) { try file.truncate(size - 1) }
            #expect(throws: RawFile.Failure(errno: EPERM)) { try file.truncate(size + 1) }
            try file.truncate(size)
            #expect(throws: RawFile.Failure(errno: EPERM)) { _ = try RawFile(daemon.path, O_RDWR | O_TRUNC) }
            var status = stat()
            #expect(unsafe stat(daemon.path, &status) == 0 && status.st_size == size)
            #expect(try daemon.status().openCount == 1, "an open that was refused does not count")
        }

        @Test func `the file cannot be removed, renamed, given away or joined by another`() throws {
            let daemon = try RunningDaemon(TestVolume(bytes: 1 << 20))
            let (path, other) = (daemon.path, "\(daemon.directory)/other")
            func code(_ result: Int32) -> Int32 { result == 0 ? 0 : errno }
            #expect(unsafe code(unlink(path)) == EPERM)
            #expect(unsafe code(rename(path, other)) == EPERM)
            #expect(unsafe code(mkdir(other, 0o700)) == EPERM)
            #expect(unsafe code(link(path, other)) == EPERM)
            #expect(unsafe code(symlink(path, other)) == EPERM)
            #expect(unsafe code(chmod(path, 0o644)) == EPERM)
            #expect(unsafe code(chown(path, 1, 1)) == EPERM)
            #expect(throws: RawFile.Failure(errno: EPERM)) { _ = try RawFile(other, O_RDWR | O_CREAT) }
            #expect(unsafe code(utimes(path, nil)) == 0)
            #expect(unsafe code(access(path, R_OK | W_OK)) == 0)
        }

        @Test func `a read-only attachment refuses every change`() throws {
            let volume = try TestVolume(bytes: 1 << 20)
            do {
                let daemon = try RunningDaemon(volume)
                try RawFile(daemon.path).write([1, 2, 3], at: 10)
                daemon.signal(SIGTERM)
                #expect(daemon.waitForExit() == 0)
            }
            var options = RunningDaemon.Options()
            options.isReadOnly = true
            let daemon = try RunningDaemon(volume, options)
            var status = stat()
            #expect(unsafe stat(daemon.path, &status) == 0 && status.st_mode == S_IFREG | 0o400)
            let file = try RawFile(daemon.path, O_RDONLY)
            #expect(try file.read(3, at: 10) == [1, 2, 3])
            try file.sync()
            #expect(throws: RawFile.Failure(errno: EROFS)) { _ = try RawFile(daemon.path, O_RDWR) }
            #expect(throws: RawFile.Failure(errno: EROFS)) {
                _ = try RawFile(daemon.path, O_WRONLY | O_TRUNC)
            }
            #expect(unsafe unlink(daemon.path) == -1 && errno == EROFS)
        }
    }
}
