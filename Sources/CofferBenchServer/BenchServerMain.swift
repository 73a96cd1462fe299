internal import Glibc

/// The two verbs of this program: one serves a file to be measured, the other sums up what was measured.
enum BenchServerMain {
    static func main() -> Never {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            if arguments.first == "serve", let server = BenchServer(Array(arguments.dropFirst())) {
                try server.serve()
            } else if arguments.first == "report", arguments.count == 2 {
                print(try BenchReport(folder: arguments[1]).table, terminator: "")
            } else {
                complain(
                    "usage: CofferBenchServer serve BACKING DIR --cipher on|off --threads N, or report FOLDER"
                )
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
