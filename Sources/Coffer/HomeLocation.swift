public import CofferShapes
internal import Glibc

/// Where a home is and where its runtime state goes, before anything is opened.
public struct HomeLocation: Sendable, Equatable {
    /// The home's folder.
    public let path: String
    /// The folder that holds the runtime folders of all homes.
    public let runtimeBase: String

    /// `--home`, else COFFER_HOME, else /var/lib/coffer for root, else $XDG_DATA_HOME/coffer.
    public init(option: String?, environment: [String: String], isRoot: Bool) throws(AWSError) {
        let named = option ?? environment["COFFER_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        if let named {
            path = named
        } else if isRoot {
            path = "/var/lib/coffer"
        } else if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") {
            path = "\(data)/coffer"
        } else if let user = environment["HOME"], user.hasPrefix("/") {
            path = "\(user)/.local/share/coffer"
        } else {
            throw AWSError(
                .invalidParameterValue,
                "no home is given, and neither XDG_DATA_HOME nor HOME is set",
                hint: "name one with --home"
            )
        }
        if isRoot {
            runtimeBase = "/run/coffer"
        } else if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") {
            runtimeBase = "\(runtime)/coffer"
        } else {
            runtimeBase = "/tmp/coffer-\(geteuid())"
        }
    }
}
