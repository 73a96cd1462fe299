internal import CofferShapes

// How IAM reads a form: its own error for what is missing, and its pages.
extension QueryForm {
    /// A parameter that the action cannot do without.
    func required(_ name: String) throws(AWSError) -> String {
        guard let text = parameters[name] else {
            let label = name.prefix(1).lowercased() + name.dropFirst()
            throw AWSError(
                .iamValidation,
                "1 validation error detected: Value null at '\(label)' failed to satisfy constraint: "
                    + "Member must not be null"
            )
        }
        return text
    }

    /// `Marker` and `MaxItems`, which is 1 to 1000.
    func page() throws(AWSError) -> Page {
        guard let text = parameters["MaxItems"] else { return Page(marker: parameters["Marker"]) }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw AWSError(
                .iamValidation,
                "1 validation error detected: Value '\(text)' at 'maxItems' failed to satisfy constraint: "
                    + (text.hasPrefix("-") || text == "0"
                        ? "Member must have value greater than or equal to 1"
                        : "Member must have value less than or equal to 1000")
            )
        }
        return Page(limit: limit, marker: parameters["Marker"])
    }
}
