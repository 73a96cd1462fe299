internal import CofferCatalog
internal import CofferControl
internal import CofferShapes

/// How fast EBS lets each type of volume be. (EBS user guide, "Amazon EBS volume types": baseline and burst performance.)
enum VolumeRates {
    private static let mebibyte = 1_048_576.0
    /// Of a bucket that is not to burst: what passes at once, of a second's worth.
    private static let evenShare = 0.1

    static func of(_ volume: ModificationRecord.Shape) -> RateLimits {
        let size = Double(VolumeLimits.gibibytes(volume.sizeBytes))
        let iops = Double(volume.iops ?? 100)
        switch volume.type {
        case .gp3: return solid(iops: iops, throughput: Double(volume.throughput ?? 125))
        case .gp2: return gp2(iops: iops, size: size)
        case .io1: return solid(iops: iops, throughput: iops <= 32_000 ? min(iops / 4, 500) : iops / 64)
        case .io2: return solid(iops: iops, throughput: min(iops / 4, 4000))
        case .st1: return disk(size: size, baseline: 40, burst: 250, most: 500)
        case .sc1: return disk(size: size, baseline: 12, burst: 80, most: 250)
        case .standard: return solid(iops: 200, throughput: 90)
        }
    }

    private static func even(_ perSecond: Double) -> RateLimits.Bucket {
        RateLimits.Bucket(perSecond: perSecond, capacity: max(1, perSecond * evenShare))
    }

    private static func solid(iops: Double, throughput: Double) -> RateLimits {
        RateLimits(
            operationBytes: 256 << 10,
            operations: [even(iops)],
            bytes: [even(throughput * mebibyte)]
        )
    }

    /// Small ones have credits for 5.4 million operations at 3000 IOPS.
    private static func gp2(iops: Double, size: Double) -> RateLimits {
        let sustained =
            iops < 3000
            ? [RateLimits.Bucket(perSecond: iops, capacity: 5_400_000), even(3000)] : [even(iops)]
        return RateLimits(
            operationBytes: 256 << 10,
            operations: sustained,
            bytes: [even((size <= 170 ? 128 : 250) * mebibyte)]
        )
    }

    /// MiB/s for each TiB, with credits for a TiB of data for each.
    private static func disk(size: Double, baseline: Double, burst: Double, most: Double) -> RateLimits {
        let tebibytes = size / 1024
        return RateLimits(
            operationBytes: 1 << 20,
            operations: [even(most)],
            bytes: [
                RateLimits.Bucket(
                    perSecond: min(baseline * tebibytes, most) * mebibyte,
                    capacity: tebibytes * 1_099_511_627_776
                ),
                even(min(burst * tebibytes, most) * mebibyte),
            ]
        )
    }
}
