internal import CofferShapes
internal import Foundation

/// A file of results, whole or as it was before.
enum SavedFile {
    static func replace(_ path: String, _ contents: Data) throws {
        do {
            try contents.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw AWSError(
                .validation,
                "cannot write \(path): \(error.localizedDescription)",
                hint: "name a file in a folder that you may write to"
            )
        }
    }
}
