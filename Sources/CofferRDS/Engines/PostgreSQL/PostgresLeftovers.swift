internal import CofferShapes
internal import CofferSystem
internal import Glibc

extension PostgresCluster {
    /// Ends every process that works on the data folder, whoever has started it, and takes its lock away. Safe to repeat.
    func endLeftovers() async throws {
        exchange.refuseAll()
        // Fast, at once, and at any price.
        for (signal, seconds) in [(SIGINT, 15), (SIGQUIT, 5), (SIGKILL, 5)] {
            let found = leftovers()
            if found.isEmpty { break }
            // The first process ends its children itself.
            let first = found.filter { process in !found.contains { $0.id == process.parent } }
            for process in signal == SIGKILL ? found : first { kill(process.id, signal) }
            let deadline = ContinuousClock.now + .seconds(seconds)
            while !leftovers().isEmpty, ContinuousClock.now < deadline {
                exchange.refuseAll()
                for process in found { _ = ChildProcess.hasEnded(process.id) }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        guard leftovers().isEmpty else {
            throw AWSError(.internalError, "processes of PostgreSQL in \(site.data) do not end")
        }
        // It names a process that is no more, and may soon name another's.
        unsafe unlink("\(site.data)/postmaster.pid")
    }

    /// The processes that work on the data folder now.
    func servers() -> [Int32] { leftovers().map(\.id) }

    private struct Leftover {
        let id: Int32
        let parent: Int32
    }

    /// Processes of the user whose program is PostgreSQL's and who stand in the data folder, and those that run one of
    /// its commands. The folder's lock file is not asked: it may be stale, or unreadable.
    private func leftovers() -> [Leftover] {
        let names = (try? FolderNames.sorted(in: "/proc")) ?? []
        return names.compactMap { name in
            guard let id = Int32(name), id != getpid() else { return nil }
            var status = stat()
            guard unsafe stat("/proc/\(name)", &status) == 0, status.st_uid == user.id || status.st_uid == 0
            else {
                return nil
            }
            guard let fields = ProcessStat.fields(of: id), fields.count > 1, fields[0] != "Z",
                let parent = Int32(fields[1]), isServer(name) || isCommand(name)
            else { return nil }
            return Leftover(id: id, parent: parent)
        }
    }

    private func isServer(_ process: String) -> Bool {
        guard let program = Self.link("/proc/\(process)/exe"),
            program.split(separator: "/").last == "postgres",
            let folder = Self.link("/proc/\(process)/cwd")
        else { return false }
        return folder == site.data
    }

    private func isCommand(_ process: String) -> Bool {
        guard let words = TextFile.contents("/proc/\(process)/cmdline") else { return false }
        return words.hasPrefix("sh\0-c\0") && words.contains("f='\(exchange.folder)'/")
    }

    /// Where a link of the kernel's leads; a program that was replaced since is called so.
    private static func link(_ path: String) -> String? {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = unsafe room.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard count > 0 else { return nil }
        let text = String(decoding: room.prefix(count), as: UTF8.self)
        return text.hasSuffix(" (deleted)") ? String(text.dropLast(10)) : text
    }
}
