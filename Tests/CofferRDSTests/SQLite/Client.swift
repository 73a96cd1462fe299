internal import CofferShapes
internal import Foundation
internal import Testing

/// Processes that use a database as a program does: Python's sqlite3, or the `sqlite3` shell.
final class Client: Sendable {
    private let process: Process
    private let output: Pipe
    private let input: Pipe

    init(_ script: String, _ arguments: String...) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-u", "-c", script] + arguments
        (output, input) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardInput = input
        try process.run()
    }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    var isRunning: Bool { process.isRunning }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// The next line that it prints.
    func line() -> String {
        var bytes: [UInt8] = []
        while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != 10 {
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func say(_ line: String) { input.fileHandleForWriting.write(Data("\(line)\n".utf8)) }

    /// Waits for its end.
    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Runs a program to its end, which has to be a good one; gives what it printed.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let problem = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(text: String(decoding: problem, as: UTF8.self))
        }
        return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    struct Failure: Error { let text: String }

    /// What the `sqlite3` shell answers.
    @discardableResult
    static func sql(_ database: String, _ statements: String) throws -> String {
        try run("/usr/bin/sqlite3", ["-bail", "-cmd", ".timeout 5000", database, statements])
    }

    /// Opens the database and does what it is told, line by line: `sql STATEMENT` answers with the first row or the error,
    /// `end` ends.
    static let prompt = """
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=float(sys.argv[2]))
        for line in sys.stdin:
            try:
                row = db.execute(line.strip()).fetchone()
                print("ok" if row is None else "|".join(str(x) for x in row))
            except sqlite3.Error as error:
                print("error " + str(error))
        """

    /// Commits a row every few milliseconds, and with it a sum, until it is told to end. Prints at its end, for each row,
    /// its number and the times, in nanoseconds, before and after its commit.
    static let writer = """
        import sqlite3, sys, time, threading, random
        db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
        who, n, done = int(sys.argv[2]), 0, []
        ended = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        print("ready")
        while not ended.is_set():
            n += 1
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO t VALUES (?, ?, ?)", (who, n, random.randbytes(random.randrange(2000))))
            db.execute("UPDATE c SET n = n + 1")
            if n % 7 == 0: db.execute("DELETE FROM t WHERE rowid IN (SELECT rowid FROM t LIMIT 0)")
            before = time.time_ns()
            db.execute("COMMIT")
            done.append((n, before, time.time_ns()))
            time.sleep(0.003)
        for row in done: print(*row)
        print("end")
        """

    /// Checkpoints in every way, again and again.
    static let checkpointer = """
        import sqlite3, sys, time, threading
        db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0.02)
        ended = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        while not ended.is_set():
            for kind in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
                try: db.execute(f"PRAGMA wal_checkpoint({kind})").fetchone()
                except sqlite3.Error: pass
                time.sleep(0.01)
        """
}
