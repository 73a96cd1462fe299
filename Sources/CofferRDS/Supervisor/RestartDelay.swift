/// How long is waited before an engine that fails again and again is started again: twice as long each time, up to half
/// a minute. One that has run for a minute begins anew.
struct RestartDelay {
    private var delay = Duration.milliseconds(100)
    private var last: ContinuousClock.Instant?

    mutating func next() -> Duration {
        let now = ContinuousClock.now
        if let last, now - last > .seconds(60) { delay = .milliseconds(100) }
        last = now
        defer { delay = min(delay * 2, .seconds(30)) }
        return delay
    }
}
