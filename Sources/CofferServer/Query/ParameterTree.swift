internal import CofferShapes

/// The parameters of a form by the parts of their names: `Filter.1.Value.2=x` is a text three levels below `Filter`.
struct ParameterTree {
    private(set) var text: String?
    private(set) var children: [String: ParameterTree] = [:]

    /// No parameter of EC2 or RDS is deeper, and no recursion over a tree is.
    private static let maximumDepth = 8

    /// Parameters that belong to the protocol and not to an action are left out.
    init(_ form: QueryForm) throws(AWSError) {
        for (name, value) in form.parameters where !Self.isOfProtocol(name) {
            let parts = name.split(
                separator: ".",
                maxSplits: Self.maximumDepth,
                omittingEmptySubsequences: false
            )
            guard parts.count <= Self.maximumDepth else { throw .unknownParameter(name) }
            insert(parts[...], value)
        }
    }

    private init() {}

    private mutating func insert(_ path: ArraySlice<Substring>, _ value: String) {
        guard let first = path.first else {
            text = value
            return
        }
        children[String(first), default: ParameterTree()].insert(path.dropFirst(), value)
    }

    /// A signature in the query has its parameters there too.
    private static func isOfProtocol(_ name: String) -> Bool {
        name == "Action" || name == "Version" || name.hasPrefix("X-Amz-")
    }
}
