/// What all benches of files are told alike.
public struct BenchSettings: Sendable {
    public var rounds: Int
    /// How long a run lasts.
    public var seconds: Int
    /// The folder that scratch files are made in.
    public var backing: String
    /// Size of the files under load.
    public var sizeBytes: Int
    /// Names of the loads to run; none for all.
    public var loadNames: [String]
    /// The bench's own engine, also where fio is installed.
    public var usesOwnEngine: Bool

    public init(
        rounds: Int,
        seconds: Int,
        backing: String,
        sizeBytes: Int,
        loadNames: [String],
        usesOwnEngine: Bool
    ) {
        (self.rounds, self.seconds, self.backing) = (rounds, seconds, backing)
        (self.sizeBytes, self.loadNames, self.usesOwnEngine) = (sizeBytes, loadNames, usesOwnEngine)
    }

    var runTime: RunTime { RunTime(milliseconds: seconds * 1000) }

    func names(_ load: String) -> Bool { loadNames.isEmpty || loadNames.contains(load) }

    /// As a measurement keeps them.
    func labelled(_ more: [Measurement.Labelled] = []) -> [Measurement.Labelled] {
        [
            .init("rounds", "\(rounds)"), .init("seconds a run", "\(seconds)"),
            .init("size", "\(sizeBytes >> 20) MiB"),
        ] + more
    }
}

/// What a bench says while it runs.
public struct BenchVoice {
    /// The share done (0 to 1) and what comes now.
    public var progress: (_ share: Double, _ words: String) -> Void
    /// What a reader of the figures must know.
    public var notice: (_ words: String) -> Void

    public init(
        progress: @escaping (_ share: Double, _ words: String) -> Void,
        notice: @escaping (_ words: String) -> Void
    ) {
        (self.progress, self.notice) = (progress, notice)
    }
}
