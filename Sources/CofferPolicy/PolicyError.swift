public import CofferJSON

/// Why a text is no policy, and where: the place in the text, and the way to it through the elements, such as
/// `Statement[1].Condition.StringEquals` (empty for the document as a whole).
public struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    public let sentence: String
    public let place: JSONPlace
    public let path: String
    /// The text is a policy in all but this: it names a principal that cannot be.
    public let isAboutPrincipal: Bool

    public init(_ sentence: String, at place: JSONPlace, path: String, isAboutPrincipal: Bool = false) {
        (self.sentence, self.place, self.path) = (sentence, place, path)
        self.isAboutPrincipal = isAboutPrincipal
    }

    public var description: String {
        path.isEmpty ? "\(place): \(sentence)" : "\(place), \(path): \(sentence)"
    }
}
