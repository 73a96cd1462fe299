internal import Glibc

/// The one verb of this program: it serves a file to be measured.
enum BenchServerMain {
    static func main() -> Never {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            if arguments.first == "serve", let server = BenchServer(Array(arguments.dropFirst())) {
                try server.serve()
            } else {
                complain("usage: CofferBenchServer serve BACKING DIR --cipher on|off --threads N")
                exit(2)
            }
        } catch {
            complain("\(error)")
            exit(1)
        }
        exit(0)
    }

    static func complain(_ sentence: String) {
        var line = Array("CofferBenchServer: \(sentence)\n".utf8)
        unsafe write(STDERR_FILENO, &line, line.count)
    }
}
