internal import Foundation
internal import Glibc

/// What a test sees from outside: processes, mounts, files at offsets.
public enum Daemons {
    /// The process id of the `coffer-volumed` that serves a volume, from the process table.
    public static func processID(volume: String) -> Int32? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.first { processID in
            guard let command = FileManager.default.contents(atPath: "/proc/\(processID)/cmdline") else {
                return false
            }
            let words = command.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.first?.hasSuffix("coffer-volumed") == true && words.contains(volume)
                && isAlive(processID)
        }
    }

    /// Whether the process runs: a zombie does not.
    public static func isAlive(_ processID: Int32) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return false }
        return text[text.index(after: end)...].split(separator: " ").first != "Z"
    }

    public static func signal(_ processID: Int32, _ signal: Int32) { _ = kill(processID, signal) }
}

public enum MountTable {
    public static func text() -> String {
        (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
    }

    /// The type of the filesystem mounted on a folder, nil where none is.
    public static func type(of directory: String) -> String? {
        text().split(separator: "\n").last { $0.split(separator: " ")[4] == directory }
            .flatMap { $0.split(separator: " - ").last?.split(separator: " ").first.map(String.init) }
    }
}

public enum SQLite {
    /// What `sqlite3 DATABASE STATEMENTS` prints, without the newline; throws where it fails.
    public static func run(_ database: String, _ statements: String) throws -> String {
        let outcome = try CofferProgram.execute("/usr/bin/sqlite3", [database, statements])
        guard outcome.code == 0 else { throw ProgramFailure(command: "sqlite3", outcome: outcome) }
        return outcome.line
    }
}

/// Whether the condition came true in time.
public func waits(seconds: Double, until condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else { return false }
        usleep(5000)
    }
    return true
}
