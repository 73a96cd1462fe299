internal import CofferShapes
internal import CofferSystem
internal import Foundation

/// Coffer's volume beside other ways to encrypt, all serving at once from files on one disk.
public struct PeersBench {
    /// What `--load` may name.
    public static let loadNames = loads.map(\.name) + SQLCipherBench.Work.allCases.map(\.rawValue)

    private let settings: BenchSettings
    private let program: String
    private let voice: BenchVoice
    private let pageCache: PageCache

    /// `program` is the path of `coffer`.
    public init(_ settings: BenchSettings, program: String, voice: BenchVoice) {
        (self.settings, self.program, self.voice) = (settings, program, voice)
        pageCache = PageCache(notice: voice.notice)
    }

    private static let loads: [Load] =
        [Load.Direction.read, .write].map { Load(.sequential, $0, blockBytes: 1 << 20, depth: 4) }
        + [1, 16].flatMap { depth in
            [Load.Direction.read, .write].map { Load(.random, $0, blockBytes: 4096, depth: depth) }
        } + [
            Load(.random, .write, blockBytes: 4096, depth: 1, isDirect: false, durability: .eachWrite)
        ]

    public func run() throws -> Measurement {
        let loads = Self.loads.filter { settings.names($0.name) }
        let works = SQLCipherBench.Work.allCases.filter { settings.names($0.rawValue) }
        let peers = Peer.all.filter { $0.programs.missingPackages.isEmpty }
        let engine = try LoadEngines.choose(own: settings.usesOwnEngine)
        PeerPackages.absences.forEach(voice.notice)
        var tables: [Measurement.Table] = []
        var notes: [Measurement.Labelled] = []
        if !loads.isEmpty {
            try Scratch.use(in: settings.backing, complain: voice.notice) { scratch in
                let passphraseFile = try Self.passphraseFile(scratch)
                let subjects =
                    try [coffer(scratch)] + peers.compactMap { try serve($0, passphraseFile, scratch) }
                for subject in subjects {
                    if let cipher = subject.cipher { notes.append(.init(subject.name, cipher)) }
                }
                notes += subjects.filter { !$0.takesDirect }.map {
                    .init($0.name, "takes no direct I/O: loaded through the page cache, and at depth 1 alone")
                }
                if subjects.contains(where: { !$0.takesDirect }) {
                    notes.append(.init("caches", "dropped before each run at depth 1, whoever is loaded"))
                }
                tables.append(try measure(loads, subjects, engine))
            }
        }
        if !works.isEmpty, let bench = SQLCipherBench(settings, program: program, voice: voice) {
            do {
                tables.append(try bench.table(works))
            } catch let error as AWSError where !tables.isEmpty {
                voice.notice("SQLCipher is left out: \(error.message)")
            }
        }
        return Measurement(
            bench: "peers",
            date: Date(),
            machine: .current(versions: [.init("load", engine.title)] + PeerPackages.versions),
            settings: settings.labelled(
                [.init("backing", Filesystem.title(of: settings.backing))] + notes
            ),
            tables: tables
        )
    }

    // MARK: - Setting up

    private struct Subject {
        let name: String
        /// nil for Coffer.
        let cipher: String?
        let target: LoadTarget
        let takesDirect: Bool
        /// All that serve it.
        let processIDs: [Int32]
    }

    private func coffer(_ scratch: Scratch) throws -> Subject {
        voice.progress(0, "setting up Coffer")
        let home = ScratchHome(program: program, scratch: scratch)
        try home.create("peers", sizeBytes: settings.sizeBytes)
        let path = try home.attach("peers")
        return try subject("Coffer", cipher: nil, path, server: try home.daemon(of: "peers"))
    }

    /// A new one, in a file for the owner alone.
    private static func passphraseFile(_ scratch: Scratch) throws -> String {
        let path = try scratch.sparseFile("passphrase", sizeBytes: 0)
        try Data(Passphrase.random().utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// nil where it does not start here, which `voice` tells: the others can be compared without it.
    private func serve(_ peer: Peer, _ passphraseFile: String, _ scratch: Scratch) throws -> Subject? {
        voice.progress(0, "setting up \(peer.name)")
        let place = PeerPlace(
            scratch: scratch,
            name: peer.name.filter(\.isLetter),
            passphraseFile: passphraseFile,
            sizeBytes: settings.sizeBytes
        )
        do {
            return try scratch.undoingAtFailure(voice.notice) {
                let file = try peer.serve(place)
                return try subject(peer.name, cipher: peer.cipher, file.path, server: file.serverID)
            }
        } catch let error as AWSError {
            voice.notice("\(peer.name) is left out: \(error.message)")
            return nil
        }
    }

    private func subject(
        _ name: String,
        cipher: String?,
        _ path: String,
        server: Int32
    ) throws -> Subject {
        voice.progress(0, "filling \(name)")
        try Noise.fill(path, sizeBytes: settings.sizeBytes)
        let target = LoadTarget(path: path, sizeBytes: settings.sizeBytes)
        return Subject(
            name: name,
            cipher: cipher,
            target: target,
            takesDirect: target.takesDirect,
            processIDs: try ProcessFigures.family(of: server)
        )
    }

    // MARK: - Measuring

    private func measure(
        _ loads: [Load],
        _ subjects: [Subject],
        _ engine: any LoadEngine
    ) throws -> Measurement.Table {
        // Once before, uncounted, in place of a warm-up in each run, whose processor time could not be told apart.
        for subject in subjects {
            voice.progress(0, "warming up \(subject.name)")
            for load in loads.compactMap({ $0.onFile(takesDirect: subject.takesDirect) }) {
                _ = try run(load, subject, engine, milliseconds: 200)
            }
        }
        let rounds = Rounds(settings.rounds, lines: loads.map { .init($0) }, subjects: subjects.map(\.name))
        let rows = try rounds.run(progress: voice.progress) { line, subject in
            let own = subjects[subject]
            guard let load = loads[line].onFile(takesDirect: own.takesDirect) else { return nil }
            // Once one goes through the page cache all begin without it: all are cold, or all are warm.
            if subjects.contains(where: { loads[line].onFile(takesDirect: $0.takesDirect) != loads[line] }) {
                pageCache.drop(own.target.path)
            }
            let before = try processorSeconds(own)
            let result = try run(load, own, engine, milliseconds: settings.seconds * 1000)
            let seconds = try processorSeconds(own) - before
            return Rounds.Sample(
                value: result.rate(of: load),
                latency: result.latency,
                details: [("processor s/GiB", seconds / (Double(result.byteCount) / Double(1 << 30)))]
            )
        }
        return Measurement.Table(
            title: "A file that is encrypted",
            subjects: subjects.map(\.name),
            rows: rows
        )
    }

    private func run(
        _ load: Load,
        _ subject: Subject,
        _ engine: any LoadEngine,
        milliseconds: Int
    ) throws -> LoadResult {
        try engine.run(
            load,
            on: subject.target,
            for: RunTime(milliseconds: milliseconds, warmUpMilliseconds: 0)
        )
    }

    private func processorSeconds(_ subject: Subject) throws -> Double {
        try subject.processIDs.map(ProcessFigures.processorSeconds).reduce(0, +)
    }
}
