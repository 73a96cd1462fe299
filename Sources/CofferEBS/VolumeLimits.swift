internal import CofferCatalog
internal import CofferShapes

/// What each type of volume can be. (EC2 API reference, `CreateVolume`, "Size", "Iops", "Throughput".)
struct VolumeLimits {
    /// GiB.
    let size: ClosedRange<UInt64>
    let iops: ClosedRange<Int>?
    /// The most IOPS for each GiB; of gp3 whatever the size the least of its range.
    let iopsPerGiB: UInt64
    /// MiB/s.
    let throughput: ClosedRange<Int>?

    static func of(_ type: VolumeType) -> VolumeLimits {
        switch type {
        case .gp2: VolumeLimits(size: 1...16_384, iops: nil, iopsPerGiB: 0, throughput: nil)
        case .gp3:
            VolumeLimits(size: 1...65_536, iops: 3000...80_000, iopsPerGiB: 500, throughput: 125...2000)
        case .io1: VolumeLimits(size: 4...16_384, iops: 100...64_000, iopsPerGiB: 50, throughput: nil)
        case .io2: VolumeLimits(size: 4...65_536, iops: 100...256_000, iopsPerGiB: 1000, throughput: nil)
        case .st1, .sc1: VolumeLimits(size: 125...16_384, iops: nil, iopsPerGiB: 0, throughput: nil)
        case .standard: VolumeLimits(size: 1...1024, iops: nil, iopsPerGiB: 0, throughput: nil)
        }
    }

    /// A size as EBS counts it: a part of a GiB counts whole.
    static func gibibytes(_ bytes: UInt64) -> UInt64 { bytes >> 30 + (bytes & (1 << 30 - 1) == 0 ? 0 : 1) }

    /// What a volume of this type, size and performance is, defaults filled in; refuses what AWS does not make.
    static func shape(
        _ type: VolumeType,
        sizeBytes: UInt64,
        iops: Int?,
        throughput: Int?
    ) throws -> ModificationRecord.Shape {
        let limits = of(type)
        let size = gibibytes(sizeBytes)
        guard size >= limits.size.lowerBound else {
            throw refusal("Volume of \(size)GiB is too small; minimum is \(limits.size.lowerBound)GiB.")
        }
        guard size <= limits.size.upperBound else {
            throw refusal(
                "Volume of \(size)GiB is too large for volume type \(type.rawValue); maximum is "
                    + "\(limits.size.upperBound)GiB."
            )
        }
        let iops = try limits.iops(type, size, iops)
        return ModificationRecord.Shape(
            sizeBytes: sizeBytes,
            type: type,
            iops: iops,
            throughput: try limits.throughput(type, throughput, iops: iops)
        )
    }

    private func iops(_ type: VolumeType, _ size: UInt64, _ wanted: Int?) throws -> Int? {
        guard let range = iops else {
            guard wanted == nil else {
                throw AWSError(
                    .invalidParameterCombination,
                    "The parameter iops is not supported for \(type.rawValue) volumes."
                )
            }
            // What the type gives by its size. (EBS user guide, "General Purpose SSD volumes", gp2)
            return type == .gp2 ? Int(min(max(100, 3 * size), 16_000)) : nil
        }
        guard let count = wanted ?? (type == .gp3 ? range.lowerBound : nil) else {
            throw AWSError(
                .missingParameter,
                "The request must contain the parameter iops for \(type.rawValue) volumes."
            )
        }
        guard count >= range.lowerBound else {
            throw Self.refusal("Volume iops of \(count) is too low; minimum is \(range.lowerBound).")
        }
        guard count <= range.upperBound else {
            throw Self.refusal("Volume iops of \(count) is too high; maximum is \(range.upperBound).")
        }
        guard type == .gp3 && count == range.lowerBound || UInt64(count) <= size * iopsPerGiB else {
            throw Self.refusal(
                "Iops to volume size ratio of \(Self.ratio(count, size)) is too high; maximum is \(iopsPerGiB)"
            )
        }
        return count
    }

    private func throughput(_ type: VolumeType, _ wanted: Int?, iops: Int?) throws -> Int? {
        guard let range = throughput else {
            guard wanted == nil else {
                throw AWSError(
                    .invalidParameterCombination,
                    "The parameter throughput is not supported for \(type.rawValue) volumes."
                )
            }
            return nil
        }
        let count = wanted ?? range.lowerBound
        guard count >= range.lowerBound else {
            throw Self.refusal("Throughput of \(count) is too low; minimum is \(range.lowerBound).")
        }
        guard count <= range.upperBound else {
            throw Self.refusal("Throughput of \(count) is too high; maximum is \(range.upperBound).")
        }
        guard let iops, count * 4 <= iops else {
            throw Self.refusal(
                "Throughput (MiBps) to iops ratio of \(Self.ratio(count, UInt64(iops ?? 1))) is too high; maximum is "
                    + "0.250000 MiBps per iops."
            )
        }
        return count
    }

    private static func refusal(_ words: String) -> AWSError { AWSError(.invalidParameterValue, words) }

    /// With six digits behind the point, as AWS writes it.
    private static func ratio(_ count: Int, _ size: UInt64) -> String {
        let millionths = UInt64(count) * 1_000_000 / max(1, size)
        let fraction = String(millionths % 1_000_000)
        return "\(millionths / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}
