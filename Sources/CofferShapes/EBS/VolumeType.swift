/// The types of a volume. (EC2 API reference, `CreateVolume`, "VolumeType".)
public enum VolumeType: String, Sendable, Codable, CaseIterable {
    case standard, gp2, gp3, io1, io2, st1, sc1
}
