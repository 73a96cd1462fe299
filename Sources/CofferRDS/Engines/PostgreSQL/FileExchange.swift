internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// How PostgreSQL's commands reach the archive's keys, which are Coffer's alone: a command leaves a file `NAME.store` or
/// `NAME.fetch` in a folder in memory and waits; the supervisor does what it says and leaves `NAME.done`, `NAME.missing`
/// or `NAME.failed`. A supervisor that dies meanwhile leaves the request to the next; the command gives up after two
/// minutes, and PostgreSQL runs it again.
struct FileExchange: Sendable {
    let folder: String
    let user: PostgresUser
    /// Where fetched files are put, on the volume; PostgreSQL's command moves them to their place.
    var fetched = ""

    enum Request: String, Sendable { case store, fetch }
    enum Answer: String, CaseIterable, Sendable { case done, missing, failed }

    private static let waitSeconds = 120

    func prepare() throws {
        try user.makeSharedFolder(folder)
        if !fetched.isEmpty { try user.makeSharedFolder(fetched) }
    }

    // MARK: - The supervisor's side

    /// The files that are asked for. What is no name of a log file is taken away.
    func requests(_ request: Request) throws -> [LogFileName] {
        let suffix = ".\(request.rawValue)"
        return try FolderNames.sorted(in: folder).compactMap { name in
            guard name.hasSuffix(suffix) else { return nil }
            guard let file = LogFileName(String(name.dropLast(suffix.count))) else {
                unsafe unlink("\(folder)/\(name)")
                return nil
            }
            return file
        }
    }

    func answer(_ file: LogFileName, _ request: Request, _ answer: Answer) throws {
        unsafe unlink("\(folder)/\(file.text).\(request.rawValue)")
        let path = "\(folder)/\(file.text).\(answer.rawValue)"
        unsafe unlink(path)
        try OwnedFile.make(path, [], for: user)
    }

    /// Tells everybody who waits that nothing comes.
    func refuseAll() {
        for request in [Request.store, .fetch] {
            for file in (try? requests(request)) ?? [] { try? answer(file, request, .failed) }
        }
    }

    // MARK: - PostgreSQL's side

    /// Ends with 0 once the file is in the archive.
    var storeCommand: String {
        wait(.store, "", done: "exit 0", missing: "exit 1", failed: "exit 1")
    }

    /// Ends with 0 once the file is in its place, with 1 where the archive has none, and with 127, which ends the
    /// recovery, where it has one that cannot be read.
    var fetchCommand: String {
        let source = Self.shellQuoted(fetched)
        return wait(
            .fetch,
            "p=\"$PWD/%p\"; ",
            done: "mv -f \(source)/%f \"$p\" && exit 0; exit 127",
            missing: "exit 1",
            failed: "exit 127"
        )
    }

    /// A command's words. It holds nothing of the volume while it waits: that may have to be unmounted.
    private func wait(
        _ request: Request,
        _ begin: String,
        done: String,
        missing: String,
        failed: String
    ) -> String {
        // A segment comes now and then, and while recovery fetches it waits for nothing else.
        let (pause, count) =
            request == .fetch ? ("0.02", Self.waitSeconds * 50) : ("0.1", Self.waitSeconds * 10)
        return begin + "f=\(Self.shellQuoted(folder))/%f; cd /; exec </dev/null >/dev/null 2>&1; "
            + "rm -f \"$f.done\" \"$f.missing\" \"$f.failed\"; : >\"$f.\(request.rawValue)\" || exit 1; i=0; "
            + "while [ $i -lt \(count) ]; do "
            + "if [ -e \"$f.done\" ]; then rm -f \"$f.done\"; \(done); fi; "
            + "if [ -e \"$f.missing\" ]; then rm -f \"$f.missing\"; \(missing); fi; "
            + "if [ -e \"$f.failed\" ]; then rm -f \"$f.failed\"; \(failed); fi; "
            + "sleep \(pause); i=$((i+1)); done; exit \(request == .fetch ? 127 : 1)"
    }

    /// In the quotes of a shell, and with a percent sign as PostgreSQL wants it.
    private static func shellQuoted(_ path: String) -> String {
        "'" + path.replacing("'", with: "'\\''").replacing("%", with: "%%") + "'"
    }
}

/// The name of a file of PostgreSQL's log: a segment, part of one, a timeline's history, or a backup's label.
struct LogFileName: Hashable, Comparable, Sendable {
    let text: String

    init?(_ text: String) {
        let pattern = #/[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history/#
        guard text.utf8.count <= 40, text.wholeMatch(of: pattern) != nil else { return nil }
        self.text = text
    }

    /// Where a whole segment ends in the log, which is one for all timelines; nil for other files. Segments are of 16 MiB.
    var end: UInt64? {
        guard text.utf8.count == 24, let high = UInt64(text.dropFirst(8).prefix(8), radix: 16),
            let low = UInt64(text.dropFirst(16), radix: 16)
        else { return nil }
        return (high << 32) + ((low &+ 1) << 24)
    }

    static func < (left: LogFileName, right: LogFileName) -> Bool { left.text < right.text }
}
