/// A secret for what a bench sets up and takes away again.
enum Passphrase {
    /// 256 bits as 64 hexadecimal digits, which no program's syntax takes for anything else.
    static func random() -> String {
        let digits = Array("0123456789abcdef")
        var generator = SystemRandomNumberGenerator()
        return String((0..<64).map { _ in digits[Int.random(in: 0..<16, using: &generator)] })
    }
}
