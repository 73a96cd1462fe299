/// The form of EC2's ids: a prefix, a dash, and 17 lower-case hex digits, or 8 as EC2 made them once.
enum ResourceIDForm {
    static func isMet(by text: String, prefix: String) -> Bool {
        guard text.hasPrefix(prefix + "-") else { return false }
        let digits = text.utf8.dropFirst(prefix.utf8.count + 1)
        return (digits.count == 8 || digits.count == 17)
            && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
