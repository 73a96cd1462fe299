internal import CofferShapes

/// `Filters`: a resource has to meet each of them, with one of its values. Their values are taken as they are, in any case.
/// (RDS API reference, `Filter`)
struct RDSFilters {
    private var values: [String: Set<String>] = [:]

    init(_ filters: [RDSArguments], knowing names: Set<String>) throws(AWSError) {
        for filter in filters {
            let name = try filter.requiredText("Name")
            guard names.contains(name) else {
                throw AWSError(.invalidParameterValue, "Unrecognized filter name: \(name.prefix(100))")
            }
            let wanted = Set((filter.texts("Values") ?? []).map { $0.lowercased() })
            guard !wanted.isEmpty else {
                throw AWSError(.invalidParameterValue, "The filter \(name) has no values.")
            }
            guard values.updateValue(wanted, forKey: name) == nil else {
                throw AWSError(.invalidParameterValue, "The filter \(name) is there twice.")
            }
        }
    }

    /// Whether one of what the resource is called stands among the filter's values; so it is where there is no such filter.
    func meets(_ name: String, _ found: String...) -> Bool {
        guard let wanted = values[name] else { return true }
        return found.contains { wanted.contains($0.lowercased()) }
    }
}
