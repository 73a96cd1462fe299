/// What /proc/PID/stat tells of a process (proc(5)).
package enum ProcessStat {
    /// Its fields from the third on, which is the state; nil without such a process.
    package static func fields(of processID: Int32) -> [Substring]? {
        // The second field is the name in parentheses, which may hold anything.
        guard let text = TextFile.contents("/proc/\(processID)/stat"), let end = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }
}
