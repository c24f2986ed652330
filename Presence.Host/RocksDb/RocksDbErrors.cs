using Presence.Core.State;
using RocksDbSharp;

namespace Presence.Host.RocksDb;

/// <summary>RocksDB's words, told apart: what is damaged must be rebuilt, everything else may pass.</summary>
internal static class RocksDbErrors
{
    public static StoreException Of(string what, RocksDbException e) =>
        new($"{what}: {e.Message}", e.Message.StartsWith("Corruption", StringComparison.OrdinalIgnoreCase), e);

    /// <summary>An iterator ends at what it cannot read as it does after the last entry: throws where that was so.</summary>
    public static void ThrowIfFailed(Iterator iterator)
    {
        Native.Instance.rocksdb_iter_get_error(iterator.Handle, out IntPtr error);
        if (error != IntPtr.Zero)
            throw new RocksDbException(error);
    }
}
