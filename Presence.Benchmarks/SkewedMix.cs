using System.Globalization;
using System.Text;
using Presence.Core.Log;

namespace Presence.Benchmarks;

/// <summary>Loads in which some have much more than others.</summary>
internal static class SkewedMix
{
    /// <summary>The usual mix, with such names of the devices that a share of them falls to partition 0.</summary>
    public static RecordMix HotPartition(int seed, int partitions, double share) => new(seed, RecordMix.DefaultVenues, RecordMix.DefaultStart, name: id => Name(id, partitions, share));

    /// <summary>The usual mix, and after each of its probes one of the same device.</summary>
    public static ILoad HotKey(int seed) => new Doubled(new RecordMix(seed, RecordMix.DefaultVenues, RecordMix.DefaultStart));

    /// <summary>The partition of the device that <see cref="HotKey"/> adds.</summary>
    public static int PartitionOfHotKey(int partitions) => Partitioner.Of(Doubled.Key, partitions);

    // Another beginning of the name until the partition is the one it should be.
    private static string Name(long id, int partitions, double share)
    {
        bool hot = id % 100 < share * 100;
        string name = RecordMix.Name(id);
        for (uint attempt = 0; (Partitioner.Of(Encoding.ASCII.GetBytes(name), partitions) == 0) != hot; attempt++)
            name = string.Create(CultureInfo.InvariantCulture, $"{attempt:x8}{name.AsSpan(8)}");
        return name;
    }

    private sealed class Doubled(RecordMix mix) : ILoad
    {
        private const string Device = "hot-device";
        private bool _hot;

        public static byte[] Key { get; } = Encoding.ASCII.GetBytes(Device);

        public long Now => mix.Now;

        public void Next(ILoad.Receiver take)
        {
            if (_hot)
                take("probes", Key, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"device\":\"{Device}\",\"business\":\"business-0\",\"venue\":\"venue-0\",\"ap\":\"ap-0\",\"rssi\":-50,\"at\":{mix.Now}}}")), mix.Now);
            else
                mix.Next(take);
            _hot = !_hot;
        }
    }
}
